"""Mergeable summaries of one column: arrays whose first axis is the slice."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from watchkeeper.profiles.addition import Addition
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

    @classmethod
    def summed(cls, parts: Sequence[Self], adding: Addition) -> Self:
        """The sum of profiles on the same edges."""
        names = [f.name for f in fields(cls) if _is_count(parts[0], f.name)]
        counts: dict[str, Any] = {name: adding.counts([getattr(part, name) for part in parts]) for name in names}
        return replace(parts[0], **counts)


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

    @classmethod
    def summed(cls, parts: Sequence[Self], adding: Addition) -> Self:
        """See `ColumnProfile.summed`; extremes that meet are compared, sums added in double-double."""
        return replace(
            super().summed(parts, adding),
            minimum=adding.met([part.minimum for part in parts], np.fmin, np.nan),
            maximum=adding.met([part.maximum for part in parts], np.fmax, np.nan),
            total=adding.sums([part.total for part in parts]),
            squares=adding.sums([part.squares for part in parts]),
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

    @classmethod
    def summed(cls, parts: Sequence[Self], adding: Addition) -> Self:
        """See `ColumnProfile.summed`."""
        from watchkeeper.profiles.category import joined

        return replace(super().summed(parts, adding), **joined(parts, adding.slots))

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
