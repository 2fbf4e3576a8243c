"""Mergeable summaries of one column: arrays whose first axis is the slice."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from watchkeeper.profiles.addition import Addition
from watchkeeper.profiles.chosen import Bools, Chosen
from watchkeeper.profiles.edges import NumericEdges

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


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

    def over(self, chosen: Chosen, kept: Bools) -> Self:
        """For each slice of `chosen` the sum of its windows, which are the slices of this profile, where `kept`."""
        names = [f.name for f in fields(self) if _is_count(self, f.name)]
        return replace(self, **{name: chosen.total(_where(kept, getattr(self, name))) for name in names})  # type: ignore[arg-type]


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

    def over(self, chosen: Chosen, kept: Bools) -> Self:
        """See `ColumnProfile.over`."""
        return replace(
            super().over(chosen, kept),
            minimum=chosen.extreme(np.where(kept, self.minimum, np.nan), np.fmin),
            maximum=chosen.extreme(np.where(kept, self.maximum, np.nan), np.fmax),
            total=chosen.sums(_where(kept, self.total)),
            squares=chosen.sums(_where(kept, self.squares)),
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


def _where(kept: Bools, values: Any) -> Any:
    """The values of windows that are kept, 0 of others."""
    return np.where(kept.reshape(-1, *[1] * (values.ndim - 1)), values, 0)


def _is_count(profile: ColumnProfile, name: str) -> bool:
    value: Any = getattr(profile, name)
    return isinstance(value, np.ndarray) and value.dtype == np.int64 and name not in ("at", "code", "count")
