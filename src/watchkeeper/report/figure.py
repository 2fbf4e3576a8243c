"""The pictures that go with a finding, each with a title that says what it shows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from markupsafe import Markup

from watchkeeper.budget import Finding
from watchkeeper.checks import JOINT
from watchkeeper.profiles import CategoryProfile, NumericProfile
from watchkeeper.report import charts, mask, overlay, words
from watchkeeper.report.distribution import Histograms, Shares, histograms, shares
from watchkeeper.report.group import Group
from watchkeeper.report.metric import Unit, expected, in_words, written
from watchkeeper.report.past import Key, past
from watchkeeper.report.timeline import Floats, Series, Timeline

MOST_PAST = 60
"""Of the baseline's windows the newest, as many as there is room for."""
OF_VALUES = frozenset({"shape", "spike", "range_low", "range_high", "unseen_share", "rise"})
"""Metrics for which the column's two distributions are evidence."""


@dataclass(frozen=True)
class Figure:
    """A chart and what it shows."""

    title: str
    note: str
    picture: Markup
    overlaid: bool
    """Whether it lays two distributions over each other (and needs that key)."""


def figures(group: Group, timeline: Timeline, most: int) -> list[Figure]:
    """Evidence for the first `most` columns (or pairs) of a group, and for what else the worst of them shows."""
    leads = list(group.leads[:most])
    also = {finding.metric: finding for finding in reversed(group.findings) if finding.columns == leads[0].columns}
    others = [finding for metric, finding in also.items() if metric != leads[0].metric and metric not in JOINT]
    values = past(timeline.result, [*leads, *others])
    drawn: list[Figure] = []
    for lead in leads:
        drawn += _of_finding(lead, group, timeline, values)
    if len(leads) == 1:
        drawn += [figure for finding in others[:1] if (figure := _over_windows(finding, group, timeline, values))]
    return drawn


def _of_finding(finding: Finding, group: Group, timeline: Timeline, values: dict[Key, Floats]) -> list[Figure]:
    found = [_over_windows(finding, group, timeline, values)]
    if finding.metric in OF_VALUES:
        found.append(_distribution(finding, timeline))
    return [figure for figure in found if figure is not None]


def _over_windows(finding: Finding, group: Group, timeline: Timeline, values: dict[Key, Floats]) -> Figure | None:
    if in_words(finding.metric).unit is Unit.COLUMN and mask.hidden(timeline.result.model, finding.columns):
        return None
    series = timeline.series(finding)
    before = values.get((finding.metric, finding.columns, finding.segment), np.empty(0))[-MOST_PAST:]
    if series is None or len(before) + len(series.windows) < 2:
        return None
    loud = {
        window: one.severity
        for one in reversed(group.findings)
        if (one.metric, one.segment) == (finding.metric, finding.segment)
        and (one.columns == finding.columns or one.metric in JOINT)
        and (window := timeline.window_of(one)) is not None
    }
    worst = timeline.window_of(finding)
    title = _series_title(finding, series, worst)
    usual = expected(finding.metric, *(finding.expected or (None, None)), temporal=series.temporal)
    note = "; ".join(part for part in (f"{usual} is usual" if usual else "", _rows(series)) if part)
    return Figure(title, note, charts.over_windows(series, before, loud, worst, f"{title}. {note}."), overlaid=False)


def _series_title(finding: Finding, series: Series, worst: str | None) -> str:
    title = in_words(finding.metric).title
    named = f" of {_named(finding)}" if finding.columns and finding.metric not in JOINT else ""
    when = f" {words.within(worst)}" if worst is not None and len(series.windows) > 1 else ""
    return f"{title[:1].upper()}{title[1:]}{named}: {written(finding.metric, finding.value, series.temporal)}{when}"


def _rows(series: Series) -> str:
    if not len(series.rows):
        return ""
    least, most = int(series.rows.min()), int(series.rows.max())
    each = " a window" if len(series.rows) > 1 else ""
    return f"{least:,} rows{each}" if least == most else f"{least:,} to {most:,} rows{each}"


def _distribution(finding: Finding, timeline: Timeline) -> Figure | None:
    here, before, result = timeline.profile_of(finding), timeline.baseline_of(finding), timeline.result
    personal = bool(mask.hidden(result.model, finding.columns))
    window = timeline.window_of(finding)
    now = f"{words.window(window)}" if window is not None and len(timeline.windows) > 1 else "now"
    note = f"{_named(finding)}: the baseline's {{:,}} values against {{:,}} {now if now == 'now' else f'of {now}'}"
    if isinstance(here, NumericProfile) and isinstance(before, NumericProfile):
        shapes = histograms(before, here, 0)
        if shapes is None:
            return None
        title = (
            f"The distribution of {_named(finding)}, values not shown" if personal else _centre_title(finding, shapes)
        )
        told = note.format(int(before.finite[0]), int(here.finite[0])) + (
            "; logarithmic axis" if shapes.logarithmic else ""
        )
        return Figure(title, told, overlay.histogram(shapes, f"{title}. {told}.", masked=personal), overlaid=True)
    if isinstance(here, CategoryProfile) and isinstance(before, CategoryProfile):
        found = shares(before, here, 0)
        if found is None:
            return None
        title = (
            f"The values of {_named(finding)}, names not shown"
            if personal
            else _mover_title(finding, found, before.edges.codes)
        )
        told = note.format(int(before.valid[0]), int(here.valid[0]))
        known = before.edges.codes
        return Figure(title, told, overlay.bars(found, f"{title}. {told}.", known, masked=personal), overlaid=True)
    return None


def _centre_title(finding: Finding, shapes: Histograms) -> str:
    what, *ends = shapes.centre
    was, now = (words.moment(at) if shapes.temporal else words.number(at) for at in ends)
    if was == now:
        return f"The {what} of {_named(finding)} is {now} as before; its spread is not"
    return f"The {what} of {_named(finding)} is {now}, was {was}"


def _mover_title(finding: Finding, found: Shares, known: Mapping[str, int]) -> str:
    moved = found.now - found.before
    if finding.metric == "unseen_share":
        moved = np.where([value in known for value in found.values], 0.0, moved)
    most = int(np.argmax(moved if finding.metric in ("unseen_share", "rise") else np.abs(moved)))
    value = words.inert(found.values[most], 24) or "(empty)"
    now, was = words.percent(float(found.now[most])), words.percent(float(found.before[most]))
    return f"“{value}” makes up {now} of {_named(finding)}, was {was}"


def _named(finding: Finding) -> str:
    return words.join([words.name(column, 24) for column in finding.columns])
