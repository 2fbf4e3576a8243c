"""Takes files of predictions or labels: each passes the delivery check, and its good rows go to the lake once."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from watchkeeper.delivery import Block, Delivery, deliver, raw_sample
from watchkeeper.delivery.container import UnknownFormat
from watchkeeper.delivery.rejection import Rejection
from watchkeeper.delivery.source import Unreadable
from watchkeeper.lake import Lake
from watchkeeper.lake.block import from_delivery, labels_of
from watchkeeper.model import Model, Role, WatchkeeperError
from watchkeeper.profiles import TimeWindows, parse
from watchkeeper.report import mask
from watchkeeper.state import count, delivery
from watchkeeper.watch.home import Home
from watchkeeper.watch.reference import Told
from watchkeeper.watch.run import day_of, take

LATER = (Role.LABEL, Role.LABEL_TIME, Role.PREDICTION, Role.SCORE, Role.VERSION, Role.PROPENSITY, Role.WEIGHT)
"""Roles whose columns a file of events may lack."""
READ = {"type", "role", "format", "decimal", "missing", "sentinels"}
"""The lines of a column on which it depends what its cells say."""


class NotIngested(WatchkeeperError):
    """A file can't be taken: the text says why, and what to do. Nothing of it was stored."""

    exit_code = 1


@dataclass(frozen=True)
class Ingested:
    """What became of a file, or a stream."""

    name: str
    rows: int = 0
    """Rows that were read."""
    received: int = 0
    """Events of a stream: which of them are new the next run says."""
    events: int = 0
    """New events; those known before are not among them."""
    labels: int = 0
    known: int = 0
    """Events whose ids were known: the first one stays."""
    bad: int = 0
    """Rows set aside."""
    reason: str = ""
    """Why the first of these was, and which it is."""
    aside: str = ""
    """Where these are kept; those of a stream are not."""
    unknown: tuple[str, ...] = ()
    """Columns that the model does not declare: they are not taken."""
    future: int = 0
    """New events that are dated more than a day ahead."""
    ancient: int = 0
    """New events that are dated before 1970."""
    before: str = ""
    """The name under which the same bytes were taken before."""
    again: bool = False
    """Whether they were taken again, because labels are declared otherwise now; if not, nothing was done."""


def ingest(home: Home, model: Model, source: Any, *, now: int, told: Told | None = None) -> Ingested:
    """Take one file with the model's columns: events, labels, or events with their labels. Raises `NotIngested`."""
    try:
        return _file(home, model, home.lake(model), source, now, told)
    except (Rejection, UnknownFormat, Unreadable) as wrong:
        raise NotIngested(str(wrong)) from wrong


def _file(home: Home, model: Model, lake: Lake, source: Any, now: int, told: Told | None) -> Ingested:
    names = raw_sample([source], 1).table.column_names
    labels = _is_of_labels(model, names)
    reduced = _told_apart(_labels_alone(model, names) if labels else _without_absent(model, names))
    looked = deliver(source, reduced)
    digest = looked.digest or hashlib.sha256(str(source).encode()).hexdigest()
    earlier, reading = delivery.known(home.store, model.name, digest), _reading(reduced, labels)
    if earlier is not None and earlier.reading in (None, reading):
        return Ingested(looked.name, before=earlier.name)
    for block in looked.blocks():
        if told:
            told(len(block.rows))
    if looked.rejected:
        wrong = looked.violations[0]
        raise NotIngested(f"{looked.name} is rejected, and nothing of it was stored. {wrong.message} {wrong.remedy}")
    faults = list(looked.bad_rows(None))
    bad = np.array([row.row for row in faults], dtype=np.int64)
    reason = f"row {faults[0].row:,}: {mask.fault(faults[0], model)}" if faults else ""
    aside = _set_aside(lake, looked, digest) if len(bad) else ""
    windows = parse(model.window)
    assert isinstance(windows, TimeWindows)
    events = known = outcomes = future = ancient = 0
    transaction = f"file {digest}" if earlier is None else f"file {digest} after {earlier.at}"
    for number, block in enumerate(_good(deliver(source, reduced, strict=False), bad)):
        at = {transaction: number + 1}
        if labels:
            rows, _ = labels_of(block, model, now)
        else:
            made = from_delivery(block, model, lake.columns, now, digest[:16])
            stored = lake.append_events(made.events, at)
            events, known = events + stored.new, known + stored.duplicates + stored.conflicts
            future, ancient = future + stored.future, ancient + stored.ancient
            take(home, model, windows, stored.touched, now)
            rows = made.labels
        if rows.num_rows:
            placed = lake.append_labels(rows, at)
            outcomes += placed.new
            if earlier is not None:
                lake.withdraw_labels(rows["id"], earlier.at)
            take(home, model, windows, placed.touched, now)
        if told:
            told(len(block.rows))
    delivery.put(home.store, delivery.Ingested(model.name, digest, looked.name, looked.rows_read, now, reading))
    for kind, amount in (
        ("events", events),
        ("duplicates", known),
        ("labels", outcomes),
        ("future", future),
        ("ancient", ancient),
        ("set aside", len(bad)),
    ):
        count.add(home.store, model.name, kind, amount, day_of(now))
    return Ingested(
        name=looked.name,
        rows=looked.rows_read,
        events=events,
        labels=outcomes,
        known=known,
        bad=len(bad),
        reason=reason,
        aside=aside,
        unknown=tuple(name for name in names if name.strip() and name not in model.columns),
        future=future,
        ancient=ancient,
        before="" if earlier is None else earlier.name,
        again=earlier is not None,
    )


