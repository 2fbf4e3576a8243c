"""The smallest change worth a person's attention, in each metric's own unit (measured: BUDGET recipe, step 6)."""

from __future__ import annotations

import math

from watchkeeper.checks import Measurement

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


def quiet(m: Measurement, times: float = 1.0) -> tuple[float, float]:
    """The lowest and highest value that is no news however sure it is; `times` widens the floor for short baselines."""
    before = m.reference or 0.0
    if m.metric in ("null_share", "invalid_share"):
        low = before - times * POINTS
        high = min(before + times * POINTS, max(times * TIMES * before, before + times * LEAST))
    else:
        floor = times * FLOORS.get((m.metric, m.unit), 0.0) * m.scale
        low, high = before - floor, before + floor
    least, most = BOUNDS.get(m.metric, (0.0, 1.0)) if _known(m) else (-math.inf, math.inf)
    return max(least, low), min(most, high)


def _known(m: Measurement) -> bool:
    return (m.metric, m.unit) in FLOORS or m.metric in ("null_share", "invalid_share")
