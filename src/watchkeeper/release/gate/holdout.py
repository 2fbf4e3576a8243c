"""Held-out rows: what they are, and which are drawn where there are more than anybody needs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from watchkeeper.delivery.fingerprint import mixed
from watchkeeper.model import Model, Role, Type, WatchkeeperError
from watchkeeper.release.outcome import Checked

Told = Callable[[int], None]
Ints = NDArray[np.int64]
Span = tuple[int, int]

MOST_ROWS = 1_000_000
"""Of more held-out rows so many are drawn: an interval is then narrower than any margin worth stating."""


class CannotGate(WatchkeeperError):
    """A candidate can't be judged at all, because the model or the held-out rows lack what that takes."""


@dataclass(frozen=True, eq=False)
class Holdout:
    """Held-out rows with their labels."""

    name: str
    """The file's name, or `last:7d`."""
    table: pa.Table
    """The model's columns as values: what stands for a missing value is null."""
    inputs: pa.Table
    """The same rows with every value as it came, which is what a model is given."""
    rows: int
    """Rows that were there."""
    bad: int = 0
    """Rows that were set aside."""
    unlabelled: int = 0
    left_over: int = 0
    """Good rows with a label that were not drawn, because there are more than anybody needs."""
    sha256: str | None = None
    checks: tuple[Checked, ...] = ()
    """What the rows' own state says."""
    asked: Span | None = None
    """The time that was asked for, up to the newest event; None of a file."""

    def times(self, model: Model) -> Ints | None:
        """When each event was, microseconds since 1970, shape (n,); None where the model has no timestamp."""
        column = model.only(Role.TIMESTAMP)
        if column is None or column not in self.table.column_names or model.columns[column].type is not Type.TIMESTAMP:
            return None
        at = self.table[column].combine_chunks()
        return np.asarray(at.cast(pa.int64()).fill_null(np.iinfo(np.int64).min))

    def span(self, model: Model) -> Span | None:
        """The first and the last event time."""
        times = self.times(model)
        known = None if times is None else times[times > np.iinfo(np.int64).min]
        return None if known is None or not len(known) else (int(known.min()), int(known.max()))


class Drawn:
    """Rows with a label (or all), of very many a part of known chance: those whose number's hash is smallest."""

    def __init__(self, model: Model, *, labelled: bool = True) -> None:
        self._label = model.only(Role.LABEL) or ""
        self._only_labelled = labelled
        self._parts: list[tuple[Ints, pa.Table, pa.Table]] = []
        self._without: list[Ints] = []
        self._held, self._below = 0, np.uint64(2**64 - 1)
        self.left_over = 0

    def add(self, rows: Ints, table: pa.Table, inputs: pa.Table) -> None:
        """Look at more rows: their numbers, their values, and the same as they came."""
        labelled = np.ones(len(rows), dtype=bool)
        if self._only_labelled:
            labelled = np.asarray(table[self._label].combine_chunks().is_valid())
        self._without.append(rows[~labelled])
        self._keep((rows[labelled], table.filter(pa.array(labelled)), inputs.filter(pa.array(labelled))))
        while self._held > MOST_ROWS:
            self._below //= np.uint64(2)
            parts, self._parts, self._held = self._parts, [], 0
            for part in parts:
                self._keep(part)

    def taken(self, bad: list[int]) -> tuple[pa.Table, pa.Table, int]:
        """The rows that are not bad, as values and as they came, and how many others have no label."""
        away = np.array(bad, dtype=np.int64)
        rows = np.concatenate([part[0] for part in self._parts]) if self._parts else np.empty(0, dtype=np.int64)
        good = pa.array(~np.isin(rows, away))
        tables = [pa.concat_tables([part[i] for part in self._parts]).filter(good) for i in (1, 2) if self._parts]
        if not tables:
            empty = pa.table({self._label: pa.nulls(0)})
            tables = [empty, empty]
        without = int(sum((~np.isin(rows, away)).sum() for rows in self._without))
        return tables[0].unify_dictionaries().combine_chunks(), tables[1].unify_dictionaries().combine_chunks(), without

    def _keep(self, part: tuple[Ints, pa.Table, pa.Table]) -> None:
        chosen = mixed(part[0].astype(np.uint64)) <= self._below
        self.left_over += int((~chosen).sum())
        if chosen.any():
            mask = pa.array(chosen)
            self._parts.append((part[0][chosen], part[1].filter(mask), part[2].filter(mask)))
            self._held += int(chosen.sum())


def typed_labels(holdout: Holdout, model: Model) -> NDArray[np.generic]:
    """The labels as an array: numbers, truth values or texts, shape (n,)."""
    cells = holdout.table[model.only(Role.LABEL)].combine_chunks()
    if pa.types.is_dictionary(cells.type):
        cells = pc.cast(cells, pa.string())
    array: NDArray[np.generic] = cells.to_numpy(zero_copy_only=False)
    return array
