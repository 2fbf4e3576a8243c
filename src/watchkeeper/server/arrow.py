"""Arrow streams as records: a row becomes what the same JSON object would, with the columns named as its fields."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import Any

import msgspec
import pyarrow as pa
import pyarrow.compute as pc

from watchkeeper.sdk.record import RECORDS, Kind, Record, Rejection
from watchkeeper.server.problem import Problem

ROWS = 1_000
"""Rows that are turned into Python objects at a time."""
ROW_BYTES = 8
"""What a row takes at least: a stream that claims more rows than it has room for is not believed."""
GROUPS = ("features", "raw", "scores", "context", "tags", "versions")


def records(kind: Kind, body: bytes, most: int) -> tuple[list[Record], list[Rejection]]:
    """Read a stream's rows, each by itself. Raises a 400 for what is no stream, a 413 beyond `most` bytes of values."""
    try:
        _refuse_compressed(body)
        with pa.ipc.open_stream(pa.py_buffer(body)) as stream:
            _check_schema(stream.schema)
            return _read(kind, stream, len(body), most)
    except (pa.ArrowException, OSError, struct.error) as error:
        reason = str(error).splitlines()[0][:300] if str(error) else type(error).__name__
        raise Problem(
            400, "arrow", f"The body is not a whole Arrow stream ({reason}). Nothing of it was kept."
        ) from None


def _read(kind: Kind, stream: Any, size: int, most: int) -> tuple[list[Record], list[Rejection]]:
    good: list[Record] = []
    bad: list[Rejection] = []
    seen = weight = 0
    for batch in stream:
        seen += batch.num_rows
        if seen * ROW_BYTES > size:
            raise Problem(400, "arrow", "The Arrow stream claims more rows than it has bytes for. Nothing was kept.")
        batch.validate(full=True)
        weight += sum(_weight(column, size) for column in batch.columns)
        if weight > most:
            raise Problem(413, "too-large", f"The stream holds over {most:,} bytes of values. Send smaller batches.")
        for index, row in enumerate(_rows(batch), seen - batch.num_rows):
            try:
                if isinstance(row, Exception):
                    raise row
                good.append(msgspec.convert(_record(row), RECORDS[kind]))
            except (msgspec.ValidationError, pa.ArrowException, ValueError, OverflowError, TypeError) as error:
                bad.append(Rejection(index, str(error)))
    return good, bad


def _rows(batch: Any) -> Iterator[dict[str, Any] | Exception]:
    """The rows as dictionaries, or what kept one from being read."""
    table = pa.Table.from_batches([batch])
    for number, name in enumerate(table.column_names):
        table = table.set_column(number, name, _microseconds(table.column(number)))
    for start in range(0, table.num_rows, ROWS):
        part = table.slice(start, ROWS)
        try:
            yield from part.to_pylist()
        except (pa.ArrowException, ValueError, OverflowError, KeyError):
            for index in range(part.num_rows):
                try:
                    yield from part.slice(index, 1).to_pylist()
                except (pa.ArrowException, ValueError, OverflowError, KeyError) as error:
                    yield ValueError(f"A value can't be read: {error}")


def _record(row: dict[str, Any]) -> dict[str, Any]:
    """A row's fields as JSON would hold them, but for numbers, which JSON can't all write."""
    record: dict[str, Any] = {}
    for name, value in row.items():
        group, dot, key = name.partition(".")
        if dot and group in GROUPS:
            record.setdefault(group, {})[key] = value
        elif value is not None:
            record[name] = _mapping(value) if name in GROUPS and isinstance(value, list) else value
    return msgspec.to_builtins(record)  # type: ignore[no-any-return]


