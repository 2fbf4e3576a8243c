"""Distances between distributions that were counted on the same frozen bins, and quantiles of one.

`counts` has shape (slices, bins), `reference` (bins,): any positive totals. Results have shape (slices,), and are NaN
where either side has no rows. `psi`, `js_distance`, `hellinger` and `chi2` are for few cells: `deciles` of a numeric
column, or the baseline's (at most 64) most frequent values and one cell for the rest.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

LEAST = 1e-4
"""The smallest share that `psi` reckons with."""


def deciles(reference: ArrayLike, parts: int = 10) -> Ints:
    """The cell of every bin, shape (bins,): `parts` quantiles of the baseline, fewer where a value outweighs a part.

    Each decile is put at the frozen cut nearest to it in baseline mass, so either end of a cell is off by at most
    half a bin's mass. No cell is empty in the baseline. `merge` counts by them.
    """
    upto = np.cumsum(np.asarray(reference, dtype=np.float64))[:-1]
    N = float(np.sum(reference))
    inner = np.flatnonzero((upto > 0) & (upto < N))
    if len(inner) == 0:
        return np.zeros(len(upto) + 1, dtype=np.int64)
    wanted = np.arange(1, parts) * N / parts
    nearest = inner[np.abs(upto[inner] - wanted[:, None]).argmin(axis=1)]
    cuts = np.unique(upto[nearest])
    return np.searchsorted(cuts, np.concatenate([[0.0], upto]), side="right")


def psi(counts: ArrayLike, reference: ArrayLike) -> Floats:
    """Population stability index: sum of (p - q) ln(p/q), shares clipped below at 1e-4.

    Source: Siddiqi (2006), Credit Risk Scorecards, 10; symmetric Kullback-Leibler divergence (Jeffreys 1946).
    """
    p, q = (np.maximum(share, LEAST) for share in _shares(counts, reference))
    return np.asarray(((p - q) * np.log(p / q)).sum(axis=-1))


def js_distance(counts: ArrayLike, reference: ArrayLike) -> Floats:
    """Jensen-Shannon distance, 0 to 1: root of the mean divergence, in bits, of both from their middle.

    Source: Endres, Schindelin (2003), IEEE Trans. Inf. Theory 49, eq. 1.
    """
    p, q = _shares(counts, reference)
    middle = (p + q) / 2
    bits = (special.rel_entr(p, middle) + special.rel_entr(q, middle)).sum(axis=-1) / (2 * np.log(2.0))
    return np.asarray(np.sqrt(np.maximum(bits, 0.0)))


def hellinger(counts: ArrayLike, reference: ArrayLike) -> Floats:
    """Hellinger distance, 0 to 1: root of half the sum of (sqrt p - sqrt q)^2. Source: Le Cam (1986), 4.2."""
    p, q = _shares(counts, reference)
    return np.asarray(np.sqrt(np.square(np.sqrt(p) - np.sqrt(q)).sum(axis=-1) / 2))


def total_variation(counts: ArrayLike, reference: ArrayLike) -> Floats:
    """Total variation, 0 to 1: half the sum of |p - q|, the share of rows that would have to change their value."""
    p, q = _shares(counts, reference)
    return np.asarray(np.abs(p - q).sum(axis=-1) / 2)


def chi2(counts: ArrayLike, reference: ArrayLike) -> Floats:
    """Pearson's two-sample chi-square, without continuity correction; grows with the number of rows.

    n N sum of (p - q)^2 / (c + C), c and C the counts of either side. Source: Pearson (1911), Biometrika 8, 250-254.
    """
    now, before = np.asarray(counts, dtype=np.float64), np.asarray(reference, dtype=np.float64)
    p, q = _shares(now, before)
    both = now + before
    weight = now.sum(axis=-1) * before.sum(axis=-1)
    return np.asarray(weight * (np.square(p - q) / np.where(both > 0, both, 1.0)).sum(axis=-1))


def ks(counts: ArrayLike, reference: ArrayLike) -> Floats:
    """Kolmogorov-Smirnov distance, 0 to 1: the largest gap between the cumulated shares on the frozen cuts.

    Never above that of the raw rows, and below it by at most the smaller of the two shares in one bin.
    """
    p, q = _shares(counts, reference)
    return np.asarray(np.minimum(1.0, np.abs(np.cumsum(p - q, axis=-1)).max(axis=-1)))


@np.errstate(over="ignore", invalid="ignore")
def wasserstein(
    counts: ArrayLike,
    reference: ArrayLike,
    cuts: ArrayLike,
    minimum: ArrayLike,
    maximum: ArrayLike,
    reference_minimum: float,
    reference_maximum: float,
    mean: ArrayLike | None = None,
    reference_mean: float | None = None,
) -> Floats:
    """Earth mover's distance in the column's unit: the integral of |F - G|, on bins `cuts[i-1] <= x < cuts[i]`.

    `minimum` and `maximum`, shape (slices,), close a slice's outermost bins. Mass is spread evenly within a bin, but
    lies at v in a bin that holds v alone: one ulp wide, or from a whole number to the next (integer columns). The error
    is at most half the sum over bins of width times both shares. Where both means are known, the integral of F - G is
    too, and bins only tell the smaller of the two areas between F and G: exact where one lies wholly above the other.
    Infinite or NaN, in silence, where a sum passes the largest double.
    Source: Vallender (1974), Theory Probab. Appl. 18, 784-786.
    """
    before = np.asarray(reference, dtype=np.float64)
    before, _ = _with_atoms(before, np.asarray(cuts, dtype=np.float64))
    now, cuts = _with_atoms(np.asarray(counts, dtype=np.float64), np.asarray(cuts, dtype=np.float64))
    low, high = np.asarray(minimum, dtype=np.float64), np.asarray(maximum, dtype=np.float64)
    slices = len(now)
    before = np.broadcast_to(before, now.shape)
    was_low, was_high = np.full(slices, reference_minimum), np.full(slices, reference_maximum)
    F, G = _Cumulated(now, cuts, low, high), _Cumulated(before, cuts, was_low, was_high)
    ends = [low, was_low, high, was_high]
    x = np.column_stack([np.broadcast_to(cuts, (slices, len(cuts))), *ends])
    now_at, before_at = (
        np.column_stack([of.at_cuts, *(of.at(end, i > 1) for i, end in enumerate(ends))]) for of in (F, G)
    )
    gap = now_at - before_at
    order = np.lexsort((now_at + before_at, x), axis=-1)
    x, gap = np.take_along_axis(x, order, axis=1), np.take_along_axis(gap, order, axis=1)
    widths = np.diff(x, axis=1)
    above, below = (_area(sign * gap[:, :-1], sign * gap[:, 1:], widths) for sign in (1.0, -1.0))
    if mean is None or reference_mean is None:
        return above + below
    return np.asarray(np.abs(np.asarray(mean, dtype=np.float64) - reference_mean) + 2 * np.minimum(above, below))


def quantile(counts: ArrayLike, cuts: ArrayLike, minimum: ArrayLike, maximum: ArrayLike, q: float) -> Floats:
    """The value below which a share `q` lies, for counts of shape (bins,) or (slices, bins).

    Interpolated in the bin that holds it, so both it and the raw rows' (NumPy's `inverted_cdf`) lie in `quantile_bin`;
    exact in a bin that holds one value. NaN without rows.
    """
    left, right, part = _within(counts, cuts, minimum, maximum, q)
    return np.clip(left * (1 - part) + right * part, left, right)


def quantile_bin(
    counts: ArrayLike, cuts: ArrayLike, minimum: ArrayLike, maximum: ArrayLike, q: float
) -> tuple[Floats, Floats]:
    """Lower and upper end of the bin in which the quantile lies, as far as the slice's own extremes leave it open.

    `minimum` and `maximum` close the outermost bins. Both ends are v in a bin that holds v alone: one ulp wide, or from
    a whole number to the next (integer columns). NaN without rows.
    """
    left, right, _ = _within(counts, cuts, minimum, maximum, q)
    return left, right


def _within(
    counts: ArrayLike, cuts: ArrayLike, minimum: ArrayLike, maximum: ArrayLike, q: float
) -> tuple[Floats, Floats, Floats]:
    """The ends of the quantile's bin, and how far between them it lies, 0 to 1."""
    now, cuts = _with_atoms(np.asarray(counts, dtype=np.float64), np.asarray(cuts, dtype=np.float64))
    low, high = (np.asarray(v, dtype=np.float64) for v in (minimum, maximum))
    upto = np.cumsum(now, axis=-1)
    n = upto[..., -1]
    target = q * n
    bins = np.minimum((upto < target[..., None]).sum(axis=-1), now.shape[-1] - 1)
    if q == 0:
        bins = (now > 0).argmax(axis=-1)
    inside = np.take_along_axis(now, bins[..., None], axis=-1)[..., 0]
    before = np.take_along_axis(upto, bins[..., None], axis=-1)[..., 0] - inside
    edges = np.concatenate([[-np.inf], cuts, [np.inf]])
    left, right = edges[bins], edges[bins + 1]
    atom = right <= np.nextafter(left, np.inf)
    left, right = np.maximum(left, low), np.minimum(right, high)
    with np.errstate(invalid="ignore", divide="ignore"):
        part = np.clip((target - before) / inside, 0.0, 1.0)
    right = np.where(atom | (left >= right), left, right)
    return np.where(n > 0, left, np.nan), np.where(n > 0, right, np.nan), part


