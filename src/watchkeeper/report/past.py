"""What a metric did in the baseline's own windows: the same checks put to the baseline itself."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from watchkeeper.budget import Finding
from watchkeeper.checks import BUILT_IN, JOINT, available
from watchkeeper.profiles import Baseline, Slice
from watchkeeper.report.result import Result

Floats = NDArray[np.float64]
Key = tuple[str, tuple[str, ...], str | None]
"""Metric, columns, segment."""


def past(result: Result, findings: Sequence[Finding]) -> dict[Key, Floats]:
    """The findings' metrics in the baseline's windows, oldest first, shape (baseline windows,)."""
    if result.baseline is None:
        return {}
    asked: dict[tuple[str, str | None], set[str]] = defaultdict(set)
    for finding in findings:
        asked[finding.check, finding.segment].update(finding.columns)
    checks = {check.name: check for check in available(BUILT_IN)}
    # Pairs, all columns together, the model's quality and what outsiders measure may take any column to look at one.
    every = set(result.baseline.profiles.columns)
    one_by_one = {check.name for check in BUILT_IN} - {"correlation", "quality"} - JOINT
    values: dict[Key, Floats] = {}
    for (name, segment), columns in asked.items():
        if name in checks:
            before = _part(result.baseline, segment, columns if name in one_by_one else every)
            measured = checks[name].measure(before.profiles, before) if before.windows else ()
            values.update({(m.metric, m.columns, segment): m.value for m in measured})
    for finding in findings:  # one that covers many columns stands under none
        joint = values.get((finding.metric, (), finding.segment))
        if joint is not None:
            values[finding.metric, finding.columns, finding.segment] = joint
    return values


def _part(baseline: Baseline, segment: str | None, columns: set[str]) -> Baseline:
    """The baseline of one segment (or of all), with these columns only."""

    def move(at: Slice) -> Slice | None:
        return at.whole if segment is None or at.segment == segment else None

    kept = {name: column for name, column in baseline.profiles.columns.items() if name in columns}
    return replace(baseline, profiles=replace(baseline.profiles, columns=kept).regrouped(move))
