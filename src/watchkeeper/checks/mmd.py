"""Maximum mean discrepancy: do whole rows still come from the distribution that they came from?"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from watchkeeper.checks.measurement import Check, Measurement
from watchkeeper.checks.movers import movers
from watchkeeper.checks.sentence import figure
from watchkeeper.checks.together import listed
from watchkeeper.profiles import Baseline, FourierProfile, Profiles
from watchkeeper.stats import prediction
from watchkeeper.stats.evidence import Limits
from watchkeeper.stats.law import SeriesLaw

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

ENOUGH = 20
"""Rows looked at in a window from which it is judged."""


def measure(now: Profiles, baseline: Baseline) -> Iterator[Measurement]:
    """Compare the mean random Fourier features of all ranked columns with the baseline's.

    The squared distance of two means is MMD² under a Gaussian kernel. Of it is taken what chance alone makes; the value
    is the root, negative where chance alone makes more. Evidence: one-sided predictive t on ln(distance²/expected),
    against the baseline's windows, each compared with the others. Expected is what chance makes and how much the
    baseline's windows differ beyond it, so windows may have other sizes than those of the baseline.
    """
    if now.fourier is None or baseline.profiles.fourier is None:
        return
    past = _past(baseline.profiles.fourier)
    if past is None:
        return
    n = now.fourier.rows
    known = n >= ENOUGH
    chance = past.chance(np.maximum(n, 1))
    distance = np.where(known, np.sum((now.fourier.mean - past.mean) ** 2, axis=1), np.nan)
    with np.errstate(divide="ignore", invalid="ignore"):
        y = np.log(distance / (chance + past.natural))
    nats = prediction.predictive_t(y, past.y, past.sampling, "up")
    value = _root(distance - chance)
    yield Measurement(
        metric="mmd",
        columns=(),
        value=value,
        rows=n,
        effect=value,
        law=SeriesLaw(
            L=np.where(known, nats, np.nan),
            limits=_limits(past, chance),
            y=y,
            past=past.y,
            sampling=np.full(len(n), past.sampling),
            sampling_past=np.full(len(past.y), past.sampling),
            side="up",
        ),
        reference=np.zeros(len(n)),
        needs_variance=True,
        tell=lambda i: "" if movers(now, baseline, i)[1] else _UNEXPLAINED,
        blame=lambda i: movers(now, baseline, i)[0],
    )


@dataclass(frozen=True)
class _Past:
    """What the baseline's windows say of mean features, shape (features,), and of their distances."""

    mean: Floats
    rows: int
    spread: float
    """The variance of one row's features, all together: 1 - |mean|², as each row's have the length 1."""
    natural: float
    """By how much the baseline's windows differ beyond chance (squared distance)."""
    y: Floats
    """ln(distance²/expected) of each window against the others."""
    sampling: float
    """The least variance of `y`."""

    def chance(self, n: Ints) -> Floats:
        """The squared distance that chance alone makes between n rows and the baseline."""
        return np.asarray(self.spread * (1 / n + 1 / self.rows))


def _past(fourier: FourierProfile) -> _Past | None:
    """None where there are too few rows to compare with.

    The variance of ln chi-square with f degrees of freedom is about 2/f. Of a sum of squares of correlated features
    f = tr(S)²/tr(S²), S their covariance (Satterthwaite 1946; for MMD: Gretton et al. 2009, a gamma approximation). The
    baseline's windows give both: tr(S) is their mean squared distance, tr(S²) the mean squared product of two of them.
    """
    sums = fourier.sums[fourier.rows >= ENOUGH]
    whole = fourier.sums.sum(axis=0, keepdims=True)
    if not len(sums):
        return None
    mean, rows = FourierProfile(whole).mean[0], int(whole[0, 0])
    spread = max(1e-12, (1 - float(mean @ mean)) * rows / (rows - 1))
    n = sums[:, 0]
    others = FourierProfile(whole - sums)
    apart = FourierProfile(sums).mean - others.mean
    apart, n, left = apart[others.rows > 0], n[others.rows > 0], others.rows[others.rows > 0]
    chance = spread * (1 / n + 1 / left)
    distance = np.sum(apart**2, axis=1)
    natural = max(0.0, float(np.mean(distance - chance))) if len(n) else 0.0
    with np.errstate(divide="ignore"):
        y = np.log(distance / (chance + natural))
    scaled = apart / np.sqrt(chance + natural)[:, None]
    products = (scaled @ scaled.T)[np.triu_indices(len(n), 1)]
    freedom = float(np.mean(np.sum(scaled**2, axis=1)) ** 2 / np.mean(products**2)) if len(n) > 1 else 1.0
    return _Past(mean, rows, spread, natural, y, 2 / min(max(freedom, 1.0), float(len(mean))))


def _limits(past: _Past, chance: Floats) -> Limits:
    def limits(threshold: Floats) -> tuple[Floats, Floats]:
        low, high = prediction.predictive_band(past.y, past.sampling, threshold, "up")
        return low, _root((chance + past.natural) * np.exp(np.minimum(high, 700.0)) - chance)

    return limits


def _root(square: Floats) -> Floats:
    return np.asarray(np.sign(square) * np.sqrt(np.abs(square)))


_UNEXPLAINED = (
    "No column and no pair explains it by itself, so the way in which several depend on each other has changed; "
    "most moved "
)


def _say(m: Measurement, i: int, usual: tuple[float | None, float | None]) -> str:
    columns = listed(m.blame(i)) if m.blame else ""
    told = m.tell(i) if m.tell else ""
    what = f"{told}{columns}." if told else f"Most moved {columns}."
    return (
        f"The rows as a whole are others than before: maximum mean discrepancy {figure(float(m.value[i]))} over "
        f"{figure(int(m.rows[i]))} rows, up to {figure(usual[1])} is usual. {what}"
    )


CHECK = Check(
    name="mmd",
    measure=measure,
    sees="any change of the joint distribution of numeric features and targets, also of dependence without order",
    blind="categorical features, values beyond the baseline's range, changes of few rows or in one of many columns",
    remedy="Compare the columns named with the baseline, alone and in pairs; then look at the code that makes them.",
    say=_say,
)
"""Source: Gretton et al. (2012), JMLR 13, 723-773; Rahimi, Recht (2007), NIPS 20."""
