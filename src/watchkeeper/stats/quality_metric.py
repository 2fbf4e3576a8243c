"""A quality metric over slices: its value, how sure it is, and what speaks against "nothing changed"."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, Literal, Protocol

import numpy as np
from numpy.typing import NDArray
from scipy import special

from watchkeeper.stats import evidence
from watchkeeper.stats.logtail import log_chi2, log_normal

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]

ENOUGH = 20
"""Labelled rows (queries, of a ranking) from which a metric may be judged."""
SURE = 1.959963984540054
"""The normal quantile of a 95 % interval."""
_FARTHEST = 1e6
"""Standard errors that are told apart: beyond them evidence stays finite."""


class Law(Protocol):
    """What chance does to a metric; `before` is the law of the same metric in the baseline, of one slice."""

    @property
    def side(self) -> evidence.Side:
        """The harmful direction."""
        ...

    def evidence(self, before: Any) -> Floats:
        """-ln p in nats that the metric got worse (or changed, where none is worse), shape (slices,)."""
        ...

    def band(self, before: Any, nats: Floats) -> tuple[Floats, Floats]:
        """Lowest and highest value whose evidence stays within `nats`."""
        ...


@dataclass(frozen=True, eq=False)
class Metric:
    """One metric; arrays have shape (slices,) and are NaN where it can't be measured."""

    name: str
    columns: tuple[str, ...]
    """Label, and the prediction or scores it is compared with."""
    rows: Ints
    """Rows behind the value."""
    enough: Bools
    """Whether they are enough to judge by."""
    value: Floats
    variance: Floats
    """Sampling variance of the value."""
    interval: tuple[Floats, Floats]
    """95 % confidence interval."""
    law: Law

    @property
    def side(self) -> evidence.Side:
        """The harmful direction."""
        return self.law.side

    def against(self, before: Metric) -> Floats:
        """Evidence that it is worse than in the baseline (one slice); NaN where either has too few rows."""
        return np.where(self.enough & before.enough, self.law.evidence(before.law), np.nan)

    def band(self, before: Metric, nats: Floats) -> tuple[Floats, Floats]:
        """Lowest and highest value whose evidence against the baseline stays within `nats`."""
        return self.law.band(before.law, nats)


@dataclass(frozen=True, eq=False)
class ShareLaw:
    """A share of rows, the higher the better; as F1 it is read as 2J/(1 + J) of the share J."""

    hits: Ints
    of: Ints
    f1: bool = False
    side: ClassVar[evidence.Side] = "down"

    def evidence(self, before: ShareLaw) -> Floats:
        """`evidence.share`, downwards."""
        return evidence.share(self.hits, self.of, before.hits, before.of, side="down")

    def band(self, before: ShareLaw, nats: Floats) -> tuple[Floats, Floats]:
        """`evidence.share_band`, downwards."""
        low, high = evidence.share_band(self.of, before.hits, before.of, nats, side="down")
        return self.read(low), self.read(high)

    def read(self, share: Floats) -> Floats:
        """The metric's value at a share."""
        return np.asarray(2 * share / (1 + share)) if self.f1 else share


