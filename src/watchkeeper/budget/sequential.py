"""Small changes that last: the evidence of window after window, added up."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

BETS = (0.3, 0.6, 0.9)
"""A bet b pays b p^(b-1) on a window with p-value p: a small one on strong evidence, a large one on faint."""
MOST = 5.0
"""Nats of one window that count: what is loud by itself is told by itself, and must not ring on."""


def lasting(nats: Floats, calm: int) -> Floats:
    """Evidence of the windows up to each one together, shape (measurements, windows).

    A CUSUM of bets against "nothing changed", of which the last is never lost more than once. `nats`: evidence of each
    window, NaN where there is none; the first `calm` windows are the baseline's. With p-values as they should be, each
    bet multiplies to a martingale, and the time until the sum exceeds x nats is e^x windows or more. Where the
    baseline's own windows follow one another in kind, it gets farther than ln(windows) there, and what comes is divided
    by as much.

    Source: Vovk, Petej, Nouretdinov et al. (2021), Retrain or not retrain: conformal test martingales for change-point
    detection; Shin, Ramdas, Rinaldo (2024), E-detectors.
    """
    series = np.minimum(np.nan_to_num(nats), MOST)
    known = ~np.isnan(nats)
    bets = np.array(BETS)[:, None]
    held = np.zeros((len(BETS), len(series)))
    total = np.zeros(series.shape)
    for t in range(series.shape[1]):
        won = np.log(bets) + (1 - bets) * series[:, t]
        held = np.where(known[:, t], np.maximum(held, 0.0) + won, held)
        total[:, t] = np.logaddexp.reduce(held, axis=0) - np.log(len(BETS))
    if calm:
        far = total[:, :calm].max(axis=1, initial=0.0) / max(1.0, np.log(calm))
        total = total / np.maximum(1.0, far)[:, None]
    return np.maximum(total, 0.0)
