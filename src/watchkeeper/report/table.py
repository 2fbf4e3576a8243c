"""All measurements, loud or not, as a table: for analysis (Parquet, JSON lines) and for people (CSV)."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from watchkeeper.model import WatchkeeperError
from watchkeeper.report import mask, words
from watchkeeper.report.metric import Unit, in_words
from watchkeeper.report.timeline import usual

if TYPE_CHECKING:
    import pyarrow as pa

    from watchkeeper.checks import Measurement
    from watchkeeper.model import Model
    from watchkeeper.profiles import Slice
    from watchkeeper.report.result import Result

AT_ONCE = 50_000
"""Rows turned into text at a time."""


class UnknownEnding(WatchkeeperError):
    """The ending of an output file names no format that is known."""


def measurements(result: Result) -> pa.Table:
    """One row per measurement and slice, columns as in the contract.

    `low` and `high` are the lowest and highest value that would not be a warning; of a quality metric that is not
    judged, its confidence interval; null where neither is known.
    """
    import pyarrow as pa

    schema = _schema()
    # Most measurements share one tuple of slices: its four columns are built once.
    places = {id(one.slices): _places(one.slices) for one in result.measurements}
    parts = [_rows(one, result, schema, places[id(one.slices)]) for one in result.measurements if one.slices]
    return pa.Table.from_batches(parts, schema=schema)


def write_measurements(result: Result, path: str | Path) -> None:
    """Write the table as `.parquet`, `.csv` or `.jsonl`, whole or not at all; CSV into a pipe.

    Raises `UnknownEnding`.
    """
    from watchkeeper.delivery import replacing

    path = Path(path)
    is_device = path.exists() and not path.is_file()  # a pipe has any name, and gets the format for people
    if not is_device and path.suffix not in (".parquet", ".csv", ".jsonl"):
        raise UnknownEnding(
            f"{words.inert(str(path), 120)}: measurements are written as .parquet, .csv or .jsonl. "
            "Change the file's ending."
        )
    table = measurements(result)
    with replacing(path) as temporary:
        if path.suffix == ".parquet":
            _write_parquet(table, temporary)
        elif path.suffix == ".jsonl":
            _write_json_lines(table, temporary)
        else:
            _write_csv(table, temporary, result)


def _schema() -> pa.Schema:
    import pyarrow as pa

    instant, text = pa.timestamp("us", tz="UTC"), pa.string()
    return pa.schema(
        [
            ("window_start", instant),
            ("window_end", instant),
            ("segment", text),
            ("version", text),
            ("check", text),
            ("metric", text),
            ("columns", pa.list_(text)),
            ("value", pa.float64()),
            ("low", pa.float64()),
            ("high", pa.float64()),
            ("effect", pa.float64()),
            ("evidence", pa.float64()),
            ("rows", pa.int64()),
            ("judged", pa.bool_()),
        ]
    )


def _places(slices: tuple[Slice, ...]) -> list[pa.Array]:
    import pyarrow as pa

    instant, text = pa.timestamp("us", tz="UTC"), pa.string()
    return [
        pa.array([at.start for at in slices], type=instant),
        pa.array([at.end for at in slices], type=instant),
        pa.array([at.segment for at in slices], type=text),
        pa.array([at.version for at in slices], type=text),
    ]


def _rows(one: Measurement, result: Result, schema: pa.Schema, places: list[pa.Array]) -> pa.RecordBatch:
    import pyarrow as pa

    count = len(one.slices)
    low, high = usual(one, result)
    if one.interval is not None:
        low, high = (
            np.where(np.isnan(low) & np.isnan(high), end, known)
            for end, known in zip(one.interval, (low, high), strict=True)
        )
    judged = np.zeros(count, dtype=bool) if one.evidence is None else ~np.isnan(one.evidence)
    # The same in every row: written once as an array of one and repeated by its index.
    names = pa.array([list(one.columns)], type=pa.list_(pa.string())).take(pa.array(np.zeros(count, dtype=np.int64)))
    return pa.RecordBatch.from_arrays(
        [
            *places,
            pa.repeat(pa.scalar(one.check), count),
            pa.repeat(pa.scalar(one.metric), count),
            names,
            _floats(one.value),
            _floats(low),
            _floats(high),
            _floats(one.effect if one.effect is not None else np.full(count, np.nan)),
            _floats(one.evidence if one.evidence is not None else np.full(count, np.nan)),
            pa.array(np.asarray(one.rows, dtype=np.int64)),
            pa.array(judged),
        ],
        schema=schema,
    )


def _floats(values: NDArray[np.float64]) -> pa.Array:
    import pyarrow as pa

    return pa.array(np.asarray(values, dtype=np.float64), from_pandas=True)


def _write_parquet(table: pa.Table, path: Path) -> None:
    import pyarrow.parquet as pq

    pq.write_table(table, path, compression="zstd")


def _write_json_lines(table: pa.Table, path: Path) -> None:
    import msgspec

    encoder = msgspec.json.Encoder()
    with path.open("wb") as out:
        for batch in table.to_batches(max_chunksize=AT_ONCE):
            out.write(encoder.encode_lines(batch.to_pylist()))


def _write_csv(table: pa.Table, path: Path, result: Result) -> None:
    """For people: lists joined by semicolons, nothing that a spreadsheet would run, no value of a personal column."""
    import csv

    model, segments = result.model, mask.segments(result)
    with path.open("w", encoding="utf-8", newline="") as out:
        writer = csv.writer(out, lineterminator="\n")
        writer.writerow(table.column_names)
        for batch in table.to_batches(max_chunksize=AT_ONCE):
            writer.writerows(
                [_cell(value) for value in _shown(row, model, segments).values()] for row in batch.to_pylist()
            )


def _shown(row: dict[str, Any], model: Model, segments: Mapping[str, str]) -> dict[str, Any]:
    row = row | {"segment": segments.get(row["segment"])}
    if in_words(row["metric"]).unit is Unit.COLUMN and mask.hidden(model, row["columns"]):
        return row | dict.fromkeys(("value", "low", "high", "effect"), mask.MASKED)
    return row


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return repr(value)
    if isinstance(value, list):
        return words.spreadsheet_safe("; ".join(words.inert(part) for part in value))
    return words.spreadsheet_safe(words.inert(value.isoformat() if isinstance(value, datetime) else str(value), 200))
