"""Reads a baseline, data or profile file, and cuts it into windows like those under test."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from difflib import get_close_matches
from pathlib import Path
from typing import Any

import numpy as np

from watchkeeper.delivery import Block, Delivery, NoSuchFile, NotData, active_content, deliver, digest_of, shown
from watchkeeper.engines import Kernels, gather, scan
from watchkeeper.model import Inference, Model, Role, Type, WatchkeeperError
from watchkeeper.profiles import (
    Baseline,
    Edges,
    Gathering,
    OneWindow,
    ProfileFile,
    Profiles,
    RowWindows,
    Slice,
    TimeWindows,
    Windows,
    is_profile,
    merge,
    read,
)
from watchkeeper.watch.infer import infer_model

KEPT_CELLS = 30_000_000
"""A baseline of at most so many cells is kept in memory between the two passes; a larger one is read twice."""
ALIKE = 0.15
"""How far a file's span may differ from an hour, day, week or month to be taken for one."""
UNITS = {"hour": 3_600_000_000, "day": 86_400_000_000, "week": 7 * 86_400_000_000, "month": int(30.4 * 86_400_000_000)}

Told = Callable[[int], None]


class BaselineUnreadable(WatchkeeperError):
    """The baseline could not be read, so nothing can be compared."""

    exit_code = 4


class NoSuchSegment(WatchkeeperError):
    """A segment is named that is no column."""


class BaselineDiffers(WatchkeeperError):
    """A profile file was made for other windows or segments than those asked for."""


@dataclass
class Reference:
    """A baseline that has been looked at once: its model and frozen edges are known, its windows may not be yet."""

    name: str
    model: Model
    edges: Edges
    sources: Sequence[Any] = ()
    rows: int = 0
    span: tuple[int, int] | None = None
    """First and last event time, in microseconds since 1970."""
    digests: Mapping[str, str] = field(default_factory=dict)
    """SHA-256 -> name, as far as they are known."""
    file: ProfileFile | None = None
    """Set where the baseline is a profile file."""
    kept: list[tuple[Delivery, list[Block]]] | None = None
    left_out: Mapping[str, str] = field(default_factory=dict)
    """Columns that can't be watched, and why, where the model was inferred here and nobody has been told yet."""
    kernels: Kernels = field(default_factory=Kernels)

    def digests_like(self, source: Any) -> Mapping[str, str]:
        """Digests of the baseline's files that could be the same as `source`: those of its size."""
        if self.file is not None or not isinstance(source, str | Path) or not Path(source).is_file():
            return self.digests
        size = Path(source).stat().st_size
        files = [Path(s) for s in self.sources if isinstance(s, str | Path) and Path(s).is_file()]
        alike = [f for f in files if f.stat().st_size == size and not _same_file(f, Path(source))]
        return {digest_of(f): f.name for f in alike}

    def has_active_content(self, column: str) -> bool:
        """Whether the baseline holds formulas or markup in this column too."""
        if self.kept is None:
            streams = (deliver(source, self.model, strict=False).blocks() for source in self.sources)
        else:
            streams = (iter(blocks) for _, blocks in self.kept)
        return any(
            bool(active_content(b.table[column]).any())
            for blocks in streams
            for b in blocks
            if column in b.table.column_names
        )

    def baseline(
        self,
        windows: Windows | None,
        rows: int,
        span: tuple[int, int] | None,
        segments: Sequence[str],
        told: Told | None,
    ) -> Baseline:
        """The baseline in windows: those given, else files, else spans or blocks like the file under test.

        `rows` and `span` (first and last event time) are those of the file under test. CONTRACT section 2.
        """
        if self.file is not None:
            return Baseline(_fitting(self.file.profiles, windows, segments, self.name), self.file.source)
        if windows is not None:
            return Baseline(
                self._scan([windows] * len(self.sources), segments, told),
                "time" if isinstance(windows, TimeWindows) else "blocks",
            )
        if len(self.sources) >= 3:
            each = [OneWindow(Slice(label=_label(source, i))) for i, source in enumerate(self.sources)]
            return Baseline(self._scan(each, segments, told), "files")
        spans = _like(span, self.span)
        if spans is not None:
            cut = _without_stubs(self._scan([spans] * len(self.sources), segments, told), spans, self.span)
            if len({at.whole for at in cut.slices}) >= 2:
                return Baseline(cut, "time")
        if rows and self.rows >= 2 * rows:
            blocks = [RowWindows(rows, f"{_label(source, i)}: ") for i, source in enumerate(self.sources)]
            return Baseline(_without_short(self._scan(blocks, segments, told), rows), "blocks")
        return Baseline(self._scan([OneWindow(Slice(label="baseline"))] * len(self.sources), segments, told), "one")

    def _scan(self, windows: Sequence[Windows], segments: Sequence[str], told: Told | None) -> Profiles:
        if self.kept is not None:
            streams: list[Iterable[Block]] = [blocks for _, blocks in self.kept]
        else:
            streams = [deliver(source, self.model, strict=False).blocks() for source in self.sources]
        cuts = zip(streams, windows, strict=True)
        return merge(
            scan(self.edges, self.model, blocks, cut, segments, told, kernels=self.kernels) for blocks, cut in cuts
        )


