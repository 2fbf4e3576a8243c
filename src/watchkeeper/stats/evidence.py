"""Evidence against "nothing changed": -ln p in nats, always two-sample, so that a baseline is never taken as exact.

All functions take and return arrays over slices (any shapes that broadcast) and stay finite however far
out the data lie. NaN means that nothing can be said. Small letters are the window, capitals the reference.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special

from watchkeeper.stats.cells import merge
from watchkeeper.stats.logtail import floats, log_beta, log_chi2, log_normal, log_t, quantile_normal

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Side = Literal["two", "up", "down"]
Total = Callable[[Floats], Floats]
"""Sums over the past windows that each slice is compared with: shape (windows,) to (slices,) or (1,)."""
Limits = Callable[[Floats], tuple[Floats, Floats]]
"""Evidence, or standard errors, of shape (slices,) to the lowest and highest value within it."""


def share(k: ArrayLike, n: ArrayLike, K: ArrayLike, N: ArrayLike, f: ArrayLike = 1.0, side: Side = "two") -> Floats:
    """Evidence that k of n rows is another share than K of N rows.

    Given k + K, k is hypergeometric. It is taken as binomial and continuous: of the four margins (hits k + K, misses,
    n and N) the smallest, m, is the number of trials, and with T = n + N and g = f (1 - m/T), which gives the variance,
        P(at least k) = I_pi(h/g, (m - h)/g + 1),    P(at most k) = I_{1-pi}((m - h)/g, h/g + 1),    p = 2 min of both,
    where h = k, and pi = n/T if m = k + K, or (k + K)/T if m = n; the other two by symmetry. So hit and miss may
    change places, and window and reference too. K = 0 leaves pi^(k/g), as exchangeability has it. `f` >= 1 widens
    the law by the natural variation of windows. `side`: whether a larger share speaks ("up"), a smaller one ("down")
    or either ("two"). NaN without rows on both sides.

    Against the exact conditional test, at p > e^-23, n >= 100: at most 1 nat too loud, from N = 30 n on at most 0.4.
    Source: conditional test of two shares (Fisher 1935; Przyborowski, Wilenski 1940).
    """
    k, n, K, N, f = floats(k, n, K, N, f)
    known = (n > 0) & (N > 0)
    k, n, K, N = (np.where(known, v, 1.0) for v in (k, n, K, N))
    T, hits = n + N, k + K
    margins = np.stack([hits, T - hits, n, N])
    smallest = margins.argmin(axis=0)
    m = margins.min(axis=0)
    h = np.choose(smallest, [k, N - K, k, N - K])
    pi, rest = np.choose(smallest, [n, N, hits, T - hits]) / T, np.choose(smallest, [N, n, T - hits, hits]) / T
    g = f * (1 - m / T)
    more = _at_least(h / g, (m - h) / g, pi, rest)
    less = _at_least((m - h) / g, h / g, rest, pi)
    log_p = {"two": np.minimum(more, less) + np.log(2.0), "up": more, "down": less}[side]
    return np.where(known, np.maximum(0.0, -log_p) + 0.0, np.nan)


def share_band(
    n: ArrayLike, K: ArrayLike, N: ArrayLike, nats: ArrayLike, f: ArrayLike = 1.0, side: Side = "two"
) -> tuple[Floats, Floats]:
    """Lowest and highest share k/n, k whole, whose evidence against K of N does not exceed `nats`.

    `share` turned round by bisection, so a share within the band never has more evidence than `nats` and a
    share outside it always has. Where `side` looks one way only, the other end is 0 or 1.
    """
    return share_ends(lambda k: share(k, n, K, N, f, side), n, K, N, nats, side)


def share_ends(
    nats_of: Callable[[Floats], Floats], n: ArrayLike, K: ArrayLike, N: ArrayLike, nats: ArrayLike, side: Side
) -> tuple[Floats, Floats]:
    """Lowest and highest share k/n, k whole, whose evidence `nats_of(k)` against K of N does not exceed `nats`."""
    n, K, N, nats = floats(n, K, N, nats)
    known = (n > 0) & (N > 0)
    usual = np.clip(np.round(n * K / np.where(known, N, 1.0)), 0, n)

    def quiet(k: Floats) -> NDArray[np.bool_]:
        return np.asarray(nats_of(k) <= nats)

    rows = np.where(known, n, np.nan)
    low = farthest(quiet, usual, np.zeros_like(n)) / rows if side != "up" else 0 * rows
    high = farthest(quiet, usual, n) / rows if side != "down" else 0 * rows + 1
    return low, high


def g_test(
    counts: ArrayLike, reference: ArrayLike, cells: NDArray[np.int64] | None = None
) -> tuple[Floats, Floats, Floats]:
    """Two-sample G: (G, degrees of freedom, evidence), each of shape (slices,), that counts share one distribution.

    `counts`: shape (slices, bins); `reference`: shape (bins,) or (slices, bins); `cells`: the cell of every
    bin, shape (slices, bins), as `cells_numeric` and `cells_categorical` give it; without it, bins are cells.
    G = 2 sum of o ln(o/e) over both samples and all cells, divided by Williams' correction q, against chi-square with
    one degree less than there are cells with rows. With T = n + N and c rows in a cell, both samples taken together,
        q = 1 + (T/n + T/N - 1)(sum of T/c - 1)/(6 T df).
    NaN evidence with fewer than two cells, or without rows. Needs about ten expected rows a cell in the window: then
    p is right within a factor 1.3 down to e^-8.

    Source: Sokal, Rohlf (1995), Biometry, 17.4; Williams (1976), Biometrika 63, 33-37.
    """
    now = np.asarray(counts, dtype=np.float64)
    before = np.broadcast_to(np.asarray(reference, dtype=np.float64), now.shape)
    if cells is not None:
        now, before = merge(now, cells), merge(before, cells)
    n, N = now.sum(axis=1, keepdims=True), before.sum(axis=1, keepdims=True)
    both = now + before
    total = n + N
    known = ((n > 0) & (N > 0))[:, 0]
    G = (special.xlogy(now, now) + special.xlogy(before, before) - special.xlogy(both, both)).sum(axis=1)
    G -= (special.xlogy(n, n) + special.xlogy(N, N) - special.xlogy(total, total))[:, 0]
    df = np.maximum((both > 0).sum(axis=1) - 1.0, 0.0)
    known &= df > 0
    n, N, total = (np.where(known, v[:, 0], 1.0) for v in (n, N, total))
    spread = total * np.where(both > 0, 1 / np.where(both > 0, both, 1.0), 0.0).sum(axis=1) - 1
    q = 1 + (total / n + total / N - 1) * spread / (6 * total * np.maximum(df, 1.0))
    G = np.where(known, np.maximum(2 * G / q, 0.0), 0.0)
    return G, df, np.where(known, -log_chi2(G, np.maximum(df, 1.0)), np.nan)


def everything(values: Floats) -> Floats:
    """The sum over all past windows, shape (1,), whatever the slice."""
    return np.asarray(values.sum(keepdims=True))


def unseen(
    k: ArrayLike,
    n: ArrayLike,
    once: ArrayLike,
    N: ArrayLike,
    W: ArrayLike = 1.0,
    record: ArrayLike = 0.0,
    phi: ArrayLike = 1.0,
    twice: ArrayLike = 0.0,
) -> Floats:
    """Evidence that k of n rows with values unknown to the baseline are more than its stream of new values brings.

    The share law S against `once`, the number f1 of the baseline's values seen exactly once, one-sided: a further row
    brings a new value with probability f1/N, whose own variance is (f1 + 2 f2)/N^2, f2 = `twice` the number of values
    seen twice, so S has f = 1 + 2 (f2/f1) n/(n + N). Where columns vary by nature (`phi` > 1): the smaller of S and
    max(record law, S with f phi); record law ln(1 + W ((k + 1)/(u n + 1))^2) if k > u n, u = `record`, the largest
    share of unseen rows that one of the W baseline windows had against the others.

    Source: Good (1953), Biometrika 40, 237-264; Esty (1983), Ann. Statist. 11, 905-912, for the variance.
    """
    k, n, u = (np.asarray(v, dtype=np.float64) for v in (k, n, record))
    f = _unseen_width(n, once, N, twice)
    plain = share(k, n, once, N, f, "up")
    beyond = np.where(k > u * n, np.log1p(np.asarray(W) * ((k + 1) / (u * n + 1)) ** 2), 0.0)
    return np.minimum(plain, np.maximum(beyond, share(k, n, once, N, f * np.asarray(phi), "up")))


def _unseen_width(n: ArrayLike, once: ArrayLike, N: ArrayLike, twice: ArrayLike) -> Floats:
    n, once, N, twice = floats(n, once, N, twice)
    return 1 + 2 * twice / np.maximum(once, 1.0) * n / np.maximum(n + N, 1.0)


def rise(
    counts: ArrayLike, n: ArrayLike, reference: ArrayLike, N: ArrayLike, f: ArrayLike = 1.0
) -> tuple[Floats, Ints]:
    """Evidence that one of many rare values has become frequent, and which: two arrays of shape (slices,).

    `counts`: rows of the pooled values, shape (slices, values); `reference`: their baseline counts, shape
    (values,) or (slices, values).
    The largest one-sided share law (with K + 1, as the value was chosen for its rise) less ln(number of values).
    """
    now = np.asarray(counts, dtype=np.float64)
    n, N, f = (np.broadcast_to(np.asarray(v, dtype=np.float64), now.shape[:1]) for v in (n, N, f))
    before = np.broadcast_to(np.asarray(reference, dtype=np.float64) + 1, now.shape)
    nats = np.zeros(now.shape)
    at = np.nonzero((now > 0) & (now * N[:, None] > before * n[:, None]))
    nats[at] = share(now[at], n[at[0]], before[at], N[at[0]], f[at[0]], "up")
    if now.shape[1] == 0:
        return np.full(len(now), np.nan), np.full(len(now), -1, dtype=np.int64)
    best = nats.max(axis=1) - np.log(now.shape[1])
    return np.where((n > 0) & (N > 0), np.maximum(0.0, best), np.nan), nats.argmax(axis=1)


def fisher_z(r1: ArrayLike, n1: ArrayLike, r2: ArrayLike, n2: ArrayLike) -> Floats:
    """The difference of rank correlations r1 of n1 and r2 of n2 rows in standard errors.

    z = (artanh s1 - artanh s2)/sqrt(v1 + v2), v = (1 + s^2/2)/(n - 3), s = r m/(m + 5), m = min(n1, n2): five rows
    without correlation stand beside the smaller sample's, so that near r = 1 one row more or less never decides. Right
    for smooth dependence; where few rows carry it, the variance is larger, as the baseline's windows then show.
    NaN with three rows or fewer. Source: Bonett, Wright (2000), Psychometrika 65, eq. 5.
    """
    r1, n1, r2, n2 = floats(r1, n1, r2, n2)
    known = (n1 > 3) & (n2 > 3)
    m1, m2 = np.where(known, n1 - 3, 1.0), np.where(known, n2 - 3, 1.0)
    smaller = np.minimum(n1, n2)
    s1, s2 = r1 * smaller / (smaller + 5), r2 * smaller / (smaller + 5)
    z = (np.arctanh(s1) - np.arctanh(s2)) / np.sqrt((1 + s1 * s1 / 2) / m1 + (1 + s2 * s2 / 2) / m2)
    return np.where(known, z, np.nan)


def student(t: ArrayLike, df: ArrayLike, side: Side = "two") -> Floats:
    """Evidence of Student's t; of a normal z where `df` is infinite."""
    t = np.asarray(t, dtype=np.float64)
    t = np.abs(t) if side == "two" else t if side == "up" else -t
    log_p = log_normal(t) if np.isinf(df).all() else log_t(t, df)
    return np.asarray(np.maximum(0.0, -log_p - (np.log(2.0) if side == "two" else 0.0)))


