"""Columns that stand in the names of folders, as `country=AT/2024.parquet` has them (Hive, Spark, DuckDB, Arrow)."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import PurePath, PurePosixPath
from typing import Any
from urllib.parse import unquote

import pyarrow as pa

from watchkeeper.delivery.columnar import ColumnarReader
from watchkeeper.model.declaration import Column, Type

_NOTHING = "__HIVE_DEFAULT_PARTITION__"
_STORED = {Type.INTEGER: pa.int64(), Type.NUMBER: pa.float64(), Type.BOOLEAN: pa.bool_()}


def partitions(path: str) -> dict[str, str | None]:
    """The values that folders on a path have in their names, by column; None where the name says that there is none."""
    parts = [part.partition("=") for part in PurePosixPath(PurePath(path).as_posix()).parts[:-1]]
    return {unquote(key): None if value == _NOTHING else unquote(value) for key, sign, value in parts if key and sign}


def shared(sources: Collection[Any]) -> list[str]:
    """The columns that the folders of all of several files name, below the folder that holds them all.

    What lies above may be anybody's: it says nothing by which the files differ.
    """
    paths = [str(source) for source in sources if isinstance(source, str | PurePath)]
    if len(paths) < 2 or len(paths) < len(sources):
        return []
    parents = [PurePosixPath(PurePath(path).as_posix()).parent.parts for path in paths]
    above = next((i for i, parts in enumerate(zip(*parents, strict=False)) if len(set(parts)) > 1), None)
    if above is None:
        return []
    named = [partitions(str(PurePosixPath(*parts[above:], "file"))) for parts in parents]
    return [key for key in named[0] if all(key in other for other in named[1:])]


def partitioned(reader: ColumnarReader, path: str, wanted: Mapping[str, Column | None]) -> ColumnarReader:
    """The reader with the `wanted` columns that stand in the path alone, as text where nothing else is declared."""
    named = partitions(path)
    found = {name: _scalar(named[name], wanted[name]) for name in wanted if name in named and name not in reader.names}
    if not found or reader.lexical:
        return reader
    schema = reader.schema
    for name, scalar in found.items():
        schema = schema.append(pa.field(name, scalar.type))
    return replace(reader, schema=schema, batches=_Filled(reader, found))


@dataclass(frozen=True)
class _Filled:
    """Batches of a reader, with columns of one value each."""

    reader: ColumnarReader
    values: Mapping[str, pa.Scalar]

    def __call__(self, columns: Sequence[str], rows: int, **more: Any) -> Iterator[pa.RecordBatch]:
        own = [name for name in columns if name not in self.values] or list(self.reader.names[:1])
        for batch in self.reader.batches(own, rows, **more):
            yield pa.RecordBatch.from_arrays(
                [
                    pa.repeat(self.values[name], batch.num_rows) if name in self.values else batch.column(name)
                    for name in columns
                ],
                names=list(columns),
            )


def _scalar(text: str | None, column: Column | None) -> pa.Scalar:
    """A value as the type that is declared, where it can be; else as text, which is then told like any other."""
    stored = _STORED.get(column.type) if column is not None else None
    if stored is not None:
        try:
            return pa.scalar(text, pa.string()).cast(stored)
        except pa.ArrowInvalid:
            pass
    return pa.scalar(text, pa.string())
