"""Summary: mean, median, spread and distinct values of each column, reported and never judged."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from watchkeeper.checks import column
from watchkeeper.checks.measurement import Check, Measurement
from watchkeeper.checks.sentence import figure, named
from watchkeeper.profiles import Baseline, CategoryProfile, Profiles

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


def measure(now: Profiles, baseline: Baseline) -> Iterator[Measurement]:
    """Mean, median and interquartile range of numeric columns, distinct values of categorical ones."""
    for here, before, _ in column.numeric(now, baseline):
        for metric, value, reference in (
            ("mean", here.mean, before.mean),
            ("median", column.quantile(here, 0.5), column.quantile(before, 0.5)),
            (
                "iqr",
                column.quantile(here, 0.75) - column.quantile(here, 0.25),
                column.quantile(before, 0.75) - column.quantile(before, 0.25),
            ),
        ):
            yield _reported(metric, here.name, value, float(reference[0]), here.finite)
    for name, values in now.columns.items():
        whole = baseline.whole.columns[name]
        if isinstance(values, CategoryProfile) and isinstance(whole, CategoryProfile):
            distinct = values.distinct.astype(np.float64)
            yield _reported("distinct", name, distinct, float(whole.distinct[0]), values.valid)


def _reported(metric: str, name: str, value: Floats, reference: float, rows: Ints) -> Measurement:
    return Measurement(
        metric=metric,
        columns=(name,),
        value=value,
        rows=rows,
        effect=value - reference,
        reference=np.full(len(rows), reference),
    )


def _say(m: Measurement, i: int, usual: tuple[float | None, float | None]) -> str:
    return f"{named(m.columns[0])}: {m.metric} is {figure(float(m.value[i]))}, was {figure(m.was(i))}."


CHECK = Check(
    name="summary",
    measure=measure,
    sees="where a column lies and how wide it is, window by window",
    blind="whether a change is news; `shape` judges",
    remedy="",
    say=_say,
)
