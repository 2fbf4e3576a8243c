"""Extent: how much a table holds and how new it is, from its log alone; no row is read."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from watchkeeper.lake.lake import Lake

Ints = NDArray[np.int64]


@dataclass(frozen=True)
class Extent:
    """The files of a table: their rows and bytes, and the first and last time in each, microseconds, shape (files,)."""

    rows: Ints
    sizes: Ints
    low: Ints
    high: Ints
    received: int | None
    """When the newest row was received; None where there is none, or no file says."""

    @property
    def newest(self) -> int | None:
        """The latest time of all rows."""
        return int(self.high.max()) if len(self.high) else None

    def within(self, start: int, end: int) -> tuple[int, bool]:
        """How many rows have a time from `start` to before `end`, and whether that is exact.

        Of a file that lies there in part, rows are taken to be spread evenly.
        """
        length = np.maximum(self.high - self.low + 1, 1)
        inside = np.clip(np.minimum(self.high + 1, end) - np.maximum(self.low, start), 0, None)
        counted = float((self.rows * (inside / length)).sum())
        return round(counted), not bool(((inside > 0) & (inside < length)).any())


def extent(lake: Lake, name: str) -> Extent:
    """The extent of a table; of one that was never made that of none."""
    at = lake.tables[name].fresh()
    actions = None if at is None else pa.table(at.get_add_actions(flatten=True))
    if actions is None or not actions.num_rows:
        none = np.empty(0, dtype=np.int64)
        return Extent(none, none, none, none, None)
    known = [
        column for column in ("num_records", "size_bytes", "min.time", "max.time") if column in actions.column_names
    ]
    found = {column: _ints(actions[column]) for column in known}
    nothing = np.zeros(actions.num_rows, dtype=np.int64)
    newest = _ints(actions["max.received"]) if "max.received" in actions.column_names else nothing
    return Extent(
        rows=found["num_records"],
        sizes=found["size_bytes"],
        low=found.get("min.time", nothing),
        high=found.get("max.time", nothing),
        received=int(newest.max()) or None,
    )


def _ints(column: pa.ChunkedArray) -> Ints:
    cells = column.combine_chunks()
    if pa.types.is_timestamp(cells.type):
        cells = cells.cast(pa.timestamp("us", tz="UTC"))
    return np.asarray(cells.cast(pa.int64()).fill_null(0))
