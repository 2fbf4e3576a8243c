"""What one model brings: which of its records are new, and when those that are not are safe as well."""

from __future__ import annotations

import asyncio
import errno
from collections.abc import Hashable, Sequence
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import NamedTuple, cast

from watchkeeper.sdk.frame import pack
from watchkeeper.sdk.record import Event, Kind, Record, encode
from watchkeeper.server.commit import FULL, Committer
from watchkeeper.server.problem import Problem
from watchkeeper.server.recent import Recent

FRAME_BYTES = 1 << 20
"""A frame is closed once its payload is larger: a damaged one loses no more."""


class Batch(NamedTuple):
    """Records as they will be written. Columns, not rows: the collector of garbage has three objects to visit."""

    keys: list[Hashable]
    """What each record is recognised by."""
    contents: list[int]
    """A hash of all that it says."""
    texts: list[bytes]


@dataclass(eq=False)
class Commit:
    """What one request hands to the committer."""

    contents: dict[Hashable, int] = field(default_factory=dict)
    future: asyncio.Future[None] | None = None


def batch(kind: Kind, records: Sequence[Record]) -> Batch:
    """Prepare records for the inbox. An event is recognised by its id, everything else by all that it says."""
    texts = [encode([record])[1:] for record in records]  # the byte before it says that a list of one follows
    if kind is Kind.EVENT:
        keys: list[Hashable] = [record.id for record in cast("Sequence[Event]", records)]
    else:
        keys = [blake2b(text, digest_size=16).digest() for text in texts]
    return Batch(keys, [hash(text) for text in texts], texts)


class Intake:
    """The way into one model's inbox for records of one kind. Used by the event loop's thread alone."""

    def __init__(self, model: str, kind: Kind, committer: Committer, recent: int) -> None:
        self._model = model
        self._kind = kind
        self._committer = committer
        self.recent = Recent(recent)
        self.known_until = 0.0
        self._pending: dict[Hashable, Commit] = {}

    async def keep(self, batch: Batch, received: int) -> int:
        """Return once all of these are on disk; how many of them were known already.

        What is known with the same content is not written again, but waited for where its own commit is under way.
        What is known with other content is written: the lake lets the first win and counts the conflict.
        """
        mine = Commit()
        others: set[Commit] = set()
        texts: list[bytes] = []
        duplicates = 0
        for key, content, text in zip(*batch, strict=True):
            pending = self._pending.get(key)
            known = self.recent.content(key) if pending is None else pending.contents[key]
            if known is None:
                mine.contents[key] = content
                self._pending[key] = mine
            else:
                duplicates += 1
                if pending is not None and pending is not mine:
                    others.add(pending)
                if known == content:
                    continue
            texts.append(text)
        if texts:
            mine.future = self._committer.submit(self._model, _frames(self._kind, received, texts))
            mine.future.add_done_callback(lambda future: self._settled(mine, future))
        await _durable({commit.future for commit in (*others, mine) if commit.future is not None})
        return duplicates

    def _settled(self, commit: Commit, future: asyncio.Future[None]) -> None:
        """Remember what is on disk, and forget what did not get there so that it may be sent again."""
        for key in commit.contents:
            del self._pending[key]
        if not future.cancelled() and future.exception() is None:
            self.recent.remember(commit.contents)


async def _durable(futures: set[asyncio.Future[None]]) -> None:
    """Return when all are done. Raises a 507 or 503 where one is not on disk."""
    if not futures:
        return
    await asyncio.wait(futures)  # unlike a plain await it leaves them alone when this request is given up
    for future in futures:
        error = future.exception()
        if error is not None:
            raise _not_kept(error) if isinstance(error, OSError) else error


def _not_kept(error: OSError) -> Problem:
    if error.errno in FULL:
        return Problem(
            507,
            "disk-full",
            "The disk that holds the inbox is full. Nothing of this request counts as kept. Send it again once there "
            "is room; the server goes on by itself.",
            headers={"Retry-After": "10"},
        )
    name = errno.errorcode.get(error.errno or 0, "unknown")
    return Problem(
        503,
        "inbox-unavailable",
        f"The inbox can't be written ({name}). Nothing of this request counts as kept. Send it again later.",
        headers={"Retry-After": "10"},
    )


def _frames(kind: Kind, received: int, texts: Sequence[bytes]) -> bytes:
    """Frames of bounded size that hold these records."""
    frames: list[bytes] = []
    part: list[bytes] = []
    size = 0
    for text in texts:
        part.append(text)
        size += len(text)
        if size >= FRAME_BYTES:
            frames.append(_frame(kind, received, part))
            part, size = [], 0
    if part:
        frames.append(_frame(kind, received, part))
    return b"".join(frames)


def _frame(kind: Kind, received: int, texts: Sequence[bytes]) -> bytes:
    return pack(kind, received, b"".join((_list_of(len(texts)), *texts)))


def _list_of(length: int) -> bytes:
    """How a list of so many elements begins in MessagePack."""
    if length < 16:
        return bytes((0x90 | length,))
    return b"\xdc" + length.to_bytes(2, "big") if length < 65_536 else b"\xdd" + length.to_bytes(4, "big")
