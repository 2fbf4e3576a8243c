"""The smallest change worth a person's attention, in each metric's own unit (measured: BUDGET recipe, step 6)."""

from __future__ import annotations

import math

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
    ("freshness", ""): 0.04,
    ("correlation", ""): 0.10,
    ("reconstruction_error", ""): 0.10,
    ("mmd", ""): 0.03,
    ("series_error", ""): 0.50,
    ("correlation", "target"): 0.10,
    ("roc_auc", ""): 0.02,
    ("accuracy", ""): 0.02,
    ("calibration_error", ""): 0.02,
    ("ndcg@10", ""): 0.02,
    ("f1", ""): 0.03,
    ("mae", ""): 0.10,
    ("bias", ""): 0.10,
    ("log_loss", ""): 0.10,
}
"""By metric and unit, in multiples of `Measurement.scale`. A shift of 0.1 sd moves the largest gap by 0.04."""

BOUNDS = {
    "range_low": (-math.inf, math.inf),
    "range_high": (-math.inf, math.inf),
    "bias": (-math.inf, math.inf),
    "correlation": (-1.0, 1.0),
    "freshness": (-math.inf, math.inf),
    "rows": (0.0, math.inf),
    "reconstruction_error": (0.0, math.inf),
    "mmd": (-math.inf, math.inf),
    "series_error": (0.0, math.inf),
    "mae": (0.0, math.inf),
    "log_loss": (0.0, math.inf),
}
"""What a metric can be at all; all others are shares, 0 to 1."""

POINTS, TIMES, LEAST = 0.01, 10.0, 0.001
"""Shares of missing and bad cells: one point, or ten times as many and at least 0.1 %."""


def quiet(m: Measurement, times: float = 1.0, declared: float | None = None) -> tuple[Floats, Floats]:
    """Lowest and highest value of each slice that is no news however sure it is; `times` widens for short baselines.

    A floor that a person `declared` stands in place of the metric's own; while the baseline is short, both hold.
    """
    before = np.zeros(len(m.value)) if m.reference is None else np.nan_to_num(m.reference)
    low, high = _own(m, before, times)
    if declared is not None:
        floor = declared * m.scale
        both = times > 1.0
        low = np.minimum(low, before - floor) if both else before - floor
        high = np.maximum(high, before + floor) if both else before + floor
    least, most = BOUNDS.get(m.metric, (0.0, 1.0)) if _known(m) else (-math.inf, math.inf)
    return np.maximum(least, low), np.minimum(most, high)


def _own(m: Measurement, before: Floats, times: float) -> tuple[Floats, Floats]:
    """What the metric's own floor leaves quiet around the values `before`."""
    if m.metric in ("null_share", "invalid_share"):
        high = np.minimum(before + times * POINTS, np.maximum(times * TIMES * before, before + times * LEAST))
        return before - times * POINTS, high
    floor = times * FLOORS.get((m.metric, m.unit), 0.0) * m.scale
    return before - floor, before + floor


def _known(m: Measurement) -> bool:
    return (m.metric, m.unit) in FLOORS or m.metric in ("null_share", "invalid_share")
