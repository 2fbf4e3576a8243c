"""Estimates of rows: a metric's value, and how much each row moves it, so that two models compare row by row."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class Estimate:
    """A metric of n rows, and its influence function there.

    The value's variance is Σ influence² / n²: the infinitesimal jackknife, with the corrections of small samples in the
    influence. The difference of two metrics of the same rows has the difference of their influences, so what the two
    share falls out. Source: Efron (1982), The Jackknife, the Bootstrap and Other Resampling Plans, ch. 6.
    """

    value: float
    """NaN where it can't be measured."""
    influence: Floats
    """Shape (n,): n times what the row moves the value, centred."""
    most: float = 0.0
    """The most that n times a row's move can be, where values of rows are bounded and few may say anything; else 0."""


def mean(x: Floats, most: float = 0.0) -> Estimate:
    """The mean of rows."""
    if not len(x):
        return unknown(0)
    value = float(x.mean())
    return Estimate(value, (x - value) * _small(len(x)), most)


def ratio(part: Floats, whole: Floats, most: bool = True) -> Estimate:
    """Σ part / Σ whole, such as precision: what a row moves it is (part - value · whole) / mean whole.

    `most`: whether parts are shares of their whole, so that one row moves it by no more than 1 / Σ whole.
    """
    total = float(whole.sum())
    if not total > 0:
        return unknown(len(whole))
    value, n = float(part.sum()) / total, len(whole)
    return Estimate(value, (part - value * whole) * (n / total * _small(n)), n / total if most else 0.0)


def smooth(estimate: Estimate, value: float, slope: float) -> Estimate:
    """A function of an estimate with this value and slope there: the delta method."""
    return Estimate(value, estimate.influence * slope, estimate.most * abs(slope))


def unknown(n: int) -> Estimate:
    """What can't be measured of n rows."""
    return Estimate(float("nan"), np.zeros(n))


def _small(n: int) -> float:
    """The root of n / (n - 1): the variance of a mean has n - 1 degrees of freedom."""
    return float(np.sqrt(n / max(n - 1, 1)))
