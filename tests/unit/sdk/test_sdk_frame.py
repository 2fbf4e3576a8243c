from __future__ import annotations

import mmap

import pytest

from watchkeeper.sdk import Corrupt, Kind, frames, pack

PARTS = [pack(Kind.EVENT, 5, b"one"), pack(Kind.LABEL, -6, b""), pack(Kind.SERVICE, 2**62, b"three" * 100)]


def test_frames_are_read_as_they_were_packed():
    found = list(frames(b"".join(PARTS)))
    assert [(frame.kind, frame.received, frame.payload) for frame in found] == [
        (Kind.EVENT, 5, b"one"),
        (Kind.LABEL, -6, b""),
        (Kind.SERVICE, 2**62, b"three" * 100),
    ]
    assert [frame.end for frame in found] == [frame.start for frame in found[1:]] + [sum(map(len, PARTS))]


def test_reading_resumes_at_the_end_of_any_frame():
    data = b"".join(PARTS)
    assert list(frames(data, offset=len(PARTS[0]))) == list(frames(data))[1:]


def test_a_torn_tail_is_cut_and_nothing_before_it_is_lost():
    for cut in range(len(PARTS[2])):
        found = list(frames(PARTS[0] + PARTS[1] + PARTS[2][:cut]))
        assert [frame.payload for frame in found] == [b"one", b""]


def test_a_damaged_frame_is_told_and_the_next_one_is_read():
    damaged = bytearray(b"".join(PARTS))
    damaged[len(PARTS[0]) + 10] ^= 1
    first, corrupt, last = frames(bytes(damaged))
    assert corrupt == Corrupt(first.end, last.start)
    assert last.payload == b"three" * 100


@pytest.mark.parametrize("between", [b"noise", b"\xf5WK\xff", b"\0" * 1000, PARTS[0][:-1]])
def test_noise_between_frames_is_one_corrupt_span(between):
    found = list(frames(PARTS[0] + between + PARTS[1]))
    assert found[1] == Corrupt(len(PARTS[0]), len(PARTS[0]) + len(between))
    assert len(found) == 3


def test_a_memory_mapped_file_is_read_and_can_be_closed(tmp_path):
    path = tmp_path / "segment"
    path.write_bytes(b"".join(PARTS))
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
        assert [frame.received for frame in frames(data)] == [5, -6, 2**62]
