"""When a series changed: at once, or little by little."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

LEAST_RAMP = 3
"""A slope takes so many points: through fewer, a step is as good."""
COVER = 0.95


@dataclass(frozen=True)
class ChangePoint:
    """The first changed place of a series, and between which two it lies with 95 % probability."""

    place: int
    low: int
    high: int
    jump: float
    """How probable a jump is; else the series drifts from `place` on."""


def change_point(values: Floats) -> ChangePoint | None:
    """The one change of a series that is level before it, and after it level elsewhere or on a slope.

    `values`: shape (windows,), finite, oldest first. The noise is taken as normal and independent, of one unknown
    variance; every place, and jump and drift, are equally likely before the data are seen. None where all values are
    the same, or there are fewer than two.

    Source: Smith (1975), Biometrika 62, 407-416, with the marginal likelihood RSS^-(n-2)/2 of two unknown levels; the
    slope by Bacon, Watts (1971), Biometrika 58, 525-534, without transition.
    """
    n = len(values)
    scale = float(np.abs(values).max(initial=0.0))
    y = values - values.mean() if n else values
    total = float(y @ y)
    if n < 2 or total <= n * (1e-12 * scale) ** 2:
        return None
    residuals = np.concatenate([_after_step(y), _after_slope(y)]) + 1e-9 * total
    nats = -max(1.0, (n - 2) / 2) * np.log(residuals)
    weights = np.exp(nats - nats.max())
    weights /= weights.sum()
    steps, slopes = weights[: n - 1], weights[n - 1 :]
    jump, either = float(steps.sum()), steps.copy()
    either[: len(slopes)] += slopes
    place = int((steps if jump >= 0.5 else slopes).argmax())
    low, high = _span(either)
    return ChangePoint(place + 1, min(low, place) + 1, max(high, place) + 1, jump)


def _after_step(y: Floats) -> Floats:
    """Residual sum of squares with a step before each place from 1 on; `y` of mean 0, shape (n - 1,)."""
    n = len(y)
    before, at = np.cumsum(y)[:-1], np.arange(1, n)
    return np.asarray(y @ y - before**2 * (1 / at + 1 / (n - at)))


def _after_slope(y: Floats) -> Floats:
    """The same with a slope from each place on: values rise by as much a window, from nothing in the window before."""
    n = len(y)
    places = np.arange(1, n - LEAST_RAMP + 1)
    if not len(places):
        return np.empty(0)
    ramps = np.maximum(0.0, np.arange(n) - places[:, None] + 1.0)
    ramps -= ramps.mean(axis=1, keepdims=True)
    return np.asarray(y @ y - (ramps @ y) ** 2 / (ramps**2).sum(axis=1))


def _span(weights: Floats) -> tuple[int, int]:
    """From the first to the last of the most probable places that together hold 95 %."""
    order = np.argsort(-weights, kind="stable")
    enough = int(np.searchsorted(np.cumsum(weights[order]), COVER)) + 1
    held = order[:enough]
    return int(held.min()), int(held.max())
