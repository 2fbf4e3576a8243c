"""Which columns a check looks at."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from watchkeeper.checks.sentence import figure
from watchkeeper.profiles import Baseline, CategoryEdges, CategoryProfile, ColumnProfile, NumericProfile, Past, Profiles
from watchkeeper.stats import distance

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

FEW = 10
"""Numbers with at most so many values are looked at value by value too."""
TENTH = 0.1
"""The error of a median that nobody minds, as a share of its move or of the baseline's interquartile range."""


def quantile(profile: NumericProfile, q: float) -> Floats:
    """The quantile of each slice, shape (slices,), interpolated in its bin; whole where the values are."""
    found = distance.quantile(profile.counts, profile.edges.cuts, profile.minimum, profile.maximum, q)
    return np.floor(found) if profile.edges.whole else found


@dataclass(frozen=True)
class Median:
    """A slice's median, and the part of its bin in which it lies for sure."""

    value: float
    low: float
    high: float
    rough: bool
    """Whether it may be off by more than a tenth of both how far it moved and the baseline's interquartile range."""


def median(profile: NumericProfile, at: int, before: NumericProfile) -> Median:
    """The median of slice `at`, NaN without a finite value; `before` (slice 0) says which errors matter."""
    value, was = (float(quantile(of, 0.5)[i]) for of, i in ((profile, at), (before, 0)))
    ends = distance.quantile_bin(profile.counts[at], profile.edges.cuts, profile.minimum[at], profile.maximum[at], 0.5)
    low, high = (float(end) for end in ends)
    if profile.edges.whole and high < profile.maximum[at]:
        high = max(low, np.ceil(high) - 1)  # a cut, which is no part of the bin
    lower, upper = (float(quantile(before, q)[0]) for q in (0.25, 0.75))
    return Median(value, low, high, rough=high - low > TENTH * max(abs(value - was), upper - lower))


def centre(now: NumericProfile, at: int, before: NumericProfile) -> tuple[str, float, float]:
    """What to say of where a column lies: a word, slice `at`, and the baseline (its one slice, or that of `at`).

    The median, or the mean where either median is `rough`: bins are wide beyond the baseline's values and in gaps
    between them, and means are exact. The mean also where both medians are the same, as with two values.
    """
    then = at % len(before.null)
    here, was = median(now, at, before), median(before, then, before)
    means = float(now.mean[at]), float(before.mean[then])
    if (here.rough or was.rough or here.value == was.value) and np.isfinite(means).all():
        return "mean", *means
    return "median", here.value, was.value


def spread(whole: ColumnProfile) -> float:
    """The share of rows (slice 0) that leave the most frequent value, or a numeric column's fullest bin."""
    if isinstance(whole, NumericProfile):
        counts = whole.counts[0]
    elif isinstance(whole, CategoryProfile):
        counts = whole.count
    else:
        return 0.0
    return float(1 - counts.max(initial=0) / counts.sum()) if counts.sum() else 0.0


def missing(profile: ColumnProfile) -> Ints:
    """Rows without a value, shape (slices,): null, or not a number."""
    return profile.null + profile.nan if isinstance(profile, NumericProfile) else profile.null


def senseless(profile: ColumnProfile) -> Ints:
    """Rows whose cell is no value of the type, or infinite, shape (slices,)."""
    if not isinstance(profile, NumericProfile):
        return profile.invalid
    return profile.invalid + profile.positive_infinity + profile.negative_infinity


def every(now: Profiles, baseline: Baseline) -> Iterator[tuple[ColumnProfile, ColumnProfile, Ints]]:
    """Each column now, in the baseline, and the baseline's rows."""
    for name, column in now.columns.items():
        yield column, baseline[name], baseline.rows(name)


def numeric(now: Profiles, baseline: Baseline) -> Iterator[tuple[NumericProfile, NumericProfile, Past]]:
    """Each watched numeric column now, in the baseline, and in the baseline's windows."""
    for name, column in now.columns.items():
        if not isinstance(column, NumericProfile) or column.edges.temporal:
            continue
        before = baseline[name]
        if isinstance(before, NumericProfile):
            yield column, before, baseline.past(name)


