"""Counts what findings cost: windows with an alarm, onsets, incidents, and which checks spent the budget."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

from scipy import special

from watchkeeper.budget import Finding, Severity
from watchkeeper.report import Result
from watchkeeper.report.backtest import Incident, Rate, Spent
from watchkeeper.report.metric import JOINT
from watchkeeper.report.timeline import Timeline

APART = 7
"""So many quiet windows end an incident."""

Placed = Sequence[tuple[int, Finding]]
"""Findings with the number of their window."""


def placed(result: Result) -> list[tuple[int, Finding]]:
    """The changes at warning and above, with the number of their window, oldest first.

    A block of rows has no name in a finding, so findings that are equal take the windows with their value in turn.
    """
    line = Timeline(result)
    taken: dict[Finding, int] = defaultdict(int)
    found = []
    for finding in result.findings:
        if finding.kind != "change" or finding.severity is Severity.INFO:
            continue
        windows = line.windows_of(finding)
        if windows:
            label = windows[min(taken[finding], len(windows) - 1)]
            taken[finding] += 1
            found.append((line.place[label], finding))
    return sorted(found, key=lambda one: one[0])


def labels(result: Result) -> tuple[str, ...]:
    """What the windows are called, oldest first."""
    return Timeline(result).windows


def alarmed(found: Placed) -> list[int]:
    """The windows with an alarm, oldest first."""
    return _of(found, Severity.ALARM)


def warned(found: Placed) -> list[int]:
    """The windows with a warning, whether they have an alarm too or not."""
    return _of(found, Severity.WARNING)


def _of(found: Placed, severity: Severity) -> list[int]:
    return sorted({window for window, finding in found if finding.severity is severity})


def spending(found: Placed) -> tuple[Spent, ...]:
    """Each check and its columns, by the windows that it took, most alarms first."""
    windows: dict[tuple[str, tuple[str, ...]], dict[Severity, set[int]]] = {}
    onsets: dict[tuple[str, tuple[str, ...]], int] = defaultdict(int)
    for (check, columns, _, _), alarms in _series(found).items():
        onsets[check, columns] += _onsets(alarms)
    for window, finding in found:
        mine = windows.setdefault(_cause(finding), {Severity.ALARM: set(), Severity.WARNING: set()})
        mine[finding.severity].add(window)
    spent = [
        Spent(*cause, len(mine[Severity.ALARM]), onsets[cause], len(mine[Severity.WARNING]))
        for cause, mine in windows.items()
    ]
    return tuple(sorted(spent, key=lambda one: (-one.alarms, -one.warnings, one.check, one.columns)))


def onsets(found: Placed) -> int:
    """Alarms in a window before which the same check of the same columns (and segment) raised none."""
    return sum(_onsets(alarms) for alarms in _series(found).values())


def _onsets(windows: Iterable[int]) -> int:
    known = set(windows)
    return sum(window - 1 not in known for window in known)


def _series(found: Placed) -> Mapping[tuple[str, tuple[str, ...], str | None, str | None], set[int]]:
    """The windows with an alarm of each check, columns, segment and version."""
    series: dict[tuple[str, tuple[str, ...], str | None, str | None], set[int]] = defaultdict(set)
    for window, finding in found:
        if finding.severity is Severity.ALARM:
            series[(*_cause(finding), finding.segment, finding.version)].add(window)
    return series


def _cause(finding: Finding) -> tuple[str, tuple[str, ...]]:
    """The check and its columns; those that only blame columns for a change of all together are one series."""
    return finding.check, () if finding.metric in JOINT else finding.columns


def incidents(found: Placed, labels: Sequence[str]) -> tuple[Incident, ...]:
    """Alarm windows of which no two neighbours have `APART` quiet windows or more between them, as one incident."""
    runs: list[list[int]] = []
    for window in alarmed(found):
        if runs and window - runs[-1][-1] <= APART:
            runs[-1].append(window)
        else:
            runs.append([window])
    return tuple(_incident(run, found, labels) for run in runs)


def _incident(run: Sequence[int], found: Placed, labels: Sequence[str]) -> Incident:
    mine = [f for window, f in found if window in set(run) and f.severity is Severity.ALARM]
    return Incident(
        first=labels[run[0]],
        last=labels[run[-1]],
        windows=len(run),
        checks=tuple(dict.fromkeys(finding.check for finding in mine)),
        columns=tuple(dict.fromkeys(column for finding in mine for column in finding.columns)),
    )


def rate(events: int, units: float, budget: str, allowed: float) -> Rate:
    """So many windows in so many months (or weeks), with the 95 % interval of a Poisson mean.

    Source: Garwood (1936), Biometrika 28, 437-442: the gamma quantiles at k and k + 1.
    """
    low = float(special.gammaincinv(events, 0.025)) if events else 0.0
    high = float(special.gammaincinv(events + 1, 0.975))
    return Rate(events, events / units, low / units, high / units, budget, allowed)
