"""The answer in sentences: is anything wrong, what, since when, how bad, and what now."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from watchkeeper.budget import Finding, Severity
from watchkeeper.checks import JOINT
from watchkeeper.model import Role
from watchkeeper.report import words
from watchkeeper.report.group import Group, groups, span
from watchkeeper.report.result import Result, Verdict
from watchkeeper.report.timeline import Timeline


class Level(StrEnum):
    """How worried to be, from verdict and findings together."""

    FINE = "fine"
    WARNING = "warning"
    ALARM = "alarm"


_VERDICTS = {
    Verdict.ACCEPT: "accept",
    Verdict.ACCEPT_WITH_WARNING: "accept with warning",
    Verdict.QUARANTINE_ROWS: "quarantine rows",
    Verdict.REJECT_FILE: "reject file",
}
_SOURCES = {
    "files": "one a file",
    "time": "cut by the time column like the data checked",
    "blocks": "blocks of as many rows as the data checked (virtual: they follow the file's order, not time)",
    "one": "all of it as one",
}


@dataclass(frozen=True)
class Answer:
    """What a report says first. Every text is inert and without values of personal columns."""

    level: Level
    verdict: str
    headline: str
    since: str
    how_bad: str
    fine: str
    baseline: str
    groups: tuple[Group, ...]
    """Warnings and alarms by cause, worst first."""
    told: tuple[Finding, ...]
    """Findings that are only told; what a short baseline limits stands in `baseline`."""


def answer(result: Result, timeline: Timeline | None = None) -> Answer:
    """Put a result into sentences."""
    timeline = timeline or Timeline(result)
    causes = groups(timeline)
    return Answer(
        level=_level(result),
        verdict=_verdict(result, causes),
        headline=_headline(result, causes),
        since=_since(causes, timeline),
        how_bad=_how_bad(causes, timeline),
        fine=_fine(timeline),
        baseline=_baseline(result),
        groups=causes,
        told=tuple(f for f in result.findings if f.severity is Severity.INFO and f.check != "history"),
    )


def _level(result: Result) -> Level:
    severities = {finding.severity for finding in result.findings}
    if result.verdict in (Verdict.REJECT_FILE, Verdict.QUARANTINE_ROWS) or Severity.ALARM in severities:
        return Level.ALARM
    if result.verdict is Verdict.ACCEPT_WITH_WARNING or Severity.WARNING in severities:
        return Level.WARNING
    return Level.FINE


def _verdict(result: Result, causes: Sequence[Group]) -> str:
    """What to do with the file; with `--by`, an accepted file may hold windows with findings, and that is said."""
    loud = causes[0].severity if causes else None
    but = f", with {words.plural(sum(cause.severity is loud for cause in causes), str(loud))}" if loud else ""
    return _VERDICTS[result.verdict] + (but if result.verdict is Verdict.ACCEPT else "")


def _headline(result: Result, causes: Sequence[Group]) -> str:
    if result.verdict is Verdict.REJECT_FILE:
        return f"The file can't be used: {_inner(causes[0].sentence)}" if causes else "The file can't be used."
    changed = _changed(causes)
    if result.rows_quarantined:
        one = result.rows_quarantined == 1
        bad = f"{words.plural(result.rows_quarantined, 'row')} of {result.rows_read:,} {'is' if one else 'are'} bad"
        return f"{bad}; {changed}." if changed else f"{bad}, the others are good."
    if changed:
        return f"{changed[:1].upper()}{changed[1:]}."
    return causes[0].sentence if causes else "Nothing is wrong."


def _inner(sentence: str) -> str:
    """A sentence as it goes on after a colon."""
    return sentence if sentence[1:2].isupper() else f"{sentence[:1].lower()}{sentence[1:]}"


def _changed(causes: Sequence[Group]) -> str:
    """`the model's quality`, `hum` and 7 more columns changed: one column of each cause before a second of any."""
    changes = [cause for cause in causes if cause.worst.kind == "change"]
    whole = list(dict.fromkeys(cause.subject for cause in changes if _is_whole(cause)))
    columns = [cause.columns for cause in changes if not _is_whole(cause)]
    names = list(dict.fromkeys([named[0] for named in columns] + [name for named in columns for name in named]))
    shown = [words.name(column) for column in names]
    more = f"{words.join(shown, most=2)}{' columns' if len(shown) > 3 else ''}" if shown else ""
    told = words.join([*whole, *([more] if more else [])])
    # Columns may fall apart, or come together, although none of them changed by itself.
    together = all(cause.worst.metric == "correlation" for cause in changes)
    return f"{told} {'relate to each other differently than before' if together else 'changed'}" if told else ""


def _is_whole(cause: Group) -> bool:
    """Whether it is about no column in particular."""
    return not cause.columns or cause.worst.check == "quality" or cause.worst.metric in JOINT


def _since(causes: Sequence[Group], timeline: Timeline) -> str:
    """Since when: of the worst, and of the earliest where that is another."""
    dated = [cause for cause in causes if cause.windows]
    if not dated or len(timeline.windows) < 2:
        return ""
    worst = dated[0]
    windows = worst.windows_of(worst.worst.columns, timeline) or worst.windows
    text = span(windows, timeline)
    earliest = min(dated, key=lambda cause: timeline.place.get(cause.windows[0], 0))
    if len(dated) > 1 or (len(worst.columns) > 1 and worst.worst.metric not in JOINT):
        text = f"worst is {_column(worst)}, {text}"
    if timeline.place.get(earliest.windows[0], 0) < min(timeline.place.get(window, 0) for window in windows):
        text += f"; the first sign is {earliest.subject}, {words.since(earliest.windows[0])}"
    return f"{text[:1].upper()}{text[1:]}."


def _column(cause: Group) -> str:
    if _is_whole(cause) or not cause.worst.columns:
        return cause.subject
    return words.join([words.name(column) for column in cause.worst.columns])


def _how_bad(causes: Sequence[Group], timeline: Timeline) -> str:
    counts = Counter(cause.severity for cause in causes)
    loud = [
        words.plural(counts[severity], str(severity))
        for severity in (Severity.ALARM, Severity.WARNING)
        if counts[severity]
    ]
    touched, total = len(timeline.touched), len(timeline.columns)
    where = f" in {touched:,} of {total:,} columns" if touched and total > 1 else ""
    return f"{words.join(loud)}{where}." if loud else ""


def _fine(timeline: Timeline) -> str:
    """The columns that are as before, in one line; empty where the file was never looked at."""
    shaped = {column for m in timeline.result.measurements if m.metric == "shape" for column in m.columns}
    # Keys and times, of which little is watched, are named last.
    columns = sorted(timeline.columns, key=lambda column: column not in shaped)
    quiet = [column for column in columns if column not in timeline.touched]
    if timeline.result.profiles is None or not quiet:
        return ""
    named = {role: timeline.result.model.only(role) for role in (Role.ID, Role.TIMESTAMP)}.values()
    half = [words.name(column) for column in quiet if shaped and column not in shaped and column not in named]
    but = f" Of {words.join(half, most=5)} only missing and bad values are looked at." if half else ""
    if len(quiet) == len(timeline.columns):
        return f"{'The only column is' if len(quiet) == 1 else f'All {len(quiet):,} columns are'} as before.{but}"
    are = f"{words.plural(len(quiet), 'column')} {'is' if len(quiet) == 1 else 'are'} as before"
    return f"{are}: {words.join([words.name(column) for column in quiet], most=5)}.{but}"


def _baseline(result: Result) -> str:
    name = words.inert(result.baseline_name)
    if not result.baseline_windows:
        return f"Nothing was compared with {name}."
    windows = words.plural(result.baseline_windows, "window")
    source = _SOURCES.get(result.baseline_source, result.baseline_source)
    text = f"{windows} of {name}, {source}."
    limits = [words.inert(finding.message, 400) for finding in result.findings if finding.check == "history"]
    return " ".join([text, *limits])
