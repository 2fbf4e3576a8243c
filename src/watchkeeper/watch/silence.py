"""Silence: windows without an event that are due all the same, because there usually are events.

A model whose events come in batches, once in a while, has more empty windows than others, and none of them is due. And
a stop is told by its first windows: a year without events is no work for a year of windows.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise

import numpy as np

from watchkeeper.profiles import TimeWindows
from watchkeeper.state import Store, window
from watchkeeper.state.window import Span

LOOK_BACK = 48
"""Windows with events from which it is known how many are usually empty between them."""
TOLD = 8
"""Empty windows in a row that are due at most: an alarm fires in the first."""
SILENT = 3
"""A model whose newest window is no older than so many is expected to go on: a history that ended is no silence."""


def until(now: int, store: Store, model: str, windows: TimeWindows) -> list[Span]:
    """The empty windows that are over by now, as long as events came of late."""
    newest, full = window.newest(store, model, now), window.filled(store, model, now, LOOK_BACK)
    if newest is None or not full or now - newest[1] > SILENT * (newest[1] - newest[0]):
        return []
    if len(_gaps(full, windows)) > len(full):
        return []
    return [span for span in _between(full[-1][1], now, windows) if span[0] >= newest[1]]


def among(new: Sequence[Span], store: Store, model: str, windows: TimeWindows, now: int) -> list[Span]:
    """The empty windows among new ones, in order of time, and between these and those that were known before."""
    known, newest = window.filled(store, model, now, LOOK_BACK), window.newest(store, model, now)
    later = [span for span in new if span[0] <= now and (not known or span[0] >= known[-1][1])]
    empty = _gaps([*known, *later], windows)
    if len(empty) > len(known) + len(later):
        return []
    return [span for span in empty if newest is None or span[0] >= newest[1]]


def _gaps(full: Sequence[Span], windows: TimeWindows) -> list[Span]:
    """The empty windows between those that have events: the first ones of each gap."""
    return [span for before, after in pairwise(full) for span in _between(before[1], after[0], windows)]


def _between(start: int, end: int, windows: TimeWindows) -> Iterator[Span]:
    """The first windows from `start` on that end by `end`."""
    for _ in range(TOLD if start < end else 0):
        over = int(windows.end_of(np.array([start], dtype=np.int64))[0])
        if over > end:
            return
        yield start, over
        start = over
