"""The only place where it is decided whether a measurement deserves a person's attention."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from watchkeeper.budget.budget import Budget
from watchkeeper.budget.finding import Finding, Severity
from watchkeeper.budget.floor import quiet
from watchkeeper.checks import Check, Measurement
from watchkeeper.profiles import Slice

Floats = NDArray[np.float64]

FULL, FEW = 10, 3
"""Baseline windows from which floors count once, and below which what needs a variance is not judged."""
SHORT = 3.0
"""What floors are multiplied by while the baseline is short."""


@dataclass(frozen=True)
class History:
    """What is known of how the data behave when nothing is wrong."""

    windows: int
    """Baseline windows."""
    checks: Mapping[str, Check]
    """The checks by name: they say what they saw in words."""


def judge(measurements: Sequence[Measurement], history: History, budget: Budget) -> list[Finding]:
    """Findings for measurements that chance does not explain within the budget, and large enough to matter.

    A window's threshold is ln(J/alpha) nats for its J judged measurements over all columns, metrics, segments and
    versions (Bonferroni), alpha the budget's chance per window; and the value must leave its floor. Worst first.
    """
    limits = thresholds(measurements, history, budget)
    times = 1.0 if history.windows >= FULL else SHORT
    enough: dict[int, Floats] = {}  # to warn, by the tuple of slices that most measurements share
    found: list[Finding] = []
    for m in measurements:
        if counts(m, history):
            if id(m.slices) not in enough:
                enough[id(m.slices)] = _to_warn(m.slices, limits)
            found += _loud(m, limits, enough[id(m.slices)], history, times)
    return sorted(found, key=_worst_first)


def counts(m: Measurement, history: History) -> bool:
    """Whether a measurement is judged with this history: not where it needs more baseline windows than there are."""
    return m.judged and (history.windows >= FEW or not m.needs_variance)


def thresholds(
    measurements: Iterable[Measurement], history: History, budget: Budget
) -> dict[Slice, tuple[float, float]]:
    """Evidence in nats that a warning and an alarm take, for each window (its slice over all segments and versions)."""
    together: dict[int, tuple[tuple[Slice, ...], NDArray[np.int64]]] = {}  # most measurements share one tuple of slices
    for m in measurements:
        if counts(m, history) and m.evidence is not None:
            _, known = together.setdefault(id(m.slices), (m.slices, np.zeros(len(m.slices), dtype=np.int64)))
            known += ~np.isnan(m.evidence)
    judged: dict[Slice, int] = {}
    for slices, known in together.values():
        for at, n in zip(slices, known.tolist(), strict=True):
            judged[at.whole] = judged.get(at.whole, 0) + n
    return {at: (math.log(max(1, n) / budget.warning), math.log(max(1, n) / budget.alarm)) for at, n in judged.items()}


def expected(m: Measurement, limits: Mapping[Slice, tuple[float, float]], history: History) -> tuple[Floats, Floats]:
    """Lowest and highest value of each slice that would not be a warning: threshold and floor turned round."""
    low, high = quiet(m, 1.0 if history.windows >= FULL else SHORT)
    if m.band is None:
        return np.full(len(m.slices), -np.inf), np.full(len(m.slices), np.inf)
    with np.errstate(all="ignore"):
        lowest, highest = m.band(_to_warn(m.slices, limits))
    return np.fmin(lowest, low), np.fmax(highest, high)


def _to_warn(slices: Iterable[Slice], limits: Mapping[Slice, tuple[float, float]]) -> Floats:
    """The evidence that a warning takes in each slice; infinite where nothing is judged."""
    return np.array([limits.get(at.whole, (np.inf, np.inf))[0] for at in slices])


def _loud(
    m: Measurement, limits: Mapping[Slice, tuple[float, float]], enough: Floats, history: History, times: float
) -> Iterable[Finding]:
    if m.evidence is None:
        return
    low, high = quiet(m, times)
    with np.errstate(invalid="ignore"):
        loud = np.flatnonzero((m.evidence > enough) & ((m.value < low) | (m.value > high)))
    if not len(loud):
        return
    usual_low, usual_high = expected(m, limits, history)
    check = history.checks[m.check]
    for i in loud.tolist():
        at = m.slices[i]
        usual = _number(usual_low[i]), _number(usual_high[i])
        severity = Severity.ALARM if m.evidence[i] > limits[at.whole][1] else Severity.WARNING
        yield Finding(
            kind="change",
            check=m.check,
            metric=m.metric,
            columns=m.blame(i) if m.blame else m.columns,
            severity=severity,
            message=check.say(m, i, usual),
            remedy=check.remedy,
            value=_number(m.value[i]),
            expected=usual,
            effect=None if m.effect is None else _number(m.effect[i]),
            evidence=_number(m.evidence[i]),
            rows=int(m.rows[i]),
            window=at.window,
            segment=at.segment,
            version=at.version,
        )


def _number(x: float) -> float | None:
    return float(x) if math.isfinite(x) else None


def _worst_first(finding: Finding) -> tuple[int, float]:
    return (-list(Severity).index(finding.severity), -(finding.evidence or 0.0))
