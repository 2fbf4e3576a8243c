"""What a kernel counts of one numeric column in one block, and which kernels there are."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from watchkeeper.profiles.edges import NumericEdges
from watchkeeper.profiles.quality_plan import QualityPlan
from watchkeeper.profiles.rows import Rows

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Scores = NDArray[np.float32]
Bools = NDArray[np.bool_]


@dataclass(frozen=True)
class Counted:
    """Counts and sums of a numeric column. Shapes (slices,) but where said; see `NumericProfile`."""

    nan: Ints
    positive_infinity: Ints
    negative_infinity: Ints
    zero: Ints
    negative: Ints
    minimum: Floats
    maximum: Floats
    total: Floats
    squares: Floats
    counts: Ints


@dataclass(frozen=True)
class Scored:
    """What is counted of labels and scores of two classes; see `BinaryQuality`."""

    counts: Ints
    """Rows by label and score bin, shape (slices, 2, bins)."""
    places: Ints
    """Sums of where in their bin they lie, of the same shape."""
    losses: Floats
    """Sums of log loss, its square, squared error and its square; shape (slices, 4, 2)."""


class Kernel(Protocol):
    """The part of the scan that touches every value. All kernels give the same integers, and sums to an ulp."""

    def numeric(
        self, x: Floats, present: Bools | None, rows: Rows, edges: NumericEdges, scores: Scores | None
    ) -> Counted:
        """Count numbers. `x` and `present` (None: everywhere) have the block's shape (n,).

        `scores`, shape (rows counted,), takes the rank score of each row in order, NaN where it has no finite value.
        """
        ...

    def crossed(self, codes: Ints, present: Bools | None, rows: Rows, width: int) -> Ints:
        """How often each code in [0, width) stands in each slice, shape (slices, width)."""
        ...

    def scored(self, y: Bools, s: Floats, usable: Bools, borders: Ints, plan: QualityPlan) -> Scored:
        """Count labels `y` and finite scores `s` of rows in order, shapes (n,), where they are `usable`."""
        ...

    def placed(self, x: Floats, cuts: Floats) -> Ints:
        """The bin of each finite number: how many of the ascending `cuts` do not exceed it. Shape of `x`, (n,)."""
        ...
