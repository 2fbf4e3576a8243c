"""Correlation: do columns still belong together, and no more than they should?"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from watchkeeper.checks import column
from watchkeeper.checks.measurement import Check, Measurement
from watchkeeper.checks.sentence import figure, named
from watchkeeper.model import Role
from watchkeeper.profiles import Baseline, ColumnProfile, NumericProfile, Profiles
from watchkeeper.stats import distance, evidence
from watchkeeper.stats.evidence import Limits
from watchkeeper.stats.law import NormalLaw

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
    correlations. NaN where fewer than ten rows are expected to
    leave both columns' most frequent values, because chance then makes large correlations; and of a fall where a column
    has moved so far (`MOVED`) that it has few ranks left among the baseline's values.
    """
    whole, windows = baseline.whole, baseline.profiles.pairs
    if now.pairs is None or whole.pairs is None or windows is None:
        return
    chosen = baseline.chosen
    before = whole.pairs if chosen is None else replace(windows, sums=chosen.total(windows.sums))
    value, reference = now.pairs.correlation, np.broadcast_to(before.correlation, now.pairs.correlation.shape)
    rows = now.pairs.rows
    z = evidence.fisher_z(value, rows, reference, before.rows)
    spread = {name: column.spread(whole.columns[name]) for name in now.edges.ranked}
    far = {name: _moved(now.columns[name], whole.columns[name]) > MOVED for name in now.edges.ranked}
    for i, (a, b) in enumerate(now.pairs.names):
        blurred = (far[a] | far[b]) & (np.abs(value[:, i]) <= np.abs(reference[:, i]))
        judged = ~blurred & (rows[:, i] * spread[a] * spread[b] >= ENOUGH)
        targets = [name for name in (a, b) if now.edges.roles[name] is Role.LABEL]
        yield Measurement(
            metric="correlation",
            columns=(a, b),
            value=value[:, i],
            rows=rows[:, i],
            effect=value[:, i] - reference[:, i],
            law=NormalLaw(np.where(judged, z[:, i], np.nan), limits=_limits(value[:, i], z[:, i], reference[:, i])),
            reference=reference[:, i],
            unit="target" if targets else "",
        )


def _moved(here: ColumnProfile, before: ColumnProfile) -> Floats:
    """The largest gap between the distributions of numbers, shape (slices,); 0 for others."""
    if isinstance(here, NumericProfile) and isinstance(before, NumericProfile):
        return np.nan_to_num(distance.ks(here.counts, before.counts[0]))
    return np.zeros(len(here.null))


def _limits(value: Floats, z: Floats, reference: Floats) -> Limits:
    def limits(reach: Floats) -> tuple[Floats, Floats]:
        here, middle = (np.arctanh(np.clip(r, -1 + 1e-12, 1 - 1e-12)) for r in (value, reference))
        with np.errstate(divide="ignore", invalid="ignore"):
            error = (here - middle) / z
        return np.tanh(middle - reach * error), np.tanh(middle + reach * error)

    return limits


def _say(m: Measurement, i: int, usual: tuple[float | None, float | None]) -> str:
    a, b = map(named, m.columns)
    now, was = float(m.value[i]), m.was(i) or 0.0
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
    by_slice=True,
)
