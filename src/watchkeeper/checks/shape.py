"""Shape: has the distribution of a column changed?"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
from numpy.typing import NDArray
from scipy import special

from watchkeeper.checks import column
from watchkeeper.checks.measurement import Check, Measurement
from watchkeeper.checks.sentence import figure, named, percent, quoted
from watchkeeper.profiles import Baseline, CategoryProfile, NumericProfile, Profiles
from watchkeeper.stats import distance, evidence
from watchkeeper.stats.cells import cells_categorical, cells_numeric

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


CELLS = 16
"""The most cells of a numeric column."""
FOLD = 4
"""How many times more rows than by chance have to be in bins that are empty in the baseline."""
MOST_NATS = 600.0
"""The largest threshold that is turned round; e^-600 is still a double."""


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
        counts, reference = here.counts, before.counts[0]
        cells, due = _apart(cells_numeric(reference, here.finite, CELLS), counts, reference)
        gap = distance.ks(counts, reference)
        yield _measurement(here.name, "ks", gap, counts, due, cells, here.finite, _centres(here, before))
    for now_values, before_values in column.categorical(now, baseline):
        known = len(before_values.edges.values)
        counts = np.column_stack([now_values.dense(known), now_values.unseen])
        reference = np.append(before_values.dense(known)[0], before_values.unseen[0])
        cells = cells_categorical(reference, counts.sum(axis=1))
        gap = distance.total_variation(counts, reference)
        tell = _moved(now_values, counts, reference)
        yield _measurement(now_values.name, "total variation", gap, counts, reference, cells, counts.sum(axis=1), tell)


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
    """`counts` has shape (slices, bins), `reference` (bins,), or, as `_apart` makes it, (slices, bins)."""
    statistic, df, nats = evidence.g_test(counts, reference, cells)
    lone = (df == 0) & (rows > 0)
    held = reference if reference.ndim == 1 else reference.max(axis=0)
    top = int(held.argmax())
    left = evidence.share(rows - counts[:, top], rows, held.sum() - held[top], held.sum(), side="up")
    statistic, nats = np.where(lone, left, statistic), np.where(lone, left, nats)

    def band(threshold: Floats) -> tuple[Floats, Floats]:
        limit = special.chdtri(np.maximum(df, 1.0), np.exp(-np.minimum(threshold, MOST_NATS)))
        limit = np.where(lone, threshold, limit)
        return np.zeros(len(gap)), evidence.scaled_band(gap, statistic, limit, 0.0)

    return Measurement(
        metric="shape",
        columns=(name,),
        value=gap,
        rows=rows,
        effect=gap,
        evidence=nats,
        reference=0.0,
        unit=unit,
        band=band,
        tell=tell,
    )


def _apart(cells: Ints, counts: Ints, reference: Ints) -> tuple[Ints, Ints]:
    """Cells with those bins apart that are empty in the baseline, in windows that have much in them.

    With them the baseline's rows for each window, shape (slices, bins): such a cell gets as many as the baseline has
    bins with a single row. Small baselines, such as a segment's, leave bins empty by chance, and a further row falls
    into one of these about as often. Where it holds less than `FOLD` times what that gives, bins stay where they are.

    Source: Good (1953), Biometrika 40.
    """
    due = np.broadcast_to(reference, counts.shape)
    new = np.flatnonzero(reference == 0)
    once = int((reference == 1).sum())
    held, rows = counts[:, new].sum(axis=1), counts.sum(axis=1)
    by_chance = (once + 1) * rows / max(1, reference.sum())
    much = np.flatnonzero((held > 0) & (held * CELLS >= rows) & (held >= FOLD * by_chance))
    if len(much):
        cells, due = cells.copy(), due.copy()
        cells[np.ix_(much, new)] = cells[much].max(axis=1, keepdims=True) + 1
        due[much, new[0]] = once
    return cells, due


def _centres(here: NumericProfile, before: NumericProfile) -> Callable[[int], str]:
    def tell(i: int) -> str:
        what, now, was = column.centre(here, i, before)
        return f"its {what} is {figure(now)}, was {figure(was)}"

    return tell


def _moved(here: CategoryProfile, counts: Ints, reference: Ints) -> Callable[[int], str]:
    def tell(i: int) -> str:
        was, now = reference / max(1, reference.sum()), counts[i] / max(1, counts[i].sum())
        most = int(np.argmax(np.abs(now - was)))
        name = quoted(here.edges.values[most]) if most < len(here.edges.values) else "values the baseline does not have"
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
)
