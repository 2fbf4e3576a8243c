"""Agreement of two orders of the same rows: rank correlations, and how far their heads are alike."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


def spearman(a: ArrayLike, b: ArrayLike) -> float:
    """Pearson's correlation of the ranks, ties at their mean rank. NaN where one of the two is constant.

    Source: Spearman (1904); as `scipy.stats.spearmanr`.
    """
    x, y = (_mean_ranks(values) for values in (a, b))
    x, y = x - x.mean() if len(x) else x, y - y.mean() if len(y) else y
    size = float(np.sqrt((x @ x) * (y @ y)))
    return float(np.clip((x @ y) / size, -1.0, 1.0)) if size > 0 else float("nan")


def kendall(a: ArrayLike, b: ArrayLike) -> float:
    """Tau-b: (concordant - discordant) / sqrt(pairs untied in a x pairs untied in b); O(n log n).

    NaN where one of the two is constant. Source: Kendall (1945); Knight (1966); as `scipy.stats.kendalltau`.
    """
    x, y = (_dense_ranks(values) for values in (a, b))
    order = np.lexsort((y, x))
    x, y = x[order], y[order]
    pairs = len(x) * (len(x) - 1) // 2
    tied_x, tied_y, tied_both = _tied(x), _tied(y), _tied(x * (len(x) + 1) + y)
    discordant = _inversions(y)
    net = pairs - tied_x - tied_y + tied_both - 2 * discordant
    size = np.sqrt(float(pairs - tied_x)) * np.sqrt(float(pairs - tied_y))
    return float(np.clip(net / size, -1.0, 1.0)) if size > 0 else float("nan")


def places(a: ArrayLike, b: ArrayLike) -> tuple[Ints, Ints]:
    """The place of each row by `a` and by `b`, from 1 for the highest; ties go the way on which both agree.

    So what differs is what the values force, and rows that are tied in both may change places without effect.
    """
    x, y = np.asarray(a, dtype=np.float64), np.asarray(b, dtype=np.float64)
    return _places(np.lexsort((-y, -x))), _places(np.lexsort((-x, -y)))


def overlap(one: Ints, other: Ints, k: int) -> float:
    """Share of the first k places that both orders give to the same rows; of all, where there are fewer than k."""
    depth = min(k, len(one))
    return float(np.count_nonzero(np.maximum(one, other) <= depth) / depth) if depth else float("nan")


def rank_biased_overlap(one: Ints, other: Ints, persistence: float = 0.9) -> float:
    """Mean overlap of the heads of two orders of the same n rows, seen by a reader who goes on with chance p.

    RBO = (1 - p) sum over d >= 1 of p^(d-1) A_d, with A_d the overlap at depth d, which is 1 from n on: so nothing is
    extrapolated. Source: Webber, Moffat, Zobel (2010), ACM TOIS 28(4), eq. 4 and 32.
    """
    n = len(one)
    if not n:
        return float("nan")
    common = np.cumsum(np.bincount(np.maximum(one, other), minlength=n + 1)[1:])
    depth = np.arange(1, n + 1)
    agreed = float((persistence ** (depth - 1) * common / depth).sum())
    return (1 - persistence) * agreed + persistence**n


def _places(order: Ints) -> Ints:
    place = np.empty(len(order), dtype=np.int64)
    place[order] = np.arange(1, len(order) + 1)
    return place


def _dense_ranks(values: ArrayLike) -> Ints:
    return np.unique(np.asarray(values, dtype=np.float64), return_inverse=True)[1].reshape(-1).astype(np.int64)


def _mean_ranks(values: ArrayLike) -> Floats:
    rank = _dense_ranks(values)
    count = np.bincount(rank)
    return (np.cumsum(count) - (count - 1) / 2)[rank]


def _tied(codes: Ints) -> int:
    count = np.unique(codes, return_counts=True)[1].astype(np.int64)
    return int((count * (count - 1) // 2).sum())


def _inversions(values: Ints) -> int:
    """Pairs of which the earlier is the larger; values from 0 on.

    By binary digits, highest first: within rows whose higher digits are the same, each 0 is preceded by some 1s.
    """
    total = 0
    for digit in range(int(values.max(initial=0)).bit_length() - 1, -1, -1):
        group = values >> (digit + 1)
        order = np.argsort(group, kind="stable")
        group, ones = group[order], (values[order] >> digit) & 1
        before = np.cumsum(ones) - ones
        first = np.flatnonzero(np.append(True, group[1:] != group[:-1]))
        start = np.repeat(before[first], np.diff(np.append(first, len(group))))
        total += int((before - start)[ones == 0].sum())
    return total
