"""Shape: has the distribution of a column changed?"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from watchkeeper.checks import column
from watchkeeper.checks.measurement import Check, Measurement
from watchkeeper.checks.sentence import figure, named, percent, quoted
from watchkeeper.profiles import Baseline, NumericProfile, Profiles
from watchkeeper.stats import distance, evidence
from watchkeeper.stats.cells import cells_categorical, cells_numeric
from watchkeeper.stats.law import GapLaw, ShareLaw

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


CELLS = 16
"""The most cells of a numeric column."""
FOLD = 4
"""How many times more rows than by chance have to be in bins that are empty in the baseline."""


def measure(now: Profiles, baseline: Baseline) -> Iterator[Measurement]:
    """Compare each column's distribution with the baseline's.

    The value is the largest gap between the cumulated shares (numeric) or the share of rows that would have to change
    their value (categorical, total variation). Evidence is a two-sample G test on at most 16 cells of equal baseline
    mass, or on the values with at least ten expected rows. Where not even two cells have as many, as in a nearly
    constant column, it is the share of rows that leave the most frequent bin. Bins of which the baseline has no row are
    a cell of their own once they hold a sixteenth of a window, and more than chance brings there: beside a frequent
    value it would go unseen otherwise.

    Source: G test, Sokal and Rohlf, Biometry (1995), 17.4; Kolmogorov (1933) for the gap.
    """
    for here, before, _ in column.numeric(now, baseline):
        counts, usual = here.counts, baseline.whole.columns[here.name]
        cells = cells_numeric(usual.counts[0], here.finite, CELLS)  # type: ignore[attr-defined]
        cells, reference = _apart(cells, counts, np.broadcast_to(before.counts, counts.shape))
        gap = distance.ks(counts, before.counts)
        yield _measurement(here.name, "ks", gap, counts, reference, cells, here.finite, _centres(here, before))
    for values in column.categorical(now, baseline):
        counts, before_counts = (_with_unseen(table, values.known, rest) for table, rest in values.tables)
        usual_counts = before_counts.sum(axis=0) if len(before_counts) > 1 else before_counts[0]
        cells = cells_categorical(usual_counts, counts.sum(axis=1))
        gap = distance.total_variation(counts, before_counts)
        tell = _moved(values.names[: values.known], counts, before_counts)
        reference = np.broadcast_to(before_counts, counts.shape)
        yield _measurement(values.name, "total variation", gap, counts, reference, cells, counts.sum(axis=1), tell)


def _with_unseen(table: Ints, known: int, rest: Ints) -> Ints:
    """Counts of the edges' values, and last of all others together."""
    return np.column_stack([table[:, :known], table[:, known:].sum(axis=1) + rest])


def _measurement(
    name: str,
    unit: str,
    gap: Floats,
    counts: Ints,
    reference: Ints,
    cells: Ints,
    rows: Ints,
    tell: Callable[[int], str],
) -> Measurement:
    """`counts` and `reference` have shape (slices, bins)."""
    statistic, df, _ = evidence.g_test(counts, reference, cells)
    top = int(reference.max(axis=0).argmax())
    N = reference.sum(axis=1)
    left = ShareLaw(rows - counts[:, top], rows, N - reference[:, top], N, "up")
    known = (rows > 0) & (N > 0)
    return Measurement(
        metric="shape",
        columns=(name,),
        value=gap,
        rows=rows,
        effect=gap,
        law=GapLaw(gap, statistic, np.where(known, df, np.nan), left),
        reference=np.zeros(len(gap)),
        unit=unit,
        tell=tell,
    )


def _apart(cells: Ints, counts: Ints, reference: Ints) -> tuple[Ints, Ints]:
    """Cells with those bins apart that are empty in the baseline, in windows that have much in them.

    With them the baseline's rows for each window; all have shape (slices, bins). Such a cell gets as many as the
    baseline has bins with a single row. Small baselines, such as a segment's, leave bins empty by chance, and a
    further row falls into one of these about as often. Where it holds less than `FOLD` times what that gives, bins stay
    where they are.

    Source: Good (1953), Biometrika 40.
    """
    new = np.flatnonzero(reference.max(axis=0) == 0)
    once = (reference == 1).sum(axis=1)
    held, rows = counts[:, new].sum(axis=1), counts.sum(axis=1)
    by_chance = (once + 1) * rows / np.maximum(1, reference.sum(axis=1))
    much = np.flatnonzero((held > 0) & (held * CELLS >= rows) & (held >= FOLD * by_chance))
    if len(much):
        cells, reference = cells.copy(), reference.copy()
        cells[np.ix_(much, new)] = cells[much].max(axis=1, keepdims=True) + 1
        reference[much, new[0]] = once[much]
    return cells, reference


def _centres(here: NumericProfile, before: NumericProfile) -> Callable[[int], str]:
    def tell(i: int) -> str:
        what, now, was = column.centre(here, i, before)
        return f"its {what} is {figure(now)}, was {figure(was)}"

    return tell


def _moved(names: Sequence[str], counts: Ints, reference: Ints) -> Callable[[int], str]:
    def tell(i: int) -> str:
        held = reference[i % len(reference)]
        was, now = held / max(1, held.sum()), counts[i] / max(1, counts[i].sum())
        most = int(np.argmax(np.abs(now - was)))
        name = quoted(names[most]) if most < len(names) else "values the baseline does not have"
        return f"{name} went from {percent(was[most])} to {percent(now[most])}"

    return tell


def _say(m: Measurement, i: int, usual: tuple[float | None, float | None]) -> str:
    more = f": {m.tell(i)}" if m.tell else ""
    return (
        f"{named(m.columns[0])} is distributed differently in {figure(int(m.rows[i]))} rows{more}. "
        f"It moved by {figure(float(m.value[i]))} ({m.unit}); up to {figure(usual[1])} is usual."
    )


CHECK = Check(
    name="shape",
    measure=measure,
    sees="shifts, changes of spread, values that grow or vanish, a unit that changed, drift of predictions and labels",
    blind="changes too small for the number of rows; rare values below ten expected rows (see `rise`, `unseen_share`)",
    remedy="Look at the two distributions. If the source means the same as before, the world changed: look at quality.",
    say=_say,
    by_slice=True,
)
