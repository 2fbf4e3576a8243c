"""The overview at a glance: columns by windows (or by metrics, where there is but one window), worst columns first."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum

import numpy as np
from markupsafe import Markup
from numpy.typing import NDArray

from watchkeeper.budget import Finding, Severity
from watchkeeper.report import svg, words
from watchkeeper.report.metric import ORDER, in_words
from watchkeeper.report.timeline import Timeline

Floats = NDArray[np.float64]

MOST_HEADS = 240
"""More windows than this share cells: the worst of those together is shown."""
STIRRING = 0.5
"""The share of a warning's evidence from which a quiet cell is marked as stirring."""

QUALITY, TABLE = "the model's quality", "the data as a whole"
_RULES = "rules"


class Level(IntEnum):
    """How a cell looks: the worse, the taller."""

    UNKNOWN = -1
    QUIET = 0
    STIRRING = 1
    INFO = 2
    WARNING = 3
    ALARM = 4


_LEVELS = {Severity.INFO: Level.INFO, Severity.WARNING: Level.WARNING, Severity.ALARM: Level.ALARM}


@dataclass(frozen=True)
class Row:
    """One column (or the model's quality, or the data as a whole)."""

    column: str | None
    """None where the row is no column."""
    name: str
    levels: tuple[Level, ...]
    cells: dict[int, list[Finding]]
    """The findings of each cell, worst first."""
    unplaced: list[Finding]
    """Findings that belong to no window."""
    strongest: float
    """The strongest evidence, as a multiple of what a warning takes; NaN where nothing was judged."""

    @property
    def broken(self) -> bool:
        """Whether it breaks a rule, and not only by a note."""
        found = [finding for placed in self.cells.values() for finding in placed]
        return any(f.kind == "violation" and f.severity is not Severity.INFO for f in [*found, *self.unplaced])

    @property
    def worst(self) -> Level:
        """The level of the row's worst finding."""
        placed = [finding for found in self.cells.values() for finding in found]
        return max((_LEVELS[finding.severity] for finding in [*placed, *self.unplaced]), default=Level.QUIET)


@dataclass(frozen=True)
class Strip:
    """The overview: every row has one cell per head."""

    heads: tuple[str, ...]
    """Each cell's name in words."""
    ends: tuple[str, str]
    """Names of the first and last window; empty where the heads are metrics."""
    by_metric: bool
    loud: tuple[Row, ...]
    """Rows with a warning or an alarm, worst first."""
    quiet: tuple[Row, ...]


def strip(timeline: Timeline) -> Strip:
    """Lay out the overview of a result."""
    by_metric = len(timeline.windows) < 2
    metrics = _metrics(timeline) if by_metric else ()
    share = max(1, math.ceil(len(timeline.windows) / MOST_HEADS))
    windows = [timeline.windows[i : i + share] for i in range(0, len(timeline.windows), share)]
    heads = (
        tuple(in_words(metric).short for metric in metrics) if by_metric else tuple(_together(part) for part in windows)
    )
    strength = _strength(timeline, metrics, share, len(heads))
    cells: dict[str | None, dict[int, list[Finding]]] = defaultdict(lambda: defaultdict(list))
    unplaced: dict[str | None, list[Finding]] = defaultdict(list)
    rank: dict[str | None, int] = {}
    for i, finding in enumerate(finding for finding in timeline.result.findings if finding.check != "history"):
        cell = _cell(finding, timeline, metrics, share)
        for row in _rows_of(finding, timeline):
            rank.setdefault(row, i)
            if cell is None:
                unplaced[row].append(finding)
            else:
                cells[row][cell].append(finding)
    names = dict.fromkeys([*timeline.columns, *(row for row in rank if row is not None)])
    rows = [_row(name, strength.get(name, np.full(len(heads), np.nan)), cells[name], unplaced[name]) for name in names]
    loud = [row for row in rows if row.worst >= Level.WARNING]
    loud.sort(key=lambda row: (-row.worst, rank[row.column or row.name]))
    ends = ("", "") if by_metric or not windows else (words.tick(timeline.windows[0]), words.tick(timeline.windows[-1]))
    return Strip(heads, ends, by_metric, tuple(loud), tuple(row for row in rows if row.worst < Level.WARNING))


def _metrics(timeline: Timeline) -> tuple[str, ...]:
    found = {finding.metric if finding.kind == "change" else _RULES for finding in timeline.result.findings}
    judged = {
        measured.metric
        for measured in timeline.result.measurements
        if measured.judged and measured.columns and measured.check != "quality"
    }
    quality = {measured.metric for measured in timeline.result.measurements if measured.check == "quality"}
    shown = [metric for metric in ORDER if metric in found | judged]
    more = sorted((found | judged) - set(ORDER) - quality - {_RULES, "rows", "history"})
    return (*shown, *more, *([_RULES] if _RULES in found else []))


