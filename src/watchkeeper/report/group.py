"""Findings gathered by cause, so that 128 drifting columns are one sentence and one column's many metrics another."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from watchkeeper.budget import Finding, Severity
from watchkeeper.checks import JOINT
from watchkeeper.delivery.wording import plain
from watchkeeper.report import mask, words
from watchkeeper.report.metric import in_words
from watchkeeper.report.timeline import Timeline

JOINTLY = "the joint distribution"
"""What findings about all columns together are about."""
TOGETHER = 3
"""From how many columns with the same finding on they are told in one sentence."""

MOST_EPISODES = 3
"""More runs of windows than this are not listed one by one."""

_LOUDNESS = {Severity.ALARM: 0, Severity.WARNING: 1, Severity.INFO: 2}


@dataclass(frozen=True)
class Group:
    """Findings of one cause: one column over its windows and metrics, or many columns with the same finding."""

    findings: tuple[Finding, ...]
    """Worst first."""
    columns: tuple[str, ...]
    """Worst first, each once; empty where the file as a whole is meant."""
    windows: tuple[str, ...]
    """Those with a finding, oldest first."""
    sentence: str
    when: str
    """In which windows; empty where the result has but one."""
    also: str
    """What else the same columns show; empty where nothing."""
    remedy: str

    @property
    def worst(self) -> Finding:
        """The finding that the sentence is about."""
        return self.findings[0]

    @property
    def severity(self) -> Severity:
        """That of the worst finding."""
        return self.worst.severity

    @property
    def leads(self) -> tuple[Finding, ...]:
        """Of each column (or pair, or of all together) with the worst finding's metric its worst one, worst first."""
        first: dict[tuple[str, ...], Finding] = {}
        for finding in self.findings:
            if _cause(finding) == _cause(self.worst):
                first.setdefault(() if finding.metric in JOINT else finding.columns, finding)
        return tuple(first.values())

    @property
    def subject(self) -> str:
        """What it is about, in a few words."""
        worst = self.worst
        if worst.kind == "violation":
            where = words.join([words.name(column) for column in self.columns], most=2)
            check = words.inert(worst.check.replace("_", " "))
            return f"{check} in {where}" if where else check
        if worst.check == "quality":
            return "the model's quality"
        if worst.metric in JOINT:
            return JOINTLY
        if not self.columns:
            return (
                f"the number of {in_words(worst.metric).title}"
                if worst.metric == "rows"
                else in_words(worst.metric).title
            )
        return words.join([words.name(column) for column in self.columns], most=1)

    def windows_of(self, columns: tuple[str, ...], timeline: Timeline) -> tuple[str, ...]:
        """The windows in which these columns have a finding of the group."""
        if self.worst.metric in JOINT:
            return self.windows
        found = (timeline.window_of(finding) for finding in self.findings if finding.columns == columns)
        return tuple(dict.fromkeys(window for window in found if window is not None))


def groups(timeline: Timeline) -> tuple[Group, ...]:
    """Warnings and alarms by cause, worst first."""
    loud = [finding for finding in timeline.result.findings if finding.severity is not Severity.INFO]
    return tuple(_group(cause, timeline) for cause in _by_cause(loud, timeline))


def _cause(finding: Finding) -> tuple[str, str, str]:
    return finding.kind, finding.check, finding.metric


def _by_cause(findings: Sequence[Finding], timeline: Timeline) -> list[list[Finding]]:
    rank = {id(finding): i for i, finding in enumerate(findings)}
    changed = {f.columns[0] for f in findings if f.kind == "change" and _reach(f) == 1}

    def worst_first(finding: Finding) -> tuple[int, bool, int]:
        """Of the same severity, what columns explain comes after what each shows by itself: that says what to do."""
        carried = finding.metric in JOINT and bool(timeline.explaining(finding))
        return _LOUDNESS[finding.severity], carried, rank[id(finding)]

    subjects: dict[tuple[str, ...], list[Finding]] = {}
    for finding in sorted(findings, key=worst_first):
        subjects.setdefault(_subject(finding, changed, timeline), []).append(finding)
    alike: dict[tuple[str, str, str, Severity], list[list[Finding]]] = {}
    for part in subjects.values():
        alike.setdefault((*_cause(part[0]), part[0].severity), []).append(part)
    causes: list[list[Finding]] = []
    for parts in alike.values():
        causes.extend(_told_together(parts, timeline))
    return sorted((sorted(cause, key=worst_first) for cause in causes), key=lambda cause: worst_first(cause[0]))


