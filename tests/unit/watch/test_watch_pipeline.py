"""Runs of pipelines that fail, come late, do not end, take long, or changed their packages are told once."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

import watched
from watchkeeper.budget import Budget
from watchkeeper.model import Override
from watchkeeper.sdk import JobRun, Kind, Logger
from watchkeeper.state import alarm
from watchkeeper.watch.job import Run, runs_of
from watchkeeper.watch.job_finding import judged
from watchkeeper.watch.pipeline import jobs
from watchkeeper.watch.run import run

SECOND, MINUTE, HOUR, DAY = 1_000_000, 60_000_000, 3_600_000_000, 86_400_000_000
BUDGET = Budget(1 / 30.4, 1 / 7)


def nightly(count, *, every=DAY, seconds=600.0, seed=1, jitter=60.0, **changes):
    """Runs of a job that begins every night within some minutes, and takes ten."""
    random = np.random.default_rng(seed)
    runs = []
    for i in range(count):
        began = i * every + int(random.normal(0, jitter) * SECOND)
        took = seconds * float(np.exp(random.normal(0, 0.15)))
        runs.append(Run("nightly", f"r{i}", began, began + int(took * SECOND), "ok", took, 1000, {"numpy": "2.1"}))
    return [replace(one, **changes) for one in runs]


def said(runs, now, since=-(10 * DAY), budget=BUDGET, job="nightly"):
    return [word.finding for word in judged({job: runs}, now, since, budget) if word.finding is not None]


def test_a_run_that_failed_is_a_violation_and_an_alarm():
    runs = [*nightly(2), Run("nightly", "r2", 2 * DAY, 2 * DAY + 90 * SECOND, "failed", 90.0)]
    [finding] = said(runs, 2 * DAY + HOUR)
    assert (finding.kind, finding.check, finding.metric, finding.severity) == ("violation", "job", "failed", "alarm")
    assert finding.segment == "job=nightly"
    assert finding.window == "1970-01-03/1970-01-03T00:01:30"
    assert finding.message == "`nightly` failed at 1970-01-03 00:01 after 90 seconds, in its run `r2`."


@pytest.mark.parametrize("after", [1.0, 1.1, 1.2])
def test_a_job_that_is_hardly_overdue_is_left_alone(after):
    assert said(nightly(20), 19 * DAY + int(after * DAY)) == []


def test_a_job_that_does_not_begin_is_told_with_what_is_missing():
    [finding] = said(nightly(20), 19 * DAY + int(1.5 * DAY))
    assert (finding.kind, finding.metric, finding.severity) == ("change", "late", "alarm")
    assert "has not begun since 1970-01-20 00:00: a run is missing. It begins every 24 hours" in finding.message
    assert "this time it should have begun by 1970-01-21 0" in finding.message
    low, high = finding.expected
    assert low == 0
    assert high == pytest.approx(1.25 * 86_400, rel=0.01)
    [finding] = said(nightly(20), 19 * DAY + int(4.1 * DAY))
    assert "4 runs are missing" in finding.message


def test_a_run_that_began_late_is_told_although_nobody_looked_meanwhile():
    runs = nightly(20)
    late = replace(runs[-1], began=runs[-1].began + 12 * HOUR, ended=runs[-1].ended + 12 * HOUR)
    [finding] = said([*runs[:-1], late], late.ended)
    assert finding.metric == "late"
    assert "began 12 hours late" in finding.message


def test_a_job_that_was_ended_is_not_missed_for_ever():
    words = judged({"nightly": nightly(20)}, 60 * DAY, 0, BUDGET)
    [word] = [word for word in words if word.metric == "late" and word.span[1] > 20 * DAY]
    assert (word.finding, word.loud) == (None, None)


@pytest.mark.parametrize("silent", [HOUR, DAY, 6 * DAY])
def test_a_job_of_every_minute_is_missed_by_those_who_look_once_a_day(silent):
    runs = nightly(300, every=MINUTE, seconds=5, jitter=1)
    assert [one.metric for one in said(runs, runs[-1].began + silent)] == ["late"]


def test_how_often_a_job_runs_is_not_known_from_three_runs():
    assert said(nightly(3), 20 * DAY) == []
    assert [one.metric for one in said(nightly(4), 20 * DAY)] == ["late"]


def working_days(count):
    return [one for one in nightly(count) if (one.began + DAY // 2) // DAY % 7 in (4, 5, 6, 0, 1)]


def test_a_job_of_working_days_is_not_missed_on_sundays_and_is_on_mondays():
    runs = working_days(60)
    for i in range(5, len(runs)):
        assert "late" not in [one.metric for one in said(runs[:i], runs[i].began - 1)]
    weekend = next(i for i in range(30, len(runs)) if runs[i].began - runs[i - 1].began > 2 * DAY)
    told = said(runs[:weekend], runs[weekend].began + 12 * HOUR, since=runs[weekend - 1].began)
    assert [(one.metric, one.severity) for one in told] == [("late", "alarm")]


def test_a_job_of_every_monday_is_missed_on_monday():
    runs = [replace(one, began=one.began + 4 * DAY + HOUR) for one in nightly(12, every=7 * DAY)]
    assert said(runs, runs[-1].began + 7 * DAY + HOUR) == []
    [finding] = said(runs, runs[-1].began + 7 * DAY + 12 * HOUR)
    assert "It begins every 7 days" in finding.message


def test_a_job_of_every_hour_is_missed_at_night_in_its_first_week_too():
    runs = nightly(40, every=HOUR, seconds=60, jitter=5)
    assert [one.metric for one in said(runs, runs[-1].began + 3 * HOUR)] == ["late"]


def test_runs_by_hand_and_runs_again_do_not_hide_how_often_a_job_runs():
    runs = nightly(20)
    again = [replace(one, name=f"again {one.name}", began=one.began + 20 * MINUTE) for one in runs[::3]]
    both = sorted([*runs, *again], key=lambda one: one.began)
    assert [one.metric for one in said(both, 19 * DAY + int(1.6 * DAY)) if one.metric == "late"] == ["late"]


def test_one_outage_in_the_past_does_not_excuse_the_next():
    runs = nightly(40)
    gap = [one if i < 15 else replace(one, began=one.began + 9 * DAY) for i, one in enumerate(runs)]
    told = said(gap, 48 * DAY + 2 * DAY, since=40 * DAY)
    assert [one.metric for one in told] == ["late"]


def test_a_run_that_does_not_end_is_told():
    runs = [*nightly(20), Run("nightly", "r20", 20 * DAY)]
    assert said(runs, 20 * DAY + 15 * MINUTE) == []
    [finding] = said(runs, 20 * DAY + 3 * HOUR)
    assert (finding.metric, finding.severity) == ("unfinished", "alarm")
    assert "has not ended, in its run `r20`. It takes 10" in finding.message


def test_where_it_is_not_known_how_long_runs_take_one_has_a_day_to_end():
    assert said([Run("nightly", "r0", 0)], 23 * HOUR) == []
    [finding] = said([Run("nightly", "r0", 0)], 25 * HOUR)
    assert (finding.metric, finding.severity) == ("unfinished", "warning")


@pytest.mark.parametrize(("seconds", "severity"), [(3000.0, "alarm"), (60.0, "alarm"), (1000.0, None), (350.0, None)])
def test_a_duration_that_is_far_out_is_told_to_both_sides(seconds, severity):
    runs = nightly(20)
    runs[-1] = replace(runs[-1], seconds=seconds, ended=runs[-1].began + int(seconds * SECOND))
    found = said(runs, runs[-1].ended)
    assert [(one.metric, one.severity) for one in found] == ([("duration", severity)] if severity else [])


def test_other_versions_than_those_of_the_good_run_before_are_a_warning():
    runs = nightly(3)
    runs[1] = replace(runs[1], status="failed", versions={"numpy": "3"})
    runs[2] = replace(runs[2], versions={"numpy": "2.2", "scipy": "1.15"})
    [finding] = [one for one in said(runs, 2 * DAY + HOUR) if one.metric == "versions"]
    assert (finding.severity, finding.value) == ("warning", 2)
    assert "`numpy` went from 2.1 to 2.2, `scipy` went from none to 1.15" in finding.message


def test_jobs_that_go_on_as_ever_are_told_within_the_budget():
    alarms = warnings = days = 0
    for seed in range(3):
        runs = nightly(200, seed=seed, jitter=600.0)
        runs = [replace(one, seconds=one.seconds * 1.0) for one in runs]
        for i in range(30, 200, 10):
            told = said(runs[: i + 1], runs[i].began + HOUR, since=runs[i - 9].began)
            alarms += sum(one.severity == "alarm" for one in told)
            warnings += sum(one.severity == "warning" for one in told)
            days += 10
    assert alarms <= days / 30
    assert warnings <= days / 7


def test_order_and_copies_of_what_is_told_do_not_matter():
    rows = [
        {"job": "a", "run": "1", "status": status, "time": at, "duration_s": None, "rows": None, "versions": None}
        for status, at in (("ok", 9 * SECOND), ("started", 0), ("ok", 9 * SECOND), ("started", SECOND))
    ]
    assert runs_of(rows) == runs_of(rows[::-1]) == {"a": [Run("a", "1", 0, 9 * SECOND, "ok", 9.0)]}


def test_a_person_may_ignore_and_quieten_what_jobs_do():
    runs = [*nightly(2), Run("nightly", "r2", 2 * DAY, 2 * DAY + 90 * SECOND, "failed", 90.0)]
    quiet = replace(BUDGET, overrides={"failed": Override(severity="warning")})
    assert [one.severity for one in said(runs, 2 * DAY + HOUR, budget=quiet)] == ["warning"]
    assert said(runs, 2 * DAY + HOUR, budget=replace(BUDGET, overrides={"job": Override(ignore=True)})) == []


@pytest.fixture
def found(tmp_path):
    with watched.home(tmp_path, days=5) as opened:
        yield opened


BEGIN = watched.micro(watched.START)


def tell(found, *records):
    watched.log(found, [JobRun(**{"job": "nightly", **record}) for record in records], Kind.JOB)


def at(days=0.0, **more):
    return datetime(2024, 3, 4, tzinfo=UTC) + timedelta(days=days, **more)


def a_run(day, status="ok", minutes=10):
    name = f"r{day}"
    end = {"run": name, "status": status, "time": at(day, minutes=minutes), "duration_s": 60.0 * minutes}
    return [{"run": name, "status": "started", "time": at(day)}, end]


def test_a_failure_is_told_once_and_its_alarm_ends_with_the_next_good_run(found):
    for day in range(5):
        tell(found, *a_run(day, "failed" if day == 3 else "ok"))
    now = BEGIN + 4 * DAY + HOUR
    [ran] = run(found, now=now)
    assert [one.metric for one in ran.findings] == ["failed"]
    assert ran.onsets == 1
    [onset] = alarm.history(found.store, "churn")
    assert onset.key == alarm.Key("job", "failed", (), "job=nightly")
    assert onset.ended is not None
    assert onset.finding["kind"] == "violation"
    [again] = run(found, now=now + HOUR)
    assert (again.findings, again.onsets) == ((), 0)
    lake = found.lake(found.model("churn"))
    assert [row["metric"] for row in lake.findings().to_pylist()] == ["failed"]


def test_a_late_job_fires_until_it_begins_and_beside_the_findings_of_its_window(found):
    watched.log(found, watched.events(0))
    for day in range(8):
        tell(found, *a_run(day))
    assert [one.findings for one in run(found, now=BEGIN + 8 * DAY + HOUR)] == [()]
    late = BEGIN + 8 * DAY + 12 * HOUR
    [ran] = run(found, now=late)
    assert [one.metric for one in ran.findings] == ["late"]
    [still] = run(found, now=late + HOUR)
    assert (still.findings, still.onsets) == ((), 0)
    [onset] = alarm.history(found.store, "churn")
    assert onset.ended is None
    tell(found, *a_run(8.6))
    run(found, now=BEGIN + 8 * DAY + 16 * HOUR)
    [onset] = alarm.history(found.store, "churn")
    assert onset.ended is not None


def test_news_that_come_late_end_an_alarm_that_should_never_have_begun(found):
    """As when the server was away, and the SDK kept a run in its spool."""
    for day in range(8):
        tell(found, *a_run(day))
    [ran] = run(found, now=BEGIN + 8 * DAY + 12 * HOUR)
    assert ran.onsets == 1
    tell(found, *a_run(8))
    run(found, now=BEGIN + 8 * DAY + 13 * HOUR)
    assert [one.standing.state for one in alarm.current(found.store, "churn")] == ["resolved"]


def test_a_warning_that_becomes_an_alarm_is_kept_as_one(found):
    for day in range(6):
        tell(found, *a_run(day))
    loudest = []
    for hour in range(6, 120, 6):
        [ran] = run(found, now=BEGIN + 6 * DAY + hour * HOUR)
        loudest += [str(one.severity) for one in ran.findings if one.metric == "late"]
    assert loudest in (["warning", "alarm"], ["alarm"])
    lake = found.lake(found.model("churn"))
    assert [row["severity"] for row in lake.findings().to_pylist()] == ["alarm"]


def test_findings_of_two_jobs_at_one_moment_stand_beside_each_other(found):
    tell(found, *a_run(1, "failed"))
    run(found, now=BEGIN + 2 * DAY)
    tell(found, *({**record, "job": "hourly"} for record in a_run(1, "failed")))
    run(found, now=BEGIN + 2 * DAY + HOUR)
    lake = found.lake(found.model("churn"))
    segments = [row["finding"] for row in lake.findings().to_pylist()]
    assert len(segments) == 2
    assert len(alarm.history(found.store, "churn")) == 2


def test_a_job_s_finding_never_takes_the_place_of_a_window_s(found):
    """A run may last exactly as long as a window of the model."""
    for day in range(2):
        watched.log(found, watched.events(day, age=90 if day else 40))
    tell(found, *a_run(1, "failed", minutes=24 * 60))
    [ran] = run(found, now=BEGIN + 2 * DAY)
    lake = found.lake(found.model("churn"))
    checks = {row["check"] for row in lake.findings().to_pylist()}
    assert "job" in checks
    assert len(checks) > 1
    assert {one.check for one in ran.findings} == checks


def test_what_a_logger_tells_of_a_job_that_breaks_becomes_a_finding(found):
    logger = Logger("churn", home=found.folder)
    with pytest.raises(ZeroDivisionError), logger.job("features"):
        raise ZeroDivisionError
    logger.close()
    now = int(datetime.now(UTC).timestamp() * SECOND) + MINUTE
    [ran] = run(found, now=now)
    assert [(one.metric, one.segment) for one in ran.findings] == [("failed", "job=features")]


def test_failures_of_last_year_are_no_news(found):
    tell(found, *a_run(0, "failed"))
    tell(found, *({**record, "job": "other"} for record in a_run(30)))
    [ran] = run(found, now=BEGIN + 31 * DAY)
    assert ran.findings == ()


def test_a_person_may_ask_for_two_good_runs_before_an_alarm_ends(tmp_path):
    yaml = watched.YAML + "checks: {{failed: {{keep_firing_for: 2}}}}\n"
    with watched.home(tmp_path, days=3, yaml=yaml) as opened:
        states = []
        for day in range(6):
            tell(opened, *a_run(day, "failed" if day == 3 else "ok"))
            run(opened, now=BEGIN + day * DAY + HOUR)
            states.append([str(one.standing.state) for one in alarm.current(opened.store, "churn")])
    assert states == [[], [], [], ["firing"], ["firing"], ["resolved"]]


def test_each_job_is_told_with_its_last_run_and_what_is_usual(found):
    for day in range(6):
        tell(found, *a_run(day, "failed" if day == 5 else "ok"))
    tell(found, {"job": "hourly", "run": "x", "status": "started", "time": at(2)})
    run(found, now=BEGIN + 6 * DAY)
    hourly, nightly = jobs(found, found.model("churn"), BEGIN + 6 * DAY)
    assert (hourly.name, hourly.last.status, hourly.pause, hourly.seconds) == ("hourly", None, None, None)
    assert (nightly.name, nightly.last.status, nightly.last.seconds) == ("nightly", "failed", 600)
    assert (nightly.pause, nightly.seconds) == (86_400, 600)
