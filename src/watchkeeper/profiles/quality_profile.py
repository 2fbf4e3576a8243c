"""Summaries of model quality: arrays over slices, and tables with few filled cells, and how they add up."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any, ClassVar, Self

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from watchkeeper.profiles import double
from watchkeeper.profiles.addition import Addition
from watchkeeper.profiles.quality_plan import QualityPlan

Array = NDArray[Any]
Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]

CHUNK = 256
"""Slices whose tables are looked at together, which bounds memory."""
DENSE = 4
"""Entries are added up in a full table while it has at most so many times their number of cells, else by sorting."""
EXACT = 2**53


@dataclass(frozen=True, eq=False)
class QualityProfile:
    """What is kept of labels and predictions.

    Arrays have the slice as first axis, and their type says how they add: int64 are counts, float64 double-double sums
    of shape (slices, …, 2), uint64 limits of which the smaller holds. Those named in `entries` have shape (entries,)
    instead, sorted by slice; `at` says which slice an entry belongs to.
    """

    plan: QualityPlan
    labelled: Ints
    """Rows with a label, shape (slices,)."""
    unlabelled: Ints
    """Rows without one, shape (slices,): labels that are late, or never come."""
    at: Ints
    """The slice of each entry, shape (entries,)."""

    entries: ClassVar[tuple[str, ...]] = ()

    @classmethod
    def summed(cls, parts: Sequence[Self], adding: Addition) -> Self:
        """The sum of profiles of one plan: exact for counts, to an ulp for sums."""
        at = np.concatenate([slot[part.at] for part, slot in zip(parts, adding.slots, strict=True)])
        stays = at >= 0
        found: dict[str, Any] = {"at": at[stays]}
        for name in cls.entries:
            found[name] = np.concatenate([getattr(part, name) for part in parts])[stays]
        for name in parts[0]._whole:
            found[name] = _summed([getattr(part, name) for part in parts], adding)
        return parts[0]._with(found).settled()

    def settled(self) -> Self:
        """The same content in its one canonical form."""
        return self

    def to_arrow(self) -> pa.Table:
        """One row per slice; entries, and arrays of more than one axis, become lists."""
        offsets = np.searchsorted(self.at, np.arange(len(self.labelled) + 1))
        whole = {name: _as_column(value) for name, value in self._arrays(self._whole)}
        return pa.table(whole | {name: _lists(offsets, value) for name, value in self._arrays(self.entries)})

    def from_arrow(self, table: pa.Table) -> Self:
        """The profile that `to_arrow` wrote; `self` is an empty one of the same plan."""
        found = {name: _as_array(table[name], value) for name, value in self._arrays((*self._whole, *self.entries))}
        offsets = table[self.entries[0]].combine_chunks().offsets.to_numpy() if self.entries else [0] * (len(table) + 1)
        return self._with(found | {"at": np.repeat(np.arange(len(table)), np.diff(offsets))})

    @property
    def _whole(self) -> tuple[str, ...]:
        return tuple(field.name for field in fields(self) if field.name not in ("plan", "at", *self.entries))

    def _arrays(self, names: Sequence[str]) -> list[tuple[str, Array]]:
        return [(name, getattr(self, name)) for name in names]

    def _with(self, arrays: dict[str, Any]) -> Self:
        return replace(self, **arrays)


@dataclass(frozen=True, eq=False)
class TableQuality(QualityProfile, ABC):
    """A profile with a table of counts per slice, of which only the filled cells are kept, in order."""

    cell: Ints
    """The number of a filled cell, shape (entries,)."""
    count: Ints
    """Rows in it."""

    entries: ClassVar[tuple[str, ...]] = ("cell", "count")

    @property
    @abstractmethod
    def shape(self) -> tuple[int, ...]:
        """Of one slice's table."""

    def settled(self) -> Self:
        """Add up entries of one cell."""
        width = int(np.prod(self.shape))
        key = self.at * width + self.cell
        listed = self._arrays(self.entries[1:])
        if len(key) and int(key.max()) < DENSE * len(key):
            found = np.flatnonzero(np.bincount(key))
            full = {name: _added_at(key, value)[found] for name, value in listed}
            return self._with(full | {"at": found // width, "cell": found % width})
        order = np.argsort(key, kind="stable")
        key = key[order]
        starts = np.flatnonzero(np.diff(key, prepend=-1))
        summed = {name: _sums_from(value[order], starts) for name, value in listed}
        return self._with(summed | {"at": key[starts] // width, "cell": key[starts] % width})

    def tables(self) -> Iterator[tuple[slice, list[Ints]]]:
        """The whole tables of up to 256 slices at a time: which slices, and each array of shape (slices, *shape)."""
        width = int(np.prod(self.shape))
        for begin in range(0, len(self.labelled), CHUNK):
            end = min(begin + CHUNK, len(self.labelled))
            low, high = np.searchsorted(self.at, (begin, end))
            place = (self.at[low:high] - begin) * width + self.cell[low:high]
            listed = self._arrays(self.entries[1:])
            yield slice(begin, end), [_filled(place, v[low:high], (end - begin, *self.shape)) for _, v in listed]


def sums(at: Ints, slices: int, columns: Sequence[Floats]) -> Floats:
    """Sums of each column over the rows of each slice, shape (slices, columns, 2); `at`, shape (rows,), is sorted."""
    total = np.zeros((slices, len(columns), 2))
    starts = np.flatnonzero(np.diff(at, prepend=-1))
    if len(starts):
        for i, column in enumerate(columns):
            total[at[starts], i] = double.segment_sums(column, starts)
    return total


def counts(at: Ints, slices: int, code: Ints, width: int) -> Ints:
    """How often each of `width` codes stands in each slice, shape (slices, width)."""
    return np.bincount(at * width + code, minlength=slices * width).astype(np.int64).reshape(slices, width)


def rows_in(at: Ints, slices: int) -> Ints:
    """Rows of each slice, shape (slices,)."""
    return np.bincount(at, minlength=slices).astype(np.int64)


def _filled(place: Ints, values: Ints, shape: tuple[int, ...]) -> Ints:
    table = np.zeros(shape, dtype=np.int64)
    table.reshape(-1)[place] = values
    return table


def _added_at(place: Ints, values: Ints) -> Ints:
    """Whole numbers added up where they meet: in doubles, which is many times faster, as long as that is exact."""
    if int(np.abs(values).sum()) < EXACT:
        return np.bincount(place, weights=values).astype(np.int64)
    total = np.zeros(int(place.max()) + 1, dtype=np.int64)
    np.add.at(total, place, values)
    return total


def _sums_from(values: Ints, starts: NDArray[np.intp]) -> Ints:
    return np.add.reduceat(values, starts) if len(starts) else values


def _summed(parts: Sequence[Array], adding: Addition) -> Array:
    if parts[0].dtype == np.float64:
        return adding.sums(parts)
    if parts[0].dtype == np.uint64:
        return adding.met(parts, np.minimum, np.iinfo(np.uint64).max)
    return adding.counts(parts)


def _as_column(array: Array) -> pa.Array:
    if array.ndim == 1:
        return pa.array(array)
    return _lists(np.arange(len(array) + 1) * int(np.prod(array.shape[1:])), array.reshape(-1))


def _lists(offsets: Array, values: Array) -> pa.LargeListArray:
    return pa.LargeListArray.from_arrays(pa.array(offsets.astype(np.int64)), pa.array(values))


def _as_array(column: pa.ChunkedArray, like: Array) -> Array:
    listed = column.combine_chunks()
    flat = listed.flatten() if pa.types.is_large_list(listed.type) else listed
    return np.array(flat.to_numpy(zero_copy_only=False), dtype=like.dtype).reshape(-1, *like.shape[1:])
