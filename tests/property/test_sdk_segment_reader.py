"""A reader that follows a segment by its offsets sees each durable frame once, whatever the disk refuses meanwhile."""

from __future__ import annotations

import errno
import os
import tempfile
from collections import Counter
from pathlib import Path
from unittest.mock import patch

from hypothesis import given
from hypothesis import strategies as st

from watchkeeper.sdk import Kind, SegmentWriter, frames, pack, segments

FULL = OSError(errno.ENOSPC, "No space left on device")
SYNCS = st.lists(
    st.tuples(
        st.integers(1, 4),  # how many frames
        st.none() | st.integers(0, 200),  # after how many bytes writing fails
        st.booleans(),  # whether syncing fails
        st.booleans(),  # whether cutting the file back fails too
    ),
    max_size=8,
)


class Reader:
    """Moves on in each segment behind the last whole frame, as the mover to the lake does."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.offsets: Counter[str] = Counter()
        self.seen: Counter[bytes] = Counter()

    def look(self) -> None:
        for path in segments(self.folder):
            for frame in frames(path.read_bytes(), self.offsets[path.name]):
                self.seen[frame.payload] += 1
                self.offsets[path.name] = frame.end


@given(SYNCS, st.integers(50, 400))
def test_a_reader_sees_every_durable_frame_once_and_others_at_most_once(syncs, roll):
    real_write = os.write
    with tempfile.TemporaryDirectory() as name:
        reader = Reader(Path(name))
        writer = SegmentWriter(Path(name), roll_bytes=roll)
        durable = []
        for number, (size, limit, sync_fails, cut_fails) in enumerate(syncs):
            left = limit

            def write(descriptor, data):
                nonlocal left
                if left is None:
                    return real_write(descriptor, data)
                if left == 0:
                    reader.look()
                    raise FULL
                done = real_write(descriptor, data[:left])
                left -= done
                reader.look()
                return done

            def sync(descriptor, fails=sync_fails):
                reader.look()
                if fails:
                    raise FULL

            payloads = [f"{number}-{frame}".encode() * 5 for frame in range(size)]
            for payload in payloads:
                last = writer.append(pack(Kind.EVENT, 1, payload))
            with patch("os.write", write), patch("os.fdatasync", sync):
                cut = patch("os.ftruncate", side_effect=FULL) if cut_fails else patch("os.ftruncate", os.ftruncate)
                with cut:
                    try:
                        writer.sync()
                        durable += payloads
                    except OSError:
                        pass
            assert writer.settled == last
        writer.close()
        reader.look()
        assert {payload: reader.seen[payload] for payload in durable} == dict.fromkeys(durable, 1)
        assert max(reader.seen.values(), default=1) == 1
