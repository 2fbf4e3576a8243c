"""The kernel that is always there, and that others are held against: numpy."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from watchkeeper.profiles import double
from watchkeeper.profiles.counted import Bools, Counted, Floats, Ints, Scored, Scores
from watchkeeper.profiles.edges import NumericEdges
from watchkeeper.profiles.quality_plan import STEPS, QualityPlan
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


def scored(y: Bools, s: Floats, usable: Bools, borders: Ints, plan: QualityPlan) -> Scored:
    """See `Kernel.scored`."""
    slices, here = len(borders) - 1, slice(int(borders[0]), int(borders[-1]))
    rows = np.flatnonzero(usable[here])
    y, s = y[here][rows], s[here][rows]
    at = np.repeat(np.arange(slices), np.diff(borders))[rows]
    bins = placed(s, np.array(plan.cuts))
    cell, cells = (2 * at + y) * plan.bins + bins, slices * 2 * plan.bins
    places = np.clip((s - plan.origin[bins]) * plan.steps[bins], 0, STEPS - 1).astype(np.int64)
    losses = np.zeros((slices, 4, 2))
    if plan.probabilities and len(rows):
        starts = np.flatnonzero(np.diff(at, prepend=-1))
        loss, squared = _losses(y, s)
        for i, column in enumerate((loss, loss**2, squared, squared**2)):
            losses[at[starts], i] = double.segment_sums(column, starts)
    return Scored(
        counts=np.bincount(cell, minlength=cells).reshape(slices, 2, plan.bins).astype(np.int64, copy=False),
        places=np.bincount(cell, places, cells).reshape(slices, 2, plan.bins).astype(np.int64),
        losses=losses,
    )


def _losses(y: Bools, s: Floats) -> tuple[Floats, Floats]:
    """Log loss and squared error per row; probabilities are kept off 0 and 1 by an epsilon, as scikit-learn does."""
    p = np.clip(s, 0.0, 1.0)
    tiny = np.finfo(np.float64).eps
    return -np.log(np.clip(np.where(y, p, 1 - p), tiny, 1 - tiny)), (p - y) ** 2


def placed(x: Floats, cuts: Floats) -> Ints:
    """See `Kernel.placed`."""
    return np.searchsorted(cuts, x, side="right")
