"""The windows of a result in their order, and where on them a finding stands."""

from __future__ import annotations

import math
from collections import defaultdict
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from watchkeeper.budget import Finding, History, Limits, Severity, counts, expected
from watchkeeper.checks import JOINT, Measurement
from watchkeeper.profiles import Addition, CategoryProfile, NumericProfile, Profiles, Slice
from watchkeeper.report import mask
from watchkeeper.report.result import Result

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


@dataclass(frozen=True)
class Series:
    """One measurement along the windows of one segment and version: all arrays have shape (windows,)."""

    metric: str
    windows: tuple[str, ...]
    value: Floats
    rows: Ints
    low: Floats
    """Lowest value that would not be a warning; NaN where nothing is known."""
    high: Floats
    margin: tuple[Floats, Floats] | None
    """Confidence interval of each value, where the metric has one."""
    temporal: bool
    """Whether the values are times."""

    def part(self, first: int, last: int) -> Series:
        """The windows from number `first` up to `last`, not included."""
        here = slice(first, last)
        return replace(
            self,
            windows=self.windows[here],
            value=self.value[here],
            rows=self.rows[here],
            low=self.low[here],
            high=self.high[here],
            margin=None if self.margin is None else (self.margin[0][here], self.margin[1][here]),
        )


@dataclass(frozen=True)
class Timeline:
    """A result's windows, oldest first."""

    result: Result

    @cached_property
    def windows(self) -> tuple[str, ...]:
        """Labels of the windows (`Slice.window_label`), oldest first."""
        slices = [] if self.result.profiles is None else list(self.result.profiles.slices)
        if not slices:
            slices = [at for measured in self.result.measurements for at in measured.slices]
        first = {at.window_label: at for at in reversed(slices)}
        return tuple(sorted(first, key=lambda label: first[label].key))

    @cached_property
    def touched(self) -> frozenset[str]:
        """The columns with a warning or an alarm; those that only the model's quality is measured by are not."""
        loud = (f for f in self.result.findings if f.severity is not Severity.INFO and f.check != "quality")
        return frozenset(column for finding in loud for column in self.about(finding))

    def about(self, finding: Finding) -> tuple[str, ...]:
        """The columns that a finding is about.

        One about all columns together names those that contribute most: of these, the ones that changed by themselves
        in its window, if any did. The others are carried along.
        """
        return (finding.metric in JOINT and self.explaining(finding)) or finding.columns

    def explaining(self, finding: Finding) -> tuple[str, ...]:
        """Those of its columns that changed by themselves in its window."""
        return tuple(column for column in finding.columns if (column, finding.window) in self._changed)

    @cached_property
    def _changed(self) -> frozenset[tuple[str, str | None]]:
        """Columns, with the window, that have a finding of their own."""
        alone = (f for f in self.result.findings if len(f.columns) == 1 and f.metric not in JOINT)
        return frozenset((finding.columns[0], finding.window) for finding in alone if finding.kind == "change")

    @cached_property
    def columns(self) -> tuple[str, ...]:
        """All columns that a report counts: those looked at (declared, where none was) and others that are told of."""
        known = self.result.model.columns if self.result.profiles is None else self.result.profiles.columns
        told = (f for f in self.result.findings if f.check not in ("quality", "history"))
        return tuple(dict.fromkeys([*known, *(column for finding in told for column in finding.columns)]))

    @cached_property
    def segments(self) -> dict[str, str]:
        """What people read of each segment."""
        return mask.segments(self.result)

    @cached_property
    def place(self) -> dict[str, int]:
        """The number of each window."""
        return {label: i for i, label in enumerate(self.windows)}

    @cached_property
    def _measured(self) -> dict[tuple[str, tuple[str, ...]], list[Measurement]]:
        measured = defaultdict(list)
        for one in self.result.measurements:
            measured[one.metric, one.columns].append(one)
        return measured

    def measurement(
        self, metric: str, columns: tuple[str, ...], segment: str | None = None, version: str | None = None
    ) -> Measurement | None:
        """The measurement of that name, of one segment and version (or of all together), or None.

        One that covers many columns stands under none, and its findings name those that matter.
        """
        for one in self._measured.get((metric, columns)) or self._measured.get((metric, ()), []):
            if any(at.segment == segment and at.version == version for at in one.slices):
                return one
        return None

    def window_of(self, finding: Finding) -> str | None:
        """The window a finding belongs to; None for one that belongs to the data as a whole."""
        return next(iter(self.windows_of(finding)), None)

    def windows_of(self, finding: Finding) -> tuple[str, ...]:
        """The windows a finding may belong to: several only where windows have no name and the same value."""
        if finding.window in self.place:
            return (str(finding.window),)
        if len(self.windows) == 1:
            return self.windows
        measured = self.measurement(finding.metric, finding.columns, finding.segment, finding.version)
        if measured is None or finding.value is None:
            return ()
        # A window that is no span of time has no name in a finding: it is known by its value.
        same = np.flatnonzero(measured.value == finding.value)
        slices = [measured.slices[i] for i in same.tolist()]
        return tuple(at.window_label for at in slices if _is_of(at, finding))

    def series(self, finding: Finding) -> Series | None:
        """How the finding's metric went over the windows, or None where it was not measured."""
        measured = self.measurement(finding.metric, finding.columns, finding.segment, finding.version)
        if measured is None:
            return None
        labels = [at.window_label for at in measured.slices]
        mine = [i for i, at in enumerate(measured.slices) if _is_of(at, finding) and labels[i] in self.place]
        mine.sort(key=lambda i: self.place[labels[i]])
        low, high = usual(measured, self.result)
        column = self._column(measured.columns[0]) if len(measured.columns) == 1 else None
        return Series(
            metric=measured.metric,
            windows=tuple(labels[i] for i in mine),
            value=measured.value[mine],
            rows=measured.rows[mine],
            low=low[mine],
            high=high[mine],
            margin=None if measured.interval is None else (measured.interval[0][mine], measured.interval[1][mine]),
            temporal=isinstance(column, NumericProfile) and column.edges.temporal,
        )

    def profile_of(self, finding: Finding) -> NumericProfile | CategoryProfile | None:
        """The finding's column in its window, segment and version: a profile of one slice; None where there is none."""
        return _one_slice(self.result.profiles, finding, self.window_of(finding), finding.version)

    def baseline_of(self, finding: Finding) -> NumericProfile | CategoryProfile | None:
        """The finding's column in the baseline, of the same segment, all windows together: a profile of one slice."""
        before = self.result.baseline
        return None if before is None else _one_slice(before.profiles, finding, None, None)

    def _column(self, name: str) -> object:
        return None if self.result.profiles is None else self.result.profiles.columns.get(name)


