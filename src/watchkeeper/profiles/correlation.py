"""Rank correlations of pairs of columns, from sums of integers: exact, mergeable, and deaf to outliers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import combinations, pairwise

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

WIDE = 150
"""Up to this many ranked columns all pairs are kept; beyond it only pairs with a target."""


def pairs(ranked: Sequence[str], targets: Sequence[str]) -> list[tuple[int, int]]:
    """Index pairs (i < j) into `ranked` that are kept."""
    number = {name: i for i, name in enumerate(ranked)}
    if len(ranked) <= WIDE:
        return list(combinations(range(len(ranked)), 2))
    aims = [number[name] for name in targets]
    return sorted({(min(i, j), max(i, j)) for i in aims for j in range(len(ranked)) if i != j})


@dataclass(frozen=True)
class PairProfile:
    """Co-moments of rank scores: each value is scored by the rank of its bin in the baseline.

    `sums` has shape (slices, 6, pairs): rows where both have a value, sum of a, of b, of a², of b², of a·b.
    """

    names: tuple[tuple[str, str], ...]
    sums: Ints

    def placed(self, slot: Ints, slices: int) -> PairProfile:
        """The same sums on other slices (see `ColumnProfile.placed`)."""
        kept = slot >= 0
        moved = np.zeros((slices, *self.sums.shape[1:]), dtype=np.int64)
        np.add.at(moved, slot[kept], self.sums[kept])
        return replace(self, sums=moved)

    def added(self, other: PairProfile) -> PairProfile:
        """The sum over the same slices."""
        return replace(self, sums=self.sums + other.sums)

    @property
    def rows(self) -> Ints:
        """Rows where both columns have a value, shape (slices, pairs)."""
        return self.sums[:, 0]

    @property
    def correlation(self) -> Floats:
        """Spearman's rank correlation on the baseline's ranks, shape (slices, pairs); NaN where a column does not vary.

        It is Pearson's correlation of the scores; ties share a bin's mid-rank, so the error against raw ranks is that
        of the bins (0.5 % of the mass each).
        """
        n, a, b, aa, bb, ab = np.moveaxis(self.sums.astype(np.float64), 1, 0)
        with np.errstate(divide="ignore", invalid="ignore"):
            spread = (n * aa - a * a) * (n * bb - b * b)
            return np.where(spread > 0, np.clip((n * ab - a * b) / np.sqrt(spread), -1.0, 1.0), np.nan)


def measured(
    ranked: tuple[str, ...], kept: Sequence[tuple[int, int]], scores: Ints, present: NDArray[np.bool_], starts: Ints
) -> PairProfile:
    """Sums over the segments that begin at `starts`, of rank `scores` with shape (rows, ranked); 0 where not `present`.

    Scores stay within 2^15 and a block within 2^22 rows, so the matrix products are exact in doubles.
    """
    left, right = (
        (np.array(side, dtype=np.intp) for side in zip(*kept, strict=True)) if kept else (np.empty(0, np.intp),) * 2
    )
    sums = np.zeros((len(starts), 6, len(kept)), dtype=np.int64)
    borders = [*starts.tolist(), len(scores)]
    for place, (begin, end) in enumerate(pairwise(borders)):
        x = scores[begin:end].astype(np.float64)
        there = present[begin:end]
        if there.all():
            n = np.full((x.shape[1],) * 2, float(end - begin))
            first = np.broadcast_to(x.sum(axis=0)[:, None], n.shape)
            second = np.broadcast_to((x * x).sum(axis=0)[:, None], n.shape)
        else:
            mask = there.astype(np.float64)
            n, first, second = mask.T @ mask, x.T @ mask, (x * x).T @ mask
        product = x.T @ x
        moments = (
            n[left, right],
            first[left, right],
            first[right, left],
            second[left, right],
            second[right, left],
            product[left, right],
        )
        sums[place] = np.rint(moments).astype(np.int64)
    return PairProfile(tuple((ranked[i], ranked[j]) for i, j in kept), sums)
