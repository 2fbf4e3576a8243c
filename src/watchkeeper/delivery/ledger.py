"""Keeps account of what was found: which rows are bad and why, at a bit a row and rule at most."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from watchkeeper.delivery.catalogue import CATALOGUE
from watchkeeper.delivery.piece import KEPT_VALUES, Bools, Fault, Ints
from watchkeeper.delivery.violation import BadRow, Level
from watchkeeper.delivery.wording import plain

WINDOW = 65_536
_KEPT_ROWS = 5


class RowSet:
    """A growing set of row numbers, added in ascending order: places where they are few, bits where they are many."""

    def __init__(self) -> None:
        self.size = 0
        self._firsts: list[int] = []
        self._chunks: list[tuple[int, NDArray[Any]]] = []
        """Bits of so many rows; or, with 0, places as they are."""

    def add(self, first: int, span: int, places: Ints) -> None:
        """Add `places` (ascending, from 0) of `span` rows that begin with number `first`."""
        self.size += len(places)
        for low in range(0, span, WINDOW):
            part = places[np.searchsorted(places, low) : np.searchsorted(places, low + WINDOW)] - low
            if not len(part):
                continue
            self._firsts.append(first + low)
            width = min(WINDOW, span - low)
            if 16 * len(part) > width:
                bits = np.zeros(width, dtype=bool)
                bits[part] = True
                self._chunks.append((width, np.packbits(bits)))
            else:
                self._chunks.append((0, part.astype(np.uint16)))

    def within(self, low: int, high: int) -> Ints:
        """The rows from `low` up to but not including `high`."""
        found = []
        for i in range(bisect_right(self._firsts, low - WINDOW), len(self._firsts)):
            first = self._firsts[i]
            if first >= high:
                break
            width, data = self._chunks[i]
            rows = first + (np.flatnonzero(np.unpackbits(data, count=width)) if width else data.astype(np.int64))
            found.append(rows[(rows >= low) & (rows < high)])
        return np.concatenate(found) if found else np.empty(0, dtype=np.int64)


@dataclass
class Entry:
    """All rows with one thing wrong."""

    check: str
    rule: str
    columns: tuple[str, ...]
    remedy: str
    rows: RowSet = field(default_factory=RowSet)
    first_rows: list[int] = field(default_factory=list)
    values: list[str] = field(default_factory=list)
    """What the first rows hold, in their order; fewer or none where it can't be told."""


class Ledger:
    """All that was found in the rows of one delivery."""

    def __init__(self) -> None:
        self._entries: dict[tuple[str, tuple[str, ...], str], Entry] = {}

    def add(self, first: int, span: int, fault: Fault) -> None:
        """Take a fault of the `span` rows that begin with number `first`."""
        if not len(fault.rows):
            return
        key = (fault.check, fault.columns, fault.rule)
        entry = self._entries.setdefault(key, Entry(fault.check, fault.rule, fault.columns, fault.remedy))
        entry.rows.add(first, span, fault.rows)
        entry.first_rows += (
            (first + fault.rows[: _KEPT_ROWS - len(entry.first_rows)]).tolist()
            if len(entry.first_rows) < _KEPT_ROWS
            else []
        )
        entry.values += fault.values[: max(KEPT_VALUES - len(entry.values), 0)]

    def entries(self) -> list[Entry]:
        """What was found, in the order of the catalogue, then of the columns' names."""
        order = {check: i for i, check in enumerate(CATALOGUE)}
        return sorted(self._entries.values(), key=lambda e: (order[e.check], e.columns, e.rule))

    def bad(self, first: int, span: int) -> Bools:
        """Which of `span` rows from number `first` on are set aside."""
        mask = np.zeros(span, dtype=bool)
        for entry in self._of_rows():
            mask[entry.rows.within(first, first + span) - first] = True
        return mask

    def count(self, rows: int) -> int:
        """How many of `rows` rows are set aside."""
        entries = list(self._of_rows())
        if len(entries) == 1:
            return entries[0].rows.size
        return (
            sum(int(self.bad(low, min(WINDOW, rows + 1 - low)).sum()) for low in range(1, rows + 1, WINDOW))
            if entries
            else 0
        )

    def bad_rows(self, rows: int) -> Iterator[BadRow]:
        """The rows set aside, in order, each with all its columns and reasons."""
        entries = sorted(self._of_rows(), key=lambda e: (e.check, e.columns, e.rule))
        for low in range(1, rows + 1, WINDOW) if entries else ():
            found: dict[int, list[Entry]] = {}
            for entry in entries:
                for row in entry.rows.within(low, low + WINDOW).tolist():
                    found.setdefault(row, []).append(entry)
            for row in sorted(found):
                columns = dict.fromkeys(name for entry in found[row] for name in entry.columns)
                yield BadRow(row, tuple(columns), "; ".join(plain(entry.rule, 300) for entry in found[row]))

    def _of_rows(self) -> Iterator[Entry]:
        return (entry for entry in self._entries.values() if CATALOGUE[entry.check].level is Level.ROW)