def _together(windows: Sequence[str]) -> str:
    first, last = words.window(windows[0]), words.window(windows[-1])
    return first if len(windows) == 1 else f"{first} to {last}"


def _rows_of(finding: Finding, timeline: Timeline) -> tuple[str, ...]:
    if finding.check == "quality":
        return (QUALITY,)
    return timeline.about(finding) or (TABLE,)


def _cell(finding: Finding, timeline: Timeline, metrics: tuple[str, ...], share: int) -> int | None:
    if metrics:
        metric = finding.metric if finding.kind == "change" else _RULES
        return metrics.index(metric) if metric in metrics else None
    window = timeline.window_of(finding)
    return None if window is None else timeline.place[window] // share


def _strength(timeline: Timeline, metrics: tuple[str, ...], share: int, heads: int) -> dict[str, Floats]:
    """Of each row the evidence in each cell, as a multiple of what a warning takes; NaN where nothing was judged."""
    strength: dict[str, Floats] = {}
    thresholds = timeline.result.thresholds
    # Most measurements, and there may be thousands of pairs, share one tuple of slices.
    known: dict[int, tuple[Floats, NDArray[np.intp]]] = {}
    for measured in timeline.result.measurements:
        if measured.evidence is None or (metrics and measured.metric not in metrics):
            continue
        if id(measured.slices) not in known:
            labels = [slice_.window_label for slice_ in measured.slices]
            limits = np.array([thresholds.get(label, np.nan) for label in labels])
            places = np.array([timeline.place.get(label, 0) // share for label in labels], dtype=np.intp)
            known[id(measured.slices)] = limits, places
        limit, at = known[id(measured.slices)]
        if metrics:
            at = np.full(len(at), metrics.index(measured.metric))
        rows = (QUALITY,) if measured.check == "quality" else measured.columns or (TABLE,)
        for row in rows:
            np.fmax.at(strength.setdefault(row, np.full(heads, np.nan)), at, measured.evidence / limit)
    return strength


def _row(name: str, strength: Floats, cells: dict[int, list[Finding]], unplaced: list[Finding]) -> Row:
    levels = np.where(np.isnan(strength), Level.UNKNOWN, np.where(strength > STIRRING, Level.STIRRING, Level.QUIET))
    for cell, found in cells.items():
        levels[cell] = max(_LEVELS[finding.severity] for finding in found)
    strongest = float(np.nanmax(strength)) if not np.isnan(strength).all() else math.nan
    column = None if name in (QUALITY, TABLE) else name
    return Row(
        column,
        words.inert(name, 40),
        tuple(Level(level) for level in levels.tolist()),
        dict(cells),
        unplaced,
        strongest,
    )


_DRAWN = {
    Level.UNKNOWN: ("un", 9.0),
    Level.STIRRING: ("st", 7.5),
    Level.INFO: ("in", 7.0),
    Level.WARNING: ("wa", 4.0),
    Level.ALARM: ("al", 0.0),
}


def drawn(row: Row) -> Markup:
    """The row's cells: one path for the quiet ground, one for each level; bars, the worse the taller."""
    parts = [Markup('<path class="qu" d="M.06 5H{}"/>').format(len(row.levels))]
    for level, (kind, top) in _DRAWN.items():
        at = [i for i, one in enumerate(row.levels) if one is level]
        parts.append(svg.path("".join(f"M{i}.5 10V{svg.short(top)}" for i in at), kind))
    return Markup('<svg viewBox="0 0 {} 10" preserveAspectRatio="none" aria-hidden="true">{}</svg>').format(
        max(len(row.levels), 1), Markup().join(parts)
    )


def counted(row: Row, cell: str) -> str:
    """In how many cells of the row there is an alarm or a warning, in words; `cell` is what they are: `window`."""
    severities = [max(_LEVELS[finding.severity] for finding in found) for found in row.cells.values()]
    severities += [_LEVELS[finding.severity] for finding in row.unplaced]
    alarms, warnings = severities.count(Level.ALARM), severities.count(Level.WARNING)
    if alarms and warnings:
        return f"alarm in {alarms}, warning in {warnings}"
    if not alarms + warnings:
        return "as before"
    return f"{'alarm' if alarms else 'warning'} in {words.plural(alarms + warnings, cell)}"
