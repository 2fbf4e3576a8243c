"""Freshness: evidence that the newest event of a window is older than chance, or the usual schedule, leaves it."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike, NDArray

from watchkeeper.stats.evidence import everything
from watchkeeper.stats.prediction import Moments, predictive_band, predictive_t

Floats = NDArray[np.float64]
Total = Callable[[Floats], Floats]
"""As in `stats.evidence`: sums over the past windows that each slice is compared with."""


def freshness(age: ArrayLike, past: ArrayLike, spacing: ArrayLike, total: Total = everything) -> Floats:
    """Evidence that the wait from a window's newest event to its end was longer than those of past windows, (windows,).

    The larger, less ln 2, of two laws. Events that come at random leave exponential waits: with x = age/mean wait,
        W ln(1 + x/W) / phi,
    the F law with 2 and 2W degrees of freedom, phi the squared coefficient of variation of the waits, where above 1.
    Waits that a schedule sets: one-sided `predictive_t` on ln(1 + wait), with at least the variance that the `spacing`
    of events (seconds, shape (slices,)) gives it, (spacing/wait)^2, or that of an exponential one's logarithm, pi^2/6,
    if it is less. Negative ages count as 0. NaN below two windows.

    Source: Lawless (2003), Statistical Models and Methods for Lifetime Data, 4.1; Hahn, Meeker (1991), 4.2.
    """
    now = np.maximum(np.asarray(age, dtype=np.float64), 0.0)
    waits, logs, chance = _waits(past, spacing, total)
    with np.errstate(divide="ignore", invalid="ignore"):
        W = waits.windows
        random = np.where(waits.mean > 0, W * np.log1p(now / waits.mean / W) / _dispersion(waits), 0.0)
    scheduled = predictive_t(np.log1p(now), logs, chance, "up")
    return np.where(np.isnan(scheduled), np.nan, np.maximum(0.0, np.maximum(random, scheduled) - np.log(2)))


def freshness_band(
    past: ArrayLike, spacing: ArrayLike, nats: ArrayLike, total: Total = everything
) -> tuple[Floats, Floats]:
    """No lowest, and the highest age whose `freshness` evidence does not exceed `nats`. NaN below two windows."""
    waits, logs, chance = _waits(past, spacing, total)
    more = np.asarray(nats, dtype=np.float64) + np.log(2)
    with np.errstate(over="ignore", invalid="ignore"):
        W = waits.windows
        random = np.where(waits.mean > 0, waits.mean * W * np.expm1(more * _dispersion(waits) / W), np.inf)
        scheduled = np.expm1(np.minimum(predictive_band(logs, chance, more, "up")[1], 700.0))
    high = np.minimum(random, scheduled)
    return np.full(high.shape, -np.inf), high


def _waits(past: ArrayLike, spacing: ArrayLike, total: Total) -> tuple[Moments, Moments, Floats]:
    """Moments of the waits and of their logarithms, and the variance that chance gives the latter."""
    waits = np.maximum(np.asarray(past, dtype=np.float64), 0.0)
    of, logs = Moments.of(waits, total), Moments.of(np.log1p(waits), total)
    chance = np.minimum(np.pi**2 / 6, (np.asarray(spacing, dtype=np.float64) / np.maximum(of.mean, 1.0)) ** 2)
    return of, logs, chance


def _dispersion(waits: Moments) -> Floats:
    """Variance by squared mean, 1 for exponential waits, and no less."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.fmax(1.0, waits.variance / waits.mean**2)
