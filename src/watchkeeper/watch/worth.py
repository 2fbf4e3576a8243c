"""Whether a fault changes a column enough to be worth an alarm: only there is it planted."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from watchkeeper.budget.floor import FLOORS, POINTS
from watchkeeper.watch.inject import Fault, Floats, On, Setting, is_numeric, lost_value, numbers

MARGIN = 1.5
"""So many times its floor a change must be: a window of rows drawn by lot shows it smaller half of the time."""
SAMPLE = 10_000
"""Rows that the change is measured on."""


def worth(fault: Fault, columns: Sequence[str], setting: Setting, generator: np.random.Generator) -> bool:
    """Whether the fault, planted in these columns, would change them by more than the floors."""
    if fault.on is On.ROWS:
        return fault.share >= FLOORS["rows", ""]
    if not any(pc.count_distinct(setting.whole[name]).as_py() > 1 for name in columns):
        return fault.name == "nulls" and fault.share >= MARGIN * POINTS
    if fault.name == "lost_segment":
        lost = lost_value(setting.whole[columns[0]])
        return lost is not None and lost[1] * fault.share >= MARGIN * FLOORS["shape", "total variation"]
    if fault.name == "new_category":
        return fault.share >= MARGIN * FLOORS["unseen_share", ""]
    if fault.name == "outliers":
        return True
    before = setting.whole
    if len(before) > SAMPLE:
        before = before.take(pa.array(np.sort(generator.choice(len(before), SAMPLE, replace=False))))
    after = fault.plant(before, columns, setting, generator)
    if any(moved(before[name], after[name]) for name in columns):
        return True
    return fault.on is On.FEATURES and _tied(before, after, columns[0], setting.label)


def moved(before: pa.ChunkedArray, after: pa.ChunkedArray) -> bool:
    """Whether missing values or the distribution changed by more than the floors."""
    missing = abs(after.null_count / len(after) - before.null_count / len(before))
    if missing >= MARGIN * POINTS:
        return True
    if before.null_count == len(before) or after.null_count == len(after):
        return False
    if is_numeric(before.type):
        return gap(_finite(before), _finite(after)) >= MARGIN * FLOORS["shape", "ks"]
    return _variation(before, after) >= MARGIN * FLOORS["shape", "total variation"]


def gap(one: Floats, other: Floats) -> float:
    """The largest distance between two empirical distribution functions: Kolmogorov and Smirnov's statistic."""
    one, other = np.sort(one), np.sort(other)
    at = np.concatenate([one, other])
    below = np.searchsorted(one, at, "right") / len(one) - np.searchsorted(other, at, "right") / len(other)
    return float(np.abs(below).max(initial=0.0))


def _finite(column: pa.ChunkedArray) -> Floats:
    values = numbers(column)
    return np.asarray(values[np.isfinite(values)])


def _variation(one: pa.ChunkedArray, other: pa.ChunkedArray) -> float:
    """Half the sum of the differences between the shares of the values."""
    shares: dict[object, float] = {}
    for sign, column in ((1, one), (-1, other)):
        held = column.drop_null()
        for counted in pc.value_counts(held.combine_chunks()).to_pylist():
            shares[counted["values"]] = shares.get(counted["values"], 0.0) + sign * counted["counts"] / len(held)
    return sum(map(abs, shares.values())) / 2


def _tied(before: pa.Table, after: pa.Table, name: str, label: str | None) -> bool:
    """Whether the column's rank correlation with the label changed by more than its floor."""
    if label is None:
        return False
    change = abs(_correlation(before[name], before[label]) - _correlation(after[name], after[label]))
    return change >= MARGIN * FLOORS["correlation", "target"]


def _correlation(one: pa.ChunkedArray, other: pa.ChunkedArray) -> float:
    from scipy import stats

    pair = np.stack([numbers(one), numbers(other)])
    pair = pair[:, np.isfinite(pair).all(axis=0)]
    if pair.shape[1] < 3 or (pair == pair[:, :1]).all(axis=1).any():
        return 0.0
    return float(stats.spearmanr(pair[0], pair[1]).statistic)
