"""Takes files of predictions or labels: each passes the delivery check, and its good rows go to the lake once."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import IO, Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from watchkeeper.delivery import Block, Delivery, deliver, expand, raw_sample
from watchkeeper.lake import Lake
from watchkeeper.lake.block import from_delivery, labels_of
from watchkeeper.model import Model, Role, WatchkeeperError
from watchkeeper.profiles import TimeWindows, parse
from watchkeeper.report import mask
from watchkeeper.sdk import Kind, Rejection, SegmentWriter, decode, encode, inbox_of, pack
from watchkeeper.state import count, delivery
from watchkeeper.watch.home import Home
from watchkeeper.watch.reference import Told
from watchkeeper.watch.run import day_of, take

LATER = (Role.LABEL, Role.LABEL_TIME, Role.PREDICTION, Role.SCORE, Role.VERSION, Role.PROPENSITY, Role.WEIGHT)
"""Roles whose columns a file of events may lack."""
LINES = 4 << 20
"""Bytes of events that are read from a stream at once."""


class NotIngested(WatchkeeperError):
    """A file can't be taken: the text says why, and what to do. Nothing of it was stored."""

    exit_code = 1


@dataclass(frozen=True)
class Ingested:
    """What became of a file, or a stream."""

    name: str
    rows: int = 0
    """Rows that were read."""
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
    before: str = ""
    """The name under which the same bytes were taken before; then nothing was done."""


def ingest(home: Home, model: Model, files: Iterable[str], *, now: int, told: Told | None = None) -> list[Ingested]:
    """Take files with the model's columns: events, labels, or events with their labels.

    Raises `NotIngested` where a file is rejected; the files before it are stored.
    """
    lake = home.lake(model)
    return [_file(home, model, lake, source, now, told) for source in expand(list(files))]


def ingest_stream(home: Home, model: Model, stream: IO[bytes], *, now: int) -> Ingested:
    """Take events as JSON lines, as `POST …/events` does: what is good is synced to the inbox when this returns."""
    writer = SegmentWriter(inbox_of(home.folder, model.name))
    rows, good = 0, 0
    wrong: list[Rejection] = []
    try:
        for lines in _portions(stream):
            records, rejections = decode(Kind.EVENT, lines)
            wrong += [Rejection(rows + one.index, one.error) for one in rejections]
            rows, good = rows + len(records) + len(rejections), good + len(records)
            if records:
                writer.append(pack(Kind.EVENT, now, encode(records)))
        writer.sync()
    finally:
        writer.close()
    count.add(home.store, model.name, "rejected", len(wrong), day_of(now))
    if wrong and not good:
        raise NotIngested(
            f"standard input: none of {rows:,} lines is an event. Line {wrong[0].index + 1}: {wrong[0].error}."
        )
    reason = "" if not wrong else f"line {wrong[0].index + 1}: {wrong[0].error}"
    return Ingested("standard input", rows, good, bad=len(wrong), reason=reason)


def _file(home: Home, model: Model, lake: Lake, source: Any, now: int, told: Told | None) -> Ingested:
    names = raw_sample([source], 1).table.column_names
    labels = _is_of_labels(model, names)
    reduced = _told_apart(_labels_alone(model, names) if labels else _without_absent(model, names))
    looked = deliver(source, reduced)
    digest = looked.digest or hashlib.sha256(str(source).encode()).hexdigest()
    earlier = delivery.known(home.store, model.name, digest)
    if earlier is not None:
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
    for number, block in enumerate(_good(deliver(source, reduced, strict=False), bad)):
        at = {f"file {digest}": number + 1}
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
            take(home, model, windows, placed.touched, now)
        if told:
            told(len(block.rows))
    delivery.put(home.store, model.name, digest, looked.name, looked.rows_read, now)
    for kind, amount in (
        ("events", events),
        ("duplicates", known),
        ("labels", outcomes),
        ("future", future),
        ("ancient", ancient),
        ("set aside", len(bad)),
    ):
        count.add(home.store, model.name, kind, amount, day_of(now))
    unknown = tuple(name for name in names if name.strip() and name not in model.columns)
    return Ingested(looked.name, looked.rows_read, events, outcomes, known, len(bad), reason, aside, unknown)


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


def _portions(stream: IO[bytes]) -> Iterator[bytes]:
    """Whole lines of a stream, some megabytes at a time."""
    rest = b""
    while part := stream.read(LINES):
        rest += part
        end = rest.rfind(b"\n") + 1
        if end:
            yield rest[:end]
            rest = rest[end:]
    if rest.strip():
        yield rest
