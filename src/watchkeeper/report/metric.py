"""Metrics in words: what an axis is called, in which unit it is read, and what is said of several columns."""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import StrEnum

from watchkeeper.checks import JOINT
from watchkeeper.report import words


class Unit(StrEnum):
    """How a metric's value is read."""

    SHARE = "share"
    COUNT = "count"
    COLUMN = "column"
    """The column's own unit."""
    NUMBER = "number"
    SECONDS = "seconds"


@dataclass(frozen=True)
class Words:
    """A metric in words."""

    title: str
    """What its axis is called: `missing values`."""
    short: str
    """The same in a narrow heading."""
    changed: str
    """What happened, before `in 12 columns`."""
    unit: Unit = Unit.NUMBER


_METRICS = {
    "null_share": Words("share of missing values", "missing", "The share of missing values changed", Unit.SHARE),
    "invalid_share": Words("share of invalid values", "invalid", "The share of invalid values changed", Unit.SHARE),
    "shape": Words("change of distribution", "shape", "The distribution changed"),
    "spike": Words("share of the most frequent value", "spike", "A single value takes over", Unit.SHARE),
    "range_low": Words("lowest value", "lowest", "The lowest value is out of its range", Unit.COLUMN),
    "range_high": Words("highest value", "highest", "The highest value is out of its range", Unit.COLUMN),
    "unseen_share": Words("share of new values", "new", "New values came", Unit.SHARE),
    "rise": Words("largest rise of a value's share", "rise", "A value became more frequent", Unit.SHARE),
    "rows": Words("rows", "rows", "The number of rows changed", Unit.COUNT),
    "freshness": Words("age of the newest value", "age", "The data stopped coming", Unit.SECONDS),
    "correlation": Words("rank correlation", "corr.", "The correlation changed"),
    "reconstruction_error": Words("reconstruction error", "recon.", "Columns go together differently"),
    "mmd": Words("maximum mean discrepancy", "MMD", "The joint distribution changed"),
    "series_error": Words("series error", "series", "The statistics of all columns are out of step"),
    "mean": Words("mean", "mean", "The mean changed", Unit.COLUMN),
    "median": Words("median", "median", "The median changed", Unit.COLUMN),
    "iqr": Words("interquartile range", "IQR", "The spread changed", Unit.COLUMN),
    "distinct": Words("distinct values", "distinct", "The number of distinct values changed", Unit.COUNT),
    "mape": Words("mean absolute percentage error", "MAPE", "The error changed", Unit.SHARE),
    "roc_auc": Words("ROC AUC", "ROC AUC", "ROC AUC changed"),
    "pr_auc": Words("PR AUC", "PR AUC", "PR AUC changed"),
    "mae": Words("mean absolute error", "MAE", "The mean absolute error changed"),
    "rmse": Words("root mean squared error", "RMSE", "The root mean squared error changed"),
    "latency_p50": Words("median latency in ms", "p50", "Half of the predictions are slower"),
    "latency_p95": Words("latency in ms, 95 %", "p95", "The slowest predictions are slower"),
    "latency_p99": Words("latency in ms, 99 %", "p99", "The very slowest predictions are slower"),
    "throughput": Words("predictions a second", "per second", "The number of predictions changed"),
    "error_share": Words("share of predictions that failed", "errors", "More predictions fail", Unit.SHARE),
    "memory": Words("memory in bytes", "memory", "The service takes more memory"),
    "cpu": Words("processors in use", "CPU", "The service takes more processor time"),
    "failed": Words("failed run", "failed", "A job failed"),
    "late": Words("time since the last run", "late", "A job is late", Unit.SECONDS),
    "unfinished": Words("time since the run began", "unfinished", "A run does not end", Unit.SECONDS),
    "duration": Words("duration of the run", "duration", "A job takes longer or less long", Unit.SECONDS),
    "versions": Words("packages that changed", "versions", "A job ran with other packages", Unit.COUNT),
}

ORDER = (
    "null_share",
    "invalid_share",
    "shape",
    "spike",
    "range_low",
    "range_high",
    "unseen_share",
    "rise",
    "correlation",
)
"""The metrics of columns, in the order in which an overview of one window shows them."""

WITHOUT_VALUES = JOINT | {
    "null_share",
    "invalid_share",
    "rows",
    "freshness",
    "correlation",
    "distinct",
    "psi",
    "js_distance",
    "ks",
}
"""Metrics whose sentence holds no value of the column, so that it may be told of a personal one."""


def in_words(metric: str) -> Words:
    """The metric in words; one that is not known here, such as an outsider's, by its name."""
    known = _METRICS.get(metric)
    if known is not None:
        return known
    title = words.inert(metric.replace("_", " "))
    return Words(title, title, f"{title[:1].upper()}{title[1:]}")


def written(metric: str, value: float | None, temporal: bool = False) -> str:
    """A value of the metric, with its unit."""
    unit = in_words(metric).unit
    if value is None or not math.isfinite(value):
        return words.number(value)
    if unit is Unit.SHARE:
        return words.percent(value)
    if unit is Unit.COLUMN and temporal and metric != "iqr":
        return words.moment(value)
    if unit is Unit.SECONDS:
        return words.duration(value) if value >= 0 else f"−{words.duration(-value)}"
    return words.number(value)


def expected(metric: str, low: float | None, high: float | None, temporal: bool = False) -> str:
    """The usual range of the metric: `0–1.9 %`, `at most 12`, `at least 3`; empty where nothing is known."""
    low = None if low is None or not math.isfinite(low) else low
    high = None if high is None or not math.isfinite(high) else high
    if low is None and high is None:
        return ""
    if low is None:
        return f"at most {written(metric, high, temporal)}"
    if high is None:
        return f"at least {written(metric, low, temporal)}"
    first, last = written(metric, low, temporal), written(metric, high, temporal)
    if first == last:
        return last
    if first.endswith(" %") and last.endswith(" %"):
        first = first.removesuffix(" %")
    return f"{first} to {last}" if "−" in first + last else f"{first}–{last}"