def refer(
    listed: Sequence[Any], model: Model | None, told: Told | None = None, within: tuple[int, int] | None = None
) -> Reference:
    """Look at a baseline once: infer its model where none is given, and freeze its edges.

    `listed`: its files or tables, one by one. `within`: event times of which rows are wanted (see `deliver`). Raises
    `BaselineUnreadable`.
    """
    only = listed[0] if len(listed) == 1 else None
    if isinstance(only, str | Path) and Path(only).is_file() and is_profile(Path(only)):
        file = read(Path(only))
        return Reference(
            name=str(only),
            model=model or file.model,
            edges=file.profiles.edges,
            digests=file.digests,
            file=file,
        )
    known, left_out = model, {}
    if known is None:
        inferred = _inferred(listed)
        known = inferred.model
        left_out = {
            name: inferred.notes[name].fields["type"].reason
            for name, column in known.columns.items()
            if column.type is Type.OTHER
        }
    gathering, kernels = Gathering(known), Kernels()
    kept: list[tuple[Delivery, list[Block]]] | None = []
    cells = 0
    for source in listed:
        delivery = deliver(source, known, strict=False, within=within)
        blocks: list[Block] = []
        for block in delivery.blocks():
            gather(gathering, [block], kernels, told)
            cells += block.table.num_rows * block.table.num_columns
            if cells > KEPT_CELLS:
                kept, blocks = None, []
            if kept is not None:
                blocks.append(block)
        if delivery.rejected:
            raise BaselineUnreadable(
                f"the baseline can't be used. {delivery.violations[0].message} {delivery.violations[0].remedy}"
            )
        if kept is not None:
            kept.append((delivery, blocks))
    time = known.only(Role.TIMESTAMP)
    ends = gathering.extremes.get(time or "")
    name = _label(listed[0]) if len(listed) == 1 else f"{len(listed)} files"
    return Reference(
        name=name,
        model=known,
        edges=gathering.edges(),
        sources=listed,
        rows=gathering.rows,
        span=None if ends is None else (int(ends[0]), int(ends[1])),
        kept=kept,
        left_out=left_out,
        kernels=kernels,
    )


def segments_of(model: Model, asked: str | None) -> list[str]:
    """Columns to look at value by value: the one asked for, else the model's. Raises `NoSuchSegment`."""
    if asked is None:
        return model.segments
    if asked not in model.columns:
        near = get_close_matches(asked, model.columns, 1)
        hint = f"Did you mean {near[0]!r}?" if near else f"There are {', '.join(list(model.columns)[:20])}."
        raise NoSuchSegment(f"segment {asked!r}: there is no such column. {hint}")
    return [asked]


