"""Walks a protobuf message in a file without reading what is long: enough to examine a file that nobody trusts."""

from __future__ import annotations

from collections.abc import Iterator
from typing import BinaryIO, NamedTuple

from watchkeeper.runtime.failure import Refused

MOST_FIELDS = 2_000_000
"""Fields that are walked in one file: more than any model of columns has, few enough to end within seconds."""
MOST_DEEP = 32
"""Messages within messages."""
MOST_TEXT = 4_096
"""Bytes of a name."""
_DAMAGED = "no ONNX model, or one that was cut off or damaged, at byte"
_VARINT, _FIXED64, _LENGTH, _FIXED32 = 0, 1, 2, 5


class Span(NamedTuple):
    """Where a message, a text or bytes lie in the file, and how deep."""

    start: int
    end: int
    depth: int = 0

    @property
    def size(self) -> int:
        """Bytes of it."""
        return self.end - self.start


class Walk:
    """One walk through one file."""

    def __init__(self, file: BinaryIO, size: int) -> None:
        self._file = file
        self._left = MOST_FIELDS
        self.whole = Span(0, size)

    def fields(self, message: Span) -> Iterator[tuple[int, int | Span]]:
        """The fields of a message: number, and the value of a whole number or the span of anything else."""
        if message.depth > MOST_DEEP:
            raise Refused("Its messages are nested deeper than those of any model.")
        at = message.start
        while at < message.end:
            self._left -= 1
            if self._left < 0:
                raise Refused(f"It has more than {MOST_FIELDS:,} parts, more than any model of columns.")
            tag, at = self._varint(at, message.end)
            number, wire = tag >> 3, tag & 7
            value: int | Span
            if wire == _VARINT:
                value, at = self._varint(at, message.end)
            else:
                if wire == _LENGTH:
                    length, at = self._varint(at, message.end)
                elif wire in (_FIXED32, _FIXED64):
                    length = 4 if wire == _FIXED32 else 8
                else:
                    raise Refused(f"It is {_DAMAGED} {at:,}.")
                value = Span(at, at + length, message.depth + 1)
                at += length
            if at > message.end or number == 0:
                raise Refused(f"It is {_DAMAGED} {message.end:,}.")
            yield number, value

    def text(self, span: int | Span) -> str:
        """A text, such as a name."""
        if isinstance(span, int) or span.size > MOST_TEXT:
            raise Refused(f"A name in it is no text of at most {MOST_TEXT:,} bytes.")
        self._file.seek(span.start)
        try:
            return self._file.read(span.size).decode()
        except UnicodeDecodeError as error:
            raise Refused(f"A name in it, at byte {span.start:,}, is no text.") from error

    def numbers(self, value: int | Span) -> Iterator[int]:
        """Whole numbers of a repeated field, packed or not."""
        if isinstance(value, int):
            yield _signed(value)
            return
        at = value.start
        while at < value.end:
            self._left -= 1
            if self._left < 0:
                raise Refused(f"It has more than {MOST_FIELDS:,} parts, more than any model of columns.")
            number, at = self._varint(at, value.end)
            yield _signed(number)

    def _varint(self, at: int, end: int) -> tuple[int, int]:
        self._file.seek(at)
        piece = self._file.read(min(10, end - at))
        value = 0
        for place, byte in enumerate(piece):
            value |= (byte & 0x7F) << (7 * place)
            if byte < 0x80:
                return value & 0xFFFF_FFFF_FFFF_FFFF, at + place + 1
        raise Refused(f"It is {_DAMAGED} {at:,}.")


def span(value: int | Span) -> Span:
    """A field that must be a message, a text or bytes."""
    if isinstance(value, int):
        raise Refused("It is damaged: a number stands where a message is due.")
    return value


def whole(value: int | Span) -> int:
    """A field that must be a whole number."""
    if not isinstance(value, int):
        raise Refused("It is damaged: a message stands where a number is due.")
    return _signed(value)


def _signed(value: int) -> int:
    return value - (1 << 64) if value >> 63 else value
