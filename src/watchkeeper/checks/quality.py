"""Quality: does the model still get it right, where labels are there?"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np
from numpy.typing import NDArray

from watchkeeper.checks.measurement import Check, Measurement
from watchkeeper.checks.sentence import between, figure, named
from watchkeeper.model import Task
from watchkeeper.profiles import Baseline, Profiles
from watchkeeper.profiles.quality import QualityPlan
from watchkeeper.stats.law import SeriesLaw
from watchkeeper.stats.quality import Metric, quality_metrics

Floats = NDArray[np.float64]

SCALES = {"mae": "mae", "bias": "mae", "rmse": "rmse", "log_loss": "log_loss"}
"""Metrics without a natural unit, and whose value in the baseline their floor is a multiple of."""

TITLES = {
    "roc_auc": "ROC AUC",
    "calibration_error": "calibration error",
    "accuracy": "accuracy",
    "f1": "F1",
    "log_loss": "log loss",
    "mae": "mean absolute error",
    "bias": "bias",
    "ndcg@10": "NDCG@10",
}
"""Judged metrics in words."""


def measure(now: Profiles, baseline: Baseline) -> Iterator[Measurement]:
    """Compare the model's metrics on labelled rows with the baseline's; which there are depends on the task.

    Judged are those that see different faults (`judged`); the others restate them and are reported, with intervals.
    Evidence looks in the harmful direction only (lower accuracy, higher error), for bias in both. Shares:
    `evidence.share`. Means and areas: z of the difference, with the variances of window and baseline. Calibration
    error: chi-square of the gaps in ten bins of the score, where the error exceeds what the baseline's gaps would show
    in so few rows. NaN below 20 labelled rows (queries, of a ranking), and for areas under curves below ten of a class.

    Rows count alike: a weight column is not used. Baseline predictions should not be for rows the model was fitted on:
    it flatters itself there, and all later data look worse.
    """
    whole = baseline.whole.quality
    if now.quality is None or whole is None:
        return
    before = {metric.name: metric for metric in quality_metrics(whole)}
    counted = judged(now.quality.plan)
    windows = baseline.profiles.quality
    past = {} if windows is None else {metric.name: metric for metric in quality_metrics(windows)}
    for metric in quality_metrics(now.quality):
        if not np.isfinite(metric.value).any():
            continue
        was = before[metric.name]
        reference = np.broadcast_to(was.value, metric.value.shape)
        yield Measurement(
            metric=metric.name,
            columns=metric.columns,
            value=metric.value,
            rows=metric.rows,
            effect=metric.value - reference,
            law=_law(metric, was, past.get(metric.name)) if metric.name in counted else None,
            reference=reference,
            scale=_scale(metric.name, before),
            interval=metric.interval,
        )


def judged(plan: QualityPlan) -> tuple[str, ...]:
    """The metrics that share the budget, one for each thing that can go wrong, so that one failing model is told once.

    Binary: the order of scores, their level as probabilities, and the decisions made of them.
    """
    if plan.task is Task.BINARY:
        return ("roc_auc", "calibration_error", "accuracy") if plan.scores else ("accuracy", "f1")
    if plan.task is Task.MULTICLASS:
        return ("accuracy", "log_loss")
    return ("mae", "bias") if plan.task is Task.REGRESSION else (f"ndcg@{max(plan.k)}",)


def _scale(name: str, before: Mapping[str, Metric]) -> float:
    scale = float(before[SCALES[name]].value[0]) if name in SCALES else 1.0
    return scale if np.isfinite(scale) else 1.0


def _law(metric: Metric, was: Metric, past: Metric | None) -> SeriesLaw:
    """The metric's own law against the whole baseline, and its series through the baseline's windows."""
    before = was if past is None else past
    return SeriesLaw(
        L=metric.against(was),
        limits=lambda nats: metric.band(was, nats),
        y=metric.value,
        past=np.where(before.enough, before.value, np.nan),
        sampling=_least(metric.variance),
        sampling_past=_least(before.variance),
        side=metric.side,
        in_unit=True,
    )


def _least(variance: Floats) -> Floats:
    return np.maximum(np.nan_to_num(variance), 1e-12)


def _say(m: Measurement, i: int, usual: tuple[float | None, float | None]) -> str:
    label, made = map(named, m.columns[:2])
    if len(m.columns) > 2:
        made = f"{made} and {len(m.columns) - 2} more columns"
    low, high = usual
    if m.metric == "bias":
        range_ = f"{figure(low)} to {figure(high)}"
    else:  # one end is the metric's own limit
        range_ = between(low, None) if m.effect is not None and m.effect[i] < 0 else between(None, high)
    sure = "" if m.interval is None else f" (95 % interval {figure(m.interval[0][i])} to {figure(m.interval[1][i])})"
    moved = "fell" if m.effect is not None and m.effect[i] < 0 else "rose"
    before = m.was(i)
    near_zero = m.metric == "bias" and before is not None and abs(before) < 1e-6 * m.scale
    was = "" if before is None else f" from {figure(0.0 if near_zero else before)}"
    return (
        f"The model's {TITLES.get(m.metric, m.metric)} {moved}{was} to {figure(m.value[i])}{sure}, {made} against "
        f"{label} on {figure(int(m.rows[i]))} labelled rows; {range_} is usual."
    )


CHECK = Check(
    name="quality",
    measure=measure,
    sees="a model that orders, decides or estimates worse than in the baseline, probabilities that no longer hold",
    blind="rows without labels, labels that are late or wrong, a baseline on rows that the model was fitted on",
    remedy="See whether inputs changed too: then mend the feed. If inputs are whole and labels mean what they meant, "
    "the world has changed: retrain on recent rows, or go back to a version that was better.",
    say=_say,
)
