"""Outcomes: the labels of events, found without reading the labels of others."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cached_property

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from watchkeeper.lake.appended import Ints
from watchkeeper.lake.digest import id_hashes
from watchkeeper.lake.event import DAY
from watchkeeper.lake.follow import AT_ONCE
from watchkeeper.lake.index import Index
from watchkeeper.lake.schema import INSTANT
from watchkeeper.lake.table import EPOCH_DAY, File, Table

_COLUMNS = ("id", "label", "time", "received")


@dataclass(frozen=True)
class Outcomes:
    """All labels as they stood at one moment.

    A label lies on the day of its event, where that was known when it came; where not, on its own day, and an index
    tells which that is.
    """

    table: Table
    files: Sequence[File]
    events: Index
    orphans: Index

    def labels_for(self, ids: pa.Array | pa.ChunkedArray, as_of: int | None = None) -> pa.Table:
        """The latest label of each id by its time, as of a time: columns id, label, time, received; each id once.

        Of two labels with one time the one that was received later is the latest.
        """
        hashes = id_hashes(ids)
        known = self.events.look(hashes)
        times = known.times[known.found]
        numbers = np.unique(np.concatenate([times, self.orphans.times(hashes)]) // DAY)
        days = {np.datetime64(int(number), "D").item() for number in numbers} if len(numbers) else {EPOCH_DAY}
        return latest_labels(self.table, [file for file in self.files if file.day in days], ids, times, as_of)

    def near(self, day: date) -> tuple[File, ...]:
        """The files that may hold labels of a day's events."""
        days = {day, *self._early.get(day, ())}
        return tuple(file for file in self.files if file.day in days)

    @cached_property
    def _early(self) -> Mapping[date, set[date]]:
        """Of a day's events the other days on which labels lie: those that came before their event."""
        pairs: set[tuple[date, date]] = set()
        for run in self.orphans.runs:
            for at in range(0, run.count, AT_ONCE):
                some = slice(at, at + AT_ONCE)
                known = self.events.look(np.column_stack([run.high[some], run.low[some]]))
                both = np.column_stack([known.times, run.times[some]])[known.found] // DAY
                pairs.update(map(tuple, np.unique(both, axis=0).astype("datetime64[D]").tolist()))
        early: dict[date, set[date]] = {}
        for event, label in pairs:
            early.setdefault(event, set()).add(label)
        return early


def latest_labels(
    table: Table, files: Iterable[File], ids: pa.Array | pa.ChunkedArray, times: Ints, as_of: int | None = None
) -> pa.Table:
    """The latest label of each id, of those in some files. `times`: of the events that have these ids, in any order."""
    where = pc.field("id").isin(ids.combine_chunks() if isinstance(ids, pa.ChunkedArray) else ids)
    placed = pc.field("event_time").is_null()
    if len(times):
        low, high = (pa.scalar(int(end), pa.int64()).cast(INSTANT) for end in (times.min(), times.max()))
        placed |= (pc.field("event_time") >= low) & (pc.field("event_time") <= high)
    if as_of is not None:
        where &= pc.field("time") <= pa.scalar(as_of, pa.int64()).cast(INSTANT)
    schema = pa.schema([table.schema.field(name) for name in _COLUMNS])
    return _latest(pa.Table.from_batches(table.read(files, _COLUMNS, placed & where), schema=schema))


def _latest(labels: pa.Table) -> pa.Table:
    order = [(name, "ascending") for name in ("time", "received", "label")]
    labels = labels.sort_by(order).combine_chunks()
    codes = np.asarray(labels["id"].combine_chunks().dictionary_encode().indices)
    last = np.zeros(codes.max(initial=-1) + 1, dtype=np.int64)
    last[codes] = np.arange(len(codes))  # of several rows of one id the last is kept
    return labels.take(pa.array(np.sort(last)))
