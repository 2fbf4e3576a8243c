"""How profiles add up: their slices are moved to where they belong, and those that meet become one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from watchkeeper.profiles import double

Array = NDArray[Any]
Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


@dataclass(frozen=True)
class Addition:
    """Where the slices of several profiles go. Below, `parts` are arrays of these profiles, slices first."""

    slots: Sequence[Ints]
    """Of each profile the place that each of its slices moves to, shape (its slices,), negative where it is dropped."""
    slices: int
    """How many places there are."""

    @staticmethod
    def stay(profiles: int, slices: int) -> Addition:
        """That of so many profiles over the same slices."""
        return Addition([np.arange(slices)] * profiles, slices)

    def met(self, parts: Sequence[Array], how: np.ufunc, empty: float) -> Array:
        """Arrays joined by `how` (`np.fmin`, `np.add`, …), shape (places, …); `empty` where nothing went."""
        rows, at, starts = self._in_order(parts), self._at, self._starts
        joined = rows if len(starts) == len(at) else how.reduceat(rows, starts, axis=0)
        if len(starts) == self.slices:
            return joined
        placed = np.full((self.slices, *rows.shape[1:]), empty, dtype=rows.dtype)
        placed[at[starts]] = joined
        return placed

    def counts(self, parts: Sequence[Ints]) -> Ints:
        """Counts added up, shape (places, …)."""
        return self.met(parts, np.add, 0)

    def sums(self, parts: Sequence[Floats]) -> Floats:
        """Sums in double-double added up, shape (places, …, 2)."""
        rows, at = self._in_order(parts), self._at
        while len(at) > len(self._starts):  # neighbours that meet are added in pairs until one of each place is left
            odd = (np.arange(len(at)) - np.searchsorted(at, at)) % 2 == 1
            second = np.flatnonzero(odd)
            rows = rows.copy()
            rows[second - 1] = double.add(rows[second - 1], rows[second])
            at, rows = at[~odd], rows[~odd]
        placed = np.zeros((self.slices, *rows.shape[1:]))
        placed[at] = rows
        return placed

    @cached_property
    def _joined(self) -> Ints:
        return self.slots[0] if len(self.slots) == 1 else np.concatenate(self.slots)

    @cached_property
    def _order(self) -> NDArray[np.intp] | None:
        """The slices that are kept, by place; None for all as they come."""
        slot = self._joined
        if not len(slot) or (slot[0] >= 0 and (np.diff(slot) >= 0).all()):
            return None
        kept = np.flatnonzero(slot >= 0)
        return np.asarray(kept[np.argsort(slot[kept], kind="stable")])

    @cached_property
    def _at(self) -> Ints:
        """The place of each slice that is kept, ascending."""
        return self._joined if self._order is None else self._joined[self._order]

    @cached_property
    def _starts(self) -> NDArray[np.intp]:
        """Where those of each place begin."""
        return np.flatnonzero(np.diff(self._at, prepend=-1))

    def _in_order(self, parts: Sequence[Array]) -> Array:
        rows = parts[0] if len(parts) == 1 else np.concatenate(parts)
        return rows if self._order is None else rows[self._order]
