"""Pipelines: the jobs that feed a model, from what was told of their runs to findings and alarms."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from watchkeeper.budget import Budget, Finding
from watchkeeper.lake import Lake, Told
from watchkeeper.model import Model, override_of
from watchkeeper.report.as_json import finding_as_dict
from watchkeeper.state import Store, alarm
from watchkeeper.state.transition import State
from watchkeeper.watch.home import Home
from watchkeeper.watch.job import DAY, SECOND, Job, Run, jobs_of, runs_of
from watchkeeper.watch.job_finding import CHECK, Word, judged

LOOK_BACK = 400 * DAY
"""So far back runs are looked at, so that jobs of a month have a past."""
NEWS = 7 * DAY
"""What ended longer before the newest run than this is history, and no news."""
KEPT = 200
"""Runs of a job that are looked at, the newest ones, and all that are news."""
AHEAD = 3600 * SECOND
"""Clocks may be ahead by so much; runs that begin later than that are not believed."""


@dataclass(frozen=True)
class Followed:
    """What jobs did that is news."""

    findings: tuple[Finding, ...] = ()
    """Those that were not kept before."""
    onsets: int = 0


def follow(store: Store, model: Model, lake: Lake, now: int) -> Followed:
    """Judge what was told of runs of pipelines, keep what is found, and note alarms. Doing so twice changes nothing.

    A finding is kept under the moment at which its run began (`window_start` and `window_end` alike), so it stands
    beside the findings of windows and never in place of them.
    """
    told = runs(lake, now)
    if not told:
        return Followed()
    newest = max(run.ended or run.began for of_job in told.values() for run in of_job)
    words = judged(told, now, min(now, newest) - NEWS, Budget.of(model, 1.0))
    new = _keep(lake, model, words, now)
    return Followed(tuple(new), _alarms(store, model, words, told, now))


def jobs(home: Home, model: Model, now: int) -> list[Job]:
    """The jobs that were told of for a model, and how they are doing."""
    return jobs_of(runs(home.lake(model), now))


def runs(lake: Lake, now: int) -> dict[str, list[Run]]:
    """The newest runs of each job, in order of time."""
    columns = ["job", "run", "status", "time", "duration_s", "rows", "versions"]
    batches = list(lake.read("jobs", now - LOOK_BACK, now + AHEAD, columns))
    if not batches:
        return {}
    table = pa.Table.from_batches(batches).sort_by("time")
    table = table.set_column(3, "time", table["time"].cast(pa.int64()))
    recent = pc.max(table["time"]).as_py() - NEWS
    seen: dict[str, int] = defaultdict(int)
    names, times = table["job"].to_pylist(), table["time"].to_pylist()
    chosen = []
    for i in range(len(names) - 1, -1, -1):
        seen[names[i]] += 1
        if seen[names[i]] <= 2 * KEPT or times[i] >= recent:
            chosen.append(i)
    return runs_of(table.take(pa.array(sorted(chosen))).to_pylist())


def _keep(lake: Lake, model: Model, words: Sequence[Word], now: int) -> list[Finding]:
    """Keep the findings that are not kept yet, and give these."""
    found = [word for word in words if word.finding is not None]
    if not found:
        return []
    kept, revisions = _kept(lake, min(word.at for word in found), max(word.at for word in found) + 1)
    new: list[Finding] = []
    changed: set[int] = set()
    for word in found:
        assert word.finding is not None
        mine = kept.setdefault(word.at, {})
        key = (word.metric, f"job={word.job}")
        if key not in mine or mine[key]["severity"] == "warning" != word.finding.severity:
            mine[key] = finding_as_dict(word.finding, model)
            changed.add(word.at)
            new.append(word.finding)
    if changed:
        told = [Told(at, at, revisions.get(at, 0) + 1, list(kept[at].values())) for at in sorted(changed)]
        lake.put_findings(told, now)
    return new


def _kept(
    lake: Lake, start: int, end: int
) -> tuple[dict[int, dict[tuple[str, str | None], dict[str, Any]]], dict[int, int]]:
    """The findings that are kept of runs that began in this span, and their revisions."""
    table = lake.findings(start, end)
    mine = table.filter(pc.equal(table["window_start"], table["window_end"]))
    starts = mine["window_start"].cast(pa.int64()).to_pylist()
    kept: dict[int, dict[tuple[str, str | None], dict[str, Any]]] = defaultdict(dict)
    revisions: dict[int, int] = {}
    for at, text, revision in zip(starts, mine["finding"].to_pylist(), mine["revision"].to_pylist(), strict=True):
        finding = json.loads(text)
        kept[at][finding["metric"], finding["segment"]] = finding
        revisions[at] = revision
    return kept, revisions


def _alarms(store: Store, model: Model, words: Sequence[Word], told: Mapping[str, Sequence[Run]], now: int) -> int:
    """Note what was said about each job's alarms, in the order in which it came about; how many began to fire."""
    standing = {one.key: one for one in alarm.current(store, model.name) if one.key.check == CHECK}
    heard = {key: one.window[1] for key, one in standing.items()}
    fires = {key: one.standing.state is not State.RESOLVED for key, one in standing.items()}
    last = {_about(word): word for word in words}
    begun = 0
    for word in words:
        key = _about(word)
        before = heard.get(key, -1)
        is_late_news = word is last[key] and word.loud is False  # told after what should have followed it
        if not word.loud and not fires.get(key, False):
            continue
        if word.span[1] <= before and not is_late_news:
            continue
        span = (word.span[0], max(word.span[1], word.span[0] + 1, before))
        finding = finding_as_dict(word.finding, model) if word.finding is not None else {}
        said = [alarm.Judged(key, word.loud, finding)]
        quiet = _quiet(override_of(model.checks, CHECK, word.metric).keep_firing_for, told[word.job])
        changes = alarm.put(store, model.name, span, said, now, keep_firing_for=quiet)
        begun += sum(change.onset is not None for change in changes)
        heard[key] = span[1]
        fires[key] = word.loud is True or (fires.get(key, False) and quiet > 0)
    return begun


def _about(word: Word) -> alarm.Key:
    return alarm.Key(CHECK, word.metric, (), f"job={word.job}")


def _quiet(keep: int | None, of_job: Sequence[Run]) -> int:
    """For how long an alarm goes on that only so many good runs end, in microseconds; one is enough if none is said."""
    mean = (of_job[-1].began - of_job[0].began) // max(1, len(of_job) - 1)
    return int((keep - 0.5) * mean) if keep else 0  # half a pause less, as no run comes to the second
