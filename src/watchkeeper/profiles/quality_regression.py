"""Numbers: sums of errors and of their powers, and a histogram of residuals."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from watchkeeper.model import Model, Role, Task
from watchkeeper.profiles.counted import Kernel
from watchkeeper.profiles.quality_cells import values
from watchkeeper.profiles.quality_plan import QualityPlan
from watchkeeper.profiles.quality_profile import QualityProfile, counts, rows_in, sums

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

QUANTILES = 100
LIMIT = 1e70
"""Errors beyond it, in units of `plan.scale`, count as this large: their fourth power is still finite."""
MOMENTS = ("e", "|e|", "ee", "eeee", "z", "zz", "zzz", "zzzz", "eez", "eezz", "share", "share²")
"""What is summed: e = prediction - label and z = label - shift, in units of the scale, and share = |e/label|."""


@dataclass(frozen=True, eq=False)
class RegressionQuality(QualityProfile):
    """Labels and predictions that are numbers."""

    compared: Ints
    """Rows with a label and a finite prediction, shape (slices,)."""
    nonzero: Ints
    """Those whose label is not 0, shape (slices,)."""
    residuals: Ints
    """Those per bin of prediction - label, shape (slices, bins)."""
    moments: Floats
    """Sums of `MOMENTS`, shape (slices, 12, 2)."""

    def moment(self, name: str) -> Floats:
        """One of `MOMENTS` per slice, shape (slices,)."""
        return np.asarray(self.moments[:, MOMENTS.index(name), 0])


def plan_regression(model: Model, sample: pa.Table, label: str) -> QualityPlan | None:
    """Scale of the labels and cuts of the residuals in a baseline's sample."""
    prediction = model.only(Role.PREDICTION) or model.only(Role.SCORE)
    if prediction is None:
        return None
    y, labelled = values(sample, label)
    p, predicted = values(sample, prediction)
    known, both = y[labelled], labelled & predicted
    with np.errstate(over="ignore", invalid="ignore"):
        spread = float(np.std(known)) if len(known) else 0.0
        scale = 2.0 ** round(np.log2(spread)) if 1e-250 < spread < 1e250 else 1.0
        shift = float(np.mean(known)) if len(known) and np.isfinite(spread) else 0.0
        cuts = _residual_cuts(np.sort((p - y)[both])) if both.any() else ()
    return QualityPlan(Task.REGRESSION, label, prediction, cuts=cuts, shift=shift, scale=scale)


def empty_regression(plan: QualityPlan, slices: int) -> RegressionQuality:
    """No rows at all."""
    none = np.zeros(slices, dtype=np.int64)
    residuals = np.zeros((slices, plan.bins), dtype=np.int64)
    moments = np.zeros((slices, len(MOMENTS), 2))
    return RegressionQuality(plan, none, none, np.empty(0, dtype=np.int64), none, none, residuals, moments)


def measure_regression(plan: QualityPlan, table: pa.Table, at: Ints, slices: int, kernel: Kernel) -> RegressionQuality:
    """Count one block; `at`, shape (rows,), is the slice of each row, sorted."""
    y, labelled = values(table, plan.label)
    p, predicted = values(table, plan.prediction)
    both = labelled & predicted
    here, y_here = at[both], y[both]
    with np.errstate(over="ignore", divide="ignore", invalid="ignore"):
        error = np.clip(p[both] - y_here, -np.finfo(np.float64).max, np.finfo(np.float64).max)
        e = np.clip(error / plan.scale, -LIMIT, LIMIT)
        z = np.clip((y_here - plan.shift) / plan.scale, -LIMIT, LIMIT)
        nonzero = y_here != 0
        share = np.minimum(np.abs(np.divide(error, y_here, out=np.zeros_like(error), where=nonzero)), LIMIT)
    ee, zz = e * e, z * z
    powers = (e, np.abs(e), ee, ee * ee, z, zz, zz * z, zz * zz, ee * z, ee * zz, share, share * share)
    bins = kernel.placed(error, np.array(plan.cuts))
    return RegressionQuality(
        plan=plan,
        labelled=rows_in(at[labelled], slices),
        unlabelled=rows_in(at[~labelled], slices),
        at=np.empty(0, dtype=np.int64),
        compared=rows_in(here, slices),
        nonzero=rows_in(here[nonzero], slices),
        residuals=counts(here, slices, bins, plan.bins),
        moments=sums(here, slices, powers),
    )


def _residual_cuts(e: Floats) -> tuple[float, ...]:
    """Quantiles of sorted residuals, and a few cuts further out to both sides."""
    span = e[-1] - e[0] or abs(e[0]) or 1.0
    out = span * np.array([0.0, 0.1, 0.3, 1.0, 3.0, 10.0, 100.0])
    inside = e[np.arange(1, QUANTILES) * len(e) // QUANTILES]
    cuts = np.unique(np.concatenate([e[0] - out, inside, e[-1] + out]))
    return tuple(cuts[np.isfinite(cuts)].tolist())