def usual(measured: Measurement, result: Result) -> tuple[Floats, Floats]:
    """The lowest and highest value that would not be a warning, shape (slices,); NaN where that was not judged."""
    unknown = np.full(len(measured.value), np.nan)
    history = History(windows=result.baseline_windows, checks={}, overrides=result.model.checks)
    if measured.band is None or not counts(measured, history):
        return unknown, unknown
    known_here = [at for at in measured.slices if at.window_label in result.thresholds]
    limits = Limits({at.whole: (result.thresholds[at.window_label], math.inf) for at in known_here})
    low, high = expected(measured, limits, history)
    known = np.array([at.whole in limits for at in measured.slices], dtype=bool)
    return np.where(known, low, np.nan), np.where(known, high, np.nan)


def _is_of(at: Slice, finding: Finding) -> bool:
    return at.segment == finding.segment and at.version == finding.version


def _one_slice(
    profiles: Profiles | None, finding: Finding, window: str | None, version: str | None
) -> NumericProfile | CategoryProfile | None:
    column = None if profiles is None or len(finding.columns) != 1 else profiles.columns.get(finding.columns[0])
    if profiles is None or not isinstance(column, NumericProfile | CategoryProfile):
        return None
    wanted = ((window, "window_label"), (finding.segment, "segment"), (version, "version"))
    slot = [0 if all(want is None or getattr(at, of) == want for want, of in wanted) else -1 for at in profiles.slices]
    adding = Addition([np.array(slot, dtype=np.int64)], 1)
    if isinstance(column, NumericProfile):
        return NumericProfile.summed([column], adding)
    return CategoryProfile.summed([column], adding)
