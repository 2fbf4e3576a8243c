"""Finds repeated keys exactly, in 8 bytes a row; in none where whole numbers rise from row to row."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from pyarrow import types

from watchkeeper.delivery.constraint import texts
from watchkeeper.delivery.convert import moments, without_nan
from watchkeeper.delivery.fingerprint import Hashes, row_hashes
from watchkeeper.delivery.piece import KEPT_VALUES, Bools, Ints

_SECOND_SEED = 0x5DEECE66D
_LABELLED = 1_000


@dataclass(frozen=True)
class Keys:
    """The keys of one piece. Shapes (rows with a key,)."""

    rows: Ints
    """Places of the rows that have a whole key."""
    hashes: Hashes
    """The key itself if it is one whole number, else its hash."""
    missing: Ints
    """Places of the rows without a whole key."""


def keys_of(columns: Sequence[pa.Array]) -> Keys:
    """The keys of rows whose key columns hold these values (canonical types)."""
    columns = [without_nan(column) for column in columns]
    whole: Bools = np.ones(len(columns[0]), dtype=bool)
    for column in columns:
        if column.null_count:
            whole &= np.asarray(column.is_valid())
    rows = np.flatnonzero(whole)
    if len(rows) < len(whole):
        columns = [column.take(pa.array(rows)) for column in columns]
    return Keys(rows, _hashes(columns, len(rows), 0), np.flatnonzero(~whole))


def _hashes(columns: Sequence[pa.Array], rows: int, seed: int) -> Hashes:
    if len(columns) == 1 and seed == 0 and types.is_integer(columns[0].type):
        return np.asarray(columns[0]).view(np.uint64)
    return row_hashes((moments(c) if types.is_timestamp(c.type) else c for c in columns), rows, seed)


@dataclass
class KeyStore:
    """The keys seen so far of one key (the primary key, or a column declared unique)."""

    columns: tuple[str, ...]
    primary: bool
    _last: int | None = None
    _first: int | None = None
    _rising: bool = True
    _kept: list[Hashes] = field(default_factory=list)

    def add(self, hashes: Hashes, *, whole_numbers: bool) -> None:
        """Take the keys of the next rows. `whole_numbers`: whether the hashes are the keys themselves."""
        if not len(hashes):
            return
        if self._rising and whole_numbers:
            numbers = hashes.view(np.int64)
            if (self._last is None or numbers[0] > self._last) and bool((numbers[1:] > numbers[:-1]).all()):
                self._first = int(numbers[0]) if self._first is None else self._first
                self._last = int(numbers[-1])
                return
        self._rising = False
        self._kept.append(hashes)

    def suspects(self) -> Hashes:
        """Hashes that may belong to several rows, sorted; empty if surely all keys are distinct."""
        if not self._kept:
            return np.empty(0, dtype=np.uint64)
        kept = np.concatenate(self._kept)
        self._kept = []
        kept.sort()
        twice = np.unique(kept[1:][kept[1:] == kept[:-1]])
        if self._first is None or self._last is None:
            return twice
        numbers = kept.view(np.int64)  # the rising beginning was not kept: what lies in its range may be in it
        return np.unique(np.concatenate([twice, kept[(numbers >= self._first) & (numbers <= self._last)]]))


@dataclass
class Repeats:
    """The rows that hold suspects, gathered in a second reading: what they hold is compared."""

    suspects: Hashes
    _rows: list[Ints] = field(default_factory=list)
    _hashes: list[NDArray[np.uint64]] = field(default_factory=list)
    _labels: dict[int, str] = field(default_factory=dict)

    def add(self, first: int, places: Ints, keys: Keys, key_columns: Sequence[pa.Array], content: Hashes) -> None:
        """Take the next rows. `first`: number of the piece's first row; `places`: of its rows in the piece."""
        at = np.searchsorted(self.suspects, keys.hashes)
        held = np.flatnonzero(self.suspects[np.minimum(at, len(self.suspects) - 1)] == keys.hashes)
        if not len(held):
            return
        rows = keys.rows[held]
        second = _hashes([column.take(pa.array(rows)) for column in key_columns], len(rows), _SECOND_SEED)
        self._rows.append(first + places[rows])
        for row in rows[: _LABELLED - len(self._labels)].tolist() if len(self._labels) < _LABELLED else ():
            self._labels[int(first + places[row])] = ", ".join(texts(column.slice(row, 1))[0] for column in key_columns)
        self._hashes.append(np.stack([keys.hashes[held], second, content[rows]]))

    def labels(self, rows: Ints) -> tuple[str, ...]:
        """The keys of the first of `rows`, as far as they were kept."""
        return tuple(self._labels.get(row, "") for row in rows[:KEPT_VALUES].tolist())

    def found(self) -> tuple[Ints, Ints]:
        """Rows that copy an earlier row exactly, and rows whose key another row with other content has. Sorted."""
        nothing = np.empty(0, dtype=np.int64)
        if not self._rows:
            return nothing, nothing
        rows = np.concatenate(self._rows)
        self._rows = []
        first, second, content = (np.concatenate([part[i] for part in self._hashes]) for i in range(3))
        self._hashes = []
        order = np.lexsort((rows, second, first))  # many rows may be held: no array stays longer than it is needed
        rows, first, second = rows[order], first[order], second[order]
        begins = np.append(True, (first[1:] != first[:-1]) | (second[1:] != second[:-1]))
        del first, second
        content = content[order]
        del order
        group = np.cumsum(begins) - 1
        starts = np.flatnonzero(begins)
        differs = content != content[starts][group]
        mixed_group = np.bincount(group, weights=differs) > 0
        alone = np.bincount(group) == 1
        conflict = mixed_group[group]
        copies = ~conflict & ~begins & ~alone[group]
        return np.sort(rows[copies]), np.sort(rows[conflict])