def _told_together(parts: list[list[Finding]], timeline: Timeline) -> list[list[Finding]]:
    """Findings of many columns with the same metric as one cause, but for columns that never changed in one window.

    These are another cause where they are many too; the few that are left over are told together, or one by one.
    """
    sharing = _by_shared_windows(parts, timeline)
    many = [_flat(columns) for columns in sharing if len(columns) >= TOGETHER]
    rest = [part for columns in sharing if len(columns) < TOGETHER for part in columns]
    return [*many, *([_flat(rest)] if len(rest) >= TOGETHER else rest)]


def _by_shared_windows(parts: list[list[Finding]], timeline: Timeline) -> list[list[list[Finding]]]:
    """Parts whose worst metric spoke in the same window, be it by way of others; parts without windows share one."""
    found: list[tuple[set[str], list[list[Finding]]]] = []
    for part in parts:
        windows = set(_windows((f for f in part if _cause(f) == _cause(part[0])), timeline)) or {""}
        columns = [part]
        apart = []
        for theirs, others in found:
            if theirs.isdisjoint(windows):
                apart.append((theirs, others))
            else:
                windows |= theirs
                columns = others + columns
        found = [*apart, (windows, columns)]
    return [columns for _, columns in found]


def _subject(finding: Finding, changed: set[str], timeline: Timeline) -> tuple[str, ...]:
    """What a finding is about.

    A pair that no longer correlates is about the column of it that changed by itself, at any time; one about all
    columns together is about one that it names and that changed by itself in the same window.
    """
    if finding.kind == "violation":
        return ("violation", finding.check, *finding.columns)
    if finding.check == "quality":
        return ("quality",)
    if finding.metric in JOINT:
        return next((("change", column) for column in timeline.explaining(finding)), (JOINTLY,))
    if len(finding.columns) > 1:
        return next(
            (("change", column) for column in finding.columns if column in changed), ("change", *finding.columns)
        )
    return ("change", *finding.columns)


def _reach(finding: Finding) -> int:
    """How many columns it is about; 0 for all of them or none."""
    return 0 if finding.metric in JOINT else len(finding.columns)


def _flat(parts: Iterable[list[Finding]]) -> list[Finding]:
    return [finding for part in parts for finding in part]


def _group(findings: list[Finding], timeline: Timeline) -> Group:
    worst, model = findings[0], timeline.result.model
    leads = [finding for finding in findings if _cause(finding) == _cause(worst)]
    columns = tuple(dict.fromkeys(column for finding in leads for column in finding.columns))
    # A pair is only carried along by its column: its windows are not the column's.
    own = [finding for finding in findings if _reach(finding) == _reach(worst)]
    windows = _windows(own, timeline)
    lead = _windows(leads, timeline)
    told = " ".join([_without_file(mask.message(worst, model), timeline.result.current_name), *_part(worst, timeline)])
    more = [f for f in findings if _cause(f) != _cause(worst) and (f.metric not in JOINT or worst.metric in JOINT)]
    others = [
        _other(metric, _windows([f for f in more if f.metric == metric], timeline), lead, timeline)
        for metric in dict.fromkeys(finding.metric for finding in more)
    ]
    return Group(
        findings=tuple(findings),
        columns=columns,
        windows=windows,
        sentence=told if _few(leads) else f"{_together(worst, columns, leads)} {told}",
        when=" ".join(filter(None, [_when(lead, timeline.window_of(worst), timeline), words.began(worst)])),
        also=words.join(list(dict.fromkeys(others)), most=4),
        remedy=mask.remedy(worst, model),
    )


