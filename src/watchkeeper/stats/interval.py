"""Confidence intervals: arrays in, lowest and highest value out."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special

Floats = NDArray[np.float64]
Interval = tuple[Floats, Floats]


def wilson(k: ArrayLike, n: ArrayLike, level: float = 0.95) -> Interval:
    """Interval of a share of which k of n rows were seen; within 0 and 1, NaN where n = 0.

    (k + z^2/2 -+ z sqrt(k (n - k)/n + z^2/4)) / (n + z^2). Source: Wilson (1927), JASA 22, 209-212.
    """
    k, n = np.asarray(k, dtype=np.float64), np.asarray(n, dtype=np.float64)
    z = _z(level)
    rows = np.where(n > 0, n, np.nan)
    reach = z * np.sqrt(k * (n - k) / rows + z * z / 4)
    low, high = (k + z * z / 2 - reach) / (rows + z * z), (k + z * z / 2 + reach) / (rows + z * z)
    return np.where(k == 0, 0.0 * rows, low), np.where(k == n, 0.0 * rows + 1, high)


def normal(value: ArrayLike, variance: ArrayLike, level: float = 0.95) -> Interval:
    """Interval of an estimate that is nearly normal about its value."""
    value, reach = np.asarray(value, dtype=np.float64), _z(level) * np.sqrt(np.asarray(variance, dtype=np.float64))
    return value - reach, value + reach


def logit(value: ArrayLike, variance: ArrayLike, level: float = 0.95) -> Interval:
    """Interval of an estimate between 0 and 1, such as an area under a curve, that stays there: normal on the logit.

    The logit's variance is variance/(v (1 - v))^2 by the delta method; at 0 or 1 the interval is the value itself.
    Source: Pepe (2003), The Statistical Evaluation of Medical Tests, 5.2.4.
    """
    v, variance = np.asarray(value, dtype=np.float64), np.asarray(variance, dtype=np.float64)
    slope = v * (1 - v)
    inside = slope > 0
    reach = _z(level) * np.sqrt(variance) / np.where(inside, slope, 1.0)
    middle = special.logit(np.where(inside, v, 0.5))
    return np.where(inside, special.expit(middle - reach), v), np.where(inside, special.expit(middle + reach), v)


def log(value: ArrayLike, variance: ArrayLike, level: float = 0.95) -> Interval:
    """Interval of a positive estimate, such as a mean error, that stays so: normal on the logarithm (delta method)."""
    v, variance = np.asarray(value, dtype=np.float64), np.asarray(variance, dtype=np.float64)
    positive = v > 0
    factor = np.exp(_z(level) * np.sqrt(variance) / np.where(positive, v, 1.0))
    return np.where(positive, v / factor, v), np.where(positive, v * factor, v)


def mean(average: ArrayLike, variance: ArrayLike, n: ArrayLike, level: float = 0.95) -> Interval:
    """Interval of the mean of n rows whose own variance is `variance`: Student's t, n - 1 degrees. NaN where n < 2."""
    average, variance = np.asarray(average, dtype=np.float64), np.asarray(variance, dtype=np.float64)
    n = np.asarray(n, dtype=np.float64)
    rows = np.where(n > 1, n, np.nan)
    reach = special.stdtrit(rows - 1, (1 + level) / 2) * np.sqrt(variance / rows)
    return average - reach, average + reach


def _z(level: float) -> float:
    return float(special.ndtri((1 + level) / 2))
