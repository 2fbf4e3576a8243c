"""The only place where it is decided whether a measurement deserves a person's attention."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from watchkeeper.budget.budget import Budget
from watchkeeper.budget.finding import Finding, Severity
from watchkeeper.budget.limit import History, Limits, counts, loud, thresholds
from watchkeeper.budget.once import is_again, wholes
from watchkeeper.budget.priority import prioritised
from watchkeeper.budget.season import festive
from watchkeeper.budget.since import change
from watchkeeper.checks import Measurement
from watchkeeper.checks.sentence import figure, named
from watchkeeper.delivery.wording import listed

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]

_LOUDNESS = list(Severity).index


def judge(measurements: Sequence[Measurement], history: History, budget: Budget) -> list[Finding]:
    """Findings for measurements that chance and natural variation do not explain within the budget, worst first.

    An alarm, or a warning, takes more evidence than the window's threshold of that grade, against the baseline and,
    where there are some, against the windows just before; and the value must leave its floor. What differs from the
    baseline alone has come slowly: that is told once a column, as a warning.

    What all rows of a window show is not told again for a segment or a version that is nearly all of them: see `once`.

    What a person declared may keep a finding back until so many windows in a row were loud (it then has the worst
    severity of these), and limits its severity; on a holiday nothing is more than a warning.
    """
    limits = thresholds(measurements, history, budget)
    every = [told for m in measurements if counts(m, history) for told in _told(m, limits, history, budget)]
    of_all = wholes(finding for finding, _ in every)
    found, slow = ([f for f, late in every if late is is_slow and not is_again(f, of_all)] for is_slow in (False, True))
    told = [*found, *_first_of_each_column(slow, found)]
    return sorted(prioritised(told, measurements, history, budget.importance), key=_worst_first)


def _first_of_each_column(slow: Sequence[Finding], told: Sequence[Finding]) -> Iterable[Finding]:
    """What came slowly, once a column: where nothing else is told of the column in the same window."""
    known = {(*_where(finding), finding.window) for finding in told}
    firsts: dict[tuple[str, ...], Finding] = {}
    for finding in sorted(slow, key=lambda finding: finding.window or ""):
        if (*_where(finding), finding.window) not in known:
            firsts.setdefault(_where(finding), finding)
    return firsts.values()


def _where(finding: Finding) -> tuple[str, ...]:
    return (*finding.columns, finding.segment or "", finding.version or "")


def expected(m: Measurement, limits: Limits, history: History, slow: Bools | None = None) -> tuple[Floats, Floats]:
    """Lowest and highest value of each slice that would not be a warning: thresholds and floor turned round.

    `slow`: slices that are told because they differ from the baseline alone, whatever the windows just before them did.
    """
    low, high = history.quiet(m)
    to_warn, to_alarm = limits.of(m.slices)
    alone = np.zeros(len(m.slices), dtype=bool) if slow is None else slow
    for part in (m, m.recent):
        if part is None or part.evidence is None or part.band is None:
            continue
        with np.errstate(all="ignore"):
            lowest, highest = part.band(np.where(alone, to_alarm, to_warn))
        counts_here = ~alone if part is m.recent else np.ones(len(alone), dtype=bool)
        low = np.fmin(np.where(counts_here, lowest, np.nan), low)
        high = np.fmax(np.where(counts_here, highest, np.nan), high)
    if m.band is None:
        return np.full(len(m.slices), -np.inf), np.full(len(m.slices), np.inf)
    return low, high


def _told(m: Measurement, limits: Limits, history: History, budget: Budget) -> Iterable[tuple[Finding, bool]]:
    """Findings of one measurement, and whether each came so slowly that it differs from the baseline alone."""
    if m.evidence is None:
        return
    grades, override = loud(m, limits, history), history.override(m)
    lasting = override.lasting or 1
    alarm = _of_last(grades.alarm, lasting) > 0
    told = grades.warning | grades.slow
    places = np.flatnonzero(_of_last(told, lasting) == lasting)
    if not len(places):
        return
    usual_low, usual_high = expected(m, limits, history, grades.slow)
    check, most = history.checks[m.check], Severity(override.severity or Severity.ALARM)
    holiday = festive(m.slices, budget.holidays)
    for i in places.tolist():
        at = m.slices[i]
        usual = _number(usual_low[i]), _number(usual_high[i])
        together = bool(grades.together[i])
        finding = Finding(
            kind="change",
            check=m.check,
            metric=m.metric,
            columns=m.blame(i) if m.blame else m.columns,
            severity=min(Severity.ALARM if alarm[i] and not holiday[i] else Severity.WARNING, most, key=_LOUDNESS),
            message=_lasting(m, i) if together else check.say(m, i, usual),
            remedy=check.remedy,
            value=_number(m.value[i]),
            expected=None if together else usual,
            effect=None if m.effect is None else _number(m.effect[i]),
            evidence=_number(m.evidence[i]),
            rows=int(m.rows[i]),
            window=at.window,
            segment=at.segment,
            version=at.version,
            change=change(m, i, told),
        )
        yield finding, bool(grades.slow[i] and not alarm[i])


def _of_last(flags: Bools, windows: int) -> Ints:
    """How many of the last so many flags are true, at each."""
    summed = np.concatenate([[0], np.cumsum(flags)])
    at = np.arange(1, len(flags) + 1)
    return np.asarray(summed[at] - summed[np.maximum(0, at - windows)])


def _lasting(m: Measurement, i: int) -> str:
    """The sentence for what windows say together."""
    whose = listed([named(name) for name in m.columns], 5) if m.columns else "All columns"
    was = "" if m.was(i) is None else f", was {figure(m.was(i))}"
    return (
        f"{whose}: {m.metric} is {figure(float(m.value[i]))}{was}. No window is far out by itself; the last ones are, "
        "taken together."
    )


def _number(x: float) -> float | None:
    return float(x) if math.isfinite(x) else None


def _worst_first(finding: Finding) -> tuple[int, float]:
    return (-_LOUDNESS(finding.severity), -(finding.evidence or 0.0))
