"""Which columns a check looks at."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from watchkeeper.profiles import Baseline, CategoryProfile, ColumnProfile, NumericProfile, Profiles
from watchkeeper.stats import distance

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

TENTH = 0.1
"""The error of a median that nobody minds, as a share of its move or of the baseline's interquartile range."""


def quantile(profile: NumericProfile, q: float) -> Floats:
    """The quantile of each slice, shape (slices,), interpolated in its bin; whole where the values are."""
    found = distance.quantile(profile.counts, profile.edges.cuts, profile.minimum, profile.maximum, q)
    return np.floor(found) if profile.edges.whole else found


@dataclass(frozen=True)
class Median:
    """A slice's median, and the part of its bin in which it lies for sure."""

    value: float
    low: float
    high: float
    rough: bool
    """Whether it may be off by more than a tenth of both how far it moved and the baseline's interquartile range."""


def median(profile: NumericProfile, at: int, before: NumericProfile) -> Median:
    """The median of slice `at`, NaN without a finite value; `before` (slice 0) says which errors matter."""
    value, was = (float(quantile(of, 0.5)[i]) for of, i in ((profile, at), (before, 0)))
    ends = distance.quantile_bin(profile.counts[at], profile.edges.cuts, profile.minimum[at], profile.maximum[at], 0.5)
    low, high = (float(end) for end in ends)
    if profile.edges.whole and high < profile.maximum[at]:
        high = max(low, np.ceil(high) - 1)  # a cut, which is no part of the bin
    lower, upper = (float(quantile(before, q)[0]) for q in (0.25, 0.75))
    return Median(value, low, high, rough=high - low > TENTH * max(abs(value - was), upper - lower))


def centre(now: NumericProfile, at: int, before: NumericProfile) -> tuple[str, float, float]:
    """What to say of where a column lies: a word, slice `at`, and the baseline (slice 0).

    The median, or the mean where either median is `rough`: bins are wide beyond the baseline's values and in gaps
    between them, and means are exact.
    """
    here, was = median(now, at, before), median(before, 0, before)
    means = float(now.mean[at]), float(before.mean[0])
    if (here.rough or was.rough) and np.isfinite(means).all():
        return "mean", *means
    return "median", here.value, was.value


def spread(whole: ColumnProfile) -> float:
    """The share of rows (slice 0) that leave the most frequent value, or a numeric column's fullest bin."""
    if isinstance(whole, NumericProfile):
        counts = whole.counts[0]
    elif isinstance(whole, CategoryProfile):
        counts = whole.count
    else:
        return 0.0
    return float(1 - counts.max(initial=0) / counts.sum()) if counts.sum() else 0.0


def missing(profile: ColumnProfile) -> Ints:
    """Rows without a value, shape (slices,): null, or not a number."""
    return profile.null + profile.nan if isinstance(profile, NumericProfile) else profile.null


def senseless(profile: ColumnProfile) -> Ints:
    """Rows whose cell is no value of the type, or infinite, shape (slices,)."""
    if not isinstance(profile, NumericProfile):
        return profile.invalid
    return profile.invalid + profile.positive_infinity + profile.negative_infinity


def every(now: Profiles, baseline: Baseline) -> Iterator[tuple[ColumnProfile, ColumnProfile]]:
    """Each column now and in the whole baseline (one slice)."""
    for name, column in now.columns.items():
        yield column, baseline[name]


def numeric(now: Profiles, baseline: Baseline) -> Iterator[tuple[NumericProfile, NumericProfile, NumericProfile]]:
    """Each watched numeric column now, in the whole baseline, and in the baseline's windows."""
    for name, column in now.columns.items():
        if not isinstance(column, NumericProfile) or column.edges.temporal:
            continue
        before, windows = baseline[name], baseline.profiles.columns[name]
        if isinstance(before, NumericProfile) and isinstance(windows, NumericProfile):
            yield column, before, windows


def categorical(now: Profiles, baseline: Baseline) -> Iterator[tuple[CategoryProfile, CategoryProfile]]:
    """Each watched categorical column now and in the whole baseline."""
    for name, column in now.columns.items():
        before = baseline[name]
        if isinstance(column, CategoryProfile) and isinstance(before, CategoryProfile):
            yield column, before
