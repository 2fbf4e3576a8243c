"""Shard: a file of events with the files of their labels, to be read by any process that reaches the lake."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from watchkeeper.lake.lake import Lake
from watchkeeper.lake.outcome import latest_labels
from watchkeeper.lake.place import Place
from watchkeeper.lake.schema import LABELS
from watchkeeper.lake.table import File, Table, between
from watchkeeper.model import Model


@dataclass(frozen=True)
class Shard:
    """The rows of one file of events from `start` to before `end`, and the files that may hold their labels."""

    start: int | None
    end: int | None
    events: File
    labels: tuple[File, ...]


@dataclass(frozen=True)
class Source:
    """A model's events and labels without the index of their ids, which lies on one machine. It can be pickled."""

    model: Model
    events: Place
    labels: Place
    schema: pa.Schema
    """Of the events."""

    def joined(self, shards: Iterable[Shard]) -> Iterator[tuple[pa.RecordBatch, pa.Table]]:
        """The events of some shards, and the labels of these. Memory is bounded by a batch. Raises `LakeChanged`."""
        events, labels = Table(self.events, self.schema), Table(self.labels, LABELS)
        for shard in shards:
            for batch in events.read([shard.events], None, between("time", shard.start, shard.end)):
                times = np.asarray(batch.column("time").cast(pa.int64()))
                yield batch, latest_labels(labels, shard.labels, batch.column("id"), times)


def source_of(lake: Lake) -> Source:
    """What another process needs to read a lake's events and labels."""
    events, labels = (Place(at.uri, dict(at.options)) for at in (lake.tables[n].place for n in ("events", "labels")))
    return Source(lake.model, events, labels, lake.tables["events"].schema)


def shards(lake: Lake, spans: Iterable[tuple[int | None, int | None]]) -> list[Shard]:
    """All events of some spans, as the tables stand now, in order of their days."""
    table = lake.tables["events"]
    at = table.fresh()
    if at is None:
        return []
    outcomes = lake.outcomes()
    found = [Shard(*span, file, outcomes.near(file.day)) for span in spans for file in table.files(at, *span)]
    return sorted(found, key=lambda shard: (shard.events.day, shard.events.path, shard.start or 0))
