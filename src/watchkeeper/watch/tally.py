"""Counts what findings cost: windows with an alarm, onsets, incidents, and which checks spent the budget."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

from scipy import special

from watchkeeper.budget import Finding, Severity
from watchkeeper.checks import JOINT
from watchkeeper.model import KEEP, Override, override_of
from watchkeeper.report import Result
from watchkeeper.report.backtest import Incident, Rate, Spent
from watchkeeper.report.timeline import Timeline

Overrides = Mapping[str, Override]
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


def spending(found: Placed, overrides: Overrides) -> tuple[Spent, ...]:
    """Each check and its columns, by the windows that it took, most alarms first."""
    windows: dict[tuple[str, tuple[str, ...]], dict[Severity, set[int]]] = {}
    onsets: dict[tuple[str, tuple[str, ...]], int] = defaultdict(int)
    for check, columns, _ in _firing(found, overrides):
        onsets[check, columns] += 1
    for window, finding in found:
        mine = windows.setdefault(_cause(finding), {Severity.ALARM: set(), Severity.WARNING: set()})
        mine[finding.severity].add(window)
    spent = [
        Spent(*cause, len(mine[Severity.ALARM]), onsets[cause], len(mine[Severity.WARNING]))
        for cause, mine in windows.items()
    ]
    return tuple(sorted(spent, key=lambda one: (-one.alarms, -one.warnings, one.check, one.columns)))


def onsets(found: Placed, overrides: Overrides) -> int:
    """Alarms of a check and its columns (and segment, and version) that began to fire."""
    return len(_firing(found, overrides))


def _firing(found: Placed, overrides: Overrides) -> list[tuple[str, tuple[str, ...], range]]:
    """The windows in which the alarm of a check and its columns fires, from each onset until it is over.

    It is over after as many quiet windows as a person says, or `KEEP`; but for the last, these are part of it.
    """
    series: dict[tuple[str, tuple[str, ...], str | None, str | None], dict[int, int]] = defaultdict(dict)
    for window, finding in found:
        if finding.severity is Severity.ALARM:
            keep = override_of(overrides, finding.check, finding.metric).keep_firing_for
            mine = series[(*_cause(finding), finding.segment, finding.version)]
            mine[window] = max(mine.get(window, 0), KEEP if keep is None else keep)
    return [
        (check, columns, run)
        for (check, columns, _, _), alarms in series.items()
        for run in _joined(range(window, window + max(1, keep)) for window, keep in sorted(alarms.items()))
    ]


def _joined(spans: Iterable[range]) -> list[range]:
    """Spans, sorted by their start, of which those that meet are one."""
    joined: list[range] = []
    for span in spans:
        if joined and span.start <= joined[-1].stop:
            joined[-1] = range(joined[-1].start, max(joined[-1].stop, span.stop))
        else:
            joined.append(span)
    return joined


def _cause(finding: Finding) -> tuple[str, tuple[str, ...]]:
    """The check and its columns; those that only blame columns for a change of all together are one series."""
    return finding.check, () if finding.metric in JOINT else finding.columns


def incidents(found: Placed, overrides: Overrides, labels: Sequence[str]) -> tuple[Incident, ...]:
    """The windows in which an alarm fires, and those that meet as one incident."""
    spans = sorted((run for _, _, run in _firing(found, overrides)), key=lambda run: run.start)
    windows = alarmed(found)
    return tuple(_incident([w for w in windows if w in span], found, labels) for span in _joined(spans))


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
