"""The smallest change worth a person's attention, in each metric's own unit (measured: BUDGET recipe, step 6)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from watchkeeper.checks import Measurement

Floats = NDArray[np.float64]

FLOORS = {
    ("shape", "ks"): 0.04,
    ("shape", "total variation"): 0.05,
    ("spike", ""): 0.10,
    ("range_low", ""): 0.10,
    ("range_high", ""): 0.10,
    ("unseen_share", ""): 0.005,
    ("rise", ""): 0.01,
    ("rows", ""): 0.20,
    ("correlation", ""): 0.10,
    ("correlation", "target"): 0.10,
}
"""By metric and unit, in multiples of `Measurement.scale`. A shift of 0.1 sd moves the largest gap by 0.04."""

SIGNED = ("range_low", "range_high", "correlation", "bias", "r2")
"""Metrics that may be negative."""

POINTS, TIMES, LEAST = 0.01, 10.0, 0.001
"""Shares of missing and bad cells: one point, or ten times as many and at least 0.1 %."""


def quiet(m: Measurement, times: float = 1.0) -> tuple[float, float]:
    """The lowest and highest value that is no news however sure it is; `times` widens the floor for short baselines."""
    before = m.reference or 0.0
    if m.metric in ("null_share", "invalid_share"):
        high = min(before + times * POINTS, max(times * TIMES * before, before + times * LEAST))
        return max(0.0, before - times * POINTS), high
    floor = times * FLOORS.get((m.metric, m.unit), 0.0) * m.scale
    return (before - floor if m.metric in SIGNED else max(0.0, before - floor)), before + floor