def _with_atoms(counts: Floats, cuts: Floats) -> tuple[Floats, Floats]:
    """The same with all mass of a bin [v, v + 1), v whole, at v: in a bin one ulp wide, put before an empty one."""
    ulp = np.nextafter(cuts, np.inf)
    whole = np.flatnonzero((np.diff(cuts) == 1) & (cuts[:-1] == np.rint(cuts[:-1])) & (ulp[:-1] < cuts[1:]))
    return np.insert(counts, whole + 2, 0.0, axis=-1), np.insert(cuts, whole + 1, ulp[whole])


class _Cumulated:
    """The distribution functions of slices, linear within bins."""

    def __init__(self, counts: Floats, cuts: Floats, low: Floats, high: Floats) -> None:
        with np.errstate(invalid="ignore", divide="ignore"):
            shares = counts / counts.sum(axis=1, keepdims=True)
        self.shares, self.low, self.high = shares, low, high
        self.edges = np.concatenate([[-np.inf], cuts, [np.inf]])
        self.below = np.column_stack([np.zeros(len(counts)), np.cumsum(shares, axis=1)])
        self.at_cuts = self.below[:, 1:-1]

    def at(self, x: Floats, right: bool) -> Floats:
        """F(x) for one x a slice; at a jump its upper value if `right`, else the lower."""
        bins = np.searchsorted(self.edges[1:-1], x, side="right")
        rows = np.arange(len(x))
        left, end = np.maximum(self.edges[bins], self.low), np.minimum(self.edges[bins + 1], self.high)
        with np.errstate(invalid="ignore", divide="ignore"):
            part = np.where(end > left, (x - left) / (end - left), x > left if not right else x >= left)
        return np.asarray(self.below[rows, bins] + self.shares[rows, bins] * np.clip(part, 0.0, 1.0))


def _area(a: Floats, b: Floats, widths: Floats) -> Floats:
    """Sum along the last axis of `widths` times the mean of max(v, 0), v linear from a to b."""
    crossing = np.square(np.maximum(a, b)) / np.where(a * b < 0, 2 * np.abs(a - b), 1.0)
    means = np.where(a * b < 0, crossing, np.maximum(a + b, 0.0) / 2)
    return np.asarray((means * widths).sum(axis=-1))


def _shares(counts: ArrayLike, reference: ArrayLike) -> tuple[Floats, Floats]:
    now, before = np.asarray(counts, dtype=np.float64), np.asarray(reference, dtype=np.float64)
    with np.errstate(invalid="ignore", divide="ignore"):
        return now / now.sum(axis=-1, keepdims=True), before / before.sum(axis=-1, keepdims=True)
