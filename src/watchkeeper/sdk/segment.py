"""Segment: a file of frames that one writer appends to and nobody changes afterwards.

It is called `{writer:016x}-{number:08d}.wks`. Its writer holds an exclusive lock (flock) as long as it may append, and
the file appears under its name only when it is locked: whoever gets the lock knows that nobody writes any more.
"""

from __future__ import annotations

import fcntl
import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import NamedTuple

from watchkeeper.sdk.home import SEGMENTS
from watchkeeper.sdk.lifetime import tell_of_forks


def segments(folder: Path) -> list[Path]:
    """All segments of a folder, those of one writer in the order in which they were written."""
    return sorted(folder.glob(SEGMENTS))


def make_folder(folder: Path) -> None:
    """Make a folder, and those above it, so that they last."""
    if not folder.is_dir():
        make_folder(folder.parent)
        folder.mkdir(exist_ok=True)
        _sync_folder(folder.parent)


class Claim(NamedTuple):
    """A segment whose lock this process holds: its writer is done with it, or dead."""

    path: Path
    descriptor: int

    def release(self) -> None:
        """Give the lock back."""
        os.close(self.descriptor)


def claim(path: Path) -> Claim | None:
    """A segment's lock, unless somebody else holds it or the segment is gone."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        return None
    if _lock(descriptor) and os.fstat(descriptor).st_nlink > 0:
        return Claim(path, descriptor)
    os.close(descriptor)
    return None


@contextmanager
def claimed(path: Path) -> Iterator[bool]:
    """Hold a segment's lock for a while, if nobody else does: True means that nobody writes to it any more."""
    found = claim(path)
    try:
        yield found is not None
    finally:
        if found is not None:
            found.release()


class SegmentWriter:
    """Appends frames to segments of its own in one folder.

    It belongs to one process: after a fork the child has a new writer id, and what the parent had not yet written is
    the parent's alone. Any thread may call it, and `append` never waits for the disk. A `sync`, even of nothing,
    leaves a segment that is large or old enough, so that what was read can be deleted.
    """

    def __init__(self, folder: Path, roll_bytes: int = 64 << 20, roll_seconds: float = 3600.0) -> None:
        self.folder = folder
        self.roll_bytes = roll_bytes
        self.roll_seconds = roll_seconds
        self._begin()
        tell_of_forks(self)

    def append(self, frame: bytes) -> int:
        """Take a frame, which is durable after the next `sync`, and give its number among all frames taken."""
        with self._taking:
            self._buffer.append(frame)
            self._taken += 1
            return self._taken

    def sync(self) -> None:
        """After it returns, all that was appended before the call is durable.

        When the disk refuses, `OSError` is raised, the segment is cut back to what was durable before, and the frames
        up to number `settled` are gone; those that other threads appended meanwhile wait for the next call.
        """
        with self._writing:
            self._write_and_sync()
            if self._length >= self.roll_bytes or time.monotonic() - self._opened >= self.roll_seconds:
                self._leave()

    def close(self) -> None:
        """Sync, and give up the segment; a later append starts the next one."""
        with self._writing:
            try:
                self._write_and_sync()
            finally:
                self._leave()

    def begin_in_child(self) -> None:
        """After a fork: leave the segment to the parent, without unlocking it, since both share one lock."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
        self._begin()

    def _begin(self) -> None:
        """Start as a writer that has written nothing."""
        self.writer = int.from_bytes(os.urandom(8), "big")
        self.number = 0
        self.settled = 0
        """The number of the last frame of which it is decided whether it is durable or gone."""
        self._taking = threading.Lock()
        self._writing = threading.Lock()
        self._buffer: list[bytes] = []
        self._taken = 0
        self._descriptor = -1
        self._length = 0
        self._opened = 0.0

    def _write_and_sync(self) -> None:
        with self._taking:
            buffer, self._buffer = self._buffer, []
            taken = self._taken
        try:
            if buffer:
                self._write(b"".join(buffer), len(buffer[0]))
        finally:
            self.settled = taken

    def _write(self, data: bytes, first: int) -> None:
        if self._descriptor < 0:
            self._open()
        written = 0
        try:
            while written < len(data):
                written += os.write(self._descriptor, data[written:] if written else data)
            _sync_data(self._descriptor)
        except OSError:
            # A reader may have taken whole frames already, so these offsets must never hold anything else.
            self._withdraw(reuse=written < first)
            raise
        self._length += len(data)

    def _withdraw(self, reuse: bool) -> None:
        """Cut the segment back to what is durable, so that never half a frame stands in its middle."""
        try:
            os.ftruncate(self._descriptor, self._length)
        except OSError:
            reuse = False  # half a frame at the very end is a torn tail, which readers cut
        if not reuse:
            self._leave()

    def _open(self) -> None:
        name = f"{self.writer:016x}-{self.number:08d}.wks"
        hidden = self.folder / f".{name}"
        descriptor = os.open(hidden, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND | os.O_CLOEXEC, 0o640)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            hidden.rename(self.folder / name)
            _sync_folder(self.folder)
        except OSError:
            os.close(descriptor)
            hidden.unlink(missing_ok=True)
            raise
        self._descriptor, self._length, self._opened = descriptor, 0, time.monotonic()
        self.number += 1

    def _leave(self) -> None:
        if self._descriptor >= 0:
            fcntl.flock(self._descriptor, fcntl.LOCK_UN)
            os.close(self._descriptor)
        self._descriptor, self._length = -1, 0


def _lock(descriptor: int) -> bool:
    with suppress(BlockingIOError):
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return True
    return False


def _sync_data(descriptor: int) -> None:
    """Bring a file's bytes to the disk; `fdatasync` spares the access times where there is one."""
    getattr(os, "fdatasync", os.fsync)(descriptor)


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
