"""Reconstruction error: do all numeric columns still move together as they did?"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from watchkeeper.checks import column
from watchkeeper.checks.measurement import Check, Measurement
from watchkeeper.checks.sentence import between, figure
from watchkeeper.checks.together import blamed, groups, listed
from watchkeeper.profiles import Baseline, PairProfile, Profiles
from watchkeeper.stats import components, prediction
from watchkeeper.stats.evidence import Limits
from watchkeeper.stats.law import SeriesLaw

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]

SHARE = 0.65
"""Of the variance, what the principal components keep: as in NannyML's data reconstruction."""
FEWEST = 3
"""Columns that vary, from which there is more to see than in their pairs."""
VARIES = 0.1
"""The share of the baseline's rows that leave a column's most frequent value, from which it takes part. Where fewer do,
they often come together (a holiday is a whole day), and would be most of what is left on that day."""
LEAST = 1e-6
"""Columns that hold together but for so small a part of their variance are copies: the error of one is rounding."""
_CHUNK = 2**22
"""Moments standardised at once."""


def measure(now: Profiles, baseline: Baseline) -> Iterator[Measurement]:
    """Compare what principal components of the baseline's rank scores leave unexplained with the baseline's own rest.

    Evidence: two-sided predictive t on the logarithm, against the baseline's windows, each seen by the components of
    the others. The variance is at least that of a quadratic form of Gaussian columns. Absent in tables with more than
    150 ranked columns, of which not all pairs are kept.
    """
    past = baseline.profiles.pairs
    if now.pairs is None or past is None:
        return
    ranked = now.edges.ranked
    k = len(ranked)
    varies = np.array([column.spread(baseline[name]) >= VARIES for name in ranked])
    varies &= np.isin(np.arange(k), now.edges.together)
    if varies.sum() < FEWEST or len(past.names) != k * (k - 1) // 2:
        return
    whole = past.sums.sum(axis=0)
    model = _model(whole, varies)
    if model is None:
        return
    value, y = model.error(now.pairs.sums), _left_out(past, whole, varies)
    n, usual = _rows(now.pairs.sums), float(np.median(_rows(past.sums)))
    sampling = model.sampling / np.maximum(n, 1)
    known = y[np.isfinite(y)]
    if len(known) > 1:  # fewer rows than usual vary more, by as much as the baseline's windows do
        sampling *= max(1.0, float(np.var(known, ddof=1)) * max(1.0, usual) / model.sampling)
    with np.errstate(divide="ignore", invalid="ignore"):
        nats = prediction.predictive_t(np.log(value), y, sampling)
    yield Measurement(
        metric="reconstruction_error",
        columns=(),
        value=value,
        rows=np.rint(n).astype(np.int64),
        effect=value - 1,
        law=SeriesLaw(
            L=nats,
            limits=_limits(y, sampling),
            y=np.log(value),
            past=y,
            sampling=sampling,
            sampling_past=model.sampling / np.maximum(_rows(past.sums), 1),
            side="two",
        ),
        reference=np.ones(len(n)),
        needs_variance=True,
        blame=_blame(now.pairs, ranked, model),
    )


