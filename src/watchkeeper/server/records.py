"""The records of a body, read piece by piece so that hostile text costs no more memory than good text."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from typing import Any

import msgspec

from watchkeeper.sdk.error import Malformed
from watchkeeper.sdk.record import RECORDS, Kind, Record, Rejection, decode
from watchkeeper.server import arrow
from watchkeeper.server.limit import MEBIBYTE
from watchkeeper.server.problem import Problem

PIECE = MEBIBYTE
"""Lines are decoded in pieces of this size; a bad record slows down its own piece alone."""
ARRAY = 4 * MEBIBYTE
"""In a JSON array beyond this size bad records are not told one by one."""
MOST_REJECTED = 3_000
REASON = 300
"""Characters of a reason, which may quote the record: with both bounds no answer is larger than about a mebibyte."""
_ARRAY = re.compile(rb"(?:\xef\xbb\xbf)?[ \t\r\n]*\[")


def read(kind: Kind, body: bytes, is_arrow: bool, most: int) -> tuple[list[Record], list[Rejection]]:
    """A body's records, and why others are none. Raises a `Problem` where they can't be told, or too many are bad."""
    try:
        good, bad = _parse(kind, body, is_arrow, most)
    except Malformed as error:
        raise Problem(400, "malformed", str(error)) from None
    return good, [Rejection(found.index, found.error[:REASON]) for found in bad]


def _parse(kind: Kind, body: bytes, is_arrow: bool, most: int) -> tuple[list[Record], list[Rejection]]:
    if is_arrow:
        good, bad = arrow.records(kind, body, most)
        _bound(bad)
        return good, bad
    return _array(kind, body) if _ARRAY.match(body) else _lines(kind, body)


def _lines(kind: Kind, body: bytes) -> tuple[list[Record], list[Rejection]]:
    good: list[Record] = []
    bad: list[Rejection] = []
    for piece in _pieces(body):
        records, rejections = decode(kind, piece)
        before = len(good) + len(bad)
        good += records
        bad += (
            (Rejection(before + rejection.index, rejection.error) for rejection in rejections) if before else rejections
        )
        _bound(bad)
    return good, bad


def _pieces(body: bytes) -> Iterator[bytes]:
    """The body cut at ends of lines."""
    start = 0
    while start < len(body):
        end = body.find(b"\n", start + PIECE) + 1 or len(body)
        yield body[start:end]
        start = end


def _array(kind: Kind, body: bytes) -> tuple[list[Record], list[Rejection]]:
    if len(body) <= ARRAY:
        good, bad = decode(kind, body)
        _bound(bad)
        return good, bad
    try:
        return _whole(kind).decode(body.removeprefix(b"\xef\xbb\xbf")), []
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise Problem(
            422,
            "no-good-record",
            f"An array of more than {ARRAY:,} bytes is taken as a whole or not at all, and this one holds a bad record "
            f"({error}). Nothing was kept. Send JSON lines, and good records are kept whatever stands beside them.",
        ) from None


def _bound(bad: list[Rejection]) -> None:
    if len(bad) > MOST_REJECTED:
        raise Problem(
            422,
            "too-many-rejected",
            f"More than {MOST_REJECTED:,} records can't be read, so nothing was kept. "
            f"The first: {bad[0].error[:REASON]}.",
        )


@cache
def _whole(kind: Kind) -> Any:
    return msgspec.json.Decoder(list.__class_getitem__(RECORDS[kind]))
