"""Takes a stream of events as JSON lines into the inbox, as the server does; the next run moves them to the lake."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import IO

from watchkeeper.lake.event import DAY
from watchkeeper.model import Model
from watchkeeper.sdk import Kind, Rejection, SegmentWriter, decode, encode, inbox_of, pack
from watchkeeper.state import count
from watchkeeper.watch.home import Home
from watchkeeper.watch.ingest import Ingested, NotIngested
from watchkeeper.watch.run import day_of

LINES = 4 << 20
"""Bytes that are read at once."""
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def ingest_stream(home: Home, model: Model, stream: IO[bytes], *, now: int) -> Ingested:
    """Take events as JSON lines, as `POST …/events` does: what is good is synced to the inbox when this returns."""
    latest = EPOCH + timedelta(microseconds=now + DAY)
    writer = SegmentWriter(inbox_of(home.folder, model.name))
    rows = good = future = ancient = 0
    wrong: list[Rejection] = []
    try:
        for lines in _portions(stream):
            records, rejections = decode(Kind.EVENT, lines)
            wrong += [Rejection(rows + one.index, one.error) for one in rejections]
            rows, good = rows + len(records) + len(rejections), good + len(records)
            future += sum(event.time > latest for event in records)
            ancient += sum(event.time < EPOCH for event in records)
            if records:
                writer.append(pack(Kind.EVENT, now, encode(records)))
        writer.sync()
    finally:
        writer.close()
    count.add(home.store, model.name, "rejected", len(wrong), day_of(now))
    if wrong and not good:
        raise NotIngested(
            f"standard input: none of {rows:,} lines is an event. Line {wrong[0].index + 1}: {wrong[0].error}."
        )
    reason = "" if not wrong else f"line {wrong[0].index + 1}: {wrong[0].error}"
    return Ingested(
        "standard input", rows, received=good, bad=len(wrong), reason=reason, future=future, ancient=ancient
    )


def _portions(stream: IO[bytes]) -> Iterator[bytes]:
    """Whole lines of a stream, some megabytes at a time."""
    rest = b""
    while part := stream.read(LINES):
        rest += part
        end = rest.rfind(b"\n") + 1
        if end:
            yield rest[:end]
            rest = rest[end:]
    if rest.strip():
        yield rest
