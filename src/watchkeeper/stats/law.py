"""What chance does to a statistic, and how natural variation of the windows widens that.

A law holds a statistic of several slices. Where the windows of a baseline differ by more than chance, the mean of
`spread` over them, phi, exceeds 1; `nats` then judges a further window by the wider law, on W windows' evidence of phi.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from scipy import special

from watchkeeper.stats import evidence, prediction
from watchkeeper.stats.logtail import floats, log_beta, log_chi2

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

MOST_NATS = 600.0
"""The largest threshold that is turned round; e^-600 is still a double."""


@dataclass(frozen=True)
class Variation:
    """How much more than by chance a statistic varies from window to window: 1 as chance has it."""

    phi: Floats
    """Shape (1,) or (slices,)."""
    windows: Floats
    """How many windows say so, likewise; infinite where none do."""
    record: Floats
    """The largest value that a window of the baseline had against the others, shape (1,) or (slices,)."""


CHANCE = Variation(np.ones(1), np.full(1, np.inf), np.zeros(1))
"""Windows differ by chance alone, as far as is known."""


class Law(Protocol):
    """The law of a statistic; arrays have shape (slices,)."""

    @property
    def spread(self) -> Floats:
        """What is 1 on average by chance alone, and more where windows differ; NaN where nothing is known."""
        ...

    def nats(self, natural: Variation) -> Floats:
        """-ln p against "nothing changed" under this natural variation."""
        ...

    def band(self, nats: Floats, natural: Variation) -> tuple[Floats, Floats]:
        """Lowest and highest value whose evidence stays within `nats`."""
        ...


@dataclass(frozen=True)
class ShareLaw:
    """k of n rows against K of N: `evidence.share`, and no more than Student's t gives with W windows."""

    k: Ints | Floats
    n: Ints | Floats
    K: Ints | Floats
    N: Ints | Floats
    side: evidence.Side = "two"
    f: Floats | float = 1.0
    """How much wider the law is anyway."""

    @property
    def spread(self) -> Floats:
        """See `Law`."""
        return self._z(self.k) ** 2

    def nats(self, natural: Variation) -> Floats:
        """See `Law`."""
        return self._nats(self.k, natural)

    def band(self, nats: Floats, natural: Variation) -> tuple[Floats, Floats]:
        """See `Law`; `nats` turned round by bisection."""
        return evidence.share_ends(lambda k: self._nats(k, natural), self.n, self.K, self.N, nats, self.side)

    def _nats(self, k: Ints | Floats, natural: Variation) -> Floats:
        exact = evidence.share(k, self.n, self.K, self.N, self.f * natural.phi, self.side)
        if np.isinf(natural.windows).all():
            return exact
        return np.asarray(
            np.minimum(exact, evidence.student(self._z(k) / np.sqrt(natural.phi), natural.windows, self.side))
        )

    def _z(self, k: Ints | Floats) -> Floats:
        k, n, K, N = floats(k, self.n, self.K, self.N)
        with np.errstate(divide="ignore", invalid="ignore"):
            p = (k + K) / (n + N)
            variance = p * (1 - p) * (1 / n + 1 / N)
            z = (k / n - K / N) / np.sqrt(variance)
        return np.where((n > 0) & (N > 0), np.where(variance > 0, z, 0.0), np.nan)


@dataclass(frozen=True)
class UnseenLaw:
    """k of n rows with values that the baseline does not have: `evidence.unseen`."""

    k: Ints
    n: Ints
    once: Ints
    N: Ints
    twice: Ints

    @property
    def spread(self) -> Floats:
        """See `Law`."""
        return ShareLaw(self.k, self.n, self.once, self.N, "up").spread

    def nats(self, natural: Variation) -> Floats:
        """See `Law`."""
        return self._nats(self.k, natural)

    def band(self, nats: Floats, natural: Variation) -> tuple[Floats, Floats]:
        """See `Law`; `nats` turned round by bisection."""
        return evidence.share_ends(lambda k: self._nats(k, natural), self.n, self.once, self.N, nats, "up")

    def _nats(self, k: Ints | Floats, natural: Variation) -> Floats:
        if np.isinf(natural.windows).all():
            return evidence.unseen(k, self.n, self.once, self.N, twice=self.twice)
        return evidence.unseen(k, self.n, self.once, self.N, natural.windows, natural.record, natural.phi, self.twice)


