"""Writes the good rows: copied byte for byte where source and output are of one kind, else value by value."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from watchkeeper.delivery.columnar import ColumnarReader, of_text
from watchkeeper.delivery.csv_read import CsvReader
from watchkeeper.delivery.encoding import normal
from watchkeeper.delivery.examine import cells_of
from watchkeeper.delivery.json_lines import JsonReader
from watchkeeper.delivery.piece import Bools, Piece, Reader
from watchkeeper.delivery.rows_out import csv_lines, json_lines, unique_names
from watchkeeper.model.replacing import replacing

Take = Callable[[Piece, Bools], None]
"""Takes the next piece, and which of its rows are good."""


def is_copy(reader: Reader, path: Path) -> bool:
    """Whether good rows go from source to output as they are. CSV is always written in its standard form."""
    if isinstance(reader, CsvReader):
        text = reader.format
        standard = (text.delimiter, text.quote, normal(text.encoding)) == (",", '"', "utf-8")
        return path.suffix.lower() == ".csv" and standard and bool(reader.header)
    return path.suffix.lower() == ".jsonl" and isinstance(reader, JsonReader)


@contextmanager
def accepted(path: Path, reader: Reader, names: Sequence[str]) -> Iterator[Take]:
    """Write good rows to `path`, in the format of its ending. `names`: the columns of the source."""
    with replacing(path) as temporary:
        if is_copy(reader, path):
            yield from _copy(temporary, reader)
        elif path.suffix.lower() == ".parquet":
            yield from _parquet(temporary, reader, names)
        else:
            yield from _text(temporary, names, as_csv=path.suffix.lower() != ".jsonl")


def _copy(path: Path, reader: Reader) -> Iterator[Take]:
    with path.open("wb") as file:
        if isinstance(reader, CsvReader):
            file.write(reader.header + b"\n")

        def take(piece: Piece, good: Bools) -> None:
            assert piece.originals is not None
            file.write(piece.originals.copied(good))

        yield take


def _text(path: Path, names: Sequence[str], *, as_csv: bool) -> Iterator[Take]:
    labels = unique_names(names)
    with path.open("w", encoding="utf-8", newline="") as file:
        if as_csv:
            file.writelines(f"{line}\n" for line in csv_lines([pa.array([name]) for name in names]))

        def take(piece: Piece, good: Bools) -> None:
            columns = _columns(piece, names, good)
            lines = csv_lines(columns) if as_csv else json_lines(pa.table(columns, names=labels))
            file.writelines(f"{line}\n" for line in lines)

        yield take


def _parquet(path: Path, reader: Reader, names: Sequence[str]) -> Iterator[Take]:
    labels = unique_names(names)
    fields = (
        list(reader.schema)
        if isinstance(reader, ColumnarReader)
        else [pa.field(label, pa.string()) for label in labels]
    )
    origin = of_text(csv=reader.empty_is_null) if reader.lexical else None
    schema = pa.schema([field.with_name(label) for field, label in zip(fields, labels, strict=True)], metadata=origin)
    with pq.ParquetWriter(path, schema, compression="zstd") as writer:

        def take(piece: Piece, good: Bools) -> None:
            columns = [
                column.cast(wanted) for column, wanted in zip(_columns(piece, names, good), schema.types, strict=True)
            ]
            if len(columns[0]):
                writer.write_table(pa.table(columns, schema=schema))

        yield take


def _columns(piece: Piece, names: Sequence[str], good: Bools) -> list[pa.Array]:
    """The good rows' cells, a column each."""
    chosen = pa.array(np.flatnonzero(good[piece.places]))
    places = range(piece.cells.num_columns) if len(names) == piece.cells.num_columns else names
    return [cells_of(piece, at).take(chosen) for at in places]