def _windows(findings: Iterable[Finding], timeline: Timeline) -> tuple[str, ...]:
    """The windows of findings, in order."""
    found = {label for label in map(timeline.window_of, findings) if label is not None}
    return tuple(sorted(found, key=lambda label: timeline.place.get(label, -1)))


def _other(metric: str, windows: tuple[str, ...], lead: tuple[str, ...], timeline: Timeline) -> str:
    """Another metric that moved, and when, where that was in other windows than those of the sentence."""
    title = in_words(metric).title
    return title if set(windows) <= set(lead) else f"{title} ({span(windows, timeline)})"


def _few(leads: list[Finding]) -> bool:
    return leads[0].metric in JOINT or len({f.columns for f in leads}) < TOGETHER


def _together(worst: Finding, columns: tuple[str, ...], leads: list[Finding]) -> str:
    pairs = {finding.columns for finding in leads if len(finding.columns) > 1}
    if pairs and worst.check != "quality":
        common, times = Counter(column for pair in pairs for column in pair).most_common(1)[0]
        centre = (
            f" {words.name(common)} is in {'all' if times == len(pairs) else f'{times:,}'} of them."
            if times > 1
            else ""
        )
        return f"{in_words(worst.metric).changed} in {words.plural(len(pairs), 'pair')} of columns.{centre} Worst:"
    named = words.join([words.name(column) for column in columns], most=3)
    what = f"`{words.inert(worst.check)}`" if worst.kind == "violation" else in_words(worst.metric).changed
    return f"{what} in {words.plural(len(columns), 'column')}: {named}. Worst:"


def _without_file(message: str, name: str) -> str:
    """A message about the one file that was checked, without its name: a report names it already."""
    for shown in (words.inert(name), plain(name)):
        for mark in (": ", ", "):
            if message.startswith(shown + mark):
                rest = message.removeprefix(shown + mark)
                return f"{rest[:1].upper()}{rest[1:]}"
    return message


def _part(finding: Finding, timeline: Timeline) -> list[str]:
    """Which segment or version a sentence is about, where it is not about all rows."""
    parts = [timeline.segments[finding.segment]] if finding.segment else []
    parts += [f"version {words.inert(finding.version)}"] if finding.version else []
    return [f"This is for {words.join(parts)}."] if parts else []


def _when(windows: tuple[str, ...], worst: str | None, timeline: Timeline) -> str:
    total = len(timeline.windows)
    if total < 2 or not windows:
        return ""
    if len(windows) == 1:
        return f"Only {words.within(windows[0])}."
    count = (
        f"In all {total:,} windows"
        if len(windows) == total
        else f"In {len(windows):,} of {total:,} windows, {span(windows, timeline)}"
    )
    return f"{count}; the worst is {words.window(worst)}." if worst else f"{count}."


def span(windows: Sequence[str], timeline: Timeline) -> str:
    """From when to when: `in 17–22 April 2004 and since 1 May 2004`; of many episodes the first and the last window."""
    runs: list[list[str]] = []
    for window in sorted(windows, key=lambda label: timeline.place.get(label, -1)):
        if runs and timeline.place.get(window, -1) == timeline.place.get(runs[-1][-1], -1) + 1:
            runs[-1].append(window)
        else:
            runs.append([window])
    lasts = bool(runs) and runs[-1][-1] == timeline.windows[-1] and len(runs[-1]) > 1
    if len(runs) > MOST_EPISODES:
        start, end = words.since(runs[-1][0]), words.since(runs[-1][-1])
        now = f"and since {start} without a break" if lasts else f"last {end}"
        return f"first {words.since(runs[0][0])}, {now}"
    parts = [words.within(words.from_to(run[0], run[-1])) for run in runs]
    if lasts:
        parts[-1] = f"since {words.since(runs[-1][0])}"
    return words.join(parts)
