"""Move: what lies in the inbox goes to the lake, each record once, however often a mover dies and however many run."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from watchkeeper.lake.appended import Appended, no_times
from watchkeeper.lake.cell import micro
from watchkeeper.lake.error import LakeError, Overtaken
from watchkeeper.lake.event import events_table
from watchkeeper.lake.index import written
from watchkeeper.lake.lake import ATTEMPTS, Lake
from watchkeeper.lake.outside import jobs_table, labels_table, points_table
from watchkeeper.model import Model
from watchkeeper.sdk import Corrupt, Frame, Kind, Record, claimed, count, frames, inbox_of, read, segments
from watchkeeper.sdk.figure import NAMES

Ints = NDArray[np.int64]

BYTES, RECORDS = 16 << 20, 150_000
"""What is moved at once: a batch ends with the frame that passes one of these."""
MINUTE = 60_000_000
NOTED = "noted.json"
"""In the cache: how far each segment was read."""
TABLE = {Kind.EVENT: "events", Kind.LABEL: "labels", Kind.POINT: "points", Kind.SERVICE: "points", Kind.JOB: "jobs"}


@dataclass(frozen=True)
class Moved:
    """What one move did. Call `forget` once the windows that it touched are noted somewhere that lasts."""

    events: Appended
    labels: Appended
    points: int
    """Metric points stored, those that a service told of itself too."""
    jobs: int
    corrupt: int
    """Damaged spans set aside."""
    touched: Ints
    """Event times whose windows have changed: one for each minute, in microseconds since 1970, ascending."""
    read: Mapping[str, int] = field(default_factory=dict)
    """How far each segment was read."""
    inbox: Path = Path()
    noted: Path = Path()

    def forget(self) -> int:
        """Delete the segments of which nothing is left and that nobody writes to; give their number.

        What they held is in the lake to stay, and their windows will not be told again.
        """
        gone = 0
        for name, offset in self.read.items():
            with claimed(self.inbox / name) as free:
                if free and _finished(self.inbox, name, offset):
                    (self.inbox / name).unlink()
                    gone += 1
        left = {name: offset for name, offset in self.read.items() if (self.inbox / name).exists()}
        self.noted.parent.mkdir(parents=True, exist_ok=True)
        written(self.noted, json.dumps(left).encode())
        return gone


@dataclass(frozen=True)
class _Taken:
    """One frame, and the segment in which it stands."""

    segment: str
    frame: Frame


def move(home: Path, model: Model, lake: Lake) -> Moved:
    """Store all whole frames of the inbox, those of segments that are being written too.

    Frames that were stored earlier but whose windows were never noted (see `Moved.forget`) tell their windows again.
    """
    inbox, noted = inbox_of(home, model.name), lake.cache / NOTED
    progress = progress_of(noted)
    reader = _Reader(inbox, {path.name: progress.get(path.name, 0) for path in segments(inbox)})
    mover = _Mover(model, lake, inbox)
    batch: list[_Taken] = []
    size = records = 0
    for taken in reader.frames():
        batch.append(taken)
        size, records = size + len(taken.frame.payload), records + count(taken.frame.payload)
        if size >= BYTES or records >= RECORDS:
            mover.store(batch)
            batch, size, records = [], 0, 0
    mover.store(batch)
    return Moved(
        events=_sum(mover.done["events"]),
        labels=_sum(mover.done["labels"]),
        points=_sum(mover.done["points"]).new,
        jobs=_sum(mover.done["jobs"]).new,
        corrupt=reader.corrupt + len(mover.unreadable),
        touched=mover.touched,
        read=reader.offsets,
        inbox=inbox,
        noted=noted,
    )


class _Reader:
    """Reads whole frames of all segments, and sets aside what is damaged."""

    def __init__(self, inbox: Path, offsets: dict[str, int]) -> None:
        self.inbox, self.offsets = inbox, offsets
        self.corrupt = 0

    def frames(self) -> Iterator[_Taken]:
        for name in list(self.offsets):
            data = _bytes(self.inbox / name)
            for found in frames(data, self.offsets[name]):
                if isinstance(found, Corrupt):
                    set_aside(self.inbox, name, found.start, data[found.start : found.end])
                    self.corrupt += 1
                else:
                    yield _Taken(name, found)
                self.offsets[name] = found.end


class _Mover:
    """Stores batches of frames."""

    def __init__(self, model: Model, lake: Lake, inbox: Path) -> None:
        self.model, self.lake, self.inbox = model, lake, inbox
        self.touched = no_times()
        self.unreadable: set[tuple[str, int]] = set()
        self.done: dict[str, list[Appended]] = {name: [] for name in TABLE.values()}

    def store(self, batch: Sequence[_Taken]) -> None:
        """Events before labels, so that a label finds the event that came with it."""
        for name in self.done:
            mine = [taken for taken in batch if TABLE[taken.frame.kind] == name]
            for _ in range(ATTEMPTS if mine else 0):
                try:
                    self._store(name, mine)
                    break
                except Overtaken:
                    continue
            else:
                if mine:
                    raise LakeError(
                        f"{self.lake.place.uri}: other movers were faster {ATTEMPTS} times. Nothing is lost; "
                        "run it again."
                    )

    def _store(self, name: str, batch: Sequence[_Taken]) -> None:
        held = self.lake.consumed(name, {taken.segment for taken in batch})
        old = [taken for taken in batch if taken.frame.end <= held[taken.segment]]
        new = [taken for taken in batch if taken.frame.end > held[taken.segment]]
        ends = {taken.segment: taken.frame.end for taken in new}  # frames of one segment come in order
        after = {segment: held[segment] for segment in ends}
        if new:
            done = self._append(name, new, ends, after)
            self.done[name].append(done)
            self._touch(done.touched)
        if old and name in ("events", "labels"):
            self._touch(self._touched_by(name, old))

    def _append(
        self, name: str, batch: Sequence[_Taken], ends: Mapping[str, int], after: Mapping[str, int]
    ) -> Appended:
        records, received, kinds = self._records(batch)
        rows: Any
        match name:
            case "events":
                rows = events_table(records, received, self.model, self.lake.columns)
                return self.lake.append_events(rows, ends, after)
            case "labels":
                return self.lake.append_labels(labels_table(records, received), ends, after)
            case "points":
                told = zip(kinds, records, strict=True)  # over HTTP all are metric points, so the name decides
                sources = ["service" if k is Kind.SERVICE or point.name in NAMES else "logged" for k, point in told]
                return self.lake.append_points(points_table(records, received, sources), ends, after)
            case _:
                return self.lake.append_jobs(jobs_table(records, received), ends, after)

    def _touched_by(self, name: str, batch: Sequence[_Taken]) -> Ints:
        """The event times of what was stored earlier."""
        records, _, _ = self._records(batch)
        if name == "labels":
            return self.lake.event_times([record.id for record in records])
        return micro([record.time for record in records])

    def _records(self, batch: Sequence[_Taken]) -> tuple[list[Any], Ints, list[Kind]]:
        records: list[Record] = []
        received: list[int] = []
        kinds: list[Kind] = []
        for taken in batch:
            frame = taken.frame
            try:
                some = read(frame.kind, frame.payload)
            except (msgspec.DecodeError, RecursionError):  # whole, but written by a release that we don't know
                set_aside(self.inbox, taken.segment, frame.start, frame.payload)
                self.unreadable.add((taken.segment, frame.start))
                continue
            records += some
            received += [frame.received] * len(some)
            kinds += [frame.kind] * len(some)
        return records, np.array(received, dtype=np.int64), kinds

    def _touch(self, times: Ints) -> None:
        self.touched = np.unique(np.concatenate([self.touched, times // MINUTE * MINUTE]))


def _bytes(path: Path) -> bytes:
    """What stands in a segment; nothing if another mover has deleted it. Not mapped: its writer may cut it back."""
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return b""


def _finished(inbox: Path, name: str, offset: int) -> bool:
    """Whether nothing that can be read is left behind `offset`; a torn tail is kept aside. Hold the lock meanwhile."""
    data = _bytes(inbox / name)
    if next(iter(frames(data, offset)), None) is not None:
        return False
    if offset < len(data):
        set_aside(inbox, name, offset, data[offset:])
    return True


def set_aside(inbox: Path, name: str, start: int, data: bytes) -> None:
    """Keep a span that can't be read where a person may look at it."""
    folder = inbox / "aside"
    folder.mkdir(exist_ok=True)
    written(folder / f"{name}-{start}", data)


def progress_of(noted: Path) -> dict[str, int]:
    """How far each segment was read when its windows were noted last; nothing where that is not known."""
    try:
        return {str(name): int(offset) for name, offset in json.loads(noted.read_bytes()).items()}
    except (OSError, ValueError, AttributeError):
        return {}


def _sum(parts: Sequence[Appended]) -> Appended:
    def total(of: Callable[[Appended], int]) -> int:
        return sum(map(of, parts))

    return Appended(
        new=total(lambda part: part.new),
        duplicates=total(lambda part: part.duplicates),
        conflicts=total(lambda part: part.conflicts),
        future=total(lambda part: part.future),
        ancient=total(lambda part: part.ancient),
        touched=np.unique(np.concatenate([no_times(), *(part.touched for part in parts)])),
    )
