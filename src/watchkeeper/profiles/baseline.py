"""The reference data: windows like those of the data under test, and which of them each slice is compared with."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from watchkeeper.profiles.chosen import Bools, Chosen, everything
from watchkeeper.profiles.column import ColumnProfile
from watchkeeper.profiles.profile import Profiles

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


@dataclass(frozen=True)
class Baseline:
    """Profiles of the reference data, cut in windows like the data under test."""

    profiles: Profiles
    """One slice per window (of one segment, where segments are looked at one by one)."""
    source: str
    """Where the windows came from: `files`, `time`, `blocks` (virtual) or `one`."""
    chosen: Chosen | None = None
    """Which windows each slice is compared with; None: all, for every slice."""
    spoiled: Mapping[str, tuple[int, ...]] = field(default_factory=dict)
    """Windows of a column that are themselves outliers, and left out."""
    first: Profiles | None = None
    """Where windows of the data under test stand beside the baseline's: the baseline, one slice. It decides how a
    column is looked at."""
    _summed: dict[str, ColumnProfile] = field(default_factory=dict, init=False, repr=False, compare=False)
    """What columns are compared with, as far as a check asked for it: the next one asks for the same."""

    @property
    def windows(self) -> int:
        """How many windows there are."""
        return len(self.profiles.slices)

    @property
    def whole(self) -> Profiles:
        """All windows of the baseline together, one slice."""
        return self.profiles.whole if self.first is None else self.first

    def __getitem__(self, column: str) -> ColumnProfile:
        """What a column's slices are compared with: one slice where that is the same for all, else one for each."""
        if self.chosen is None and column not in self.spoiled:
            return self.whole.columns[column]
        if column not in self._summed:
            past = self.past(column)
            self._summed[column] = past.profile.over(past.chosen, past.kept)
        return self._summed[column]

    def past(self, column: str) -> Past:
        """A column's windows, and which of them count."""
        kept = np.ones(self.windows, dtype=bool)
        kept[list(self.spoiled.get(column, ()))] = False
        return Past(self.profiles.columns[column], kept, self.chosen or everything(self.windows))

    def rows(self, column: str) -> Ints:
        """The rows that a column's slices are compared with, shape (1,) or (slices,)."""
        if self.chosen is None and column not in self.spoiled:
            return self.whole.rows
        past = self.past(column)
        return np.asarray(past.chosen.total(np.where(past.kept, self.profiles.rows, 0)))


@dataclass(frozen=True)
class Past:
    """A column's windows in the baseline, and which of them each slice is compared with."""

    profile: ColumnProfile
    """One slice a window."""
    kept: Bools
    """Whether a window counts at all, shape (windows,)."""
    chosen: Chosen

    def total(self, values: Floats) -> Floats:
        """The sum over each slice's windows that count, shape (windows,) to (slices,) or (1,)."""
        return np.asarray(self.chosen.total(np.where(self.kept, values, 0.0)))
