"""Model quality where labels are in the data: what is counted for each task, in one pass and mergeable."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from watchkeeper.model import Model, Role, Task
from watchkeeper.profiles import kernel_numpy
from watchkeeper.profiles.counted import Kernel
from watchkeeper.profiles.quality_binary import empty_binary, measure_binary, plan_binary
from watchkeeper.profiles.quality_multiclass import empty_multiclass, measure_multiclass, plan_multiclass
from watchkeeper.profiles.quality_plan import QualityPlan, quality_plan_from_dict
from watchkeeper.profiles.quality_profile import QualityProfile
from watchkeeper.profiles.quality_ranking import empty_ranking, measure_ranking, plan_ranking
from watchkeeper.profiles.quality_regression import empty_regression, measure_regression, plan_regression

__all__ = [
    "QualityPlan",
    "QualityProfile",
    "empty_quality",
    "measure_quality",
    "plan_quality",
    "quality_from_arrow",
    "quality_plan_from_dict",
]

Ints = NDArray[np.int64]

_PLANS: dict[Task, Callable[[Model, pa.Table, str], QualityPlan | None]] = {
    Task.BINARY: plan_binary,
    Task.MULTICLASS: plan_multiclass,
    Task.REGRESSION: plan_regression,
    Task.RANKING: plan_ranking,
}
_EMPTY: dict[Task, Callable[[QualityPlan, int], QualityProfile]] = {
    Task.BINARY: empty_binary,
    Task.MULTICLASS: empty_multiclass,
    Task.REGRESSION: empty_regression,
    Task.RANKING: empty_ranking,
}
_MEASURES: dict[Task, Callable[[QualityPlan, pa.Table, Ints, int, Kernel], QualityProfile]] = {
    Task.BINARY: measure_binary,
    Task.MULTICLASS: measure_multiclass,
    Task.REGRESSION: measure_regression,
    Task.RANKING: measure_ranking,
}


def plan_quality(model: Model, sample: pa.Table) -> QualityPlan | None:
    """What can be counted, frozen from a sample of the baseline; None without a task, a label or a prediction."""
    label = model.only(Role.LABEL)
    plan = _PLANS.get(model.task)
    return None if label is None or plan is None else plan(model, sample, label)


def empty_quality(plan: QualityPlan, slices: int) -> QualityProfile:
    """A profile of no rows."""
    return _EMPTY[plan.task](plan, slices)


def measure_quality(
    plan: QualityPlan, table: pa.Table, slice_ids: Ints, slices: int, kernel: Kernel = kernel_numpy
) -> QualityProfile:
    """Count one block.

    `table`: canonical columns (see `delivery`); one that is missing counts as empty. `slice_ids`: the slice of each
    row, 0 to slices - 1, shape (rows,).
    """
    if (np.diff(slice_ids) < 0).any():
        order = np.argsort(slice_ids, kind="stable")
        table, slice_ids = table.take(pa.array(order)), slice_ids[order]
    return _MEASURES[plan.task](plan, table, slice_ids, slices, kernel)


def quality_from_arrow(plan: QualityPlan, table: pa.Table) -> QualityProfile:
    """The profile that `QualityProfile.to_arrow` wrote."""
    return empty_quality(plan, 0).from_arrow(table)
