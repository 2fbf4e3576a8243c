"""Records: what is logged about a model, and how text from outside becomes records.

A record that was decoded is valid, and `encode` turns it into the payload of a frame.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from enum import IntEnum
from functools import cache
from types import GenericAlias, NoneType
from typing import TYPE_CHECKING, Annotated, Any, Literal, cast, get_args

import msgspec
from msgspec import Meta, Raw, Struct

from watchkeeper.sdk.error import Malformed

if TYPE_CHECKING:
    Id = str
else:
    Id = Annotated[str, Meta(min_length=1, max_length=512)] | int  # a number becomes text as soon as it is read
Time = Annotated[datetime, Meta(tz=True)]
Name = Annotated[str, Meta(min_length=1, max_length=512)]
Finite = Annotated[float, Meta(ge=-1.7976931348623157e308, le=1.7976931348623157e308)]


class Kind(IntEnum):
    """What the records of one frame are. Service figures are metric points that the SDK itself makes."""

    EVENT = 1
    LABEL = 2
    POINT = 3
    JOB = 4
    SERVICE = 5


class Event(Struct, kw_only=True, forbid_unknown_fields=True, omit_defaults=True, gc=False):
    """One prediction as served."""

    id: Id
    time: Time
    features: dict[str, Any]
    version: str | None = None
    raw: dict[str, Any] | None = None
    prediction: Any = None
    score: float | None = None
    scores: dict[str, float] | None = None
    context: dict[str, Any] | None = None
    latency_ms: float | None = None
    error: str | None = None

    def __post_init__(self) -> None:
        if type(self.id) is not str:
            self.id = str(self.id)
        _check_year(self.time)


class Label(Struct, kw_only=True, forbid_unknown_fields=True, omit_defaults=True, gc=False):
    """The outcome of one event, whenever it comes."""

    id: Id
    label: str | int | float | bool
    time: Time

    def __post_init__(self) -> None:
        if type(self.id) is not str:
            self.id = str(self.id)
        _check_year(self.time)


class MetricPoint(Struct, kw_only=True, forbid_unknown_fields=True, omit_defaults=True, gc=False):
    """A number from outside: a cost, a business metric, a figure of a service."""

    name: Name
    time: Time
    value: Finite
    tags: dict[str, str] | None = None

    def __post_init__(self) -> None:
        _check_year(self.time)


Status = Literal["started", "ok", "failed"]


class JobRun(Struct, kw_only=True, forbid_unknown_fields=True, omit_defaults=True, gc=False):
    """That a run of a pipeline started, or how it ended."""

    job: Name
    run: Id
    status: Status
    time: Time
    duration_s: float | None = None
    rows: int | None = None
    inputs: Any = None
    versions: dict[str, str] | None = None

    def __post_init__(self) -> None:
        if type(self.run) is not str:
            self.run = str(self.run)
        _check_year(self.time)


Record = Event | Label | MetricPoint | JobRun

RECORDS: dict[Kind, type[Record]] = {
    Kind.EVENT: Event,
    Kind.LABEL: Label,
    Kind.POINT: MetricPoint,
    Kind.JOB: JobRun,
    Kind.SERVICE: MetricPoint,
}


TOO_DEEP = "It is nested too deeply: more than 32 levels"
NESTING = 32
"""How deep lists and objects may be nested in a field: what one Python can read, every other one must."""

_FLAT = frozenset({NoneType, bool, int, float, str, bytes, datetime})
_OPENINGS = {Kind.EVENT: 2}
"""How many objects each record has at least; 1 where nothing is said."""


class Rejection(Struct, frozen=True):
    """Which record was refused, by its place among the records of a body, and why."""

    index: int
    error: str


_UNREADABLE = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
_WRITE = msgspec.msgpack.Encoder()
_ITEMS = msgspec.json.Decoder(list[Raw])


def decode(kind: Kind, text: bytes) -> tuple[list[Record], list[Rejection]]:
    """Read a JSON array or JSON lines; a bad record is refused by itself and never loses the others.

    One decoder reads the whole body; only if that fails each record is read on its own. Raises `Malformed` when an
    array's end or commas are broken.
    """
    text = text.removeprefix(b"\xef\xbb\xbf")
    array = text.lstrip()[:1] == b"["
    with suppress(*_UNREADABLE):
        records = _array_reader(kind).decode(text) if array else _reader(kind).decode_lines(text)
        # What opens nowhere is not nested: counting brackets spares most bodies the walk through their values.
        openings = text.count(b"[") + text.count(b"{") - _OPENINGS.get(kind, 1) * len(records)
        if openings < NESTING or not any(map(nested_too_deeply, records)):
            return records, []
    return _one_by_one(kind, _items(text) if array else (line for line in text.split(b"\n") if line.strip()))


def encode(records: Sequence[Record]) -> bytes:
    """The payload of a frame. Integers beyond 64 bits are written as the nearest float, as other readers of JSON do."""
    try:
        return _WRITE.encode(records)
    except OverflowError:
        return _WRITE.encode([_narrowed(msgspec.to_builtins(record, builtin_types=(datetime,))) for record in records])


def read(kind: Kind, payload: bytes) -> list[Record]:
    """The records of a frame. Raises `msgspec.DecodeError` for what `encode` did not write."""
    return _payload_reader(kind).decode(payload)


def count(payload: bytes) -> int:
    """How many records a frame holds, from the first bytes alone."""
    first = payload[0]
    if first == 0xDC:
        return int.from_bytes(payload[1:3], "big")
    return int.from_bytes(payload[1:5], "big") if first == 0xDD else first & 0x0F


def nested_too_deeply(record: Record) -> bool:
    """Whether a field that may hold anything holds lists and objects in more than `NESTING` levels."""
    if isinstance(record, Event):
        return any(
            _deeper(field, NESTING) for field in (record.features, record.raw, record.context, record.prediction)
        )
    return isinstance(record, JobRun) and _deeper(record.inputs, NESTING)


def _deeper(value: Any, levels: int) -> bool:
    if isinstance(value, dict):
        value = value.values()
    elif not isinstance(value, list | tuple):
        return False
    if levels == 0:
        return True
    return not _FLAT.issuperset(map(type, value)) and any(_deeper(item, levels - 1) for item in value)


def _one_by_one(kind: Kind, items: Iterable[bytes | Raw]) -> tuple[list[Record], list[Rejection]]:
    records: list[Record] = []
    rejections: list[Rejection] = []
    for index, item in enumerate(items):
        try:
            record = _reader(kind).decode(item)
        except _UNREADABLE as error:
            rejections.append(Rejection(index, _reason(error)))
        else:
            if nested_too_deeply(record):
                rejections.append(Rejection(index, TOO_DEEP))
            else:
                records.append(record)
    return records, rejections


def _items(text: bytes) -> Iterator[Raw]:
    try:
        yield from _ITEMS.decode(text)
    except _UNREADABLE as error:
        raise Malformed(
            f"The body is no JSON array: {_reason(error)}. Send one array, or one object a line."
        ) from error


def _reason(error: Exception) -> str:
    if isinstance(error, RecursionError):
        return TOO_DEEP
    if isinstance(error, UnicodeDecodeError):
        return "It is not UTF-8"
    # The status of a job is the only field that takes a few words alone.
    return f"{error}. Use {', '.join(get_args(Status))}" if str(error).startswith("Invalid enum value") else str(error)


def _check_year(time: datetime) -> None:
    if 2 < time.year < 9998:
        return
    if not 1 < time.year < 9999 or not 1 < time.astimezone(UTC).year < 9999:  # it is kept, and read again, in UTC
        raise ValueError("Expected a time between the years 2 and 9998, which every time zone can express")


def _narrowed(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _narrowed(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_narrowed(item) for item in value]
    if isinstance(value, int) and not -(2**63) <= value < 2**64:
        return float(value) if abs(value) < 2**1023 else str(value)
    return value


@cache
def _reader(kind: Kind) -> msgspec.json.Decoder[Record]:
    return cast("msgspec.json.Decoder[Record]", msgspec.json.Decoder(RECORDS[kind]))


@cache
def _array_reader(kind: Kind) -> msgspec.json.Decoder[list[Record]]:
    return cast("msgspec.json.Decoder[list[Record]]", msgspec.json.Decoder(_list_of(kind)))


@cache
def _payload_reader(kind: Kind) -> msgspec.msgpack.Decoder[list[Record]]:
    return cast("msgspec.msgpack.Decoder[list[Record]]", msgspec.msgpack.Decoder(_list_of(kind)))


def _list_of(kind: Kind) -> Any:
    return GenericAlias(list, (RECORDS[kind],))
