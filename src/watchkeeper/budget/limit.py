"""Which measurements are judged, and what they must exceed to be told."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from watchkeeper.budget.budget import Budget
from watchkeeper.budget.floor import quiet
from watchkeeper.budget.threshold import threshold
from watchkeeper.checks import Check, Measurement
from watchkeeper.model import Override, override_of
from watchkeeper.profiles import Slice

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

FULL, FEW = 10, 3
"""Baseline windows from which floors count once, and below which nothing is known of how windows differ."""
TOGETHER = math.log(10.0)
"""How much more evidence several windows take together: one in ten false alarms may be theirs."""
SHORT = 3.0
"""What floors are multiplied by while the baseline is short."""


@dataclass(frozen=True)
class History:
    """What is known of how the data behave when nothing is wrong."""

    windows: int
    """Baseline windows."""
    checks: dict[str, Check]
    """The checks by name: they say what they saw in words."""
    maxima: Floats = field(default_factory=lambda: np.zeros(0))
    """The largest evidence of each baseline window against the others, shape (windows,)."""
    spoiled: dict[str, tuple[Slice, ...]] = field(default_factory=dict)
    """By column the baseline windows that are themselves outliers, and were left out."""
    seasonal: frozenset[str] = frozenset()
    """Columns of which the baseline shows that only windows of the same phase (weekday, hour) are alike."""
    overrides: Mapping[str, Override] = field(default_factory=dict)
    """What a person declared to be judged otherwise, by the name of a metric or of a check."""

    def override(self, m: Measurement) -> Override:
        """What a person declared of a measurement."""
        return override_of(self.overrides, m.check, m.metric)

    def quiet(self, m: Measurement, times: float = 1.0) -> tuple[Floats, Floats]:
        """Lowest and highest value of each slice within so many times its floor: `floor.quiet`."""
        return quiet(m, times * (1.0 if self.windows >= FULL else SHORT), self.override(m).floor)


def counts(m: Measurement, history: History) -> bool:
    """Whether a measurement is judged: not if a person ignores it, or it needs more baseline windows than there are."""
    known = history.windows >= FEW or not m.needs_variance
    return m.judged and known and not history.override(m).ignores(m.columns)


class Limits(dict[Slice, tuple[float, float]]):
    """The evidence in nats that a warning and an alarm take, by the window's slice over all segments and versions."""

    def __init__(self, by_window: Mapping[Slice, tuple[float, float]]) -> None:
        super().__init__(by_window)
        self._known: dict[int, tuple[tuple[Slice, ...], Floats]] = {}

    def of(self, slices: tuple[Slice, ...]) -> tuple[Floats, Floats]:
        """What a warning and an alarm take in each slice; infinite where nothing is judged."""
        if id(slices) not in self._known:  # most measurements share one tuple; as it is kept, no other gets its id
            both = [self.get(at.whole, (np.inf, np.inf)) for at in slices]
            self._known[id(slices)] = slices, np.array(both).reshape(-1, 2)
        warning, alarm = self._known[id(slices)][1].T
        return warning, alarm


def thresholds(measurements: Iterable[Measurement], history: History, budget: Budget) -> Limits:
    """The evidence that a warning and an alarm take in each window.

    See `threshold`: J counts what is judged in the window, over all columns, metrics, segments and versions.
    """
    together: dict[int, tuple[tuple[Slice, ...], NDArray[np.int64]]] = {}  # most measurements share one tuple of slices
    for m in measurements:
        if counts(m, history) and m.evidence is not None:
            _, known = together.setdefault(id(m.slices), (m.slices, np.zeros(len(m.slices), dtype=np.int64)))
            known += ~np.isnan(m.evidence)
    judged: dict[Slice, int] = {}
    for slices, known in together.values():
        for at, n in zip(slices, known.tolist(), strict=True):
            judged[at.whole] = judged.get(at.whole, 0) + n
    chances, maxima = (budget.warning, budget.alarm), history.maxima
    levels = {n: tuple(threshold(n, chance, maxima) for chance in chances) for n in {*judged.values()}}
    return Limits({at: (levels[n][0], levels[n][1]) for at, n in judged.items()})


@dataclass(frozen=True)
class Loud:
    """Which slices of a measurement are told, and how loudly; shape (slices,)."""

    alarm: Bools
    warning: Bools
    """Including alarms."""
    slow: Bools
    """Slices that differ from the baseline by an alarm's worth, and not from the windows just before them, or only
    together with those: of single columns."""
    together: Bools
    """Of `slow`, those that do so only together."""


def loud(m: Measurement, limits: Limits, history: History) -> Loud:
    """What exceeds its thresholds against the baseline and against the windows just before, and leaves its floor."""
    to_warn, to_alarm = limits.of(m.slices)
    nats = _nats(m.evidence, m, 0.0)
    recent = _nats(None if m.recent is None else m.recent.evidence, m, np.inf)
    joint = _nats(m.lasting, m, 0.0) - TOGETHER
    away = _away(m, history)
    warning = away & (nats > to_warn) & (recent > to_warn)
    alarm = warning & (nats > to_alarm) & (recent > to_alarm)
    slow = away & ~warning & (np.maximum(nats, joint) > to_alarm) & (len(m.columns) == 1)
    return Loud(alarm, warning, slow, slow & (nats <= to_alarm))


def _away(m: Measurement, history: History) -> Bools:
    """Whether each value has left its floor."""
    low, high = history.quiet(m)
    with np.errstate(invalid="ignore"):
        return np.asarray((m.value < low) | (m.value > high))


def _nats(evidence: Floats | None, m: Measurement, nothing: float) -> Floats:
    return np.full(len(m.value), nothing) if evidence is None else np.nan_to_num(evidence, nan=nothing, posinf=np.inf)
