"""Frame: one durable unit, which holds records of one kind and proves by its checksum that it is whole.

Bytes, little-endian: magic u32 | length of the payload u32 | CRC-32 u32 | kind u8 | received i64 | payload.
The checksum covers kind, received and payload; `received` is in microseconds since 1970, UTC.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from mmap import mmap
from typing import NamedTuple

from watchkeeper.sdk.record import Kind

MAGIC = b"\xf5WK\xff"
"""Two of these bytes never occur in UTF-8, so that no text looks like the start of a frame."""

HEAD = struct.Struct("<4sII")
BODY = struct.Struct("<Bq")
OVERHEAD = HEAD.size + BODY.size
_KINDS = frozenset(Kind)


class Frame(NamedTuple):
    """A whole frame, and where it stands in the data."""

    kind: Kind
    received: int
    payload: bytes
    start: int
    end: int


class Corrupt(NamedTuple):
    """A span that is no frame, though a whole one follows it."""

    start: int
    end: int


def pack(kind: Kind, received: int, payload: bytes) -> bytes:
    """The bytes of one frame."""
    body = BODY.pack(kind, received)
    return HEAD.pack(MAGIC, len(payload), zlib.crc32(payload, zlib.crc32(body))) + body + payload


def frames(data: bytes | mmap, offset: int = 0) -> Iterator[Frame | Corrupt]:
    """The frames from an offset on, at which one must begin.

    A damaged span is told as one `Corrupt`, and reading resumes at the next frame that is whole. What no whole frame
    follows is a torn tail: it ends the reading silently, since its writer may still be busy with it.
    """
    while offset < len(data):
        frame = _frame_at(data, offset)
        if frame is None:
            frame = _next_frame(data, offset + 1)
            if frame is None:
                return
            yield Corrupt(offset, frame.start)
        yield frame
        offset = frame.end


def _next_frame(data: bytes | mmap, offset: int) -> Frame | None:
    while (offset := data.find(MAGIC, offset)) >= 0:
        frame = _frame_at(data, offset)
        if frame is not None:
            return frame
        offset += 1
    return None


def _frame_at(data: bytes | mmap, start: int) -> Frame | None:
    head = data[start : start + OVERHEAD]
    if len(head) < OVERHEAD:
        return None
    magic, length, checksum = HEAD.unpack_from(head)
    end = start + OVERHEAD + length
    if magic != MAGIC or end > len(data) or head[HEAD.size] not in _KINDS:
        return None
    payload = data[start + OVERHEAD : end]
    if zlib.crc32(payload, zlib.crc32(head[HEAD.size :])) != checksum:
        return None
    kind, received = BODY.unpack_from(head, HEAD.size)
    return Frame(Kind(kind), received, payload, start, end)