def _inferred(sources: Sequence[Any]) -> Inference:
    try:
        return infer_model(sources)
    except (NotData, NoSuchFile):
        raise
    except WatchkeeperError as wrong:
        raise BaselineUnreadable(f"the baseline can't be used. {wrong}") from wrong


def _label(source: Any, number: int = 0) -> str:
    """What to call a source: its file's name, or its place among several tables."""
    return Path(shown(str(source))).name if isinstance(source, str | Path) else f"table {number + 1}"


def _like(span: tuple[int, int] | None, whole: tuple[int, int] | None) -> TimeWindows | None:
    """Windows of the same length as the file under test: a calendar unit if it is nearly one."""
    if span is None or whole is None or span[1] <= span[0] or whole[1] - whole[0] < span[1] - span[0]:
        return None
    length = span[1] - span[0]
    for unit, size in UNITS.items():
        if abs(length - size) <= ALIKE * size:
            return TimeWindows(unit)
    return TimeWindows(length + 1, whole[1] + 1)


def _fitting(profiles: Profiles, windows: Windows | None, segments: Sequence[str], name: str) -> Profiles:
    """Profiles of a file in the windows asked for: days are added up to weeks, and so on. Raises `BaselineDiffers`."""
    missing = [s for s in segments if not any((at.segment or "").startswith(f"{s}=") for at in profiles.slices)]
    if missing:
        raise BaselineDiffers(
            f"{name}: these profiles are not divided by {missing[0]!r}. Profile the baseline again with this segment, "
            "or give its data."
        )
    if not isinstance(windows, TimeWindows):
        return profiles
    starts = np.array([at.start for at in profiles.slices if at.start is not None], dtype=np.int64)
    if len(starts) < len(profiles.slices) or not len(starts):
        raise BaselineDiffers(f"{name}: these profiles are not cut by time. Profile the baseline again, cut by time.")
    target = windows.start_of(starts)
    ends = windows.end_of(target)
    if any(at.end is None or at.end > end for at, end in zip(profiles.slices, ends.tolist(), strict=True)):
        raise BaselineDiffers(
            f"{name}: these profiles are cut into longer or other windows than those asked for. Profile the baseline "
            "again with the same windows, or finer ones."
        )
    moved = {
        at: replace(at, start=start, end=end)
        for at, start, end in zip(profiles.slices, target.tolist(), ends.tolist(), strict=True)
    }
    return profiles.regrouped(moved.get)


def _without_stubs(profiles: Profiles, windows: TimeWindows, span: tuple[int, int] | None) -> Profiles:
    """First and last windows that the data cover less than half are added to their neighbours."""
    if span is None:
        return profiles
    times = sorted({at.whole for at in profiles.slices if at.start is not None}, key=lambda at: at.key)
    if len(times) < 3:
        return profiles
    first, last = times[0], times[-1]
    move = {}
    if first.end is not None and first.start is not None and first.end - span[0] < (first.end - first.start) / 2:
        move[first] = times[1]
    if last.end is not None and last.start is not None and span[1] - last.start < (last.end - last.start) / 2:
        move[last] = times[-2]
    return _moved(profiles, move)


def _without_short(profiles: Profiles, rows: int) -> Profiles:
    """The last block of each file, if it is shorter than half, is added to the one before it."""
    whole = profiles.regrouped(lambda at: at.whole)
    short = [i for i, n in enumerate(whole.rows.tolist()) if n < rows / 2 and i > 0]
    return _moved(profiles, {whole.slices[i]: whole.slices[i - 1] for i in short})


def _moved(profiles: Profiles, move: Mapping[Slice, Slice]) -> Profiles:
    def to(at: Slice) -> Slice:
        target = move.get(at.whole, at.whole)
        return Slice(target.start, target.end, target.label, at.segment, at.version)

    return profiles.regrouped(to) if move else profiles


def _same_file(a: Path, b: Path) -> bool:
    return a.resolve() == b.resolve()
