"""Metrics as they are measured on held-out rows, each once, and how two of them compare."""

from __future__ import annotations

from typing import Any

import numpy as np

from watchkeeper.model.need import BETTER, Margin
from watchkeeper.release.gate.sides import Sides, metric
from watchkeeper.report.words import number
from watchkeeper.stats.influence import Estimate
from watchkeeper.stats.trial import Trial, trial

_ENDS = {**dict.fromkeys(("log_loss", "mae", "rmse", "mape", "cost"), (0.0, np.inf)), "r2": (-np.inf, 1.0)}
"""Where values of a metric can be; the others are shares."""


class Found:
    """What is measured of some rows."""

    def __init__(self, both: Sides, few: str, confidence: float) -> None:
        self.both, self.confidence = both, confidence
        self.few = few
        """Why the rows are too few to judge anything, or nothing."""
        self.metrics: dict[str, dict[str, Any]] = {}
        """By name what is told of each."""
        self._kept: dict[tuple[str, bool], Estimate] = {}

    def of(self, name: str) -> Estimate:
        """A metric of the candidate."""
        known = (name, False) in self._kept
        estimate = self._measured(name, live=False)
        if not known:
            self.metrics[name] = told(self.law(estimate), self.confidence, name) | {"rows": len(self.both)}
        return estimate

    def of_live(self, name: str) -> Estimate:
        """The same of the live model."""
        return self._measured(name, live=True)

    def law(self, estimate: Estimate) -> Trial:
        """How sure an estimate is."""
        return trial(estimate.value, estimate.influence, self.both.cluster, estimate.most)

    def _measured(self, name: str, live: bool) -> Estimate:
        if (name, live) not in self._kept:
            rows = self.both.live if live else self.both.candidate
            assert rows is not None
            self._kept[name, live] = metric(name, rows)
        return self._kept[name, live]


def gain(name: str, ours: Estimate, theirs: Estimate, share: float = 0.0) -> Estimate:
    """How much better one metric is than another of the same rows; above 0 is better.

    `share`: of theirs, a loss that is allowed besides, so that its uncertainty counts too.
    """
    sign = direction(name)
    scale = 1.0 - share * sign * (1.0 if theirs.value >= 0 else -1.0)
    influence = sign * (ours.influence - scale * theirs.influence)
    return Estimate(sign * (ours.value - theirs.value), influence, max(ours.most, theirs.most))


def beside_live(found: Found, name: str, margin: Margin, times: float = 1.0) -> tuple[Trial, float]:
    """The law of the candidate's gain on the live model, and the margin in the metric's unit."""
    ours, theirs = found.of(name), found.of_live(name)
    size = margin.at(theirs.value) * times
    if found.both.same:
        return Trial(0.0, 0.0, 1.0), size
    return found.law(gain(name, ours, theirs, (margin.share or 0.0) * times)), size


def direction(name: str) -> float:
    """1 where a higher value is better, -1 where a lower one is."""
    return 1.0 if BETTER[name] == "high" else -1.0


def told(law: Trial, confidence: float, name: str = "") -> dict[str, float | None]:
    """A value and its interval, as JSON holds them; each end holds with the confidence by itself.

    The interval of a metric stays where it can be.
    """
    ends = law.low(confidence), law.high(confidence)
    least, most = _ENDS.get(name, (0.0, 1.0) if name else (-np.inf, np.inf))
    ends = float(np.clip(ends[0], least, most)), float(np.clip(ends[1], least, most))
    return {"value": json_number(law.value), "low": json_number(ends[0]), "high": json_number(ends[1])}


def turned(law: Trial, name: str, confidence: float) -> tuple[float, float, float]:
    """A gain as a difference in the metric's own unit: its value, lowest and highest."""
    sign = direction(name)
    ends = sorted((sign * law.low(confidence), sign * law.high(confidence)))
    return sign * law.value, ends[0], ends[1]


def json_number(value: float) -> float | None:
    """A number, or null for what JSON has no word for."""
    return float(value) if abs(value) < float("inf") else None


def signed(value: float | None) -> str:
    """A number with its sign."""
    return f"+{number(value)}" if value is not None and value > 0 else number(value)


def measurable(name: str, found: Found, *values: float) -> str:
    """Why a metric can't be judged, or nothing."""
    missing = any(not abs(value) < float("inf") for value in values)
    return found.few or (f"{name} can't be measured on these rows" if missing else "")
