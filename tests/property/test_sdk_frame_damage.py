"""Whatever happens to a segment's bytes, it costs no more than the frames that it touches."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from watchkeeper.sdk import Corrupt, Kind, frames, pack

PAYLOADS = st.lists(
    st.tuples(st.sampled_from(Kind), st.integers(-(2**63), 2**63 - 1), st.binary(max_size=80)), min_size=1, max_size=6
)


def packed(parts):
    return b"".join(pack(*part) for part in parts)


def whole(data, offset=0):
    return [
        (frame.kind, frame.received, frame.payload) for frame in frames(data, offset) if not isinstance(frame, Corrupt)
    ]


@given(PAYLOADS)
def test_what_was_packed_is_read(parts):
    assert whole(packed(parts)) == parts


@given(PAYLOADS, st.data())
def test_any_flipped_bits_of_one_byte_lose_at_most_the_frame_it_is_in(parts, data):
    damaged = bytearray(packed(parts))
    place = data.draw(st.integers(0, len(damaged) - 1))
    damaged[place] ^= data.draw(st.integers(1, 255))
    hit = next(index for index, frame in enumerate(frames(packed(parts))) if frame.start <= place < frame.end)
    assert whole(bytes(damaged)) == parts[:hit] + parts[hit + 1 :]
    if hit < len(parts) - 1:
        assert sum(isinstance(frame, Corrupt) for frame in frames(bytes(damaged))) == 1


@given(PAYLOADS, st.data())
def test_a_file_cut_anywhere_keeps_all_frames_that_are_whole(parts, data):
    length = data.draw(st.integers(0, len(packed(parts))))
    kept = [part for part, frame in zip(parts, frames(packed(parts)), strict=True) if frame.end <= length]
    assert whole(packed(parts)[:length]) == kept


@given(PAYLOADS, st.data())
def test_a_file_that_grows_is_read_from_the_last_end_without_loss_or_doubling(parts, data):
    bytes_of_all = packed(parts)
    seen, offset, length = [], 0, 0
    while length < len(bytes_of_all):
        length = data.draw(st.integers(length + 1, len(bytes_of_all)))
        for frame in frames(bytes_of_all[:length], offset):
            seen.append((frame.kind, frame.received, frame.payload))
            offset = frame.end
    assert seen == parts


@given(st.binary(max_size=300))
def test_noise_is_never_taken_for_a_frame_nor_does_it_hide_one(noise):
    frame = pack(Kind.EVENT, 1, b"payload")
    assert whole(frame + noise + frame)[-1] == (Kind.EVENT, 1, b"payload")
    assert whole(noise) == []
