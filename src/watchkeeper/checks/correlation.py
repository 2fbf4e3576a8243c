"""Correlation: do columns still belong together, and no more than they should?"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from scipy import special

from watchkeeper.checks import column
from watchkeeper.checks.measurement import Check, Measurement
from watchkeeper.checks.sentence import figure, named
from watchkeeper.model import Role
from watchkeeper.profiles import Baseline, ColumnProfile, NumericProfile, Profiles
from watchkeeper.stats import distance, evidence

Floats = NDArray[np.float64]

ENOUGH = 10
"""Expected rows in which both columns leave their most frequent value, from which a pair is judged."""
TURNED = 0.1
"""How far from 0 a correlation is on both sides whose sign is said to have turned."""
MOVED = 0.5
"""The gap between distributions from which a column's ranks among the baseline's values tell no order any more."""


def measure(now: Profiles, baseline: Baseline) -> Iterator[Measurement]:
    """Compare rank correlations with the baseline's: all pairs of numeric features and the target.

    A rise with the target suggests a leak; a fall, shuffled or wrongly joined rows. Evidence: Fisher's z for rank
    correlations; where a few rows carry the dependence its variance is too small, so it is widened by how the
    baseline's windows (three or more) differ, each against the others. NaN where fewer than ten rows are expected to
    leave both columns' most frequent values, because chance then makes large correlations; and of a fall where a column
    has moved so far (`MOVED`) that it has few ranks left among the baseline's values.
    """
    whole = baseline.whole
    if now.pairs is None or whole.pairs is None or baseline.profiles.pairs is None:
        return
    value, reference = now.pairs.correlation, whole.pairs.correlation[0]
    rows, rows_before = now.pairs.rows, whole.pairs.rows[0]
    others = whole.pairs.sums - baseline.profiles.pairs.sums
    z = evidence.fisher_z(value, rows, reference, rows_before)
    past = evidence.fisher_z(
        baseline.profiles.pairs.correlation,
        baseline.profiles.pairs.rows,
        replace(whole.pairs, sums=others).correlation,
        others[:, 0],
    )
    spread = {name: column.spread(whole.columns[name]) for name in now.edges.ranked}
    far = {name: _moved(now.columns[name], whole.columns[name]) > MOVED for name in now.edges.ranked}
    for i, (a, b) in enumerate(now.pairs.names):
        blurred = (far[a] | far[b]) & (np.abs(value[:, i]) <= abs(reference[i]))
        judged = ~blurred & (rows[:, i] * spread[a] * spread[b] >= ENOUGH)
        wide, windows = (evidence.inflation(past[:, i]), len(past)) if len(past) >= 3 else (1.0, 1_000_000)
        nats = evidence.student(z[:, i] / np.sqrt(wide), windows)
        targets = [name for name in (a, b) if now.edges.roles[name] is Role.LABEL]
        yield Measurement(
            metric="correlation",
            columns=(a, b),
            value=value[:, i],
            rows=rows[:, i],
            effect=value[:, i] - reference[i],
            evidence=np.where(judged, nats, np.nan),
            reference=float(reference[i]),
            unit="target" if targets else "",
            band=_band(value[:, i], z[:, i], float(reference[i]), wide, windows),
        )


def _moved(here: ColumnProfile, before: ColumnProfile) -> Floats:
    """The largest gap between the distributions of numbers, shape (slices,); 0 for others."""
    if isinstance(here, NumericProfile) and isinstance(before, NumericProfile):
        return np.nan_to_num(distance.ks(here.counts, before.counts[0]))
    return np.zeros(len(here.null))


def _band(
    value: Floats, z: Floats, reference: float, wide: float, windows: int
) -> Callable[[Floats], tuple[Floats, Floats]]:
    def band(threshold: Floats) -> tuple[Floats, Floats]:
        reach = -special.stdtrit(windows, np.exp(-np.minimum(threshold, 400.0)) / 2) * np.sqrt(wide)
        middle = np.arctanh(np.clip(reference, -1 + 1e-12, 1 - 1e-12))
        with np.errstate(divide="ignore", invalid="ignore"):
            error = (np.arctanh(np.clip(value, -1 + 1e-12, 1 - 1e-12)) - middle) / z
        return np.tanh(middle - reach * error), np.tanh(middle + reach * error)

    return band


def _say(m: Measurement, i: int, usual: tuple[float | None, float | None]) -> str:
    a, b = map(named, m.columns)
    now, was = float(m.value[i]), m.reference or 0.0
    more = abs(now) > abs(was)
    turned = now * was < 0 and min(abs(now), abs(was)) > TURNED
    how = "are bound more closely than" if more else "belong together less than"
    how = "go in opposite directions, other than" if turned else how
    hint = ""
    if m.unit == "target" and not turned:
        hint = (
            " A feature that suddenly knows the target may be a leak."
            if more
            else " The rows may be shuffled or wrongly joined."
        )
    return (
        f"{a} and {b} {how} before: rank correlation "
        f"{figure(now)} over {figure(int(m.rows[i]))} rows, was {figure(was)}; "
        f"{figure(usual[0])} to {figure(usual[1])} is usual.{hint}"
    )


CHECK = Check(
    name="correlation",
    measure=measure,
    sees="a leak of the target into a feature, shuffled or swapped columns, joins that match the wrong rows",
    blind="dependence without order (a U shape), categorical features, pairs in which one value holds nearly all rows",
    remedy="Look at the join or the code that makes the two columns; check whether one is now computed from the other.",
    say=_say,
)