@dataclass(frozen=True)
class RiseLaw:
    """The value that rose most of many: `evidence.rise`, each widened by natural variation."""

    counts: Ints
    """Shape (slices, values)."""
    n: Ints
    reference: Ints
    """The baseline's, of the same shape."""
    N: Ints
    was: Ints
    """The baseline's rows of the value that rose most, shape (slices,)."""

    @property
    def spread(self) -> Floats:
        """See `Law`: that of the evidence, whose mean is 1."""
        return self.nats(CHANCE)

    def nats(self, natural: Variation) -> Floats:
        """See `Law`."""
        return evidence.rise(self.counts, self.n, self.reference, self.N, natural.phi)[0]

    def band(self, nats: Floats, natural: Variation) -> tuple[Floats, Floats]:
        """See `Law`: of the value that rose most."""
        more = nats + np.log(max(1, self.counts.shape[1]))
        return evidence.share_band(self.n, self.was + 1, self.N, more, natural.phi, "up")


@dataclass(frozen=True)
class GapLaw:
    """A distance between two distributions whose evidence is a two-sample G on cells.

    Natural variation is taken as one more direction in which windows differ: with the excess e = df (phi - 1) and
    nu = (df + e)^2/(df - 1 + (1 + e)^2) a further window's G/(phi df) has the F distribution with nu and nu W degrees
    of freedom. Where there are not even two cells, a share stands for the distance.
    """

    value: Floats
    G: Floats
    df: Floats
    lone: ShareLaw

    @property
    def spread(self) -> Floats:
        """See `Law`."""
        return np.where(self.df > 0, self.G / np.maximum(self.df, 1.0), np.nan)

    def nats(self, natural: Variation) -> Floats:
        """See `Law`."""
        df = np.where(self.df > 0, self.df, 1.0)
        return np.where(
            self.df > 0, _f_nats(self.G / (natural.phi * df), *self._freedom(df, natural)), self._few(natural)
        )

    def band(self, nats: Floats, natural: Variation) -> tuple[Floats, Floats]:
        """See `Law`: the distance grows as the root of its statistic."""
        df = np.where(self.df > 0, self.df, 1.0)
        limit = natural.phi * df * _f_limit(nats, *self._freedom(df, natural))
        lone = self.df == 0
        few = self._few(natural)
        statistic, limit = np.where(lone, few, self.G), np.where(lone, nats, limit)
        return np.zeros(len(self.value)), evidence.scaled_band(self.value, statistic, limit, 0.0)

    def _few(self, natural: Variation) -> Floats:
        return self.lone.nats(natural)

    @staticmethod
    def _freedom(df: Floats, natural: Variation) -> tuple[Floats, Floats]:
        excess = df * (natural.phi - 1)
        first = (df + excess) ** 2 / (df - 1 + (1 + excess) ** 2)
        return first, first * natural.windows


@dataclass(frozen=True)
class NormalLaw:
    """A difference in standard errors: Student's t with W degrees of freedom."""

    z: Floats
    side: evidence.Side = "two"
    limits: evidence.Limits | None = None
    """From how many standard errors (shape (slices,)) to the lowest and highest value."""

    @property
    def spread(self) -> Floats:
        """See `Law`."""
        return self.z**2

    def nats(self, natural: Variation) -> Floats:
        """See `Law`."""
        return evidence.student(self.z / np.sqrt(natural.phi), natural.windows, self.side)

    def band(self, nats: Floats, natural: Variation) -> tuple[Floats, Floats]:
        """See `Law`."""
        if self.limits is None:
            return np.full(len(self.z), -np.inf), np.full(len(self.z), np.inf)
        return self.limits(evidence.student_limit(nats, natural.windows, self.side) * np.sqrt(natural.phi))


