"""The kernel that is always there, and that others are held against: numpy."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from watchkeeper.profiles import double
from watchkeeper.profiles.counted import Bools, Counted, Floats, Ints, Scores
from watchkeeper.profiles.edges import NumericEdges
from watchkeeper.profiles.rows import Rows


def numeric(x: Floats, present: Bools | None, rows: Rows, edges: NumericEdges, scores: Scores | None) -> Counted:
    """See `Kernel.numeric`."""
    x = rows.taken(x)
    finite = np.isfinite(x)
    odd = ~finite
    if present is not None:
        present = rows.taken(present)
        finite &= present
        odd &= present
    strange = odd if odd.any() else None
    y, at = (x, rows.at) if finite.all() else (x[finite], rows.at[finite])
    starts = np.flatnonzero(np.diff(at, prepend=-1))
    touched = at[starts]
    found = np.searchsorted(edges.cuts, y, side="right")
    counts = np.bincount(at * edges.bins + found, minlength=rows.slices * edges.bins)
    minimum, maximum = np.full(rows.slices, np.nan), np.full(rows.slices, np.nan)
    total, squares = np.zeros((rows.slices, 2)), np.zeros((rows.slices, 2))
    if len(y):
        minimum[touched], maximum[touched] = np.minimum.reduceat(y, starts), np.maximum.reduceat(y, starts)
        total[touched] = double.segment_sums(y, starts)
        with np.errstate(over="ignore"):
            squares[touched] = double.segment_sums((y - edges.shift) ** 2, starts)
    if scores is not None:
        scores[~finite] = np.nan
        scores[finite] = edges.ranks[found]
    return Counted(
        nan=rows.total(None if strange is None else strange & np.isnan(x)),
        positive_infinity=rows.total(None if strange is None else strange & (x == np.inf)),
        negative_infinity=rows.total(None if strange is None else strange & (x == -np.inf)),
        zero=rows.total(finite & (x == 0)),
        negative=rows.total(finite & (x < 0)),
        minimum=minimum,
        maximum=maximum,
        total=total,
        squares=squares,
        counts=counts.reshape(rows.slices, edges.bins).astype(np.int64, copy=False),
    )


def crossed(codes: NDArray[np.int64], present: Bools | None, rows: Rows, width: int) -> Ints:
    """See `Kernel.crossed`."""
    codes, at = rows.taken(codes), rows.at
    if present is not None:
        present = rows.taken(present)
        codes, at = codes[present], at[present]
    found = np.bincount(at * width + codes, minlength=rows.slices * width)
    return found.reshape(rows.slices, width).astype(np.int64, copy=False)


def placed(x: Floats, cuts: Floats) -> Ints:
    """See `Kernel.placed`."""
    return np.searchsorted(cuts, x, side="right")
