"""How much more than by chance a measurement varies when nothing is wrong, learned from windows of the past."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from watchkeeper.checks import Measurement
from watchkeeper.stats.law import Variation

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]

BORROWED = 5.0
"""So many windows' worth of the columns' median variation stands beside a column's own shape."""
TOP = 15
"""One in so many windows may be an outlier: its spread is taken as at most `OUTLIER` times the next."""
OUTLIER = 1.5


def learned(own: Measurement, usual: float | None) -> tuple[Variation, Variation]:
    """The natural variation for new windows, and for each of the baseline's windows without itself.

    `own`: the baseline's windows, each against others; `usual`: the median spread of the same metric over all columns,
    which is borrowed from where given.
    """
    spread, value = _known(own), np.where(np.isfinite(own.value), own.value, 0.0)
    held = _winsorised(spread)
    n, total = np.isfinite(held).sum(), np.nansum(held)
    every = Variation(np.array([_phi(n, total, usual)]), np.full(1, max(1.0, n)), np.array([value.max(initial=0.0)]))
    rest, sums = n - np.isfinite(held), total - np.nan_to_num(held)
    return every, Variation(_phi(rest, sums, usual), np.maximum(1.0, rest), _largest_other(value))


def trailing(own: Measurement, usual: Floats | None, most: int, kept: Bools, alike: Ints | None = None) -> Variation:
    """The natural variation of each window, from the `most` windows before it (of the same phase `alike`) if `kept`.

    `own`: windows, each against those just before it; `usual` as in `learned`, shape (windows,).
    """
    past = _before(np.where(kept, _known(own), np.nan), most, alike)
    held = _winsorised(past.T).T
    n = np.isfinite(held).sum(axis=1)
    values = _before(np.where(kept & np.isfinite(own.value), own.value, np.nan), most, alike)
    record = np.max(np.nan_to_num(values), axis=1, initial=0.0)
    return Variation(_phi(n, np.nansum(held, axis=1), usual), np.maximum(n, 1).astype(np.float64), record)


def usual(measurements: Sequence[Measurement], kept: Sequence[Bools], most: int, alike: Ints | None = None) -> Floats:
    """For each window the median over columns, at least 1, of their mean spread in the windows just before."""
    past = [_before(np.where(of, _known(m), np.nan), most, alike) for m, of in zip(measurements, kept, strict=True)]
    return np.array([_middle(column) for column in np.array([_mean(_winsorised(own.T)) for own in past]).T])


def _mean(held: Floats) -> Floats:
    """The mean of each column, NaN where nothing is known."""
    n = np.isfinite(held).sum(axis=0)
    return np.where(n > 0, np.nansum(held, axis=0) / np.maximum(n, 1), np.nan)


def _middle(spreads: Floats) -> float:
    known = spreads[np.isfinite(spreads)]
    return max(1.0, float(np.median(known))) if len(known) else 1.0


def mean_spread(own: Measurement) -> float:
    """The mean spread of the windows; 1 where nothing is known."""
    held = _winsorised(_known(own))
    return float(np.nanmean(held)) if np.isfinite(held).any() else 1.0


def _phi(n: Ints | int, total: Floats | float, borrowed: Floats | float | None) -> Floats:
    if borrowed is None:
        return np.maximum(1.0, np.divide(total, np.maximum(n, 1)))
    return np.maximum(1.0, (total + BORROWED * np.asarray(borrowed)) / (n + BORROWED))


def _known(m: Measurement) -> Floats:
    """The spread of each window, NaN where it has too few rows."""
    if m.law is None:
        return np.full(len(m.value), np.nan)
    spread = np.asarray(m.law.spread, dtype=np.float64)
    return spread if m.few is None else np.where(m.few, np.nan, spread)


def _winsorised(spread: Floats) -> Floats:
    """With the largest of every fifteen windows (first axis) cut at 1.5 times the next."""
    top = len(spread) // TOP
    if not top:
        return spread
    order = np.sort(np.nan_to_num(spread, nan=-np.inf), axis=0)
    limit = OUTLIER * order[-1 - top]
    return np.where(np.isfinite(limit), np.minimum(spread, limit), spread)


def _largest_other(value: Floats) -> Floats:
    """For each window the largest value of the others, at least 0."""
    if len(value) < 2:
        return np.zeros(len(value))
    first, second = np.sort(value)[:-3:-1]
    return np.asarray(np.maximum(0.0, np.where(value == first, second, first)))


def _before(values: Floats, most: int, alike: Ints | None) -> Floats:
    """The values of the windows before each one, shape (windows, most); NaN where there are none."""
    if alike is None:
        padded = np.concatenate([np.full(most, np.nan), values])
        return np.asarray(np.lib.stride_tricks.sliding_window_view(padded, most)[: len(values)])
    found = np.full((len(values), most), np.nan)
    for phase in np.unique(alike).tolist():
        mine = np.flatnonzero(alike == phase)
        found[mine] = _before(values[mine], most, None)
    return found