@dataclass(frozen=True, eq=False)
class MeanLaw:
    """A mean, or what is nearly one in large samples; its variance is a sum of parts that each fall with a count.

    The variance is, part by part, the larger of the window's and the baseline's. The window's own alone makes a fall
    from a ceiling look too sure (without a single miss it is 0), the baseline's alone a rise along a long tail: 7 and 4
    times too often at 5 nats with 20 to 50 rows. With the larger of both it was never too often, for six shapes.
    """

    mean: Floats
    unit: Floats
    """Variance of one row of each part, shape (parts, slices)."""
    count: Floats
    """Rows of each part, shape (parts, slices)."""
    better: Literal["high", "low", "zero"]
    """Which way is better: evidence looks the other way, and both ways where zero is best."""
    least: float
    most: float

    @property
    def side(self) -> evidence.Side:
        """See `Law`."""
        return "two" if self.better == "zero" else "down" if self.better == "high" else "up"

    def evidence(self, before: MeanLaw) -> Floats:
        """Of z, the difference of the means in standard errors."""
        gap = self.mean - before.mean
        with np.errstate(divide="ignore", invalid="ignore"):
            z = np.where(gap == 0, 0.0, np.clip(gap / self._error(before), -_FARTHEST, _FARTHEST))
        if self.better == "zero":
            return evidence.normal(z)
        return np.abs(log_normal(z if self.better == "low" else -z))

    def band(self, before: MeanLaw, nats: Floats) -> tuple[Floats, Floats]:
        """The z of that evidence, in standard errors about the baseline's mean."""
        sides = np.log(2.0) if self.better == "zero" else 0.0
        reach = -special.ndtri_exp(-(nats + sides)) * self._error(before)
        low = np.full_like(reach, self.least) if self.better == "low" else before.mean - reach
        high = np.full_like(reach, self.most) if self.better == "high" else before.mean + reach
        return low, high

    def _error(self, before: MeanLaw) -> Floats:
        unit = np.maximum(self.unit, before.unit)
        return np.sqrt(_total(unit, self.count) + _total(before.unit, before.count))


@dataclass(frozen=True, eq=False)
class GapLaw:
    """Mean gaps in bins whose sizes, weighted by rows, make up an error: the lower the better.

    Chance alone makes that error large in small windows, so it is held against the error that the baseline's gaps
    would show at this window's counts.
    """

    gap: Floats
    """Shape (slices, bins); 0 in an empty bin."""
    unit: Floats
    """Variance of one row in each bin, shape (slices, bins)."""
    count: Ints
    """Rows of each bin, shape (slices, bins)."""
    side: ClassVar[evidence.Side] = "up"

    def evidence(self, before: GapLaw) -> Floats:
        """Chi-square of the gaps' changes over the bins with ten rows in both; 0 where the error is no larger."""
        usual, statistic, df = self._compared(before)
        nats = np.maximum(0.0, -log_chi2(statistic, np.maximum(df, 1.0)))
        return np.where(df > 0, np.where(self.error() > usual, nats, 0.0), np.nan)

    def band(self, before: GapLaw, nats: Floats) -> tuple[Floats, Floats]:
        """The error grows as the root of chi-square, nearly that of evidence; where there is none, as equal z would."""
        usual, _, df = self._compared(before)
        found = self.evidence(before)
        degrees = np.maximum(df, 1.0)
        z = -special.ndtri_exp(-nats)
        each = np.maximum(0.0, 1 - 2 / (9 * degrees) + z * np.sqrt(2 / (9 * degrees))) ** 1.5  # Wilson, Hilferty (1931)
        alike = self._mean(each[:, None] * np.sqrt(_ratio(np.maximum(self.unit, before.unit), self.count)))
        with np.errstate(divide="ignore", invalid="ignore"):
            reach = np.where(found > 0, (self.error() - usual) * np.sqrt(nats / found), alike)
        return np.zeros_like(usual), np.fmin(1.0, usual + reach)

    def error(self) -> Floats:
        """Mean size of the gaps, shape (slices,)."""
        return self._mean(np.abs(self.gap))

    def by_chance(self) -> Floats:
        """The error that chance makes where there are no gaps, shape (slices,)."""
        return self._mean(_folded(np.zeros_like(self.gap), np.sqrt(_ratio(self.unit, self.count))))

    def _mean(self, bins: Floats) -> Floats:
        return _ratio((self.count * np.where(self.count > 0, bins, 0.0)).sum(axis=1), self.count.sum(axis=1))

    def _compared(self, before: GapLaw) -> tuple[Floats, Floats, Floats]:
        """The error that the baseline's gaps would show here, chi-square of the gaps' changes, degrees of freedom."""
        both = (self.count >= 10) & (before.count >= 10)
        known = np.where(both, before.gap, self.gap)
        variance = np.where(both, np.maximum(self.unit, before.unit), self.unit) / np.maximum(self.count, 1)
        variance = variance + np.where(both, before.unit / np.maximum(before.count, 1), 0.0)
        with np.errstate(divide="ignore", invalid="ignore"):
            squares = np.where(self.gap == known, 0.0, (self.gap - known) ** 2 / variance)
        usual = self._mean(_folded(known, np.sqrt(variance)))
        return usual, np.minimum(squares, _FARTHEST).sum(axis=1), both.sum(axis=1).astype(np.float64)


