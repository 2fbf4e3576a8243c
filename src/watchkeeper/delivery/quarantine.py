"""Writes the rows set aside: number, columns, reason, and the original text."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from watchkeeper.delivery.piece import Piece
from watchkeeper.delivery.rows_out import json_lines
from watchkeeper.delivery.violation import BadRow
from watchkeeper.model.replacing import replacing

SCHEMA = pa.schema(
    [("row", pa.int64()), ("columns", pa.list_(pa.string())), ("reason", pa.string()), ("raw", pa.string())]
)
Take = Callable[[list[tuple[BadRow, str]]], None]


@contextmanager
def quarantine(path: Path) -> Iterator[Take]:
    """Write rows set aside to `path`, in the format of its ending."""
    with replacing(path) as temporary:
        ending = path.suffix.lower()
        yield from {".csv": _csv, ".parquet": _parquet}.get(ending, _json)(temporary)


def original(piece: Piece, place: int) -> str:
    """One row as it came: its text, or JSON of a row of a typed format."""
    if piece.originals is not None:
        return piece.originals.text(place)
    return json_lines(piece.cells.slice(int(np.searchsorted(piece.places, place)), 1))[0]


def _csv(path: Path) -> Iterator[Take]:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(SCHEMA.names)
        yield lambda rows: writer.writerows((bad.row, ", ".join(bad.columns), bad.reason, raw) for bad, raw in rows)


def _json(path: Path) -> Iterator[Take]:
    with path.open("w", encoding="utf-8") as file:

        def take(rows: list[tuple[BadRow, str]]) -> None:
            for bad, raw in rows:
                line = {"row": bad.row, "columns": list(bad.columns), "reason": bad.reason, "raw": raw}
                file.write(json.dumps(line, ensure_ascii=False) + "\n")

        yield take


def _parquet(path: Path) -> Iterator[Take]:
    with pq.ParquetWriter(path, SCHEMA, compression="zstd") as writer:

        def take(rows: list[tuple[BadRow, str]]) -> None:
            lines = [
                {"row": bad.row, "columns": list(bad.columns), "reason": bad.reason, "raw": raw} for bad, raw in rows
            ]
            writer.write_table(pa.Table.from_pylist(lines, schema=SCHEMA))

        yield take