def _good(again: Delivery, bad: NDArray[np.int64]) -> Iterator[Block]:
    """The rows that are not bad."""
    for block in again.blocks():
        kept = ~np.isin(block.rows, bad)
        invalid = {name: cells[kept] for name, cells in block.invalid.items()}
        yield block if kept.all() else Block(block.rows[kept], block.table.filter(pa.array(kept)), invalid)


def _set_aside(lake: Lake, looked: Delivery, digest: str) -> str:
    """Keep the bad rows of a file in the lake, each with its reason and its text; where."""
    path = f"quarantine/{digest[:16]}.jsonl"
    with TemporaryDirectory() as folder:
        rows = Path(folder) / "rows.jsonl"
        looked.write(None, rows)
        lake.place.write(path, rows.read_bytes())
    return lake.place.below(path).uri


def _is_of_labels(model: Model, names: list[str]) -> bool:
    label, key = model.only(Role.LABEL), model.only(Role.ID)
    features = {*model.with_role(Role.FEATURE)}
    return label in names and key in names and features.isdisjoint(names)


def _labels_alone(model: Model, names: list[str]) -> Model:
    """The model of a file that holds labels and what they are labels of. Several labels of one event are fine."""
    wanted = (Role.ID, Role.LABEL, Role.LABEL_TIME, Role.TIMESTAMP)
    columns = {name: c for name, c in model.columns.items() if name in names and c.role in wanted}
    bare = {name: c.model_copy(update={"unique": None}) for name, c in columns.items()}
    return model.model_copy(update={"columns": bare, "primary_key": [], "segments": [], "checks": {}})


def _without_absent(model: Model, names: list[str]) -> Model:
    """The model without what is known later than the event, where the file lacks it."""
    columns = {name: c for name, c in model.columns.items() if name in names or c.role not in LATER}
    return model.model_copy(update={"columns": columns})


def _told_apart(model: Model) -> Model:
    """The same where a row without an id or a time is bad: the lake can't tell it from others, or when it was."""
    needed = (Role.ID, Role.TIMESTAMP)
    columns = {n: c.model_copy(update={"nullable": False}) if c.role in needed else c for n, c in model.columns.items()}
    return model.model_copy(update={"columns": columns})


def _reading(reduced: Model, labels: bool) -> str:
    """How the labels of a file are read. Declared otherwise, they say something else; an event stays as it came."""
    roles = (Role.LABEL, Role.LABEL_TIME, *((Role.ID, Role.TIMESTAMP) if labels else ()))
    columns = {name: column for name, column in reduced.columns.items() if column.role in roles}
    return json.dumps({n: c.model_dump(mode="json", include=READ) for n, c in columns.items()}, sort_keys=True)