def share_metric(name: str, columns: tuple[str, ...], rows: Ints, hits: Ints, of: Ints, *, f1: bool = False) -> Metric:
    """`hits` of `of`, with Wilson's interval; F1 = 2J/(1 + J), J = hits/(hits + misses + false alarms), has J's."""
    law, share = ShareLaw(hits, of, f1), _ratio(hits, of)
    slope = 2 / (1 + share) ** 2 if f1 else 1.0
    low, high = wilson(share, of.astype(np.float64))
    variance = np.asarray(slope**2 * _ratio(share * (1 - share), of))
    return Metric(name, columns, rows, rows >= ENOUGH, law.read(share), variance, (law.read(low), law.read(high)), law)


def mean_metric(name: str, columns: tuple[str, ...], rows: Ints, enough: Bools, law: MeanLaw) -> Metric:
    """A mean with a normal interval; in [0, 1] Wilson's, on the number of rows that a share of this variance had."""
    variance = _total(law.unit, law.count)
    if (law.least, law.most) == (0.0, 1.0):
        with np.errstate(divide="ignore", invalid="ignore"):
            alike = np.where(variance > 0, law.mean * (1 - law.mean) / variance, law.count.min(axis=0))
        interval = wilson(law.mean, alike)
    else:
        reach = SURE * np.sqrt(variance)
        interval = np.maximum(law.least, law.mean - reach), np.minimum(law.most, law.mean + reach)
    return Metric(name, columns, rows, enough, law.mean, variance, interval, law)


def gap_metric(name: str, columns: tuple[str, ...], law: GapLaw) -> Metric:
    """An error made of gaps; its interval is normal and reaches down by what chance may have added."""
    rows, value = law.count.sum(axis=1), law.error()
    variance = _ratio((law.count * law.unit).sum(axis=1), rows.astype(np.float64) ** 2)
    reach = SURE * np.sqrt(variance)
    interval = np.maximum(0.0, value - law.by_chance() - reach), np.minimum(1.0, value + reach)
    return Metric(name, columns, rows, rows >= ENOUGH, value, variance, interval, law)


def wilson(share: Floats, rows: Floats) -> tuple[Floats, Floats]:
    """95 % interval of a share of `rows` rows (any positive number). Source: Wilson (1927)."""
    with np.errstate(divide="ignore", invalid="ignore"):
        pull = SURE**2 / rows
        middle = (share + pull / 2) / (1 + pull)
        reach = SURE * np.sqrt(share * (1 - share) / rows + pull / (4 * rows)) / (1 + pull)
    return np.clip(middle - reach, 0.0, share), np.clip(middle + reach, share, 1.0)


def unbiased(mean: Floats, mean_square: Floats, count: Ints) -> Floats:
    """Variance of one row (n - 1) from the mean and the mean square; NaN below two rows."""
    n = count.astype(np.float64)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(n > 1, np.maximum(mean_square - mean**2, 0.0) * n / (n - 1), np.nan)


def _ratio(part: NDArray[Any], whole: NDArray[Any]) -> Floats:
    """Part / whole, NaN where there is no whole."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(whole > 0, np.divide(part, whole), np.nan)


def _total(unit: Floats, count: Floats) -> Floats:
    return np.asarray(_ratio(unit, count).sum(axis=0))


def _folded(mean: Floats, sd: Floats) -> Floats:
    """Mean of |X|, X normal. Source: Leone, Nelson, Nottingham (1961)."""
    size = np.abs(mean)
    with np.errstate(divide="ignore", invalid="ignore"):
        z = size / sd
        folded = sd * np.sqrt(2 / np.pi) * np.exp(-(z**2) / 2) + size * special.erf(z / np.sqrt(2))
    return np.where(sd > 0, folded, size)