@dataclass(frozen=True)
class _Model:
    """What the baseline says of k columns: where they lie, how wide, and how they hang together."""

    mean: Floats
    sd: Floats
    correlation: Floats
    """Shape (k, k); 0 where a column does not vary."""
    rest: Floats
    """The projection on what the components leave, shape (k, k)."""
    usual: float
    """The variance that they leave in the baseline."""

    @property
    def sampling(self) -> float:
        """Variance of the logarithm of one Gaussian row's error, to be divided by rows: 2 tr((PC)²)/tr(PC)²."""
        left = self.rest @ self.correlation
        return float(2 * np.sum(left * left.T) / self.usual**2)

    def error(self, sums: Ints) -> Floats:
        """The variance left about the baseline's means, as a multiple of the baseline's, shape (slices,).

        NaN where columns are silent and what stands for them, the baseline's correlations, fits the others so badly
        that nothing would be left.
        """
        k = len(self.mean)
        left, right = np.triu_indices(k, 1)
        weights, diagonal = 2 * self.rest[left, right], np.diagonal(self.rest)
        found = np.full(len(sums), np.nan)
        step = max(1, _CHUNK // max(1, len(left)))
        for begin in range(0, len(sums), step):
            part = sums[begin : begin + step]
            both, own = self.moments(part)
            found[begin : begin + step] = (both @ weights + own @ diagonal) / self.usual
        return np.where((_rows(sums) > 0) & (found > LEAST), found, np.nan)

    def moments(self, sums: Ints) -> tuple[Floats, Floats]:
        """Standardised second moments about the baseline's means: of pairs, and of each column with itself.

        Pairs without rows, and columns without values, have those of the baseline.
        """
        k = len(self.mean)
        left, right = np.triu_indices(k, 1)
        n, a, b, aa, bb, ab = np.moveaxis(sums.astype(np.float64), 1, 0)
        ma, mb = self.mean[left], self.mean[right]
        with np.errstate(divide="ignore", invalid="ignore"):
            both = (ab - ma * b - mb * a + n * ma * mb) / (n * self.sd[left] * self.sd[right])
        both = np.where(np.isfinite(both), both, self.correlation[left, right])
        squares = _by_column(aa - 2 * ma * a + n * ma**2, bb - 2 * mb * b + n * mb**2, k)
        with np.errstate(divide="ignore", invalid="ignore"):
            own = squares / (_by_column(n, n, k) * self.sd**2)
        return both, np.where(np.isfinite(own), own, np.diagonal(self.correlation))


def _model(sums: Ints, varies: Bools) -> _Model | None:
    """From the baseline's sums of all pairs, shape (6, pairs). None where the components leave nothing.

    `varies`: which columns take part; the others count as constant.
    """
    k = len(varies)
    n, a, b, aa, bb, ab = sums.astype(np.float64)
    left, right = np.triu_indices(k, 1)
    count, total, squares = (_by_column(one[None], other[None], k)[0] for one, other in ((n, n), (a, b), (aa, bb)))
    with np.errstate(divide="ignore", invalid="ignore"):
        mean = np.where(count > 0, total / count, 0.0)
        variance = np.where(count > 0, squares / count - mean**2, 0.0)
        sd = np.sqrt(np.where(varies & (variance > 0), variance, 0.0))
        ma, mb = mean[left], mean[right]
        pairs = (ab - ma * b - mb * a + n * ma * mb) / (n * sd[left] * sd[right])
    correlation = np.zeros((k, k))
    correlation[left, right] = correlation[right, left] = np.where(np.isfinite(pairs), pairs, 0.0)
    np.fill_diagonal(correlation, sd > 0)
    rest = components.rest(correlation, SHARE)
    usual = float(np.sum(rest * correlation))
    return _Model(mean, sd, correlation, rest, usual) if usual > LEAST * k else None


def _by_column(first: Floats, second: Floats, k: int) -> Floats:
    """What pairs hold of their first and of their second column, added up by column: (slices, pairs) to (slices, k)."""
    left, right = np.triu_indices(k, 1)
    total = np.zeros((len(first), k))
    total[:, :-1] = np.add.reduceat(first, np.flatnonzero(np.diff(left, prepend=-1)), axis=1)
    order = np.argsort(right, kind="stable")
    total[:, 1:] += np.add.reduceat(second[:, order], np.flatnonzero(np.diff(right[order], prepend=0)), axis=1)
    return total


def _left_out(past: PairProfile, whole: Ints, varies: Bools) -> Floats:
    """The logarithm of each baseline window's error, by the model of the other windows."""
    y = np.full(len(past.sums), np.nan)
    for group in groups(len(past.sums)):
        others = _model(whole - past.sums[group].sum(axis=0), varies)
        if others is not None:
            y[group] = np.log(others.error(past.sums[group]))
    return y


def _rows(sums: Ints) -> Floats:
    """The rows of a slice in which a pair has both values, of all pairs on average, shape (slices,)."""
    return np.asarray(sums[:, 0].mean(axis=1))


def _limits(y: Floats, sampling: Floats) -> Limits:
    def limits(threshold: Floats) -> tuple[Floats, Floats]:
        low, high = prediction.predictive_band(y, sampling, threshold)
        return np.exp(low), np.exp(np.minimum(high, 700.0))

    return limits


def _blame(pairs: PairProfile, ranked: tuple[str, ...], model: _Model) -> Callable[[int], tuple[str, ...]]:
    """The columns whose own part of the error, (P S P)_jj, moved most in the direction in which it moved."""

    def blame(i: int) -> tuple[str, ...]:
        k = len(ranked)
        both, own = model.moments(pairs.sums[i : i + 1])
        left, right = np.triu_indices(k, 1)
        moments = np.diag(own[0])
        moments[left, right] = moments[right, left] = both[0]
        moved = np.diagonal(model.rest @ (moments - model.correlation) @ model.rest)
        return tuple(ranked[j] for j in blamed(moved if moved.sum() >= 0 else -moved))

    return blame


def _say(m: Measurement, i: int, usual: tuple[float | None, float | None]) -> str:
    value = float(m.value[i])
    how = "no longer move together as before" if value > 1 else "are bound more closely than before"
    mostly = f", above all {listed(m.blame(i))}" if m.blame else ""
    return (
        f"The numeric columns {how}{mostly}: what the baseline's principal components leave unexplained is "
        f"{figure(value)} times what it was, over {figure(int(m.rows[i]))} rows; {between(*usual)} is usual."
    )


CHECK = Check(
    name="reconstruction_error",
    measure=measure,
    sees="columns that no longer belong together, each of which may look as always; many small shifts at once",
    blind="dependence without order, categorical features, changes along the directions in which the columns vary most",
    remedy="Look at the columns named first, and at the join or the code that makes them.",
    say=_say,
)
