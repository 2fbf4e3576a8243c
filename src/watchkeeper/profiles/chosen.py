"""Which of a baseline's windows each slice is compared with: all but its neighbours, the last ones, those alike."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Chosen:
    """Two runs of windows for each slice, in an order of the windows; a run may be empty."""

    order: Ints
    """The windows, shape (windows,)."""
    runs: Ints
    """Begin and end of the first and of the second run, as places in `order`, shape (slices, 4)."""

    def total(self, values: NDArray[Any]) -> NDArray[Any]:
        """The sum over each slice's windows: shape (windows, …) to (slices, …)."""
        summed = np.zeros((len(values) + 1, *values.shape[1:]), dtype=values.dtype)
        np.cumsum(values[self.order], axis=0, out=summed[1:])
        first, end, second, last = self.runs.T
        return np.asarray(summed[end] - summed[first] + summed[last] - summed[second])

    def sums(self, values: Floats) -> Floats:
        """The same run by run, for numbers of any size: beside one huge value, differences of running sums are lost."""
        padded = np.concatenate([values[self.order], np.zeros((1, *values.shape[1:]))])
        found = np.add.reduceat(padded, self.runs.reshape(-1), axis=0)[::2]
        found[(self.runs[:, ::2] >= self.runs[:, 1::2]).reshape(-1)] = 0
        return np.asarray(found[::2] + found[1::2])

    def extreme(self, values: Floats, of: np.ufunc) -> Floats:
        """The extreme (by `np.fmin` or `np.fmax`) over each slice's windows: (windows,) to (slices,); NaN of none."""
        padded = np.append(values[self.order], np.nan)
        flat = self.runs.reshape(-1)
        if not len(flat):
            return np.zeros(0)
        found = of.reduceat(padded, flat)[::2].reshape(-1, 2)
        found[self.runs[:, ::2] >= self.runs[:, 1::2]] = np.nan
        return np.asarray(of(found[:, 0], found[:, 1]))


def everything(windows: int, slices: int = 1) -> Chosen:
    """All windows, for each slice."""
    return Chosen(np.arange(windows), np.tile(np.array([0, windows, 0, 0]), (slices, 1)))


def apart(windows: int) -> Chosen:
    """For each window itself all others but its neighbours, a quarter of all on both sides: neighbours are alike."""
    at, near = np.arange(windows), windows // 4
    after = np.minimum(windows, at + near + 1)
    return Chosen(at, np.column_stack([np.zeros_like(at), np.maximum(0, at - near), after, np.full_like(at, windows)]))


def before(windows: int, most: int) -> Chosen:
    """For each window the ones just before it, at most so many."""
    at = np.arange(windows)
    return Chosen(at, np.column_stack([np.maximum(0, at - most), at, at, at]))


def alike(phase: Ints, now: Ints) -> Chosen:
    """For slices of phase `now` the windows of the same `phase`."""
    order = np.argsort(phase, kind="stable")
    first, last = (np.searchsorted(phase[order], now, side=side) for side in ("left", "right"))
    return Chosen(order, np.column_stack([first, last, last, last]))


def alike_apart(phase: Ints) -> Chosen:
    """For each window itself the others of its phase that are no neighbours."""
    windows = len(phase)
    order = np.argsort(phase, kind="stable")
    key = phase[order] * windows + order  # ascending: by phase, in it by time
    at, near = np.arange(windows), windows // 4
    first, last = (np.searchsorted(phase[order], phase, side=side) for side in ("left", "right"))
    begin = np.searchsorted(key, phase * windows + np.maximum(0, at - near))
    end = np.searchsorted(key, phase * windows + np.minimum(windows - 1, at + near), side="right")
    return Chosen(order, np.column_stack([first, begin, end, last]))


def before_alike(phase: Ints, most: int) -> Chosen:
    """For each window the ones of its phase just before it, at most so many."""
    order = np.argsort(phase, kind="stable")
    place = np.empty_like(order)
    place[order] = np.arange(len(order))
    first = np.searchsorted(phase[order], phase, side="left")
    return Chosen(order, np.column_stack([np.maximum(first, place - most), place, place, place]))
