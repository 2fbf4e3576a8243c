"""A window as one row of numbers: a few statistics of every column, and what chance alone makes of each."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from watchkeeper.checks import column
from watchkeeper.profiles import CategoryProfile, ColumnProfile, NumericProfile, Profiles

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

TOP = 3
"""Of a categorical column the shares of so many values, the baseline's most frequent ones."""


@dataclass(frozen=True)
class Statistics:
    """Statistics of all columns in all slices."""

    value: Floats
    """Shape (statistics, slices); NaN where there is nothing to count."""
    least: Floats
    """The standard deviation that chance alone gives each value, likewise."""
    owner: tuple[str, ...]
    """The column of each statistic."""


def statistics(profiles: Profiles, whole: Profiles) -> Statistics:
    """Of each column the share of missing and of invalid cells; then what depends on its kind.

    Of numeric ones mean and spread of the rank scores, of categorical ones the shares of the most frequent values and
    of unseen ones. `whole`: the baseline, one slice.
    """
    found = [
        (value, least, name)
        for name, here in profiles.columns.items()
        for value, least in _of_column(here, whole.columns[name], profiles.rows, int(whole.rows[0]))
    ]
    empty = np.zeros((0, len(profiles.slices)))
    return Statistics(
        value=np.array([value for value, _, _ in found]) if found else empty,
        least=np.array([least for _, least, _ in found]) if found else empty,
        owner=tuple(name for _, _, name in found),
    )


def _of_column(here: ColumnProfile, before: ColumnProfile, rows: Ints, N: int) -> Iterator[tuple[Floats, Floats]]:
    for count in (column.missing, column.senseless):
        yield _share(count(here), rows, int(count(before)[0]), N)
    if isinstance(here, NumericProfile) and isinstance(before, NumericProfile) and not here.edges.temporal:
        mean, sd = _moments(here)
        usual = float(_moments(before)[1][0])
        with np.errstate(divide="ignore"):
            chance = usual / np.sqrt(here.finite)
        yield mean, chance
        yield sd, chance / np.sqrt(2)
    elif isinstance(here, CategoryProfile) and isinstance(before, CategoryProfile):
        known = min(TOP, len(here.edges.values))
        now, then = here.dense(known), before.dense(known)
        valid, N = here.valid, int(before.valid[0])
        for code in range(known):
            yield _share(now[:, code], valid, int(then[0, code]), N)
        yield _share(here.unseen, valid, int(before.unseen[0]), N)


def _share(k: Ints, n: Ints, K: int, N: int) -> tuple[Floats, Floats]:
    """A share and its standard deviation; where the baseline has none, one row in a window is one of these."""
    p = K / N if N else 0.0
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(n > 0, k / n, np.nan), np.sqrt((p * (1 - p) + 1 / n) / n)


def _moments(profile: NumericProfile) -> tuple[Floats, Floats]:
    """Mean and standard deviation of the rank scores, which lie between -1 and 1."""
    score = profile.edges.ranks / 32_768
    with np.errstate(divide="ignore", invalid="ignore"):
        mean = profile.counts @ score / profile.finite
        return mean, np.sqrt(np.maximum(profile.counts @ score**2 / profile.finite - mean**2, 0.0))
