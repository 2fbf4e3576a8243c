"""The compiled kernel (extra `fast`, numba): one pass over each column."""

from __future__ import annotations

import numpy as np

from watchkeeper.profiles import compiled
from watchkeeper.profiles.counted import Bools, Counted, Floats, Ints, Scored, Scores
from watchkeeper.profiles.edges import FULL_RANK, NumericEdges
from watchkeeper.profiles.quality_plan import QualityPlan
from watchkeeper.profiles.rows import Rows

CENTRE = 0.98
"""The share of the baseline's mass that the table spans."""
_EVERYWHERE = np.empty(0, dtype=np.bool_)
_AS_THEY_COME = np.empty(0, dtype=np.int64)


def numeric(x: Floats, present: Bools | None, rows: Rows, edges: NumericEdges, scores: Scores | None) -> Counted:
    """See `Kernel.numeric`."""
    slices = rows.slices
    tallies = np.zeros((slices, 5), dtype=np.int64)
    counts = np.zeros((slices, edges.bins), dtype=np.int64)
    extremes = np.full((slices, 2), np.nan)
    total, squares = np.zeros((slices, 2)), np.zeros((slices, 2))
    low, high = _centre(edges)
    compiled.numeric(
        np.ascontiguousarray(x),
        _EVERYWHERE if present is None else present,
        _AS_THEY_COME if rows.order is None else rows.order,
        rows.borders,
        edges.cuts,
        edges.ranks.astype(np.float32),
        low,
        high,
        edges.shift,
        tallies,
        counts,
        extremes,
        total,
        squares,
        np.empty(0, dtype=np.float32) if scores is None else scores,
    )
    minimum, maximum = extremes.T.copy()
    nan, positive_infinity, negative_infinity, zero, negative = tallies.T.copy()
    return Counted(
        nan=nan,
        positive_infinity=positive_infinity,
        negative_infinity=negative_infinity,
        zero=zero,
        negative=negative,
        minimum=minimum,
        maximum=maximum,
        total=total,
        squares=squares,
        counts=counts,
    )


def crossed(codes: Ints, present: Bools | None, rows: Rows, width: int) -> Ints:
    """See `Kernel.crossed`."""
    found = np.zeros((rows.slices, width), dtype=np.int64)
    order = _AS_THEY_COME if rows.order is None else rows.order
    compiled.crossed(
        np.ascontiguousarray(codes), _EVERYWHERE if present is None else present, order, rows.borders, found
    )
    return found


def scored(y: Bools, s: Floats, usable: Bools, borders: Ints, plan: QualityPlan) -> Scored:
    """See `Kernel.scored`."""
    slices, cuts = len(borders) - 1, np.array(plan.cuts)
    counts, places = (np.zeros((slices, 2, plan.bins), dtype=np.int64) for _ in range(2))
    losses = np.zeros((slices, 4, 2))
    compiled.scored(
        np.ascontiguousarray(y),
        np.ascontiguousarray(s),
        np.ascontiguousarray(usable),
        np.ascontiguousarray(borders),
        cuts,
        *_middle(cuts),
        plan.origin,
        plan.steps,
        plan.probabilities,
        counts,
        places,
        losses,
    )
    return Scored(counts, places, losses)


def placed(x: Floats, cuts: Floats) -> Ints:
    """See `Kernel.placed`."""
    bins = np.empty(len(x), dtype=np.uint64)
    compiled.placed(np.ascontiguousarray(x), cuts, *_middle(cuts), bins)
    return bins.view(np.int64)


def _middle(cuts: Floats) -> tuple[float, float]:
    """The span of most of the cuts; nothing (0, 0) where there are none."""
    edge = len(cuts) // 50
    return (float(cuts[edge]), float(cuts[-1 - edge])) if len(cuts) else (0.0, 0.0)


def _centre(edges: NumericEdges) -> tuple[float, float]:
    """The span of values that most of the baseline lies in; nothing (0, 0) where it has no width."""
    inner = np.flatnonzero(np.abs(edges.ranks) <= CENTRE * FULL_RANK)
    if not len(inner) or not len(edges.cuts):
        return 0.0, 0.0
    first, last = max(int(inner[0]) - 1, 0), min(int(inner[-1]), len(edges.cuts) - 1)
    return float(edges.cuts[first]), float(edges.cuts[last])