@dataclass(frozen=True)
class Values:
    """A column value by value, now and in the baseline."""

    name: str
    names: tuple[str, ...]
    """The values: those of the baseline's edges, then others."""
    known: int
    """How many are the edges'."""
    complete: bool
    """Whether the edges hold all values of the baseline."""
    counts: Ints
    """Shape (slices, values)."""
    reference: Ints
    """The baseline's, shape (1, values) or (slices, values)."""
    rest: Ints
    """Rows with values that are not told apart, shape (slices,): beyond the cap of a slice."""
    rest_before: Ints

    @property
    def tables(self) -> tuple[tuple[Ints, Ints], tuple[Ints, Ints]]:
        """Counts and rest, now and in the baseline."""
        return (self.counts, self.rest), (self.reference, self.rest_before)

    @property
    def rows(self) -> Ints:
        """Rows with a value, shape (slices,)."""
        return np.asarray(self.counts.sum(axis=1) + self.rest)

    @property
    def rows_before(self) -> Ints:
        """Those of the baseline, shape (1,) or (slices,)."""
        return np.asarray(self.reference.sum(axis=1) + self.rest_before)

    @property
    def unseen(self) -> Ints:
        """Rows with a value that the baseline does not have, shape (slices,)."""
        return np.asarray(np.where(self.reference > 0, 0, self.counts).sum(axis=1) + self.rest)


def categorical(now: Profiles, baseline: Baseline) -> Iterator[Values]:
    """Each watched categorical column."""
    for name, here in now.columns.items():
        before = baseline[name]
        if isinstance(here, CategoryProfile) and isinstance(before, CategoryProfile):
            yield _values(here, before)


def valued(now: Profiles, baseline: Baseline) -> Iterator[Values]:
    """Each watched column that is looked at value by value: categorical ones, and numbers with few values."""
    yield from categorical(now, baseline)
    for here, before, _ in numeric(now, baseline):
        whole = baseline.whole.columns[here.name]
        if isinstance(whole, NumericProfile) and has_values(whole, FEW):
            values = np.flatnonzero(whole.counts[0])
            yield _values(_by_value(here, values), _by_value(before, values))


def _values(here: CategoryProfile, before: CategoryProfile) -> Values:
    others = sorted({*here.others, *before.others})
    known = len(here.edges.values)
    counts, reference = (_on(profile, others) for profile in (here, before))
    return Values(
        name=here.name,
        names=(*here.edges.values, *others),
        known=known,
        complete=before.edges.complete,
        counts=counts,
        reference=reference,
        rest=here.unseen - counts[:, known:].sum(axis=1),
        rest_before=before.unseen - reference[:, known:].sum(axis=1),
    )


def _on(profile: CategoryProfile, others: list[str]) -> Ints:
    """Counts of the edges' values and of `others`, shape (slices, values)."""
    known = len(profile.edges.values)
    table = np.zeros((len(profile.null), known + len(others)), dtype=np.int64)
    place = {name: known + i for i, name in enumerate(others)}
    at = np.array([*range(known), *(place[name] for name in profile.others)], dtype=np.int64)
    table[:, at] = profile.dense(known + len(profile.others))
    return table


def has_values(before: NumericProfile, most: int) -> bool:
    """Whether a baseline (slice 0) holds at most so many values, each in a bin of its own and four times on average."""
    held = before.counts[0] > 0
    return bool(0 < held.sum() <= min(most, before.finite[0] / 4) and atoms(before)[held].all())


def atoms(profile: NumericProfile) -> NDArray[np.bool_]:
    """Which bins hold a single value, shape (bins,): those one ulp wide, or one where the values are whole."""
    cuts, alone = profile.edges.cuts, np.zeros(profile.edges.bins, dtype=bool)
    alone[1:-1] = np.diff(cuts) <= (1.0 if profile.edges.whole else np.spacing(np.abs(cuts[:-1])))
    return alone


def _by_value(profile: NumericProfile, values: NDArray[np.intp]) -> CategoryProfile:
    """Numbers as categories: `values` are the bins of those that are known."""
    cuts, alone = profile.edges.cuts, atoms(profile)
    rest = np.setdiff1d(np.flatnonzero(profile.counts.any(axis=0)), values)
    counts = profile.counts[:, np.concatenate([values, rest])]
    at, code = np.nonzero(counts)

    def name(place: int) -> str:
        if alone[place]:
            return figure(float(cuts[place - 1]))
        if place == 0:
            return f"below {figure(float(cuts[0]))}"
        if place == len(cuts):
            return f"{figure(float(cuts[-1]))} or more"
        return f"{figure(float(cuts[place - 1]))} to {figure(float(cuts[place]))}"

    return CategoryProfile(
        name=profile.name,
        null=profile.null,
        invalid=profile.invalid,
        edges=CategoryEdges(tuple(name(place) for place in values.tolist())),
        others=tuple(name(place) for place in rest.tolist()),
        at=at,
        code=code,
        count=counts[at, code],
        unseen=np.asarray(profile.counts[:, rest].sum(axis=1)),
        sketches={},
    )
