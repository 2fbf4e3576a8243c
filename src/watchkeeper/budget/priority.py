"""Where an alarm goes: to a person at once, or into the digest. It never changes how severe a finding is."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace

import numpy as np

from watchkeeper.budget.finding import Finding, Priority, Severity
from watchkeeper.budget.limit import History, counts
from watchkeeper.checks import JOINT, Measurement
from watchkeeper.checks.sentence import percent

LEAST = 0.01
"""The share of what the model goes by that must have moved."""

MOVED = frozenset({"null_share", "invalid_share", "unseen_share", "shape", "rise", "spike", "correlation"})
"""Metrics whose effect is a share of the rows."""
RANGES = frozenset({"range_low", "range_high"})
MARGIN = 2.0
"""A model is as good as it was where labels show that it lost less than so many floors of each metric."""

Where = tuple[str | None, str | None, str | None]


def prioritised(
    findings: Sequence[Finding],
    measurements: Iterable[Measurement],
    history: History,
    importance: Mapping[str, float],
) -> list[Finding]:
    """The findings with their priority: warnings go into the digest, and alarms page, but for two kinds of them.

    An alarm goes into the digest where little can come of it: all that its window's alarms moved, each column's share
    of rows times its `importance` (shares of 1), is less than `LEAST`; or where nothing came of it: labels are there,
    and the 95 % interval of every judged quality metric lies within `MARGIN` times its floor.
    """
    moved = _moved(findings, importance)
    harmless = _unharmed(measurements, history)
    told = []
    for finding in findings:
        usual, why = Priority.of(finding.severity), ""
        if usual is Priority.PAGE and finding.metric in MOVED | RANGES | JOINT:
            share = moved.get(_where(finding), 1.0)
            if _where(finding) in harmless:
                why = "Labels show that the model is as good as it was."
            elif share < LEAST and all(column in importance for column in finding.columns):
                why = f"It moves {percent(share)} of what the model goes by."
        words = f"{finding.message} {why}" if why else finding.message
        told.append(replace(finding, priority=Priority.DIGEST if why else usual, message=words))
    return told


def untaken(findings: Iterable[Finding], columns: Collection[str], live: str) -> list[Finding]:
    """The findings, of which alarms on `columns` alone, which the live version does not take, wait for the digest."""
    told = []
    for finding in findings:
        if (
            finding.priority is Priority.PAGE
            and finding.metric in MOVED | RANGES | JOINT
            and finding.version in (None, live)
            and finding.columns
            and set(finding.columns) <= set(columns)
        ):
            said = f"{finding.message} The live version, {live}, does not take {' and '.join(finding.columns)}."
            told.append(replace(finding, priority=Priority.DIGEST, message=said))
        else:
            told.append(finding)
    return told


def _moved(findings: Iterable[Finding], importance: Mapping[str, float]) -> dict[Where, float]:
    """By window (and segment, and version) the share of what the model goes by that alarms say has moved."""
    most: dict[Where, dict[str, float]] = defaultdict(dict)
    for finding in findings:
        if finding.severity is Severity.ALARM and finding.metric in MOVED | RANGES:
            share = 1.0 if finding.metric in RANGES else min(1.0, abs(finding.effect or 0.0))
            columns = most[_where(finding)]
            for column in finding.columns:
                columns[column] = max(columns.get(column, 0.0), share)
    return {
        where: sum(share * importance.get(column, 0.0) for column, share in columns.items())
        for where, columns in most.items()
    }


def _unharmed(measurements: Iterable[Measurement], history: History) -> frozenset[Where]:
    """Where labels show that the model is as good as it was: every judged quality metric, surely within its floor."""
    good: set[Where] = set()
    bad: set[Where] = set()
    for m in measurements:
        if m.check != "quality" or not counts(m, history) or m.interval is None:
            continue
        low, high = history.quiet(m, MARGIN)
        with np.errstate(invalid="ignore"):
            within = (m.interval[0] >= low) & (m.interval[1] <= high)
        for at, fine in zip(m.slices, within.tolist(), strict=True):
            (good if fine else bad).add((at.window, at.segment, at.version))
    return frozenset(good - bad)


def _where(finding: Finding) -> Where:
    return finding.window, finding.segment, finding.version