@dataclass(frozen=True)
class ScaledLaw:
    """Evidence that is divided by phi, the mean evidence of the baseline's windows."""

    L: Floats
    limits: evidence.Limits
    """From evidence, shape (slices,), to the lowest and highest value."""

    @property
    def spread(self) -> Floats:
        """See `Law`."""
        return self.L

    def nats(self, natural: Variation) -> Floats:
        """See `Law`."""
        return np.asarray(self.L / natural.phi)

    def band(self, nats: Floats, natural: Variation) -> tuple[Floats, Floats]:
        """See `Law`."""
        return self.limits(nats * natural.phi)


@dataclass(frozen=True)
class SeriesLaw:
    """A statistic of whole windows, a series through time: what the windows before did says what is usual.

    Its own law may know chance alone; where windows vary by nature, a further one is also held against the series of
    the baseline's windows, and against that of the windows just before it: `prediction.predictive_t`.
    """

    L: Floats
    """By its own law, shape (slices,)."""
    limits: evidence.Limits
    """From evidence to the lowest and highest value, by its own law."""
    y: Floats
    """The series in the data under test, shape (slices,); a scale on which it is about normal."""
    past: Floats
    """The series in the baseline's windows, shape (windows,); NaN where not known."""
    sampling: Floats
    """What chance alone makes of the variance of `y`, likewise."""
    sampling_past: Floats
    side: evidence.Side
    in_unit: bool = False
    """Whether `y` is the measurement's value itself."""

    @property
    def spread(self) -> Floats:
        """See `Law`: nothing that others could borrow."""
        return np.full(len(self.L), np.nan)

    @property
    def left_out(self) -> Floats:
        """The evidence of each of the baseline's windows against the others, shape (windows,)."""
        return prediction.left_out(self.past, self.sampling_past, self.side)

    def nats(self, natural: Variation) -> Floats:
        """See `Law`."""
        if np.isinf(natural.windows).all():
            return self.L
        by_series = prediction.predictive_t(self.y, self.past, self.sampling, self.side)
        return np.where(np.isnan(by_series), self.L, np.minimum(self.L, by_series))

    def band(self, nats: Floats, natural: Variation) -> tuple[Floats, Floats]:
        """See `Law`."""
        low, high = self.limits(nats)
        if self.in_unit and not np.isinf(natural.windows).all():
            lowest, highest = prediction.predictive_band(self.past, self.sampling, nats, self.side)
            return np.fmin(low, lowest), np.fmax(high, highest)
        return low, high

    def recent(self, total: evidence.Total) -> Floats:
        """Evidence against the windows just before: `total` sums over those of each window of baseline and data."""
        y, sampling = np.append(self.past, self.y), np.append(self.sampling_past, self.sampling)
        return prediction.predictive_t(y, prediction.Moments.of(y, total), sampling, self.side)[len(self.past) :]


@dataclass(frozen=True)
class OwnLaw:
    """Evidence that stands on how windows differ already: nothing is added."""

    L: Floats
    limits: evidence.Limits

    @property
    def spread(self) -> Floats:
        """See `Law`."""
        return np.full(len(self.L), np.nan)

    def nats(self, natural: Variation) -> Floats:
        """See `Law`."""
        return self.L

    def band(self, nats: Floats, natural: Variation) -> tuple[Floats, Floats]:
        """See `Law`."""
        return self.limits(nats)


def _f_nats(x: Floats, first: Floats, second: Floats) -> Floats:
    """-ln P(F > x), F with `first` and `second` degrees of freedom; the second may be infinite."""
    if np.isinf(second).all():
        return np.asarray(-log_chi2(x * first, first))
    far = first * x
    return np.asarray(np.maximum(0.0, -log_beta(second / 2, first / 2, second / (second + far), far / (second + far))))


def _f_limit(nats: Floats, first: Floats, second: Floats) -> Floats:
    """The x with that evidence."""
    p = np.exp(-np.minimum(nats, MOST_NATS))
    if np.isinf(second).all():
        return np.asarray(special.chdtri(first, p) / first)
    part = special.betaincinv(second / 2, first / 2, p)
    with np.errstate(divide="ignore"):
        return np.asarray(second * (1 - part) / (first * part))
