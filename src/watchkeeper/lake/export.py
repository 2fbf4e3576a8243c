"""Export: a table of the lake as one file for other tools, in bounded memory."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator, Mapping, Set
from pathlib import Path
from typing import Any

import msgspec
import pyarrow as pa
import pyarrow.parquet as pq

from watchkeeper.delivery import TABLES as ENDINGS
from watchkeeper.delivery import replacing, writable
from watchkeeper.lake.error import LakeError
from watchkeeper.lake.lake import Lake
from watchkeeper.lake.naming import column_of
from watchkeeper.lake.schema import TABLES

_MAPS = frozenset({"raw", "other", "invalid"})
_TEXTS = frozenset({"finding", "label", "inputs", "delays"})
_HIDDEN = {"digest", "day", "event_time"}
"""Columns that serve the lake alone."""


class UnknownTable(LakeError):
    """The lake has no table of this name."""

    exit_code = 2


def export(lake: Lake, table: str, path: str | Path, start: int | None = None, end: int | None = None) -> int:
    """Write a table, or what lies from `start` to before `end`, as `.parquet`, `.csv` or `.jsonl`; give its rows.

    Columns have the names that events have when they are sent. CSV has one column for each field of a struct
    (`features.age`) and JSON for maps and lists. The file appears whole or not at all. Raises `UnknownTable`,
    `BadOutput`, `CannotWrite`.
    """
    if table not in TABLES:
        raise UnknownTable(f"{table}: the lake has no such table. Use {', '.join(TABLES)}.")
    (target,) = writable([(path, ENDINGS)])
    assert target is not None
    rows = 0

    def counted() -> Iterator[pa.RecordBatch]:
        nonlocal rows
        for batch in _batches(lake, table, start, end, plain=target.suffix.lower() != ".jsonl"):
            rows += len(batch)
            yield batch

    write_rows(target, counted(), _schema(lake.tables[table].schema), _MAPS | _TEXTS)
    return rows


def write_rows(
    target: Path, batches: Iterator[pa.RecordBatch], schema: pa.Schema, of_json: Set[str] = frozenset()
) -> None:
    """Write rows to a file in the format of its ending, which appears whole or not at all.

    `of_json`: columns whose texts, or whose maps' texts, are JSON, and are JSON again in JSON lines.
    """
    with replacing(target) as temporary:
        match target.suffix.lower():
            case ".parquet":
                _write_parquet(batches, schema, temporary)
            case ".jsonl":
                _write_json_lines(batches, schema, temporary, of_json)
            case _:
                _write_csv(batches, schema, temporary)


def _batches(lake: Lake, table: str, start: int | None, end: int | None, *, plain: bool) -> Iterator[pa.RecordBatch]:
    if table == "findings":
        stored: Iterator[pa.RecordBatch] = iter(lake.findings(start, end).to_batches())
    elif table == "profiles":
        schema = lake.tables[table].schema
        stored = (pa.RecordBatch.from_pylist([row], schema) for row in lake.profiles(start, end))
    else:
        stored = lake.read(table, start, end)
    for batch in stored:
        shown = _schema(batch.schema)
        cells = [_renamed(batch.column(n), shown.field(n).type) for n in batch.schema.names if n not in _HIDDEN]
        if table == "labels" and plain:
            cells[1] = _unquoted(cells[1])
        yield pa.RecordBatch.from_arrays(cells, schema=shown)


def _unquoted(labels: pa.Array) -> pa.Array:
    """Labels that are texts without JSON's quotes, as they were sent."""
    coded = labels.dictionary_encode()
    texts = coded.dictionary.to_pylist()
    sent = [json.loads(text) if text.startswith('"') else text for text in texts]
    return pa.array(sent, pa.string()).take(coded.indices)


def _schema(stored: pa.Schema) -> pa.Schema:
    """The columns that are shown, under their own names."""
    fields = []
    for field in stored:
        if field.name in _HIDDEN:
            continue
        kind = field.type
        if pa.types.is_struct(kind):
            inner = [kind.field(i) for i in range(kind.num_fields)]
            kind = pa.struct([pa.field(name, f.type) for name, f in zip(_names(inner), inner, strict=True)])
        fields.append(pa.field(field.name, kind))
    return pa.schema(fields)


def _names(fields: list[pa.Field]) -> list[str]:
    """The columns' own names; where one has had two types, the stored names of both."""
    own = [column_of(field.name) for field in fields]
    return [name if own.count(name) == 1 else field.name for name, field in zip(own, fields, strict=True)]


def _renamed(cells: pa.Array, kind: pa.DataType) -> pa.Array:
    if not pa.types.is_struct(kind):
        return cells
    fields = [kind.field(i) for i in range(kind.num_fields)]
    return pa.StructArray.from_arrays(cells.flatten(), fields=fields)


def _write_parquet(batches: Iterator[pa.RecordBatch], schema: pa.Schema, path: Path) -> None:
    with pq.ParquetWriter(path, schema, compression="zstd") as out:
        for batch in batches:
            out.write_batch(batch)


def _write_json_lines(batches: Iterator[pa.RecordBatch], schema: pa.Schema, path: Path, of_json: Set[str]) -> None:
    encoder = msgspec.json.Encoder()
    maps = {f.name: f.name in of_json for f in schema if pa.types.is_map(f.type)}
    texts = {f.name for f in schema if pa.types.is_string(f.type)} & of_json
    with path.open("wb") as out:
        for batch in batches:
            rows = batch.to_pylist()
            # What was JSON when it came is JSON again, and not a text that holds JSON.
            out.write(encoder.encode_lines([_json(row, maps, texts) for row in rows]))


def _json(row: dict[str, Any], maps: Mapping[str, bool], texts: Set[str]) -> dict[str, Any]:
    for name, is_json in maps.items():
        if row[name] is not None:  # pairs
            row[name] = {key: msgspec.Raw(value.encode()) if is_json else value for key, value in row[name]}
    for name in texts:
        if row[name] is not None:
            row[name] = msgspec.Raw(row[name].encode())
    return row


def _write_csv(batches: Iterator[pa.RecordBatch], schema: pa.Schema, path: Path) -> None:
    with path.open("w", encoding="utf-8", newline="") as out:
        writer = csv.writer(out, lineterminator="\n")
        writer.writerow(name for name, _ in _flat(schema, None))
        for batch in batches:
            columns = [cells.to_pylist() for _, cells in _flat(schema, batch)]
            writer.writerows(tuple(map(_cell, row)) for row in zip(*columns, strict=True))


def _flat(schema: pa.Schema, batch: pa.RecordBatch | None) -> Iterator[tuple[str, Any]]:
    """Each column, and each field of a struct under the names of both."""
    for place, field in enumerate(schema):
        if not pa.types.is_struct(field.type):
            yield field.name, batch and batch.column(place)
            continue
        children = batch.column(place).flatten() if batch else [None] * field.type.num_fields
        for i, child in enumerate(children):
            yield f"{field.name}.{field.type.field(i).name}", child


def _cell(value: Any) -> Any:
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return repr(value)
    if isinstance(value, list):  # a map comes as pairs
        pairs = bool(value) and all(isinstance(part, tuple) for part in value)
        return msgspec.json.encode(dict(value) if pairs else value).decode()
    if isinstance(value, bytes):
        return value.hex()
    return value.isoformat() if hasattr(value, "isoformat") else value
