"""What the checks that look at all columns together share: whom to blame, and which baseline windows to leave out."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from watchkeeper.checks.sentence import named

Floats = NDArray[np.float64]

MOST = 5
"""A finding names no more columns than this."""
GROUPS = 30
"""So many times the baseline is looked at without some of its windows; more windows are left out together."""


def blamed(shares: Floats) -> list[int]:
    """The largest of `shares` (positive ones), largest first: those that make up half of their sum, at most `MOST`."""
    order = np.argsort(-shares, kind="stable")
    positive = np.maximum(shares[order], 0.0)
    before = np.cumsum(positive) - positive
    enough = (positive > 0) & (before < positive.sum() / 2)
    enough[:1] = True
    return [int(i) for i in order[enough][:MOST]]


def groups(windows: int) -> list[NDArray[np.intp]]:
    """Windows that are left out together: each alone, or neighbours where there are more than `GROUPS`."""
    return [part for part in np.array_split(np.arange(windows), min(windows, GROUPS)) if len(part)]


def listed(columns: tuple[str, ...]) -> str:
    """Columns in a sentence: `a`, `b` and `c`."""
    names = [named(column) for column in columns]
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
