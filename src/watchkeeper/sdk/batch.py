"""Batch: records of one kind on their way from the queue to a disk or a server."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any, NamedTuple

import msgspec

from watchkeeper.sdk.frame import pack
from watchkeeper.sdk.record import (
    TOO_DEEP,
    Event,
    JobRun,
    Kind,
    Label,
    MetricPoint,
    Record,
    nested_too_deeply,
    read,
)
from watchkeeper.sdk.value import plain

BATCH_BYTES = 1 << 20
KINDS: dict[type[Record], Kind] = {
    Event: Kind.EVENT,
    Label: Kind.LABEL,
    MetricPoint: Kind.POINT,
    JobRun: Kind.JOB,
}
_HEADS = {0xDC: 3, 0xDD: 5}
"""How many bytes tell the length of an array of more than 15 items, in MessagePack."""
_BESIDE = ("duration_s", "rows", "inputs", "versions")
"""What a run of a job may lack."""
_WRITE = msgspec.msgpack.Encoder(enc_hook=plain)


class Batch(NamedTuple):
    """The payload of one frame, and how many records it holds."""

    kind: Kind
    received: int
    payload: bytes
    number: int

    @property
    def logged(self) -> int:
        """How many of them the service logged: the logger's own figures do not count."""
        return 0 if self.kind is Kind.SERVICE else self.number

    def frame(self) -> bytes:
        """How it is written to a segment."""
        return pack(self.kind, self.received, self.payload)


class Unfit(NamedTuple):
    """A record, or one field of it, that can't be written, and why."""

    kind: Kind
    reason: str
    field: str = ""
    """Empty for the whole record."""


def batches(kind: Kind, received: int, records: Sequence[Record]) -> Iterator[Batch | Unfit]:
    """Records as batches of bounded size. Each payload is read back, so that none is written that no one can read."""
    try:
        payload = _payload(kind, records)
    except Exception as error:  # noqa: BLE001 – values are whatever a service logged; the reason is told
        if len(records) == 1:
            alone = _job if isinstance(records[0], JobRun) else _alone
            yield from alone(kind, received, records[0], error)
            return
        payload = b""
    if payload and (len(payload) <= BATCH_BYTES or len(records) == 1):
        yield Batch(kind, received, payload, len(records))
        return
    half = len(records) // 2
    for part in (records[:half], records[half:]):
        yield from batches(kind, received, part)


def joined(parts: Sequence[Batch]) -> Batch:
    """Batches of one kind as one: each payload is an array, of which the first bytes tell the length."""
    if len(parts) == 1:
        return parts[0]
    number = sum(part.number for part in parts)
    head = b"\xdd" + number.to_bytes(4, "big")
    items = (part.payload[_HEADS.get(part.payload[0], 1) :] for part in parts)
    return Batch(parts[0].kind, parts[0].received, head + b"".join(items), number)


def _payload(kind: Kind, records: Sequence[Record]) -> bytes:
    payload = _WRITE.encode(records)
    if any(map(nested_too_deeply, read(kind, payload))):
        raise ValueError(TOO_DEEP)
    return payload


def _alone(kind: Kind, received: int, record: Record, error: Exception) -> Iterator[Batch | Unfit]:
    """One record that does not fit as it is: once more with names as text, since tables may number their columns."""
    if isinstance(record, Event):
        named = [_named(values) for values in (record.features, record.raw, record.context)]
        try:
            whole = msgspec.structs.replace(record, features=named[0], raw=named[1], context=named[2])
            yield Batch(kind, received, _payload(kind, [whole]), 1)
            return
        except Exception as again:  # noqa: BLE001 – as above
            error = again
    yield Unfit(kind, str(error))


def _job(kind: Kind, received: int, record: Record, error: Exception) -> Iterator[Batch | Unfit]:
    """A run of a job without the fields that do not fit: that it ended is worth more than what it read."""
    kept: dict[str, Any] = dict.fromkeys(_BESIDE)
    payload = b""
    for name in ("", *_BESIDE):
        try:
            value = {name: _worded(getattr(record, name))} if name else {}
            payload = _payload(kind, [msgspec.structs.replace(record, **{**kept, **value})])
            kept |= value
        except Exception as wrong:  # noqa: BLE001 – as above
            yield Unfit(kind, str(wrong), name)
            if not name:
                return
    yield Batch(kind, received, payload, 1)


def _worded(value: Any) -> Any:
    """The same with names and values of unknown types as text: a path is one, for example."""
    return msgspec.to_builtins(value, builtin_types=(datetime,), str_keys=True, enc_hook=_text)


def _text(value: Any) -> Any:
    try:
        return plain(value)
    except TypeError:
        return str(value)


def _named(values: dict[Any, Any] | None) -> dict[str, Any] | None:
    return None if values is None else {str(name): value for name, value in values.items()}
