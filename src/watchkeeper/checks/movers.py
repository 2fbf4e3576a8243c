"""Which columns moved most between a window and the baseline: by themselves, or in how they go with another."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from watchkeeper.checks.together import MOST, blamed
from watchkeeper.profiles import Baseline, CategoryProfile, ColumnProfile, NumericProfile, Profiles

Floats = NDArray[np.float64]

CHANCE = 0.01
"""How often any column or pair may seem to stand out where nothing changed."""


def movers(now: Profiles, baseline: Baseline, i: int) -> tuple[tuple[str, ...], bool]:
    """Ranked columns of slice i, those that moved most first, at most `MOST`, and whether they stand out from chance.

    A column counts by the largest gap of its distribution functions or by the changes of its rank correlations, each as
    a multiple of what chance gives the largest of all. Where none stands out those that moved most are named all the
    same (all, if they are few).
    """
    ranked = now.edges.ranked
    score = np.array([_gap(now.columns[name], baseline[name], i, len(ranked)) for name in ranked])
    score[[i for i in range(len(ranked)) if i not in set(now.edges.together)]] = 0.0
    if now.pairs is not None and baseline.whole.pairs is not None:
        place = {name: j for j, name in enumerate(ranked)}
        here, before = now.pairs, baseline.whole.pairs
        moved = np.abs(here.correlation[i] - before.correlation[0])
        with np.errstate(divide="ignore"):
            usual = np.sqrt(2 * np.log(len(moved) / CHANCE) * (1 / here.rows[i] + 1 / before.rows[0]))
        both = [np.array([place[pair[side]] for pair in here.names]) for side in (0, 1)]
        together = np.isin(both[0], now.edges.together) & np.isin(both[1], now.edges.together)
        moved = np.where(together, np.nan_to_num(moved / usual), 0.0)
        for side in both:
            np.maximum.at(score, side, moved)
        # A column that left many others is to blame, and not each that it left.
        left = np.where(moved >= 1, moved**2, 0.0)
        score = np.maximum(score, np.sqrt(sum(np.bincount(side, left, len(ranked)) for side in both)))
    stands_out = score >= 1
    if stands_out.any():
        return tuple(ranked[j] for j in blamed(np.where(stands_out, score**2, 0.0))), True
    most = [j for j in np.argsort(-score, kind="stable").tolist() if j in now.edges.together][:MOST]
    return tuple(ranked[j] for j in (sorted(most) if len(now.edges.together) <= MOST else most)), False


def _gap(now: ColumnProfile, before: ColumnProfile, i: int, columns: int) -> float:
    """The largest gap of two distribution functions, as a multiple of what chance gives the largest of so many."""
    if isinstance(now, NumericProfile) and isinstance(before, NumericProfile):
        a, b = now.counts[i], before.counts[0]
    elif isinstance(now, CategoryProfile) and isinstance(before, CategoryProfile):
        a, b = (profile.dense(len(profile.edges.values))[place] for profile, place in ((now, i), (before, 0)))
    else:
        return 0.0
    n, N = int(a.sum()), int(b.sum())
    if not n or not N:
        return 0.0
    gap = float(np.abs(np.cumsum(a) / n - np.cumsum(b) / N).max())
    return gap / float(np.sqrt(np.log(2 * columns / CHANCE) / 2 * (1 / n + 1 / N)))
