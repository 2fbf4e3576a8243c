"""Which rows of a block are counted, and in which slice."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]
Scalar = TypeVar("Scalar", bound=np.generic)


@dataclass(frozen=True)
class Rows:
    """The counted rows of a block, slice after slice. "In order" below means in this order."""

    order: Ints | None
    """Their places in the block, shape (counted,); None where all are counted as they come."""
    borders: Ints
    """Where the rows of each slice begin, in order, and last how many there are, shape (slices + 1,); none is empty."""

    @property
    def slices(self) -> int:
        """How many slices there are."""
        return len(self.borders) - 1

    @property
    def count(self) -> int:
        """How many rows are counted."""
        return int(self.borders[-1])

    @cached_property
    def at(self) -> Ints:
        """The slice of each row, in order."""
        return np.repeat(np.arange(self.slices), np.diff(self.borders))

    def taken(self, values: NDArray[Scalar]) -> NDArray[Scalar]:
        """The values of the counted rows, in order."""
        return values if self.order is None else values[self.order]

    def total(self, flags: Bools | None) -> Ints:
        """How many rows of each slice are flagged; `flags` is in order, None for none. Shape (slices,)."""
        if flags is None or not self.count:
            return np.zeros(self.slices, dtype=np.int64)
        return np.add.reduceat(flags, self.borders[:-1], dtype=np.int64)


def rows_of(at: Ints) -> tuple[Rows, Ints]:
    """Order a block's rows by slice: `at` has shape (rows,), -1 for rows that are not counted.

    Also gives the numbers of the slices that have any row, ascending, shape (slices,).
    """
    steps = np.diff(at)
    order = None
    if (steps < 0).any():
        few = int(at.max()) < 2**15  # numpy sorts 16 bits by radix, and wider ones by merging
        order = np.argsort(at.astype(np.int16 if few else np.int32), kind="stable")
        at = at[order]
    if len(at) and at[0] < 0:
        skipped = int(np.searchsorted(at, 0))
        order = np.arange(skipped, len(at)) if order is None else order[skipped:]
        at = at[skipped:]
    starts = np.flatnonzero(np.diff(at, prepend=-1))
    return Rows(order, np.append(starts, len(at))), at[starts]
