"""When what a finding tells began, and whether at once or little by little."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from watchkeeper.budget.finding import Change
from watchkeeper.checks import Measurement
from watchkeeper.profiles import Slice
from watchkeeper.profiles.slice import iso
from watchkeeper.stats.change import change_point

Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]

APART = 2
"""So many quiet windows between two loud ones: then what they tell did not begin together."""
MOST = 400
"""Windows that are looked back on."""


def change(m: Measurement, i: int, loud: Bools) -> Change | None:
    """When the change began that slice number `i` shows; `loud`: the slices that are told, shape (slices,).

    Windows that were loud before, and quiet again since, say nothing about it and are passed over. None where no
    windows before it are known.
    """
    if m.series is None:
        return None
    before = len(m.series.slices) - len(m.slices)
    known = np.isfinite(m.series.values)
    known[before:] &= ~_over(loud, i) & ~(np.zeros(len(m.slices), dtype=bool) if m.few is None else m.few)
    places = np.flatnonzero(known[: before + i + 1])[-MOST:]
    point = change_point(m.series.values[places])
    if point is None:
        return None
    first, low, last, high = (m.series.slices[places[at]] for at in (point.place, point.low, point.low - 1, point.high))
    return Change("jump" if point.jump >= 0.5 else "drift", _start(first), (_end(last, low), _end(high, high)))


def _over(loud: Bools, i: int) -> Bools:
    """The loud slices before those that are loud without a pause until number `i`."""
    past = np.flatnonzero(loud[: i + 1])
    begun = next(
        (b for a, b in reversed([*pairwise(past.tolist())]) if b - a > APART), int(past[0]) if len(past) else i
    )
    return loud & (np.arange(len(loud)) < begun)


def _start(at: Slice) -> str:
    return at.window_label if at.start is None else iso(at.start)


def _end(at: Slice, named: Slice) -> str:
    return named.window_label if at.end is None else iso(at.end)
