"""What is to be said of jobs: runs that failed, come late, do not end, take long, or changed their packages."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from watchkeeper.budget import Budget, Finding, Priority, Severity
from watchkeeper.checks.sentence import instant, lapse, named
from watchkeeper.model import override_of
from watchkeeper.profiles import Slice
from watchkeeper.stats import evidence, prediction
from watchkeeper.watch.job import DAY, SECOND, Past, Run
from watchkeeper.watch.windowed import Span

CHECK = "job"
JUDGED = 20
"""Runs of a job, the newest ones, of which beginning and duration are judged."""
GRACE = 300.0
"""Seconds that the news of a run may take."""
LATE, LONG = 1.25, 2.0
"""Floors: a pause that is a quarter longer than usual, a duration that is twice or half the usual one."""
CLOCK, WORK = 0.05, 0.1
"""Standard deviations of the logarithms of pauses and of durations that are taken for granted."""
RETIRED = 30
"""A job that is silent for so many pauses, and for a week, is taken for one that was ended."""
FORGOTTEN = DAY
"""A run that did not end is told after so long where it is not known how long runs take."""


@dataclass(frozen=True)
class Word:
    """What is said of one run, or of the run that should have followed it."""

    metric: str
    job: str
    at: int
    """When the run began: its finding is kept under this moment."""
    span: Span
    """From when to when the matter took; it is over at the end of it."""
    finding: Finding | None = None
    """None: it is as it should be."""
    is_known: bool = True
    """Whether there is anything to say; a job that was ended is not heard of."""

    @property
    def loud(self) -> bool | None:
        """What its alarm hears."""
        if not self.is_known:
            return None
        return self.finding is not None and self.finding.severity is Severity.ALARM


def judged(jobs: Mapping[str, Sequence[Run]], now: int, since: int, budget: Budget) -> list[Word]:
    """What is to be said at `now` of runs that did not end before `since`, in the order in which it came about.

    A pause, or a duration, is loud beyond the evidence ln(J/alpha): J are the pauses and durations of all jobs a day,
    and alpha is the chance that the model's budget (of a day) leaves them. A failure is certain and needs no evidence.
    """
    pasts = {job: Past(runs) for job, runs in jobs.items()}
    each_day = max(1.0, sum(2 * DAY / SECOND / past.pause for past in pasts.values() if past.pause))
    needed = math.log(each_day / budget.warning), math.log(each_day / budget.alarm)
    words: list[Word] = []
    for past in pasts.values():
        recent = max(0, len(past.runs) - JUDGED)
        for i, run in enumerate(past.runs):
            if (run.began if run.ended is None else run.ended) < since:
                continue
            words += _ended(run)
            if i >= recent:
                words += _begun(past, i, needed)
                words += _took(past, i, needed)
                words += _differs(past, i)
            words += _unfinished(past, i, now, needed)
        words += _awaited(past, now, needed)
    told = (_limited(word, budget) for word in words)
    return sorted((word for word in told if word is not None), key=lambda word: (word.span[1], word.job, word.metric))


def _ended(run: Run) -> Iterator[Word]:
    """Whether a run failed."""
    if run.ended is None:
        return
    span = (run.began, max(run.ended, run.began))
    yield Word("failed", run.job, run.began, span, _failure(run, span) if run.status == "failed" else None)
    yield Word("unfinished", run.job, run.began, span)


def _failure(run: Run, span: Span) -> Finding:
    after = "" if run.seconds is None else f" after {lapse(run.seconds)}"
    return _finding(
        run,
        "failed",
        span,
        Severity.ALARM,
        f"{named(run.job)} failed at {instant(span[1])}{after}, in its run {named(run.name)}.",
        "Look at what the run printed, and run it again; until then its outputs are those of an earlier run.",
        kind="violation",
    )


def _begun(past: Past, i: int, needed: tuple[float, float]) -> Iterator[Word]:
    """Whether a run began later than those before it let expect."""
    if i:
        run, before = past.runs[i], past.runs[i - 1]
        yield from _late(past, i, run.began, run.began, needed)
        yield Word("late", run.job, before.began, (before.began, run.began))


def _awaited(past: Past, now: int, needed: tuple[float, float]) -> Iterator[Word]:
    """Whether the next run should have begun by now."""
    last = past.runs[-1]
    if past.pause is None:
        return
    end = last.began + max(int(RETIRED * past.pause * SECOND), 7 * DAY)
    if now > end:
        yield Word("late", last.job, last.began, (last.began, end), is_known=False)
    else:
        yield from _late(past, len(past.runs), None, now - int(GRACE * SECOND), needed)


def _late(past: Past, i: int, began: int | None, at: int, needed: tuple[float, float]) -> Iterator[Word]:
    """That the run after number i - 1 had not begun for too long at a moment; `began`: when it did in the end."""
    pauses, usual, before, clock = past.pauses(i), past.usual(i), past.runs[i - 1], past.clock(i)
    if pauses is None or usual is None:
        return
    worked = clock.between(before.began, at)
    if worked <= 0:
        return
    nats, highs = _far(worked, pauses, CLOCK, needed, "up")
    middle = float(np.median(pauses))
    high = max(highs[1], middle * LATE)
    if worked <= high or nats <= needed[0]:
        return
    if began is None:
        missing = max(1, int(worked / middle))
        runs = "a run is" if missing == 1 else f"{missing} runs are"
        told = f"{named(before.job)} has not begun since {instant(before.began)}: {runs} missing"
    else:
        told = f"{named(before.job)} began {lapse(worked - middle)} late, at {instant(began)}"
    span = (before.began, clock.after(before.began, high))
    longest = (span[1] - span[0]) / SECOND
    finding = _finding(
        before,
        "late",
        span,
        Severity.ALARM if nats > needed[1] else Severity.WARNING,
        f"{told}. It begins every {lapse(usual)}; this time it should have begun by {instant(span[1])}.",
        "See whether its scheduler runs, and what it waits for; whatever reads its outputs has old ones.",
    )
    passed = (at - before.began) / SECOND
    effect = passed / usual - 1
    measured = replace(finding, value=passed, expected=(0.0, longest), effect=effect, evidence=nats, rows=len(pauses))
    yield Word("late", before.job, before.began, span, measured)


def _unfinished(past: Past, i: int, now: int, needed: tuple[float, float]) -> Iterator[Word]:
    """Whether a run should have ended by now."""
    run = past.runs[i]
    if run.ended is not None or now <= run.began:
        return
    passed, span = (now - run.began) / SECOND, (run.began, run.began + FORGOTTEN)
    remedy = "See whether the process still lives; one that was killed, or ran out of memory, does not tell its end."
    durations = past.durations(i)
    told = f"{named(run.job)} began at {instant(run.began)} and has not ended, in its run {named(run.name)}"
    if durations is None:
        if now - run.began > FORGOTTEN:
            finding = _finding(run, "unfinished", span, Severity.WARNING, f"{told}.", remedy)
            yield Word("unfinished", run.job, run.began, span, replace(finding, value=passed))
        return
    usual = float(np.median(durations))
    nats, highs = _far(max(passed - GRACE, 1e-3), durations, WORK, needed, "up")
    high = max(highs[1], usual * LONG)
    if passed - GRACE <= high or nats <= needed[0]:
        return
    span = (run.began, run.began + int(high * SECOND))
    severity = Severity.ALARM if nats > needed[1] else Severity.WARNING
    message = f"{told}. It takes {lapse(usual)}; up to {lapse(high)} is usual."
    finding = _finding(run, "unfinished", span, severity, message, remedy)
    measured = replace(finding, value=passed, expected=(0.0, high), effect=passed / max(usual, 1e-3) - 1, evidence=nats)
    yield Word("unfinished", run.job, run.began, span, measured)


def _took(past: Past, i: int, needed: tuple[float, float]) -> Iterator[Word]:
    """Whether a good run took much longer, or much less long, than those before it."""
    run, durations = past.runs[i], past.durations(i)
    if run.status != "ok" or run.seconds is None or run.ended is None or durations is None:
        return
    span, usual = (run.began, max(run.ended, run.began)), float(np.median(durations))
    nats, (low, high) = _far(max(run.seconds, 1e-3), durations, WORK, needed, "two")
    low, high = min(low, usual / LONG, usual - 1), max(high, usual * LONG, usual + 1)
    if nats <= needed[0] or low <= run.seconds <= high:
        yield Word("duration", run.job, run.began, span)
        return
    finding = _finding(
        run,
        "duration",
        span,
        Severity.ALARM if nats > needed[1] else Severity.WARNING,
        f"{named(run.job)} took {lapse(run.seconds)}, in its run {named(run.name)}; {lapse(usual)} is usual.",
        "See how much it read and wrote; a run that ends at once has often found nothing to do."
        if run.seconds < usual
        else "See how much it read, and what it waited for.",
    )
    effect = run.seconds / usual - 1
    expected = (max(0.0, low), high)
    measured = replace(finding, value=run.seconds, expected=expected, effect=effect, evidence=nats, rows=run.rows)
    yield Word("duration", run.job, run.began, span, measured)


def _differs(past: Past, i: int) -> Iterator[Word]:
    """Whether a good run used other versions of its packages than the good run before it."""
    run = past.runs[i]
    before = next((one for one in reversed(past.runs[:i]) if one.status == "ok" and one.versions), None)
    if run.status != "ok" or run.ended is None or not run.versions or before is None:
        return
    names = sorted({*run.versions, *before.versions})
    changes = [
        f"{named(name)} went from {before.versions.get(name, 'none')} to {run.versions.get(name, 'none')}"
        for name in names
        if run.versions.get(name) != before.versions.get(name)
    ]
    if not changes:
        return
    more = f" and {len(changes) - 5} more" if len(changes) > 5 else ""
    span = (run.began, max(run.ended, run.began))
    finding = _finding(
        run,
        "versions",
        span,
        Severity.WARNING,
        f"{named(run.job)} ran with other packages than before: {', '.join(changes[:5])}{more}.",
        "If nobody meant that, pin the versions; compare what the run wrote with the run before.",
    )
    yield Word("versions", run.job, run.began, span, replace(finding, value=float(len(changes))))


def _far(
    value: float, past: evidence.Floats, sd: float, needed: tuple[float, float], side: evidence.Side
) -> tuple[float, tuple[float, float]]:
    """The evidence that a time is no further one of those in the past, and what would be no warning."""
    logs = np.log(past)
    nats = float(prediction.predictive_t(np.array([math.log(max(value, 1e-9))]), logs, sd**2, side)[0])
    low, high = (float(end[0]) for end in prediction.predictive_band(logs, sd**2, np.array([needed[0]]), side))
    return nats, (math.exp(max(low, -700.0)), math.exp(min(high, 700.0)))


def _finding(
    run: Run, metric: str, span: Span, severity: Severity, message: str, remedy: str, kind: str = "change"
) -> Finding:
    return Finding(
        kind=kind,
        check=CHECK,
        metric=metric,
        columns=(),
        severity=severity,
        message=message,
        remedy=remedy,
        rows=run.rows,
        window=Slice(*span).window,
        segment=f"job={run.job}",
        priority=Priority.of(severity),
    )


def _limited(word: Word, budget: Budget) -> Word | None:
    """A word within what a person declared of jobs."""
    override = override_of(budget.overrides, CHECK, word.metric)
    if override.ignores(()):
        return None
    if word.finding is None or override.severity is None:
        return word
    severity = min(word.finding.severity, Severity(override.severity), key=list(Severity).index)
    if severity is Severity.INFO:
        return replace(word, finding=None)
    return replace(word, finding=replace(word.finding, severity=severity, priority=Priority.of(severity)))
