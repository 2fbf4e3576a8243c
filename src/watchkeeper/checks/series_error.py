"""Series error: do the statistics of all columns go through time together as they did?"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from watchkeeper.checks.measurement import Check, Measurement
from watchkeeper.checks.sentence import figure
from watchkeeper.checks.statistics import Statistics, statistics
from watchkeeper.checks.together import GROUPS, blamed, listed
from watchkeeper.profiles import Baseline, Profiles
from watchkeeper.stats import components, prediction
from watchkeeper.stats.evidence import Limits
from watchkeeper.stats.law import SeriesLaw

Floats = NDArray[np.float64]

SHARE = 0.65
"""Of the variance, what the principal components keep; never more of them than a third of the windows."""
WINDOWS = 10
"""Baseline windows from which their statistics are a series."""
FEWEST = 2
"""Columns from which there is more to see than in one."""
MOST_WINDOWS = 240
"""Of more, so many are taken, evenly spread: they say as well what goes together."""
FAR = 8.0
"""Standard deviations at which a statistic is cut, so that one that is out of all measure is not all that counts."""


def measure(now: Profiles, baseline: Baseline) -> Iterator[Measurement]:
    """Compare what principal components leave of a window's statistics with what they leave of the baseline's windows.

    A window is one row: statistics of all columns (`checks.statistics`), each in robust standard deviations of the
    baseline's windows. Evidence: one-sided predictive t on the logarithm of the squared rest, against that of baseline
    windows, each left out while scale and components are learned.
    """
    every = statistics(baseline.profiles, baseline.whole, own=True)
    W = every.value.shape[1]
    if W < WINDOWS or len(set(every.owner)) < FEWEST:
        return
    taken = np.unique(np.linspace(0, W - 1, min(W, MOST_WINDOWS)).round().astype(np.intp))
    past = Statistics(every.value[:, taken], every.least[:, taken], every.owner)
    here = statistics(now, baseline.whole)
    order = np.sort(past.value, axis=1)  # NaN last
    model = _Model.of(past, order, None)
    left_out = np.unique(np.linspace(0, len(taken) - 1, min(len(taken), GROUPS)).round().astype(np.intp))
    y = np.array([np.log(_Model.of(past, order, w).error(_slice(past, w))[0]) for w in left_out.tolist()])
    error = model.error(here)
    sampling = np.full(len(error), 2 / len(past.owner))
    value = np.exp((np.log(error) - y.mean()) / 2)
    yield Measurement(
        metric="series_error",
        columns=(),
        value=value,
        rows=now.rows,
        effect=value - 1,
        law=SeriesLaw(
            L=prediction.predictive_t(np.log(error), y, sampling, "up"),
            limits=_limits(y, sampling),
            y=np.log(error),
            past=_placed(y, taken[left_out], W),
            sampling=sampling,
            sampling_past=np.full(W, 2 / len(past.owner)),
            side="up",
        ),
        reference=np.ones(len(value)),
        needs_variance=True,
        blame=_blame(here, past, model),
    )


@dataclass(frozen=True)
class _Model:
    """What is usual of the baseline's windows: where each statistic lies, how wide, and what goes together."""

    centre: Floats
    width: Floats
    mean: Floats
    axes: Floats
    """Principal components, shape (components, statistics)."""

    @classmethod
    def of(cls, past: Statistics, order: Floats, without: int | None) -> Self:
        """From the baseline's windows, without one of them; `order`: each statistic's values, ascending."""
        centre, width = _robust(past.value, order, without)
        known = np.arange(past.value.shape[1])
        known = known if without is None else np.delete(known, without)
        model = cls(centre, width, np.zeros(len(centre)), np.zeros((0, len(centre))))
        z = model.scaled(past.value[:, known], past.least[:, known])
        mean = z.mean(axis=0)
        z -= mean
        wide = z.shape[1] > len(z)
        values, vectors = np.linalg.eigh(z @ z.T if wide else z.T @ z)
        values, vectors = np.maximum(values[::-1], 0.0), vectors[:, ::-1]
        many = min(components.kept(values, SHARE), len(z) // 3)
        axes = vectors[:, :many].T
        if wide:
            axes = axes @ z / np.sqrt(values[:many, None])
        return cls(centre, width, mean, axes)

    def scaled(self, value: Floats, least: Floats) -> Floats:
        """Statistics in robust standard deviations, at least those of chance, shape (slices, statistics)."""
        with np.errstate(divide="ignore", invalid="ignore"):
            z = (value - self.centre[:, None]) / np.maximum(self.width[:, None], least)
        return np.clip(np.nan_to_num(z, nan=0.0, posinf=FAR, neginf=-FAR), -FAR, FAR).T

    def rest(self, of: Statistics) -> Floats:
        """What the components leave, shape (slices, statistics)."""
        z = self.scaled(of.value, of.least) - self.mean
        return np.asarray(z - (z @ self.axes.T) @ self.axes)

    def error(self, of: Statistics) -> Floats:
        """Its sum of squares, shape (slices,); never 0."""
        return np.asarray(np.maximum(np.sum(self.rest(of) ** 2, axis=1), 1e-12))


def _robust(value: Floats, order: Floats, without: int | None) -> tuple[Floats, Floats]:
    """Median and interquartile range / 1.349 of each statistic, without one window, shape (statistics,).

    From the values in order: where one is left out, those behind it move up by one place.
    """
    known = np.isfinite(order).sum(axis=1)
    rank = np.full(len(order), order.shape[1])
    if without is not None:
        out = value[:, without]
        rank = np.where(np.isfinite(out), np.sum(order < out[:, None], axis=1), order.shape[1])
        known = known - np.isfinite(out)
    rows = np.arange(len(order))

    def at(place: NDArray[np.intp]) -> Floats:
        place = np.clip(place, 0, order.shape[1] - 1)
        return np.asarray(order[rows, np.minimum(place + (place >= rank), order.shape[1] - 1)])

    last = np.maximum(known - 1, 0)
    quarter = last // 4
    centre = (at(last // 2) + at((last + 1) // 2)) / 2
    return centre, np.maximum(at(last - quarter) - at(quarter), 0.0) / 1.349


def _slice(of: Statistics, i: int) -> Statistics:
    return Statistics(of.value[:, i : i + 1], of.least[:, i : i + 1], of.owner)


def _placed(values: Floats, at: NDArray[np.intp], windows: int) -> Floats:
    """Values of some windows, NaN for the others."""
    found = np.full(windows, np.nan)
    found[at] = values
    return found


def _limits(y: Floats, sampling: Floats) -> Limits:
    def limits(threshold: Floats) -> tuple[Floats, Floats]:
        _, high = prediction.predictive_band(y, sampling, threshold, "up")
        return np.zeros(len(high)), np.exp((np.minimum(high, 700.0) - y.mean()) / 2)

    return limits


def _blame(here: Statistics, past: Statistics, model: _Model) -> Callable[[int], tuple[str, ...]]:
    """The columns whose statistics leave more than they did in the baseline's windows."""
    place = {name: j for j, name in enumerate(dict.fromkeys(here.owner))}
    numbers = np.array([place[name] for name in here.owner])

    def blame(i: int) -> tuple[str, ...]:
        more = model.rest(_slice(here, i))[0] ** 2 - np.mean(model.rest(past) ** 2, axis=0)
        names = list(place)
        return tuple(names[j] for j in blamed(np.bincount(numbers, more, len(names)).astype(np.float64)))

    return blame


def _say(m: Measurement, i: int, usual: tuple[float | None, float | None]) -> str:
    mostly = f", above all those of {listed(m.blame(i))}" if m.blame else ""
    return (
        f"The statistics of all columns together are out of step with the baseline's windows{mostly}: "
        f"{figure(float(m.value[i]))} times as far off as is usual, up to {figure(usual[1])} is usual."
    )


CHECK = Check(
    name="series_error",
    measure=measure,
    sees="many small changes at once, in any kind of column; a window in which columns go apart that went together",
    blind="a single column that changes a little among many; anything below ten baseline windows",
    remedy="Look at the columns named first; where many moved, at what they share: the source, the join, the release.",
    say=_say,
)
