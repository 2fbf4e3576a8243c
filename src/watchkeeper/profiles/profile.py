"""Profiles of many slices at once, and how they merge: by addition."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from watchkeeper.model import Role, WatchkeeperError
from watchkeeper.profiles.addition import Addition
from watchkeeper.profiles.column import ColumnProfile, NumericProfile
from watchkeeper.profiles.correlation import PairProfile
from watchkeeper.profiles.edges import Edges
from watchkeeper.profiles.fourier import FourierProfile
from watchkeeper.profiles.quality import QualityProfile
from watchkeeper.profiles.sample import Sample
from watchkeeper.profiles.slice import Slice
from watchkeeper.profiles.text import TextProfile

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Move = Callable[[Slice], Slice | None]


class EdgesDiffer(WatchkeeperError):
    """Profiles counted on different edges can't be added."""


def _stay(at: Slice) -> Slice:
    return at


@dataclass(frozen=True, repr=False)
class Profiles:
    """Mergeable summaries of slices: rows, columns, texts, pairs, waves, quality, a sample. Slices are sorted."""

    edges: Edges
    slices: tuple[Slice, ...]
    rows: Ints
    """Rows of each slice, shape (slices,)."""
    columns: Mapping[str, ColumnProfile]
    pairs: PairProfile | None = None
    quality: QualityProfile | None = None
    texts: Mapping[str, TextProfile] = field(default_factory=dict)
    """Lengths and formats of the text columns."""
    sample: Sample | None = None
    fourier: FourierProfile | None = None

    def __repr__(self) -> str:
        """In short, and without a value of the data."""
        return f"<Profiles of {self.total:,} rows: {len(self.slices):,} slices, {len(self.columns):,} columns>"

    def onto(self, target: Sequence[Slice], move: Move = _stay) -> Profiles:
        """The same counts on the slices `target`: each slice goes where `move` says; those that meet are added."""
        return _summed([self], [_slots(self.slices, target, move)], target)

    def regrouped(self, move: Move) -> Profiles:
        """Coarser slices: days to months, segments to all. Slices for which `move` gives None are left out."""
        target = sorted({at for at in map(move, self.slices) if at is not None}, key=lambda at: at.key)
        return self.onto(target, move)

    @cached_property
    def whole(self) -> Profiles:
        """One slice: everything together."""
        return self.onto([Slice()], lambda at: Slice() if self.counts(at) else None)

    @cached_property
    def by_window(self) -> Profiles:
        """The same over all segments and versions: one slice a window."""
        return self.regrouped(lambda at: at.whole if self.counts(at) else None)

    @property
    def windows(self) -> int:
        """How many windows there are, whatever their segments and versions."""
        return len({at.whole for at in self.slices})

    def counts(self, at: Slice) -> bool:
        """Whether a slice counts towards the whole.

        Where several columns divide the rows into segments, the whole is kept beside them, and their slices would count
        each row again.
        """
        return at.segment is None or not self._undivided

    @cached_property
    def _undivided(self) -> bool:
        return any(at.segment is None for at in self.slices)

    def freshness(self, column: str) -> Floats:
        """How old the newest time of a timestamp column is, in microseconds, shape (slices,); NaN where not known.

        That of event times is counted from the end of their window, that of another column from the newest event time,
        and negative where its newest time is later.
        """
        newest = _newest(self.columns[column])
        if self.edges.roles.get(column) is Role.TIMESTAMP:
            return np.array([np.nan if at.end is None else at.end for at in self.slices]) - newest
        event = next((name for name, role in self.edges.roles.items() if role is Role.TIMESTAMP), None)
        return (np.full(len(self.slices), np.nan) if event is None else _newest(self.columns[event])) - newest

    @property
    def total(self) -> int:
        """Rows of all windows together."""
        return int(sum(n for at, n in zip(self.slices, self.rows.tolist(), strict=True) if self.counts(at)))


def merge(parts: Iterable[Profiles]) -> Profiles:
    """The sum of profiles: commutative and associative, to the last integer (sums to an ulp).

    Raises `EdgesDiffer` where they were counted on different edges.
    """
    listed = list(parts)
    first = listed[0]
    for part in listed[1:]:
        if part.edges.id != first.edges.id:
            raise EdgesDiffer(
                f"these profiles were counted on different edges ({first.edges.id} and {part.edges.id}), so "
                "their counts can't be added. Profile both with the same --baseline, then merge."
            )
    target = sorted({at for part in listed for at in part.slices}, key=lambda at: at.key)
    return _summed(listed, [_slots(part.slices, target) for part in listed], target)


def _summed(parts: Sequence[Profiles], slots: Sequence[Ints], target: Sequence[Slice]) -> Profiles:
    """The sum of profiles on the same edges; what is optional and one of them lacks is left out."""
    first, adding = parts[0], Addition(slots, len(target))
    pairs = [part.pairs for part in parts if part.pairs is not None]
    quality = [part.quality for part in parts if part.quality is not None]
    waves = [part.fourier for part in parts if part.fourier is not None]
    samples = [part.sample for part in parts if part.sample is not None]
    texts = [name for name in first.texts if all(name in part.texts for part in parts)]
    return replace(
        first,
        slices=tuple(target),
        rows=adding.counts([part.rows for part in parts]),
        columns={
            name: column.summed([part.columns[name] for part in parts], adding)
            for name, column in first.columns.items()
        },
        pairs=PairProfile.summed(pairs, adding) if len(pairs) == len(parts) else None,
        quality=quality[0].summed(quality, adding) if len(quality) == len(parts) else None,
        texts={name: TextProfile.summed([part.texts[name] for part in parts], adding) for name in texts},
        sample=Sample.summed(samples, adding) if len(samples) == len(parts) else None,
        fourier=FourierProfile.summed(waves, adding) if len(waves) == len(parts) else None,
    )


def _newest(times: ColumnProfile) -> Floats:
    if isinstance(times, NumericProfile) and times.edges.temporal:
        return times.maximum
    return np.full(len(times.null), np.nan)


def _slots(slices: Sequence[Slice], target: Sequence[Slice], move: Move = _stay) -> Ints:
    """The place in `target` of each slice, -1 for none."""
    place = {at: i for i, at in enumerate(target)}
    moved = (move(at) for at in slices)
    return np.array([-1 if at is None else place.get(at, -1) for at in moved], dtype=np.int64)
