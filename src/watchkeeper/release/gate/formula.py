"""Formula: a number to be predicted that is worked out of features, as a total or a price is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from watchkeeper.model import Model, Task, Type
from watchkeeper.release.gate.holdout import Holdout
from watchkeeper.release.outcome import Checked, Outcome
from watchkeeper.report import words

Floats = NDArray[np.float64]

ALL_OF_IT = 0.9999
"""An r² above this says that the label is worked out of features."""
EXACT = 0.005
"""In the usual row a formula is off by less than this share of how far labels usually lie apart, a product by less than
this share of the label: where numbers span many powers of ten, good but honest features have such an r² too."""
ROWS_A_FEATURE = 20
"""So many rows a feature it takes to look at all of them together."""
ENOUGH = 20_000
"""Of more rows every second, third, … is looked at: a formula holds in each."""


@dataclass(frozen=True)
class Formula:
    """The sum or product of features that comes nearest to the label."""

    kind: str
    """`sum`, or `product`."""
    columns: tuple[str, ...]
    value: float
    """Its r², of a product that of the logarithms."""
    rows: int
    holds: bool


def features_together(
    holdout: Holdout, model: Model, features: Sequence[str], label: NDArray[np.generic], known: Sequence[str]
) -> Checked | None:
    """Whether a number to be predicted is a sum, a product or a ratio of features; None for other tasks.

    Each is fitted to every second row, and held against the rows between. `known`: features that may be part of it.
    """
    if model.task is not Task.REGRESSION:
        return None
    types, table = (Type.INTEGER, Type.NUMBER), holdout.table
    asked = [name for name in features if name in table.column_names and model.columns[name].type in types]
    asked = [name for name in asked if name not in known]
    every = max(len(label) // max(ENOUGH, ROWS_A_FEATURE * len(asked)), 1)
    value = label[::every].astype(np.float64)
    cells = [np.asarray(table[n].cast(pa.float64()).combine_chunks().fill_null(np.nan))[::every] for n in asked]
    both = [_sum(asked, cells, value), _product(asked, cells, value)]
    found = sorted([one for one in both if one is not None], key=lambda one: (not one.holds, one.kind == "product"))
    if not found:
        return None
    best = found[0]
    facts = {"columns": list(best.columns), "metric": "r2", "value": best.value, "rows": best.rows, "kind": best.kind}
    if not best.holds:
        reached = words.join([f"the best {one.kind} reaches an r² of {one.value:.5g}" for one in found])
        sentence = f"The label is no {' or '.join(one.kind for one in found)} of features: {reached}."
        return Checked("features_together", Outcome.PASS, sentence, facts=facts | {"columns": asked})
    named = words.join([words.name(name) for name in best.columns], most=5)
    what = "sum" if best.kind == "sum" else "product or ratio"
    sentence = f"The label is a {what} of features: {named} together give it (r² {best.value:.6f})."
    remedy = (
        f"Look when {named} are written: probably once the outcome is known. Take them out of the features; or, if they"
        " are known beforehand, list them under `gate: known_before:`."
    )
    return Checked("features_together", Outcome.FAIL, sentence, remedy, facts)


def _sum(names: Sequence[str], cells: Sequence[Floats], label: Floats) -> Formula | None:
    """The best sum of features times a number each."""
    whole = np.column_stack([np.ones(len(label)), *cells])
    there = np.isfinite(whole).all(axis=1) & np.isfinite(label)
    return _fitted("sum", names, whole[there], label[there])


def _product(names: Sequence[str], cells: Sequence[Floats], label: Floats) -> Formula | None:
    """The best product of powers of features: the sum of their logarithms.

    Where the label is not 0 none of its factors is, nor missing; so columns that are can't be among them.
    """
    there = np.isfinite(label) & (label != 0)
    kept = [i for i, of in enumerate(cells) if (np.isfinite(of[there]) & (of[there] != 0)).all()]
    logs = [np.log(np.abs(cells[i][there])) for i in kept]
    whole = np.column_stack([np.ones(int(there.sum())), *logs])
    return _fitted("product", [names[i] for i in kept], whole, np.log(np.abs(label[there])))


def _fitted(kind: str, names: Sequence[str], whole: Floats, label: Floats) -> Formula | None:
    """The least squares of every second row, held against the rows between; None of too few rows."""
    if not names or len(label) < ROWS_A_FEATURE * len(names):
        return None
    scale = np.abs(whole).max(axis=0, initial=1e-300)
    scale[scale == 0] = 1.0
    fitted, *_ = np.linalg.lstsq(whole[::2] / scale, label[::2], rcond=None)
    rest = label[1::2]
    off = rest - whole[1::2] / scale @ fitted
    spread = float(((rest - rest.mean()) ** 2).sum()) if len(rest) else 0.0
    if not spread:
        return None
    reached = 1 - float(off @ off) / spread
    apart = 1.0 if kind == "product" else float(np.median(np.abs(rest - np.median(rest))))
    usual = EXACT * apart + 1e-12 * float(np.abs(rest).max())
    holds = reached > ALL_OF_IT and float(np.median(np.abs(off))) <= usual
    least = 1e-3 * np.abs(fitted).max()
    columns = tuple(name for name, weight in zip(names, fitted[1:], strict=True) if abs(weight) > least)
    return Formula(kind, columns, reached, len(label), holds)
