"""A window as one row of numbers: a few statistics of every column, and what chance alone makes of each."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from watchkeeper.checks import column
from watchkeeper.model import Role
from watchkeeper.profiles import FULL_RANK, CategoryProfile, ColumnProfile, NumericProfile, Profiles

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

TOP = 3
"""Of a categorical column the shares of so many values, the baseline's most frequent ones."""
SHARE, SCORE = 0.0025, 0.014
"""A quarter of what is worth a look in one column (`budget.floor`: a point; 0.1 standard deviations, by which the mean
of rank scores moves by 0.056): the least width of a statistic, for windows so large that chance makes less."""


@dataclass(frozen=True)
class Statistics:
    """Statistics of all columns in all slices."""

    value: Floats
    """Shape (statistics, slices); NaN where there is nothing to count."""
    least: Floats
    """The width that each value has at least: what chance alone makes, or what nobody minds; likewise."""
    owner: tuple[str, ...]
    """The column of each statistic."""


def statistics(profiles: Profiles, whole: Profiles, *, own: bool = False) -> Statistics:
    """Of each column but labels the share of missing and of invalid cells; then what depends on its kind.

    Of numeric ones mean and spread of the rank scores, of categorical ones the shares of the most frequent values and
    of unseen ones. `whole`: the baseline, one slice; `own`: whether `profiles` are its windows, in which a value counts
    as unseen where no other window has it.
    """
    found = [
        (value, least, name)
        for name, here in profiles.columns.items()
        if profiles.edges.roles[name] is not Role.LABEL
        for value, least in _of_column(here, whole.columns[name], profiles.rows, int(whole.rows[0]), own)
    ]
    empty = np.zeros((0, len(profiles.slices)))
    return Statistics(
        value=np.array([value for value, _, _ in found]) if found else empty,
        least=np.array([least for _, least, _ in found]) if found else empty,
        owner=tuple(name for _, _, name in found),
    )


def _of_column(
    here: ColumnProfile, before: ColumnProfile, rows: Ints, N: int, own: bool
) -> Iterator[tuple[Floats, Floats]]:
    for count in (column.missing, column.senseless):
        yield _share(count(here), rows, int(count(before)[0]), N)
    if isinstance(here, NumericProfile) and isinstance(before, NumericProfile) and not here.edges.temporal:
        mean, sd = _moments(here)
        usual = float(_moments(before)[1][0])
        with np.errstate(divide="ignore", invalid="ignore"):
            chance = usual / np.sqrt(here.finite)
        yield mean, np.maximum(chance, SCORE)
        yield sd, np.maximum(chance / np.sqrt(2), SCORE)
    elif isinstance(here, CategoryProfile) and isinstance(before, CategoryProfile):
        known = min(TOP, len(here.edges.values))
        now, then = here.dense(known), before.dense(known)
        valid, N = here.valid, int(before.valid[0])
        for code in range(known):
            yield _share(now[:, code], valid, int(then[0, code]), N)
        once = int(before.unseen[0] + (before.count == 1).sum())
        yield _share(_alone(here, before) if own else here.unseen, valid, once, N)


def _alone(here: CategoryProfile, before: CategoryProfile) -> Ints:
    """The rows of each slice whose value no other slice has; `before` is all slices together."""
    total = before.dense(len(here.edges.values))[0]
    known = here.code < len(total)
    at, code, count = here.at[known], here.code[known], here.count[known]
    mine = count == total[code]
    return here.unseen + np.bincount(at[mine], count[mine], len(here.unseen)).astype(np.int64)


def _share(k: Ints, n: Ints, K: int, N: int) -> tuple[Floats, Floats]:
    """A share and its least width; where the baseline has none, that is one row of a window."""
    p = K / N if N else 0.0
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(n > 0, k / n, np.nan), np.maximum(np.sqrt((p * (1 - p) + 1 / n) / n), SHARE)


def _moments(profile: NumericProfile) -> tuple[Floats, Floats]:
    """Mean and standard deviation of the rank scores, which lie between -1 and 1."""
    score = profile.edges.ranks / FULL_RANK
    with np.errstate(divide="ignore", invalid="ignore"):
        mean = profile.counts @ score / profile.finite
        return mean, np.sqrt(np.maximum(profile.counts @ score**2 / profile.finite - mean**2, 0.0))
