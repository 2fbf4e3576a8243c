"""Labelled: counts, while windows are profiled, how many events have a label and how late these came; keeps it."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from watchkeeper.lake import Lake
from watchkeeper.model import Model, Task
from watchkeeper.profiles import TimeWindows
from watchkeeper.watch.maturity import EDGES, Counted, Span

Ints = NDArray[np.int64]

LOOKED_AT = 2_200
"""Newest windows that are looked at: three months of hours."""
THINNED = 10
"""Of windows before these every tenth is looked at, ten times as far back: delays may take months."""
SAME = 0.15
"""Windows of the same kind differ in length by no more than months do."""
CLASSES = 16
"""Classes of a window that are counted by themselves, those with the most labels."""


class Labelled:
    """Counts events and labels of windows, batch by batch."""

    def __init__(self, model: Model, windows: TimeWindows) -> None:
        self._windows = windows
        self._by_class = model.task in (Task.BINARY, Task.MULTICLASS)
        self._events: Counter[int] = Counter()
        self._labels: defaultdict[int, Counter[tuple[str, int]]] = defaultdict(Counter)

    def add(self, events: pa.RecordBatch, labels: pa.Table) -> None:
        """Count a batch of events and the labels that are theirs, as `Outcomes.labels_for` gives them."""
        times = _micro(events["time"])
        self._events.update(dict(zip(*_counted(self._windows.start_of(times)), strict=True)))
        at = pc.index_in(_whole(labels["id"]), value_set=events["id"])
        event_times = times[np.asarray(at)] if len(at) else np.empty(0, dtype=np.int64)
        late = _micro(labels["time"]) - event_times
        bins = np.where(late > 0, np.searchsorted(EDGES, late) + 1, 0)
        coded = _whole(labels["label"]).dictionary_encode()
        names = coded.dictionary.to_pylist() if self._by_class else []
        codes = np.asarray(coded.indices, dtype=np.int64) if self._by_class else np.zeros(len(bins), dtype=np.int64)
        rows = np.column_stack([self._windows.start_of(event_times), codes, bins])
        used, count = np.unique(rows, axis=0, return_counts=True)
        for (start, code, place), labelled in zip(used.tolist(), count.tolist(), strict=True):
            self._labels[start][names[code] if names else "", place] += labelled

    def merge(self, other: Labelled) -> None:
        """Add what was counted elsewhere, of other events."""
        self._events.update(other._events)
        for start, held in other._labels.items():
            self._labels[start].update(held)

    def taken(self, span: Span, revision: int) -> Counted:
        """What was counted of a window, which is forgotten here."""
        held = self._labels.pop(span[0], Counter())
        by_class: Counter[str] = Counter()
        for (name, _), labels in held.items():
            by_class[name] += labels
        delays: dict[str, dict[int, int]] = {name: {} for name, _ in by_class.most_common(CLASSES)}
        for (name, place), labels in sorted(held.items()):
            if name in delays:
                delays[name][place] = labels
        return Counted(span, revision, self._events.pop(span[0], 0), sum(by_class.values()), delays)


def put(lake: Lake, counted: Sequence[Counted], now: int) -> None:
    """Keep what was counted of windows."""
    lake.put_coverage([_row(one) for one in counted], now)


def kept(lake: Lake, newest: Span) -> list[Counted]:
    """Windows up to the `newest`, as they were counted last, oldest first: all of the newest ones, some older ones."""
    rows = _up_to(lake, newest)
    older = max(rows.num_rows - LOOKED_AT, 0)
    places = [*range(older % THINNED, older, THINNED), *range(older, rows.num_rows)]
    return _listed(rows.take(pa.array(places, pa.int64())))


def between(lake: Lake, start: int, end: int) -> list[Counted]:
    """All windows that start in this span, as they were counted last, in order of time."""
    return _listed(lake.coverage(start, end))


def withheld(lake: Lake, newest: Span) -> list[Counted]:
    """All windows of which something was not told, because labels were to come."""
    rows = _up_to(lake, newest)
    return _listed(rows.filter(pc.greater(rows["withheld"], 0)))


def _up_to(lake: Lake, newest: Span) -> pa.Table:
    """Windows up to the newest, of its length; a model may have had others before."""
    start, end = newest
    rows = lake.coverage(max(end - THINNED * LOOKED_AT * (end - start), 0), end)
    lengths = _micro(rows["window_end"]) - _micro(rows["window_start"])
    return rows.filter(pa.array(abs(lengths / (end - start) - 1) < SAME))


def _row(counted: Counted) -> dict[str, Any]:
    delays = {name: sorted(held.items()) for name, held in counted.delays.items()}
    return {
        "window_start": counted.span[0],
        "window_end": counted.span[1],
        "revision": counted.revision,
        "events": counted.events,
        "labels": counted.labels,
        "delays": json.dumps(delays),
        "withheld": counted.withheld,
    }


def _listed(rows: pa.Table) -> list[Counted]:
    times = (_micro(rows[name]).tolist() for name in ("window_start", "window_end", "made"))
    plain = rows.select(["revision", "events", "labels", "delays", "withheld"]).to_pylist()
    return [
        Counted(
            span=(start, end),
            revision=row["revision"],
            events=row["events"],
            labels=row["labels"],
            delays={name: dict(held) for name, held in json.loads(row["delays"]).items()},
            withheld=row["withheld"],
            made=made,
        )
        for start, end, made, row in zip(*times, plain, strict=True)
    ]


def _counted(values: Iterable[int]) -> tuple[list[int], list[int]]:
    used, count = np.unique(np.asarray(values), return_counts=True)
    return used.tolist(), count.tolist()


def _micro(column: pa.Array | pa.ChunkedArray) -> Ints:
    return np.asarray(_whole(column).cast(pa.int64()))


def _whole(column: pa.Array | pa.ChunkedArray) -> pa.Array:
    return column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column
