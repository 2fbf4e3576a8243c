"""Which columns a check looks at."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from watchkeeper.profiles import Baseline, CategoryProfile, ColumnProfile, NumericProfile, Profiles
from watchkeeper.stats import distance

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


def quantile(profile: NumericProfile, q: float) -> Floats:
    """The quantile of each slice, shape (slices,), interpolated in its bin; whole where the values are."""
    found = distance.quantile(profile.counts, profile.edges.cuts, profile.minimum, profile.maximum, q)
    return np.floor(found) if profile.edges.whole else found


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
