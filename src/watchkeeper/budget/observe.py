"""Measures the data under test, and what the same measurements did in the baseline's own windows."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import replace

import numpy as np

from watchkeeper.budget.budget import Budget
from watchkeeper.budget.group import Group
from watchkeeper.budget.limit import FEW, History, loud, thresholds
from watchkeeper.checks import Check, Measurement
from watchkeeper.checks.run import groups, measured
from watchkeeper.model import override_of
from watchkeeper.profiles import Baseline, Profiles, Slice


def observe(
    now: Profiles, baseline: Baseline, checks: Iterable[Check], budget: Budget
) -> tuple[list[Measurement], History]:
    """All measurements with their evidence, and what the baseline says of them.

    From three baseline windows on, each is compared with the others that are no neighbours: what measurements do there
    is natural variation, and new windows are judged by it. A window of a column that alarms there is left out. Where
    weekdays or hours differ, windows alike are compared. New windows that follow the baseline in time are also compared
    with those just before them.
    """
    listed = [_less_ignored(check, budget) for check in checks]
    history = History(baseline.profiles.windows, {check.name: check for check in listed}, overrides=budget.overrides)
    found: list[Measurement] = []
    maxima: dict[Slice, float] = {}
    spoiled: dict[str, tuple[Slice, ...]] = {}
    seasonal: set[str] = set()
    grouped: list[Group] = []
    for part, reference in groups(now, baseline):
        plain = list(measured(part, reference, listed))
        if reference.windows < FEW:
            found += plain
            continue
        group = Group(part, reference, [check for check in listed if check.by_slice], budget, plain)
        grouped.append(group)
        if not any(at.version is not None for at in part.slices):
            spoiled |= group.spoiled_slices
            seasonal |= group.seasonal
            for at, most in group.maxima.items():
                maxima[at] = max(maxima.get(at, -math.inf), most)
    largest = np.array([most for at, most in sorted(maxima.items(), key=lambda item: item[0].key)])
    history = replace(history, maxima=largest, spoiled=spoiled, seasonal=frozenset(seasonal))
    together = [*found, *(m for group in grouped for m in group.measurements)]
    limits = thresholds(together, history, budget)
    for group in grouped:
        found += group.in_time(lambda m: loud(m, limits, history).alarm)
    return found, history


def _less_ignored(check: Check, budget: Budget) -> Check:
    """The check, without evidence in what a person ignores: that is shown, and nothing is learned or judged of it."""

    def measure(now: Profiles, baseline: Baseline) -> Iterator[Measurement]:
        for m in check.measure(now, baseline):
            ignored = override_of(budget.overrides, check.name, m.metric).ignores(m.columns)
            yield replace(m, law=None, evidence=None, band=None) if ignored else m

    return replace(check, measure=measure) if budget.overrides else check
