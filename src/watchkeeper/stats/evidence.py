"""Evidence against "nothing changed": -ln p in nats, always two-sample, so that a baseline is never taken as exact.

All functions take and return arrays over slices (any shapes that broadcast) and stay finite however far
out the data lie. NaN means that nothing can be said. Small letters are the window, capitals the reference.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
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


@dataclass(frozen=True)
class Moments:
    """Of a statistic over past windows: how many have one, their mean, and their variance (n - 1); shape (slices,)."""

    windows: Floats
    mean: Floats
    variance: Floats

    @staticmethod
    def of(y: ArrayLike, total: Total = everything) -> Moments:
        """Of `y`, shape (windows,); NaN are left out."""
        y = np.asarray(y, dtype=np.float64)
        known = np.isfinite(y)
        centre = float(y[known].mean()) if known.any() else 0.0
        away = np.where(known, y - centre, 0.0)
        n, first, second = total(known.astype(np.float64)), total(away), total(away**2)
        with np.errstate(divide="ignore", invalid="ignore"):
            mean = first / n
            variance = np.where(n > 1, np.maximum(second - n * mean**2, 0.0) / (n - 1), np.nan)
        return Moments(n, centre + mean, variance)


def predictive_t(y: ArrayLike, past: ArrayLike | Moments, sampling_variance: ArrayLike, side: Side = "two") -> Floats:
    """Evidence that `y` is no further window of those in the past, given as such (windows,) or by moments.

    t = (y - mean)/sqrt(v (1 + 1/W)) with W - 1 degrees of freedom; v is the variance of the past windows, or
    `sampling_variance` (> 0), what chance alone gives a window of y's size, if that is larger. NaN if W < 2.

    Source: prediction interval for one further observation (Hahn, Meeker 1991, 4.2).
    """
    moments = past if isinstance(past, Moments) else Moments.of(past)
    y = np.asarray(y, dtype=np.float64)
    error = _prediction_error(moments, sampling_variance)
    with np.errstate(divide="ignore", invalid="ignore"):
        t = (y - moments.mean) / error
    enough = moments.windows >= 2
    nats = student(np.where(enough, t, 0.0), np.where(enough, moments.windows - 1, 1.0), side)
    return np.where(enough & ~np.isnan(t), nats, np.nan)


def left_out(y: ArrayLike, sampling_variance: ArrayLike, side: Side = "two") -> Floats:
    """`predictive_t` of each of the windows that gave `y`, shape (windows,), against all the others."""
    y = np.asarray(y, dtype=np.float64)
    known = np.isfinite(y)

    def others(values: Floats) -> Floats:
        return np.asarray(values.sum() - values)

    return np.where(
        known, predictive_t(np.where(known, y, 0.0), Moments.of(y, others), sampling_variance, side), np.nan
    )


def predictive_band(
    past: ArrayLike | Moments, sampling_variance: ArrayLike, nats: ArrayLike, side: Side = "two"
) -> tuple[Floats, Floats]:
    """Lowest and highest y whose `predictive_t` evidence does not exceed `nats`; NaN if W < 2."""
    moments = past if isinstance(past, Moments) else Moments.of(past)
    enough = moments.windows >= 2
    reach = student_limit(nats, np.where(enough, moments.windows - 1, 1.0), side)
    reach = np.where(enough, reach * _prediction_error(moments, sampling_variance), np.nan)
    low, high = moments.mean - reach, moments.mean + reach
    return np.where(side == "up", -np.inf, low), np.where(side == "down", np.inf, high)


def _prediction_error(past: Moments, sampling_variance: ArrayLike) -> Floats:
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray(np.sqrt(np.fmax(past.variance, sampling_variance) * (1 + 1 / past.windows)))


def tail_index(maxima: ArrayLike, m: ArrayLike, total: Total = everything) -> Floats:
    """How fast the largest value of a window may grow: the index of the tail, at most 2, for `tail`.

    min(2, 1.28/sd(ln(window maximum - median)) (1 - 1.2/sqrt W)) min(1, W/10) over the W past windows: logarithms
    of maxima with a Pareto tail of index a have standard deviation pi/(a sqrt 6) = 1.28/a. The factors are for the few
    windows that sd stands on: with them `tail` holds its size with Cauchy and Pareto tails too, and few windows, which
    may have missed rare outliers by chance, promise no short tail. `maxima`: shape (windows,). NaN if W < 3.
    """
    beyond = np.asarray(maxima, dtype=np.float64) - np.asarray(m, dtype=np.float64)
    W = total(np.isfinite(beyond).astype(np.float64))
    above = beyond > 0
    moments = Moments.of(np.where(above, np.log(np.where(above, beyond, 1.0)), np.nan), total)
    with np.errstate(divide="ignore", invalid="ignore"):
        index = np.minimum(2.0, 1.28 / np.sqrt(moments.variance) * (1 - 1.2 / np.sqrt(W)))
        index = np.where(moments.variance > 0, index, 2.0)
    return np.where(W >= 3, np.minimum(1.0, W / 10) * index, np.nan)


def tail(
    x: ArrayLike, r: ArrayLike, m: ArrayLike, n: ArrayLike, N: ArrayLike, a: ArrayLike, width: ArrayLike = np.nan
) -> Floats:
    """Evidence that a window's largest value lies farther out than the baseline's tail allows.

    `x`: the window's maximum, `r` the baseline's, `m` its median, `a` its tail index. 0 up to r, and beyond it
        ln(1 + (N/n) ((x - m)/(r - m))^a) - ln 2,
    the chance that the largest of n more rows comes so far, in a tail of index a, halved for the two sides. Where
    r = m, `width` (the whole baseline range) stands for r - m. For minima negate x, r and m. NaN for a constant column.
    """
    x, r, m, n, N, a, width = floats(x, r, m, n, N, a, width)
    scale = np.where(r > m, r - m, width)
    with np.errstate(divide="ignore", invalid="ignore"):
        far = np.log(N / n) + a * (np.log(np.maximum(x - m, 0.0)) - np.log(scale))
        nats = np.maximum(0.0, np.logaddexp(0.0, far) - np.log(2.0))
    known = (scale > 0) & (n > 0) & (N > 0) & np.isfinite(x) & np.isfinite(a)
    return np.where(known, np.where(x > r, nats, 0.0), np.nan)


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


def spike(k: ArrayLike, n: ArrayLike, past_k: ArrayLike, past_n: ArrayLike, total: Total = everything) -> Floats:
    """Evidence that the fullest bin, k of n rows, holds more than in past windows, past_k of past_n rows.

    The smaller of two: one-sided `predictive_t` on ln((k + 1/2)/(n - k + 1/2)), at least with the variance that chance
    alone gives it, and the share law against all windows' fullest bins, for where few rows lie outside the bin and the
    logit is skewed. `past_k`, `past_n`: shape (windows,). NaN with fewer than two windows with rows.
    """
    k, n, K, N = (np.asarray(v, dtype=np.float64) for v in (k, n, past_k, past_n))
    hits, rows = total(K), total(N)
    with np.errstate(divide="ignore", invalid="ignore"):
        p = hits / rows
        chance = 1 / np.maximum(n * p * (1 - p), 0.5)
    past = Moments.of(np.where(N > 0, np.log((K + 0.5) / (N - K + 0.5)), np.nan), total)
    by_window = predictive_t(np.log((k + 0.5) / (n - k + 0.5)), past, chance, "up")
    return np.minimum(by_window, share(k, n, hits, rows, side="up"))


def spike_band(
    n: ArrayLike, past_k: ArrayLike, past_n: ArrayLike, nats: ArrayLike, total: Total = everything
) -> Floats:
    """Highest share k/n, k whole, whose `spike` evidence does not exceed `nats`: `spike` turned round by bisection."""
    K, N = np.asarray(past_k, dtype=np.float64), np.asarray(past_n, dtype=np.float64)
    hits, rows, windows = total(K), total(N), total((N > 0).astype(np.float64))
    n, nats, hits, rows, windows = floats(n, nats, hits, rows, windows)
    usual = np.clip(np.round(n * hits / np.maximum(rows, 1.0)), 0, n)
    most = farthest(lambda k: np.asarray(spike(k, n, K, N, total) <= nats), usual, n)
    return np.where((n > 0) & (windows > 1), most / np.maximum(n, 1.0), np.nan)


_FEW = 10
"""Rows added before the logarithm, so that Poisson counts of some twenty rows are not skewed."""


def rows(count: ArrayLike, past: ArrayLike, total: Total = everything) -> Floats:
    """Evidence that a window has more or fewer rows than past windows, shape (windows,), let expect.

    `predictive_t` on ln(rows + 10), two-sided; the variance is at least a Poisson count's: m/(m + 10)^2, m the median.
    """
    y = np.log(np.asarray(count, dtype=np.float64) + _FEW)
    return predictive_t(y, *_log_rows(past, total))


def rows_band(past: ArrayLike, nats: ArrayLike, total: Total = everything) -> tuple[Floats, Floats]:
    """Lowest and highest number of rows whose `rows` evidence does not exceed `nats`. NaN below two windows."""
    moments, chance = _log_rows(past, total)
    low, high = predictive_band(moments, chance, nats)
    low, high = np.exp(low), np.exp(np.minimum(high, 700.0))
    return np.maximum(low - _FEW, 0.0), np.maximum(high - _FEW, 0.0)


def _log_rows(counts: ArrayLike, total: Total) -> tuple[Moments, float]:
    past = np.asarray(counts, dtype=np.float64)
    middle = max(float(np.nanmedian(past)), 1.0) if np.isfinite(past).any() else 1.0
    return Moments.of(np.log(past + _FEW), total), middle / (middle + _FEW) ** 2


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
