"""Mergeable summaries of one column: arrays whose first axis is the slice."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from watchkeeper.profiles import double
from watchkeeper.profiles.edges import CategoryEdges, NumericEdges

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

OTHERS = 10_000
"""How many values outside the baseline's are kept by name in a slice; past it, those with the smallest hashes."""


@dataclass(frozen=True)
class ColumnProfile:
    """What is counted of every column. All arrays have shape (slices,)."""

    name: str
    null: Ints
    """Rows without a value: missing, a declared sentinel, or a bad cell."""
    invalid: Ints
    """Rows whose cell held something that is no value of the column's type (also counted in `null`)."""

    def placed(self, slot: Ints, slices: int) -> Self:
        """The same counts on other slices: i moves to `slot[i]`, dropped where negative; those that meet add up."""
        counts = [f.name for f in fields(self) if _is_count(self, f.name)]
        changes: dict[str, Any] = {name: _place(getattr(self, name), slot, slices) for name in counts}
        return replace(self, **changes)

    def added(self, other: Self) -> Self:
        """The sum of two profiles over the same slices."""
        changes: dict[str, Any] = {
            f.name: getattr(self, f.name) + getattr(other, f.name) for f in fields(self) if _is_count(self, f.name)
        }
        return replace(self, **changes)


@dataclass(frozen=True)
class NumericProfile(ColumnProfile):
    """Counts and sums of a numeric column, or of a timestamp in microseconds since 1970."""

    edges: NumericEdges
    nan: Ints
    positive_infinity: Ints
    negative_infinity: Ints
    zero: Ints
    negative: Ints
    minimum: Floats
    """NaN in a slice without a finite value."""
    maximum: Floats
    total: Floats
    """Sum of the finite values in double-double, shape (slices, 2): high part, low part."""
    squares: Floats
    """Sum of squares about `edges.shift`, likewise."""
    counts: Ints
    """Finite values per bin, shape (slices, bins)."""

    def placed(self, slot: Ints, slices: int) -> Self:
        """See `ColumnProfile.placed`; extremes that meet are compared, sums added in double-double."""
        kept = slot >= 0
        minimum, maximum = np.full(slices, np.nan), np.full(slices, np.nan)
        np.fmin.at(minimum, slot[kept], self.minimum[kept])
        np.fmax.at(maximum, slot[kept], self.maximum[kept])
        sums: dict[str, Any] = {name: _place_sums(getattr(self, name), slot, slices) for name in ("total", "squares")}
        return replace(super().placed(slot, slices), minimum=minimum, maximum=maximum, **sums)

    def added(self, other: Self) -> Self:
        """See `ColumnProfile.added`."""
        return replace(
            super().added(other),
            minimum=np.fmin(self.minimum, other.minimum),
            maximum=np.fmax(self.maximum, other.maximum),
            total=double.add(self.total, other.total),
            squares=double.add(self.squares, other.squares),
        )

    @property
    def finite(self) -> Ints:
        """Rows with a finite value, shape (slices,)."""
        return np.asarray(self.counts.sum(axis=1))

    @property
    def mean(self) -> Floats:
        """Mean of the finite values, shape (slices,); NaN without any."""
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.asarray(self.total[:, 0] / self.finite)

    @property
    def sd(self) -> Floats:
        """Standard deviation (n - 1) of the finite values, shape (slices,); NaN below two."""
        n = self.finite
        with np.errstate(divide="ignore", invalid="ignore"):
            about_mean = self.squares[:, 0] - n * (self.mean - self.edges.shift) ** 2
            return np.where(n > 1, np.sqrt(np.maximum(about_mean, 0.0) / (n - 1)), np.nan)


@dataclass(frozen=True)
class CategoryProfile(ColumnProfile):
    """Exact counts of values, sparse: entry i says that value `code[i]` stands `count[i]` times in slice `at[i]`.

    Entries are sorted by slice and code, so equal contents are equal arrays.
    """

    edges: CategoryEdges
    others: tuple[str, ...]
    """Values outside the edges, sorted. Codes count on from the edges' values: `edges.values + others`."""
    at: Ints
    code: Ints
    count: Ints
    unseen: Ints
    """Rows with a value outside the edges, shape (slices,); exact also where `others` is capped."""
    sketches: dict[int, bytes]
    """HyperLogLog of the values outside the edges, for the slices that have more than the cap."""

    def placed(self, slot: Ints, slices: int) -> Self:
        """See `ColumnProfile.placed`."""
        from watchkeeper.profiles.category import joined

        return replace(super().placed(slot, slices), **joined(self.edges, [(self, slot)]))

    def added(self, other: Self) -> Self:
        """See `ColumnProfile.added`."""
        from watchkeeper.profiles.category import joined

        same = np.arange(len(self.null))
        return replace(super().added(other), **joined(self.edges, [(self, same), (other, same)]))

    @property
    def valid(self) -> Ints:
        """Rows with a value, shape (slices,)."""
        return np.asarray(self.dense(len(self.edges.values)).sum(axis=1) + self.unseen)

    @property
    def distinct(self) -> Ints:
        """Distinct values, shape (slices,); estimated (HyperLogLog, about 2 %) where there are more than the cap."""
        from watchkeeper.profiles.category import distinct

        return distinct(self)

    def dense(self, codes: int) -> Ints:
        """Counts of the first `codes` values, shape (slices, codes)."""
        table = np.zeros((len(self.null), codes), dtype=np.int64)
        kept = self.code < codes
        table[self.at[kept], self.code[kept]] = self.count[kept]
        return table


def _is_count(profile: ColumnProfile, name: str) -> bool:
    value: Any = getattr(profile, name)
    return isinstance(value, np.ndarray) and value.dtype == np.int64 and name not in ("at", "code", "count")


def _place(counts: Ints, slot: Ints, slices: int) -> Ints:
    kept = slot >= 0
    placed = np.zeros((slices, *counts.shape[1:]), dtype=np.int64)
    np.add.at(placed, slot[kept], counts[kept])
    return placed


def _place_sums(sums: Floats, slot: Ints, slices: int) -> Floats:
    kept = np.flatnonzero(slot >= 0)
    order = kept[np.argsort(slot[kept], kind="stable")]
    at, part = slot[order], sums[order]
    while len(at) > 1 and (at[1:] == at[:-1]).any():
        even = np.flatnonzero(np.arange(len(at)) - np.searchsorted(at, at, side="left") & 1 == 0)
        mate = np.minimum(even + 1, len(at) - 1)
        paired = (mate > even) & (at[mate] == at[even])
        part = np.where(paired[:, None], double.add(part[even], part[mate]), part[even])
        at = at[even]
    placed = np.zeros((slices, 2))
    placed[at] = part
    return placed
