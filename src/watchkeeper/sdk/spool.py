"""Spool: segments on disk for what a server could not take yet, of this process and of dead ones."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Literal, NamedTuple

from watchkeeper.sdk.batch import BATCH_BYTES, Batch, joined
from watchkeeper.sdk.frame import Corrupt, frames
from watchkeeper.sdk.record import Kind, count
from watchkeeper.sdk.segment import Claim, SegmentWriter, claim, make_folder, segments

ASIDE = "aside"
PARTS = 16
"""A spool is written in segments of a sixteenth of its bound, so that the oldest can make room in small steps."""


class Stored(NamedTuple):
    """A batch that lies in the spool, of one frame or several, and how far its segment is sent when it is."""

    batch: Batch
    sent: int


class Spool:
    """A folder of segments, bounded in bytes. Several processes may share it: each reads only what no other one holds.

    How far a segment was sent stands beside it, in a file `.sent`, so that a process that takes it over goes on there.
    """

    def __init__(self, folder: Path, limit: int, policy: Literal["oldest", "newest"]) -> None:
        self.folder = folder
        self._limit = limit
        self._policy = policy
        self._writer = SegmentWriter(folder, roll_bytes=max(limit // PARTS, 1))
        self._aside = SegmentWriter(folder / ASIDE, roll_bytes=max(limit // PARTS, 1))
        self._claim: Claim | None = None
        self._frames: Iterator[Stored] = iter(())
        self._given: Stored | None = None
        self._reason = ""

    def write(self, batches: list[Batch]) -> int:
        """Make batches durable; gives how many records were lost to keep the bound. Raises `OSError`."""
        return self._write(self._writer, self.folder, batches)

    def put_aside(self, batch: Batch, reason: str) -> int:
        """Keep a batch that the server refuses, with the reason, where it is not sent again by itself."""
        folder = self.folder / ASIDE
        dropped = self._write(self._aside, folder, [batch])
        if reason != self._reason:
            self._reason = reason
            with (folder / "reasons.txt").open("a", encoding="utf-8") as file:
                file.write(f"{batch.number} records ({batch.kind.name.lower()}) and what follows: {reason}\n")
        return dropped

    def next(self) -> Stored | None:
        """The oldest batch, the same one until `sent` is called. This process's own segment is given up for it."""
        while self._given is None:
            for stored in self._frames:
                self._given = stored
                return stored
            self._forget()
            if not self._claim_next():
                return None
        return self._given

    def sent(self) -> None:
        """The batch that `next` gave needs not be sent again, whoever reads its segment next."""
        stored, self._given = self._given, None
        if stored is not None and self._claim is not None:
            self._claim.path.with_suffix(".sent").write_text(str(stored.sent))

    def close(self) -> None:
        """Make durable what was written, and leave everything to the next process."""
        if self._claim is not None:
            self._claim.release()
        self._claim, self._frames, self._given = None, iter(()), None
        self._writer.close()
        self._aside.close()

    def in_child(self) -> None:
        """After a fork: close the parent's file without unlocking it."""
        if self._claim is not None:
            os.close(self._claim.descriptor)
        self._claim, self._frames, self._given = None, iter(()), None

    def _write(self, writer: SegmentWriter, folder: Path, batches: list[Batch]) -> int:
        make_folder(folder)
        dropped = 0
        size = self._size()
        for batch in batches:
            frame = batch.frame()
            if size + len(frame) > self._limit:
                dropped += self._make_room(size + len(frame) - self._limit) if self._policy == "oldest" else 0
                size = self._size()
                if size + len(frame) > self._limit:
                    dropped += batch.logged
                    continue
            writer.append(frame)
            size += len(frame)
        writer.sync()
        return dropped

    def _size(self) -> int:
        return sum(_size_of(path) for path in self._all())

    def _make_room(self, needed: int) -> int:
        """Delete the oldest segments that nobody writes to, and count the records that were not yet sent."""
        self._writer.close()
        self._aside.close()
        dropped = 0
        for path in self._all():
            if needed <= 0:
                break
            if self._claim is not None and path == self._claim.path:
                dropped += sum(stored.batch.logged for stored in [*filter(None, [self._given]), *self._frames])
                needed -= _size_of(path)
                self._forget()
            elif found := claim(path):
                dropped += sum(stored.batch.logged for stored in _unsent(found))
                needed -= _size_of(path)
                _delete(found)
        return dropped

    def _all(self) -> list[Path]:
        """Every segment, those put aside too, oldest first."""
        found = [*segments(self.folder), *segments(self.folder / ASIDE)]
        return sorted(found, key=_made)

    def _claim_next(self) -> bool:
        for path in sorted(segments(self.folder), key=_made):
            if found := claim(path) or self._own(path):
                self._frames, self._claim = _unsent(found), found
                return True
        return False

    def _own(self, path: Path) -> Claim | None:
        """The segment that this process writes to, given up so that it can be read."""
        if not path.name.startswith(f"{self._writer.writer:016x}-"):
            return None
        self._writer.close()
        return claim(path)

    def _forget(self) -> None:
        """Delete the segment that is being read."""
        if self._claim is not None:
            _delete(self._claim)
        self._claim, self._frames, self._given = None, iter(()), None


def _unsent(claim: Claim) -> Iterator[Stored]:
    """What was not sent of a segment, of which the claim is given up when it can't be read."""
    try:
        data = claim.path.read_bytes()
        return _batches(data, _sent(claim.path, len(data)))
    except OSError:
        claim.release()
        raise


def _batches(data: bytes, sent: int) -> Iterator[Stored]:
    """Frames as batches. Neighbours of one kind come as one, since each batch is one request."""
    end = sent
    groups: dict[Kind, list[Batch]] = {}
    for frame in frames(data, sent):
        if isinstance(frame, Corrupt):
            continue
        if frame.end - sent > BATCH_BYTES:
            yield from _joined(groups, sent, end)
            groups, sent = {}, end
        groups.setdefault(frame.kind, []).append(Batch(frame.kind, frame.received, frame.payload, count(frame.payload)))
        end = frame.end
    yield from _joined(groups, sent, end)


def _joined(groups: dict[Kind, list[Batch]], start: int, end: int) -> Iterator[Stored]:
    """One batch of each kind; only after the last one all of them are sent."""
    for left, parts in zip(range(len(groups) - 1, -1, -1), groups.values(), strict=True):
        yield Stored(joined(parts), start if left else end)


def _sent(path: Path, length: int) -> int:
    """How far a segment was sent; from its start where the note of it is damaged."""
    note = path.with_suffix(".sent")
    text = note.read_text() if note.exists() else ""
    return int(text) if re.fullmatch("[0-9]{1,18}", text) and int(text) <= length else 0


def _delete(claim: Claim) -> None:
    """Remove a segment before its note: a note without a segment harms nobody, the contrary sends twice."""
    claim.path.unlink(missing_ok=True)
    claim.path.with_suffix(".sent").unlink(missing_ok=True)
    claim.release()


def _made(path: Path) -> tuple[float, str]:
    try:
        return path.stat().st_mtime, path.name
    except FileNotFoundError:
        return 0.0, path.name


def _size_of(path: Path) -> int:
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0