def student_limit(nats: ArrayLike, df: ArrayLike, side: Side = "two") -> Floats:
    """The t whose `student` evidence is `nats`."""
    nats, freedom = floats(nats, df)
    most = np.minimum(nats + (np.log(2.0) if side == "two" else 0.0), 400.0)
    if np.isinf(freedom).all():
        return quantile_normal(-most)
    return np.asarray(-special.stdtrit(freedom, np.exp(-most)))


def normal(z: ArrayLike) -> Floats:
    """Two-sided evidence of a standard normal z."""
    return np.asarray(np.maximum(0.0, -log_normal(np.abs(np.asarray(z, dtype=np.float64))) - np.log(2.0)))


def scaled_band(value: ArrayLike, statistic: ArrayLike, statistic_at_threshold: ArrayLike, floor: ArrayLike) -> Floats:
    """The highest value of a distance that would not be loud, where evidence is no function of the value alone.

    A distance grows as the root of its statistic, so high = max(floor, value sqrt(G_T/G)), G_T at the threshold.
    """
    value, G, limit = (np.asarray(v, dtype=np.float64) for v in (value, statistic, statistic_at_threshold))
    with np.errstate(divide="ignore", invalid="ignore"):
        scaled = np.where(G > 0, value * np.sqrt(limit / G), 0.0)
    return np.maximum(np.asarray(floor, dtype=np.float64), scaled)


def farthest(quiet: Callable[[Floats], NDArray[np.bool_]], usual: Floats, end: Floats) -> Floats:
    """The whole number nearest to `end`, looking from `usual`, that is still quiet."""
    inside, outside = usual, end
    while np.any(np.abs(outside - inside) > 1):
        middle = np.trunc((inside + outside) / 2)
        fine = quiet(middle)
        inside, outside = np.where(fine, middle, inside), np.where(fine, outside, middle)
    return np.where(quiet(end), end, inside)


def _at_least(k: Floats, K: Floats, pi: Floats, rest: Floats) -> Floats:
    """Ln P(at least k of k + K), each with chance `pi` = 1 - `rest`; ln 1 where k = 0."""
    some = k > 0
    return np.where(some, log_beta(np.where(some, k, 1.0), K + 1, pi, rest), 0.0)
