"""A run: the inbox goes to the lake, windows that are due are profiled and judged, and alarms take their states.

A run catches up, whoever starts it: a server's loop, cron, an orchestrator. It holds no state of its own, may break off
anywhere, and may run twice at once: each model is taken by one of them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any

import numpy as np

from watchkeeper.budget import Finding, Severity
from watchkeeper.checks import JOINT
from watchkeeper.engines import Spark
from watchkeeper.lake import Lake, Moved, Told, move
from watchkeeper.model import KEEP, OUTSIDE, Model, override_of
from watchkeeper.notify import Target, tell
from watchkeeper.profiles import Profiles, Slice, TimeWindows, parse
from watchkeeper.report.as_json import finding_as_dict
from watchkeeper.state import Store, alarm, count, window
from watchkeeper.watch import pipeline, service, silence
from watchkeeper.watch.home import Home
from watchkeeper.watch.labelled import Labelled
from watchkeeper.watch.log import open_log
from watchkeeper.watch.reference import Told as Progress
from watchkeeper.watch.settling import Settled, ripe, settle
from watchkeeper.watch.tidy import kept_from, tidy
from watchkeeper.watch.turn import turn
from watchkeeper.watch.versioned import Watches, watches_of
from watchkeeper.watch.windowed import Span

SECOND = 1_000_000
TOGETHER = 240
"""Windows that are profiled and judged at once."""


@dataclass(frozen=True)
class Ran:
    """What a run did for one model."""

    model: str
    events: int = 0
    labels: int = 0
    windows: int = 0
    """Profiled and judged, first or anew."""
    findings: tuple[Finding, ...] = ()
    """Warnings and alarms of these windows."""
    onsets: int = 0
    """Alarms that began to fire."""
    elsewhere: str | None = None
    """Who else runs this model now, so that nothing was done."""


def run(
    home: Home,
    only: str | None = None,
    *,
    now: int,
    told: Progress | None = None,
    on_alarm: Sequence[Target] = (),
    spark: Spark | None = None,
) -> list[Ran]:
    """Catch up, for all models or one. `now`: microseconds since 1970; windows that ended by then are due.

    `on_alarm`: who is told of alarms that began to fire. `spark`: where windows are profiled; None: here. Raises
    `NoSuchModel`, `NoBaseline`, `LakeUnavailable`, `StateUnavailable`, `NoSpark`, `SparkFailed`; all that was done
    before stays done.
    """
    done = []
    for model in home.models(only):
        done.append(run_model(home, model, now=now, told=told, spark=spark))
        for target in on_alarm:
            tell(home.store, model.name, target, now, open_log())
    return done


def run_model(home: Home, model: Model, *, now: int, told: Progress | None = None, spark: Spark | None = None) -> Ran:
    """Catch up for one model."""
    with turn(home, f"run {model.name}") as hold:
        if isinstance(hold, str):
            return Ran(model.name, elsewhere=hold)
        windows = parse(model.window)
        assert isinstance(windows, TimeWindows)
        lake = home.lake(model)
        moved = bring(home, model, lake, windows, now)
        window.touch(home.store, model.name, silence.until(now, home.store, model.name, windows), now)
        window.touch(home.store, model.name, ripe(lake, window.newest(home.store, model.name, now), now), now)
        tidy(lake, home.config)
        due = window.due(home.store, model.name, now)
        jobs = pipeline.follow(home.store, model, lake, now)
        ran = Ran(model.name, moved.events.new, moved.labels.new, findings=jobs.findings, onsets=jobs.onsets)
        if not due:
            return ran
        watches = watches_of(home, model, lake, windows, Labelled(model, windows), spark)
        found = [*ran.findings]
        onsets = ran.onsets
        for i in range(0, len(due), TOGETHER):
            some = due[i : i + TOGETHER]
            hold()
            findings, began = _windows(home, watches, some, now)
            found += findings
            onsets += began
            if told:
                told(len(some))
        return Ran(model.name, ran.events, ran.labels, len(due), tuple(found), onsets)


def bring(home: Home, model: Model, lake: Lake, windows: TimeWindows, now: int) -> Moved:
    """Move the inbox to the lake, and note what that made due."""
    moved = move(home.folder, model, lake)
    take(home, model, windows, moved.touched, now)
    _count(home.store, model.name, moved, now)
    moved.forget()
    return moved


def take(home: Home, model: Model, windows: TimeWindows, times: np.ndarray[Any, np.dtype[np.int64]], now: int) -> None:
    """Say that data of these event times came, so that their windows are due.

    Not so those whose events are kept no longer, and those before 1970: a clock was wrong, and no alarm is that old.
    """
    starts = np.unique(windows.start_of(times))
    starts = starts[starts >= max(kept_from(home.config) or 0, 0)]
    spans = list(zip(starts.tolist(), windows.end_of(starts).tolist(), strict=True))
    window.touch(home.store, model.name, silence.among(spans, home.store, model.name, windows, now), now)
    window.touch(home.store, model.name, spans, now, filled=True)


def day_of(now: int) -> date:
    """The day (UTC) of a moment in microseconds."""
    return datetime.fromtimestamp(now / SECOND, UTC).date()


def _windows(home: Home, watches: Watches, due: Sequence[window.Due], now: int) -> tuple[list[Finding], int]:
    """Profile and judge some windows; their findings, and how many alarms began to fire."""
    watched, store = watches.common, home.store
    profiles, told = watches.look(due, now)
    settled = settle(watched.lake, watched.labelled, due, told, now)
    of = settled.findings
    served = service.follow(store, watched.model, watched.lake, watched.windows, due, now)
    every = {span: [*mine, *served.findings.get(span, ())] for span, mine in of.items()}
    rows = [
        Told(*one.span, one.seen, [finding_as_dict(finding, watched.model) for finding in every[one.span]])
        for one in due
    ]
    watched.lake.put_findings(rows, now)
    onsets = served.onsets
    for one in due:
        onsets += _alarms(store, watched.model, one.span, of[one.span], profiles, settled, now)
        window.done(store, watched.model.name, one.span, one.seen, now)
    return [finding for mine in every.values() for finding in mine], onsets


def _alarms(
    store: Store,
    model: Model,
    span: Span,
    findings: Sequence[Finding],
    profiles: Profiles,
    settled: Settled,
    now: int,
) -> int:
    """Note what a window said about each alarm; how many began to fire."""
    loud = {_key(f): finding_as_dict(f, model) for f in findings if f.severity is Severity.ALARM}
    known = {one.key for one in alarm.current(store, model.name) if one.key.check not in OUTSIDE}
    empty = not any(n for at, n in zip(profiles.slices, profiles.rows.tolist(), strict=True) if _span(at) == span)
    begun = 0
    by_keep: dict[int, list[alarm.Judged]] = {}
    for key in known | set(loud):
        if settled.waits(span, key.check, key.columns):
            continue
        keep = override_of(model.checks, key.check, key.metric).keep_firing_for
        said = True if key in loud else None if empty and key.columns else False
        of = alarm.Judged(key, said, loud.get(key, {}))
        by_keep.setdefault(KEEP if keep is None else keep, []).append(of)
    for keep, judged in by_keep.items():
        changes = alarm.put(store, model.name, span, judged, now, keep_firing_for=keep * (span[1] - span[0]))
        begun += sum(change.onset is not None for change in changes)
    return begun


def _count(store: Store, model: str, moved: Moved, now: int) -> None:
    events = moved.events
    for kind, amount in (
        ("events", events.new),
        ("duplicates", events.duplicates),
        ("conflicts", events.conflicts),
        ("future", events.future),
        ("ancient", events.ancient),
        ("labels", moved.labels.new),
        ("corrupt", moved.corrupt),
    ):
        count.add(store, model, kind, amount, day_of(now))


def _key(finding: Finding) -> alarm.Key:
    columns = () if finding.metric in JOINT else finding.columns
    return alarm.Key(finding.check, finding.metric, columns, finding.segment, finding.version)


def _span(at: Slice) -> tuple[int | None, int | None]:
    return at.start, at.end
