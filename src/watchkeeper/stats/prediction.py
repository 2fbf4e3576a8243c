"""Evidence that a window is no further one of those of the past: by mean and variance, tail, spikes and rows.

All functions take and return arrays over slices, as those of `evidence`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from watchkeeper.stats.evidence import Side, Total, everything, farthest, share, student, student_limit
from watchkeeper.stats.logtail import floats

Floats = NDArray[np.float64]

_FEW = 10
"""Rows added before the logarithm, so that Poisson counts of some twenty rows are not skewed."""


@dataclass(frozen=True)
class Moments:
    """Of a statistic over past windows: how many have one, their mean, and their variance (n - 1); shape (slices,)."""

    windows: Floats
    mean: Floats
    variance: Floats

    @staticmethod
    def of(y: ArrayLike, total: Total = everything) -> Moments:
        """Of `y`, shape (windows,); NaN are left out."""
        y = np.asarray(y, dtype=np.float64)
        known = np.isfinite(y)
        centre = float(y[known].mean()) if known.any() else 0.0
        away = np.where(known, y - centre, 0.0)
        n, first, second = total(known.astype(np.float64)), total(away), total(away**2)
        with np.errstate(divide="ignore", invalid="ignore"):
            mean = first / n
            variance = np.where(n > 1, np.maximum(second - n * mean**2, 0.0) / (n - 1), np.nan)
        return Moments(n, centre + mean, variance)


def predictive_t(y: ArrayLike, past: ArrayLike | Moments, sampling_variance: ArrayLike, side: Side = "two") -> Floats:
    """Evidence that `y` is no further window of those in the past, given as such (windows,) or by moments.

    t = (y - mean)/sqrt(v (1 + 1/W)) with W - 1 degrees of freedom; v is the variance of the past windows, or
    `sampling_variance` (> 0), what chance alone gives a window of y's size, if that is larger. NaN if W < 2.

    Source: prediction interval for one further observation (Hahn, Meeker 1991, 4.2).
    """
    moments = past if isinstance(past, Moments) else Moments.of(past)
    y = np.asarray(y, dtype=np.float64)
    error = _prediction_error(moments, sampling_variance)
    with np.errstate(divide="ignore", invalid="ignore"):
        t = (y - moments.mean) / error
    enough = moments.windows >= 2
    nats = student(np.where(enough, t, 0.0), np.where(enough, moments.windows - 1, 1.0), side)
    return np.where(enough & ~np.isnan(t), nats, np.nan)


def left_out(y: ArrayLike, sampling_variance: ArrayLike, side: Side = "two") -> Floats:
    """`predictive_t` of each of the windows that gave `y`, shape (windows,), against all the others."""
    y = np.asarray(y, dtype=np.float64)
    known = np.isfinite(y)

    def others(values: Floats) -> Floats:
        return np.asarray(values.sum() - values)

    return np.where(
        known, predictive_t(np.where(known, y, 0.0), Moments.of(y, others), sampling_variance, side), np.nan
    )


def predictive_band(
    past: ArrayLike | Moments, sampling_variance: ArrayLike, nats: ArrayLike, side: Side = "two"
) -> tuple[Floats, Floats]:
    """Lowest and highest y whose `predictive_t` evidence does not exceed `nats`; NaN if W < 2."""
    moments = past if isinstance(past, Moments) else Moments.of(past)
    enough = moments.windows >= 2
    reach = student_limit(nats, np.where(enough, moments.windows - 1, 1.0), side)
    reach = np.where(enough, reach * _prediction_error(moments, sampling_variance), np.nan)
    low, high = moments.mean - reach, moments.mean + reach
    return np.where(side == "up", -np.inf, low), np.where(side == "down", np.inf, high)


def _prediction_error(past: Moments, sampling_variance: ArrayLike) -> Floats:
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray(np.sqrt(np.fmax(past.variance, sampling_variance) * (1 + 1 / past.windows)))


def tail_index(maxima: ArrayLike, m: ArrayLike, total: Total = everything) -> Floats:
    """How fast the largest value of a window may grow: the index of the tail, at most 2, for `tail`.

    min(2, 1.28/sd(ln(window maximum - median)) (1 - 1.2/sqrt W)) min(1, W/10) over the W past windows: logarithms
    of maxima with a Pareto tail of index a have standard deviation pi/(a sqrt 6) = 1.28/a. The factors are for the few
    windows that sd stands on: with them `tail` holds its size with Cauchy and Pareto tails too, and few windows, which
    may have missed rare outliers by chance, promise no short tail. `maxima`: shape (windows,). NaN if W < 3.
    """
    beyond = np.asarray(maxima, dtype=np.float64) - np.asarray(m, dtype=np.float64)
    W = total(np.isfinite(beyond).astype(np.float64))
    above = beyond > 0
    moments = Moments.of(np.where(above, np.log(np.where(above, beyond, 1.0)), np.nan), total)
    with np.errstate(divide="ignore", invalid="ignore"):
        index = np.minimum(2.0, 1.28 / np.sqrt(moments.variance) * (1 - 1.2 / np.sqrt(W)))
        index = np.where(moments.variance > 0, index, 2.0)
    return np.where(W >= 3, np.minimum(1.0, W / 10) * index, np.nan)


def tail(
    x: ArrayLike, r: ArrayLike, m: ArrayLike, n: ArrayLike, N: ArrayLike, a: ArrayLike, width: ArrayLike = np.nan
) -> Floats:
    """Evidence that a window's largest value lies farther out than the baseline's tail allows.

    `x`: the window's maximum, `r` the baseline's, `m` its median, `a` its tail index. 0 up to r, and beyond it
        ln(1 + (N/n) ((x - m)/(r - m))^a) - ln 2,
    the chance that the largest of n more rows comes so far, in a tail of index a, halved for the two sides. Where
    r = m, `width` (the whole baseline range) stands for r - m. For minima negate x, r and m. NaN for a constant column.
    """
    x, r, m, n, N, a, width = floats(x, r, m, n, N, a, width)
    scale = np.where(r > m, r - m, width)
    with np.errstate(divide="ignore", invalid="ignore"):
        far = np.log(N / n) + a * (np.log(np.maximum(x - m, 0.0)) - np.log(scale))
        nats = np.maximum(0.0, np.logaddexp(0.0, far) - np.log(2.0))
    known = (scale > 0) & (n > 0) & (N > 0) & np.isfinite(x) & np.isfinite(a)
    return np.where(known, np.where(x > r, nats, 0.0), np.nan)


def spike(k: ArrayLike, n: ArrayLike, past_k: ArrayLike, past_n: ArrayLike, total: Total = everything) -> Floats:
    """Evidence that the fullest bin, k of n rows, holds more than in past windows, past_k of past_n rows.

    The smaller of two: one-sided `predictive_t` on ln((k + 1/2)/(n - k + 1/2)), at least with the variance that chance
    alone gives it, and the share law against all windows' fullest bins, for where few rows lie outside the bin and the
    logit is skewed. `past_k`, `past_n`: shape (windows,). NaN with fewer than two windows with rows.
    """
    k, n, K, N = (np.asarray(v, dtype=np.float64) for v in (k, n, past_k, past_n))
    hits, rows = total(K), total(N)
    with np.errstate(divide="ignore", invalid="ignore"):
        p = hits / rows
        chance = 1 / np.maximum(n * p * (1 - p), 0.5)
    past = Moments.of(np.where(N > 0, np.log((K + 0.5) / (N - K + 0.5)), np.nan), total)
    by_window = predictive_t(np.log((k + 0.5) / (n - k + 0.5)), past, chance, "up")
    return np.minimum(by_window, share(k, n, hits, rows, side="up"))


def spike_band(
    n: ArrayLike, past_k: ArrayLike, past_n: ArrayLike, nats: ArrayLike, total: Total = everything
) -> Floats:
    """Highest share k/n, k whole, whose `spike` evidence does not exceed `nats`: `spike` turned round by bisection."""
    K, N = np.asarray(past_k, dtype=np.float64), np.asarray(past_n, dtype=np.float64)
    hits, rows, windows = total(K), total(N), total((N > 0).astype(np.float64))
    n, nats, hits, rows, windows = floats(n, nats, hits, rows, windows)
    usual = np.clip(np.round(n * hits / np.maximum(rows, 1.0)), 0, n)
    most = farthest(lambda k: np.asarray(spike(k, n, K, N, total) <= nats), usual, n)
    return np.where((n > 0) & (windows > 1), most / np.maximum(n, 1.0), np.nan)


def rows(count: ArrayLike, past: ArrayLike, total: Total = everything) -> Floats:
    """Evidence that a window has more or fewer rows than past windows, shape (windows,), let expect.

    `predictive_t` on ln(rows + 10), two-sided; the variance is at least a Poisson count's: m/(m + 10)^2, m the median.
    """
    y = np.log(np.asarray(count, dtype=np.float64) + _FEW)
    return predictive_t(y, *_log_rows(past, total))


def rows_band(past: ArrayLike, nats: ArrayLike, total: Total = everything) -> tuple[Floats, Floats]:
    """Lowest and highest number of rows whose `rows` evidence does not exceed `nats`. NaN below two windows."""
    moments, chance = _log_rows(past, total)
    low, high = predictive_band(moments, chance, nats)
    low, high = np.exp(low), np.exp(np.minimum(high, 700.0))
    return np.maximum(low - _FEW, 0.0), np.maximum(high - _FEW, 0.0)


def _log_rows(counts: ArrayLike, total: Total) -> tuple[Moments, float]:
    past = np.asarray(counts, dtype=np.float64)
    middle = max(float(np.nanmedian(past)), 1.0) if np.isfinite(past).any() else 1.0
    return Moments.of(np.log(past + _FEW), total), middle / (middle + _FEW) ** 2
