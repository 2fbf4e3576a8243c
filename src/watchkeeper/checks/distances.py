"""Distances: the figures that users know, reported beside `shape` and never judged."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
from numpy.typing import NDArray

from watchkeeper.checks import column
from watchkeeper.checks.measurement import Check, Measurement
from watchkeeper.checks.sentence import figure, named
from watchkeeper.profiles import Baseline, NumericProfile, Profiles
from watchkeeper.stats import distance
from watchkeeper.stats.cells import merge

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

PARTS = 10
"""Quantiles of the baseline that numbers are compared by."""
VALUES = 64
"""Values compared one by one; the rest is taken together."""

_BINNED: dict[str, Callable[[Ints, Ints], Floats]] = {
    "psi": distance.psi,
    "js_distance": distance.js_distance,
    "hellinger": distance.hellinger,
    "chi2": distance.chi2,
}


def measure(now: Profiles, baseline: Baseline) -> Iterator[Measurement]:
    """PSI, Jensen-Shannon and Hellinger distance and chi-squared, on ten baseline quantiles or the baseline's values.

    Numbers go by their values, and one cell for the rest, where few and frequent ones leave no ten quantiles.
    Numeric columns also have the Kolmogorov-Smirnov distance on the frozen edges and the Wasserstein distance in the
    column's unit. Definitions and sources: `stats.distance`.
    """
    for here, before, _ in column.numeric(now, baseline):
        if np.isnan(here.edges.low):
            continue
        cells = _cells(before)
        counts = merge(here.counts, np.broadcast_to(cells, here.counts.shape))
        reference = merge(before.counts, cells[None, :])[0]
        yield from _binned(here.name, counts, reference, here.finite)
        yield _reported("ks", here.name, distance.ks(here.counts, before.counts[0]), here.finite)
        yield _reported("wasserstein", here.name, _wasserstein(here, before), here.finite)
    for values in column.categorical(now, baseline):
        alone = min(VALUES, values.known)
        counts, reference = (
            np.column_stack([table[:, :alone], table[:, alone:].sum(axis=1) + rest]) for table, rest in values.tables
        )
        yield from _binned(values.name, counts, reference[0], values.rows)


def _cells(before: NumericProfile) -> Ints:
    """The cell of each bin of a numeric column, shape (bins,)."""
    reference = before.counts[0]
    cells, known = distance.deciles(reference, PARTS), reference > 0
    if cells[-1] + 1 >= PARTS or not column.has_values(before, VALUES):
        return cells
    return np.where(known, np.cumsum(known) - 1, known.sum())


def _binned(name: str, counts: Ints | Floats, reference: Ints | Floats, rows: Ints) -> Iterator[Measurement]:
    for metric, of in _BINNED.items():
        with np.errstate(invalid="ignore", divide="ignore"):
            value = of(np.asarray(counts, dtype=np.int64), np.asarray(reference, dtype=np.int64))
        yield _reported(metric, name, np.where(rows > 0, value, np.nan), rows)


def _wasserstein(here: NumericProfile, before: NumericProfile) -> Floats:
    return distance.wasserstein(
        here.counts,
        before.counts[0],
        here.edges.cuts,
        here.minimum,
        here.maximum,
        float(before.minimum[0]),
        float(before.maximum[0]),
        here.mean,
        float(before.mean[0]),
    )


def _reported(metric: str, name: str, value: Floats, rows: Ints) -> Measurement:
    return Measurement(
        metric=metric,
        columns=(name,),
        value=np.asarray(value),
        rows=rows,
        effect=np.asarray(value),
        reference=np.zeros(len(rows)),
    )


def _say(m: Measurement, i: int, usual: tuple[float | None, float | None]) -> str:
    return f"{named(m.columns[0])}: {m.metric} is {figure(float(m.value[i]))}."


CHECK = Check(
    name="distances",
    measure=measure,
    sees="how far distributions are apart, in the units of other tools",
    blind="whether that is news: these figures grow when rows are few; `shape` judges",
    remedy="",
    say=_say,
)
