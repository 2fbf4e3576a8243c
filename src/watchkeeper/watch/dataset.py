"""Dataset: events as they were served, with their labels as they stood at a moment, as a file to train on."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa

from watchkeeper.delivery import TABLES, writable
from watchkeeper.lake import rows_of
from watchkeeper.lake.export import write_rows
from watchkeeper.lake.extent import extent
from watchkeeper.model import Model
from watchkeeper.watch.home import Home


@dataclass(frozen=True)
class Dataset:
    """What was written."""

    path: Path
    rows: int
    labelled: int
    """Rows with a label."""
    span: tuple[int, int] | None
    """The first and the last time of all events that there are, microseconds since 1970; None where there is none."""


def dataset(
    home: Home, model: Model, path: str | Path, *, start: int | None = None, end: int | None = None, as_of: int
) -> Dataset:
    """Write the events from `start` to before `end` as `.parquet`, `.csv` or `.jsonl`, one row each.

    Columns are the model's own: features as they were served, prediction, score, version; the label is the latest one
    whose time is not after `as_of`, microseconds since 1970, and empty where there was none by then. Only some
    megabytes are in memory at once; the file appears whole or not at all. Raises `BadOutput`, `CannotWrite`.
    """
    (target,) = writable([(path, TABLES)])
    assert target is not None
    lake = home.lake(model)
    outcomes = lake.outcomes()
    rows = labelled = 0
    schema = rows_of(lake.tables["events"].schema.empty_table(), outcomes.labels_for(pa.array([], pa.string())), model)

    def made() -> Iterator[pa.RecordBatch]:
        nonlocal rows, labelled
        for batch in lake.events(start, end):
            labels = outcomes.labels_for(batch["id"], as_of)
            rows, labelled = rows + batch.num_rows, labelled + labels.num_rows
            yield from rows_of(batch, labels, model).to_batches()

    write_rows(target, made(), schema.schema)
    held = extent(lake, "events")
    span = (int(held.low.min()), int(held.high.max())) if len(held.low) else None
    return Dataset(target, rows, labelled, span)