def _mapping(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """An Arrow map as a dictionary. Raises `ValueError` where a key comes twice."""
    made = dict(pairs)
    if len(made) < len(pairs):
        raise ValueError("A map names one key twice")
    return made


def _check_schema(schema: Any) -> None:
    """Raises a 422 where a name comes twice, or a type has no place in a record."""
    names = list(schema.names)
    for field in schema:
        group, dot, _ = field.name.partition(".")
        if names.count(field.name) > 1 or (dot and group in GROUPS and group in names):
            raise Problem(
                422, "arrow-column", f"Two columns of the Arrow stream give {field.name[:200]!r}. Leave one out."
            )
        if not _readable(field.type):
            raise Problem(
                422,
                "arrow-column",
                f"Column {field.name[:200]!r} is of the Arrow type {str(field.type)[:200]}, which no record can hold. "
                "Send numbers, text, booleans, times, and structs, maps or lists of them.",
            )


def _readable(kind: Any, depth: int = 0) -> bool:
    t = pa.types
    if depth > 8:
        return False
    if t.is_struct(kind):
        return all(_readable(kind.field(number).type, depth + 1) for number in range(kind.num_fields))
    if t.is_map(kind):
        return depth == 0 and bool(t.is_string(kind.key_type)) and _readable(kind.item_type, depth + 1)
    if t.is_list(kind) or t.is_large_list(kind):
        return _readable(kind.value_type, depth + 1)
    if t.is_dictionary(kind):
        return _is_text(kind.value_type)
    plain = (t.is_integer, t.is_floating, t.is_boolean, t.is_timestamp, t.is_date, t.is_decimal, t.is_null, _is_text)
    return any(test(kind) for test in plain)


def _is_text(kind: Any) -> bool:
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind))


def _weight(column: Any, size: int) -> int:
    """Bytes that a column's values take once none of them shares its memory with another."""
    kind = column.type
    if len(column) > size:
        raise Problem(400, "arrow", "The Arrow stream claims more values than it has bytes for. Nothing was kept.")
    if pa.types.is_struct(kind):
        return sum(_weight(column.field(number), size) for number in range(kind.num_fields))
    if pa.types.is_map(kind):
        return _weight(column.keys, size) + _weight(column.items, size)
    if pa.types.is_list(kind) or pa.types.is_large_list(kind):
        return _weight(column.values, size)
    if pa.types.is_dictionary(kind):
        return int(pc.sum(pc.binary_length(column.dictionary).take(column.indices)).as_py() or 0)
    if _is_text(kind):
        return int(pc.sum(pc.binary_length(column)).as_py() or 0)
    return 8 * len(column)


def _microseconds(column: Any) -> Any:
    """Times of a finer unit cut to microseconds, which is what a record holds; all else as it is."""
    if pa.types.is_timestamp(column.type) and column.type.unit == "ns":
        return column.cast(pa.timestamp("us", column.type.tz), safe=False)
    return column


def _refuse_compressed(body: bytes) -> None:
    """Raises a 415 for batches whose buffers are compressed: what they grow to is known only once it is allocated."""
    for message in pa.ipc.MessageReader.open_stream(pa.py_buffer(body)):
        data = memoryview(message.metadata)
        table = _at(data, 0)
        header = _field(data, table, 2)
        if message.type == "dictionary" and header is not None:
            header = _field(data, _at(data, header), 1)
        elif message.type != "record batch":
            continue
        if header is not None and _field(data, _at(data, header), 3) is not None:
            raise Problem(
                415,
                "arrow-compression",
                "The Arrow stream's buffers are compressed. Write it without, and send it with Content-Encoding: gzip.",
            )


def _at(data: memoryview, place: int) -> int:
    """Where a flatbuffer's offset leads."""
    return place + int(struct.unpack_from("<I", data, place)[0])


def _field(data: memoryview, table: int, number: int) -> int | None:
    """Where a field of a flatbuffer's table stands, or None where it is left out."""
    index = table - int(struct.unpack_from("<i", data, table)[0])
    if index < 0 or 4 + 2 * number >= struct.unpack_from("<H", data, index)[0]:
        return None
    offset = int(struct.unpack_from("<H", data, index + 4 + 2 * number)[0])
    return table + offset if offset else None
