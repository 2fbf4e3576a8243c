"""The evidence that a window's loudest measurement must exceed, so that quiet windows are told as seldom as asked."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

TOP = 15
"""One in so many windows may be an outlier, and is cut."""
LEARNED = 10
"""Baseline windows from which their maxima are looked at."""
PRIOR = 10.0
"""So many windows' worth of an exponential tail stands beside the maxima's own width."""
_EULER = 0.5772156649015329


def threshold(judged: int, chance: float, maxima: Floats) -> float:
    """Nats for a chance per window: ln(J/alpha) for J judged measurements, raised by the baseline's own maxima.

    `maxima`: of each baseline window the largest evidence against the others, shape (windows,); from ten windows on a
    Gumbel law is fitted to them, whose width is at least that of independent measurements. It only ever raises.

    Source: Gumbel (1958); probability-weighted moments by Hosking (1990), J. R. Stat. Soc. B 52, 105-124.
    """
    independent = math.log(max(1, judged) / chance)
    known = np.sort(maxima[np.isfinite(maxima)])
    W = len(known)
    if W < LEARNED:
        return independent
    top = W // TOP
    if top:
        middle, following = float(np.median(known)), float(known[-1 - top])
        known = np.minimum(known, following + 0.5 * (following - middle))
    weights = np.arange(W) / (W - 1)
    second = 2 * float(np.mean(weights * known)) - float(known.mean())
    width = max(1.0, (W * second / math.log(2.0) + PRIOR) / (W + PRIOR))
    return max(independent, float(known.mean()) - _EULER * width - width * math.log(-math.log1p(-chance)))
