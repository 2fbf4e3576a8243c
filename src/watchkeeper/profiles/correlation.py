"""Rank correlations of pairs of columns, from sums of integers: exact, mergeable, and deaf to outliers."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import combinations, pairwise

import numpy as np
from numpy.typing import NDArray

from watchkeeper.profiles.addition import Addition

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Scores = NDArray[np.float32]
Indices = NDArray[np.intp]

ROWS = 1_024
"""Rows whose products are added up in single precision: so few that this is exact, and that they stay in the cache."""
TOGETHER = 64
"""So many times `ROWS` are handed to the matrix library at once."""
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

    @staticmethod
    def summed(parts: Sequence[PairProfile], adding: Addition) -> PairProfile:
        """The sum of profiles of the same pairs."""
        return replace(parts[0], sums=adding.counts([part.sums for part in parts]))

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


def measured(ranked: Sequence[str], targets: Sequence[str], scores: Scores, borders: Ints) -> PairProfile | None:
    """Sums over segments of rows: segment i is `borders[i]` to `borders[i + 1]`. None where no pair is kept.

    `scores`: of each ranked column the rank scores, shape (ranked, rows), NaN where it has no value.
    """
    kept = pairs(ranked, targets)
    if not kept:
        return None
    left, right = (np.array(side, dtype=np.intp) for side in zip(*kept, strict=True))
    number = {name: i for i, name in enumerate(ranked)}
    aims = np.arange(len(ranked)) if len(ranked) <= WIDE else np.array([number[name] for name in targets])
    sums = np.zeros((len(borders) - 1, 6, len(kept)), dtype=np.int64)
    for place, (begin, end) in enumerate(pairwise(borders.tolist())):
        for part in _parts(scores[:, begin:end]):
            sums[place] += np.rint(_moments(part, aims, left, right)).astype(np.int64)
    return PairProfile(tuple((ranked[i], ranked[j]) for i, j in kept), sums)


def _parts(x: Scores) -> Iterator[Scores]:
    """The same rows, not copied: parts of `ROWS`, up to `TOGETHER` of them at a time, shape (parts, columns, rows)."""
    columns, rows = x.shape
    whole = rows - rows % ROWS
    for begin in range(0, whole, ROWS * TOGETHER):
        some = x[:, begin : min(begin + ROWS * TOGETHER, whole)]
        yield some.reshape(columns, -1, ROWS).swapaxes(0, 1)
    if whole < rows:
        yield x[None, :, whole:]


def _moments(x: Scores, aims: Indices, left: Indices, right: Indices) -> Floats:
    """The six sums of each pair, shape (6, pairs). Of each pair at least one is among `aims`; `x` is one of `_parts`.

    Scores are whole numbers up to 127, so the products of a part's rows stay below 2^24: exact in single precision.
    """
    one = _summed(x)
    absent = np.flatnonzero(np.isnan(one))
    if len(absent):
        gone = np.zeros(x.shape, dtype=np.float32)
        gone[:, absent] = np.isnan(x[:, absent])
        x = np.where(gone > 0, np.float32(0), x)
        one = _summed(x)
    columns, rows = x.shape[1], x.shape[0] * x.shape[2]
    row = np.full(columns, -1)
    row[aims] = np.arange(len(aims))
    turned = row[left] < 0
    a, b = np.where(turned, right, left), np.where(turned, left, right)
    aimed = x if len(aims) == columns else x[:, aims]
    product = _products(aimed, x)
    two = np.diagonal(product) if len(aims) == columns else _summed(x * x)
    both = np.full(len(left), float(rows))
    sums = [one[a], one[b], two[a], two[b]]
    if len(absent):  # take off what stands in rows where the other has no value
        squared = x * x
        aim_gone, counts = gone[:, aims], _summed(gone)
        both += _products(aim_gone, gone)[row[a], b] - counts[a] - counts[b]
        sums[0] = sums[0] - _products(aimed, gone)[row[a], b]
        sums[1] = sums[1] - _products(x, aim_gone)[b, row[a]]
        sums[2] = sums[2] - _products(squared[:, aims], gone)[row[a], b]
        sums[3] = sums[3] - _products(squared, aim_gone)[b, row[a]]
    first, second, third, fourth = sums
    return np.stack(
        [
            both,
            np.where(turned, second, first),
            np.where(turned, first, second),
            np.where(turned, fourth, third),
            np.where(turned, third, fourth),
            product[row[a], b],
        ]
    )


def _summed(x: Scores) -> Floats:
    return np.asarray(x.sum(axis=2).sum(axis=0, dtype=np.float64))


def _products(a: Scores, b: Scores) -> Floats:
    """Products of rows summed over all parts, shape (columns of a, columns of b)."""
    return np.asarray(np.matmul(a, b.swapaxes(1, 2)).sum(axis=0, dtype=np.float64))
