"""Reads a baseline, data or profile file, and cuts it into windows like those under test."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches
from pathlib import Path
from typing import Any

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
    merge,
)
from watchkeeper.watch.infer import infer_model
from watchkeeper.watch.profiled import BaselineUnreadable, Named, added, fitted, profiles_among, unfit
from watchkeeper.watch.span import like, without_short, without_stubs

KEPT_CELLS = 30_000_000
"""A baseline of at most so many cells is kept in memory between the two passes; a larger one is read twice."""

Told = Callable[[int], None]


class NoSuchSegment(WatchkeeperError):
    """A segment is named that is no column."""


@dataclass(repr=False)
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
        """Digests of the baseline's files that could be the same as `source`: those of its size.

        A baseline file that is looked at itself is not delivered a second time. Profiles do not know where their files
        lay, so by them it is: a source that sends yesterday's file again under the same name must be found.
        """
        if not isinstance(source, str | Path) or not Path(source).is_file():
            return {}
        known = self.digests
        if self.file is None:
            size = Path(source).stat().st_size
            files = [Path(s) for s in self.sources if isinstance(s, str | Path) and Path(s).is_file()]
            known = {digest_of(f): f.name for f in files if f.stat().st_size == size and not f.samefile(source)}
        return {digest: f"{name} of the baseline" for digest, name in known.items()}

    @property
    def profiled(self) -> int:
        """How many windows its profile file has, 0 where it is none."""
        return 0 if self.file is None else self.file.profiles.windows

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
            return fitted(self.file, windows, rows, span, segments, self.name)
        if windows is not None:
            return Baseline(
                self._scan([windows] * len(self.sources), segments, told),
                "time" if isinstance(windows, TimeWindows) else "blocks",
            )
        if len(self.sources) >= 3:
            each = [OneWindow(Slice(label=_label(source, i))) for i, source in enumerate(self.sources)]
            return Baseline(self._scan(each, segments, told), "files")
        spans = like(span, self.span)
        if spans is not None:
            cut = without_stubs(self._scan([spans] * len(self.sources), segments, told), self.span)
            if cut.windows >= 2:
                return Baseline(cut, "time")
        if rows and self.rows >= 2 * rows:
            blocks = [RowWindows(rows, f"{_label(source, i)}: ") for i, source in enumerate(self.sources)]
            return Baseline(without_short(self._scan(blocks, segments, told), rows), "blocks")
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
    listed: Sequence[Any],
    model: Model | None,
    told: Told | None = None,
    within: tuple[int, int] | None = None,
    *,
    counts: bool = True,
) -> Reference:
    """Look at a baseline once: infer its model where none is given, and freeze its edges.

    `listed`: its files or tables, one by one. `within`: event times of which rows are wanted (see `deliver`). Without
    `counts`, profile files are read for their edges and model alone. Raises `BaselineUnreadable`.
    """
    made = profiles_among(listed, counts=counts)
    if made:
        return _of_profiles(made, model)
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
        kernels.expect(delivery.cells)
        blocks: list[Block] = []
        for block in delivery.blocks():
            gather(gathering, [block], kernels, told)
            cells += block.table.num_rows * block.table.num_columns
            if cells > KEPT_CELLS:
                kept, blocks = None, []
            if kept is not None:
                blocks.append(block)
        if delivery.rejected:
            raise unusable(delivery)
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


def _of_profiles(made: Sequence[Named], model: Model | None) -> Reference:
    """A baseline of profile files, added up. Raises `BaselineUnreadable`."""
    try:
        file = added(made)
    except WatchkeeperError as wrong:
        raise BaselineUnreadable(f"the baseline can't be used. {wrong}") from wrong
    name = made[0][0] if len(made) == 1 else f"{len(made)} profile files"
    why = "" if model is None else unfit(file, model)
    if why:
        raise BaselineUnreadable(
            f"the baseline can't be used. {name}: {why}. Profile its data again with this model, or leave --model out."
        )
    return Reference(name=name, model=model or file.model, edges=file.profiles.edges, digests=file.digests, file=file)


def unusable(delivery: Delivery) -> BaselineUnreadable:
    """What to say of a rejected file that was to be a baseline: whoever gave it, and not a sender, can mend that."""
    worst = delivery.violations[0]
    remedy = worst.remedy
    if worst.check == "missing_column":
        lacking = [violation for violation in delivery.violations if violation.check == worst.check]
        worst = max(lacking, key=lambda violation: len(violation.columns))
        remedy = "Give files with the model's columns, as the data have that it was trained or tested with."
    return BaselineUnreadable(f"the baseline can't be used. {worst.message} {remedy}")


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
