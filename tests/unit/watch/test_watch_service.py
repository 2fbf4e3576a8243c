"""The figures of a service are measured, kept, and held against the windows before."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import numpy as np
import pytest

import watched
from watchkeeper.budget import Budget, Severity
from watchkeeper.lake import move
from watchkeeper.model import Override
from watchkeeper.sdk import Kind, MetricPoint
from watchkeeper.state import alarm
from watchkeeper.watch import service
from watchkeeper.watch.figure import METRICS, Figures, measured
from watchkeeper.watch.run import run

DAY = 86_400_000_000
BUDGET = Budget(1 / 30.4, 1 / 7)
USUAL = {"latency_p50": 20.0, "latency_p95": 60.0, "latency_p99": 110.0, "throughput": 0.02, "error_share": 0.004,
         "memory": 1.5e9, "cpu": 0.5}  # fmt: skip


def a_window(day, rows=2000, random=None, **changes):
    """A window like others: figures vary by some percent from day to day."""
    values = dict(USUAL)
    if random is not None:
        values = {name: value * float(np.exp(random.normal(0, 0.1))) for name, value in values.items()}
        rows = int(rows * np.exp(random.normal(0, 0.1)))
        values |= {"throughput": rows / 86_400, "error_share": random.binomial(rows, USUAL["error_share"]) / rows}
    values |= changes
    chance = dict.fromkeys(("latency_p50", "latency_p95", "latency_p99"), 0.001)
    return Figures((day * DAY, (day + 1) * DAY), values, dict.fromkeys(METRICS, rows), chance)


def days(count, seed=1):
    random = np.random.default_rng(seed)
    return [a_window(day, random=random) for day in range(count)]


@pytest.mark.parametrize(
    ("changes", "metric"),
    [
        ({"latency_p50": 60.0}, "latency_p50"),
        ({"latency_p99": 600.0}, "latency_p99"),
        ({"error_share": 0.05}, "error_share"),
        ({"memory": 4e9}, "memory"),
        ({"cpu": 1.5}, "cpu"),
    ],
)
def test_what_a_service_does_worse_is_an_alarm_that_names_it_and_what_was_usual(changes, metric):
    [finding] = service.judged(a_window(28, **changes), days(28), BUDGET)
    assert (finding.check, finding.metric, finding.severity, finding.kind) == ("service", metric, "alarm", "change")
    assert finding.value == changes[metric]
    assert USUAL[metric] < finding.expected[1] < finding.value
    assert finding.evidence > 5
    assert "is usual" in finding.message
    assert finding.window == "1970-01-29/1970-01-30"
    assert finding.priority == "page"


@pytest.mark.parametrize("rows", [0, 200, 20_000])
def test_far_fewer_and_far_more_requests_are_told(rows):
    at = replace(a_window(28), values={"throughput": rows / 86_400}, rows={"throughput": rows})
    [finding] = service.judged(at, days(28), BUDGET)
    assert (finding.metric, finding.severity) == ("throughput", "alarm")
    low, high = finding.expected
    assert not low <= finding.value <= high


@pytest.mark.parametrize(
    "changes",
    [
        {"latency_p50": 5.0, "latency_p95": 20.0, "latency_p99": 40.0},
        {"error_share": 0.0},
        {"memory": 2e8},
        {"cpu": 0.0},
    ],
)
def test_what_a_service_does_better_is_no_news(changes):
    assert service.judged(a_window(28, **changes), days(28), BUDGET) == []


def test_a_change_below_the_floor_is_no_news_however_sure_it_is():
    steady = [a_window(day) for day in range(28)]
    below = {"latency_p50": 29.0, "error_share": 0.0135, "memory": 1.85e9, "cpu": 0.74}
    assert service.judged(a_window(28, rows=10**6, **below), steady, BUDGET) == []
    above = {"latency_p50": 31.0, "error_share": 0.0150, "memory": 1.95e9, "cpu": 0.80}
    told = {one.metric for one in service.judged(a_window(28, rows=10**6, **above), steady, BUDGET)}
    assert told == set(above)


def test_windows_in_which_nothing_changed_alarm_within_the_budget():
    alarms = warnings = 0
    years = 4
    for seed in range(years):
        past = days(393, seed)
        for day in range(28, 393):
            told = service.judged(past[day], past[max(0, day - 56) : day], BUDGET)
            alarms += any(one.severity is Severity.ALARM for one in told)
            warnings += bool(told)
    assert alarms <= years * 12
    assert warnings <= years * 52


def test_fewer_than_ten_windows_judge_nothing():
    assert service.judged(a_window(9, latency_p50=900.0), days(9), BUDGET) == []
    assert service.judged(a_window(10, latency_p50=900.0), days(10), BUDGET) != []


def test_what_goes_on_stays_an_alarm_for_weeks_and_is_usual_in_the_end():
    past = days(28)
    loud = []
    for day in range(28, 100):
        at = a_window(day, random=np.random.default_rng(day), latency_p50=80.0)
        told = [one.metric for one in service.judged(at, past[-56:], BUDGET) if one.severity is Severity.ALARM]
        past.append(replace(at, loud=frozenset(told)))
        loud.append("latency_p50" in told)
    assert all(loud[:28])
    assert not any(loud[60:])


def test_a_person_may_ignore_a_figure_raise_its_floor_and_quieten_it():
    at, past = a_window(28, cpu=1.5), days(28)

    def told(**lines):
        return service.judged(at, past, replace(BUDGET, overrides={"cpu": Override.model_validate(lines)}))

    assert told(ignore=True) == []
    assert told(floor=1.2) == []
    assert [one.severity for one in told(severity="warning")] == ["warning"]
    assert told(severity="info") == []
    assert service.judged(at, past, replace(BUDGET, overrides={"service": Override(ignore=True)})) == []


@pytest.fixture
def live(tmp_path):
    """A home into which a service tells of itself for sixteen days; on the last it is four times as slow."""
    with watched.home(tmp_path) as found:
        for day in range(16):
            watched.log(found, day_of(day, slow=4 if day == 15 else 1))
            watched.log(found, of_itself(day), Kind.SERVICE)
        yield found


def day_of(day, slow=1, **fields):
    random = np.random.default_rng(day)
    latency = (slow * random.lognormal(3, 0.5, 400)).tolist()
    failed = random.random(400) < 0.01
    return watched.events(
        day,
        rows=400,
        latency_ms=lambda i: latency[i],
        error=lambda i: "ValueError: no such hotel" if failed[i] else None,
        **fields,
    )


def of_itself(day):
    at = watched.START + day * watched.DAY
    values = {"service_memory_bytes": 1e9 + 1e6 * day, "service_cpu_share": 0.2, "service_queue": 3.0}
    return [
        MetricPoint(name=name, time=at + timedelta(hours=hour), value=value * (1.1 if hour == 7 else 1))
        for name, value in values.items()
        for hour in range(24)
    ]


def test_figures_are_those_of_the_events_and_of_what_the_service_told(live):
    model = live.model("churn")
    lake = live.lake(model)
    move(live.folder, model, lake)
    begin = watched.micro(watched.START)
    records = day_of(3)
    latency = [record.latency_ms for record in records]
    [at] = measured(lake, [(begin + 3 * DAY, begin + 4 * DAY)])
    assert at.values["latency_p50"] == pytest.approx(np.quantile(latency, 0.5), rel=0.03)
    assert at.values["latency_p95"] == pytest.approx(np.quantile(latency, 0.95), rel=0.05)
    assert "latency_p99" not in at.values  # four events beyond it are too few
    assert at.values["throughput"] == pytest.approx(400 / 86_400)
    assert at.values["error_share"] == sum(record.error is not None for record in records) / 400
    assert at.values["memory"] == pytest.approx((1e9 + 3e6) * 1.1)
    assert at.values["cpu"] == pytest.approx(0.2 * (23 + 1.1) / 24)
    assert at.rows["cpu"] == 24


def test_the_chance_of_a_quantile_is_what_samples_of_that_size_show(live):
    model = live.model("churn")
    lake = live.lake(model)
    move(live.folder, model, lake)
    begin = watched.micro(watched.START)
    found = measured(lake, [(begin + day * DAY, begin + (day + 1) * DAY) for day in range(15)])
    for metric in ("latency_p50", "latency_p95"):
        seen = np.var([np.log(at.values[metric]) for at in found], ddof=1)
        told = np.mean([at.chance[metric] for at in found])
        assert 0.4 < seen / told < 2.5


def test_a_run_tells_a_slow_service_keeps_its_figures_and_goes_on_with_them(live):
    end = watched.micro(watched.START) + 16 * DAY
    [ran] = run(live, now=end)
    slow = [one for one in ran.findings if one.check == "service"]
    assert {one.metric for one in slow} == {"latency_p50", "latency_p95"}
    assert all(one.severity == "alarm" and one.window == "2024-03-19/2024-03-20" for one in slow)
    lake = live.lake(live.model("churn"))
    stored = lake.findings().to_pylist()
    assert {row["metric"] for row in stored if row["check"] == "service"} == {"latency_p50", "latency_p95"}
    kept = service.figures(live, live.model("churn"), 0, end)
    assert len(kept) == 16
    assert kept[-1].loud == {"latency_p50", "latency_p95"}
    firing = {one.key.metric: one.standing.state for one in alarm.current(live.store, "churn")}
    assert firing["latency_p50"] == alarm.State.FIRING

    watched.log(live, day_of(16, slow=4))
    watched.log(live, [*watched.events(3, rows=1, latency_ms=5.0)])  # a late copy: known by its id
    [again] = run(live, now=end + DAY)
    assert {one.metric for one in again.findings if one.check == "service"} == {"latency_p50", "latency_p95"}
    onsets = [one.key.metric for one in alarm.history(live.store, "churn") if one.key.check == "service"]
    assert sorted(onsets) == ["latency_p50", "latency_p95"]
    assert len(service.figures(live, live.model("churn"), 0, end + DAY)) == 17


def test_a_window_judged_anew_keeps_the_figures_of_its_latest_revision(live):
    end = watched.micro(watched.START) + 16 * DAY
    run(live, now=end)
    late = [replace_id(record) for record in day_of(3)[:100]]
    watched.log(live, late)
    run(live, now=end + 1)
    kept = service.figures(live, live.model("churn"), 0, end)
    assert [at.rows["throughput"] for at in kept] == [400] * 3 + [500] + [400] * 12


def replace_id(record):
    from msgspec.structs import replace as changed

    return changed(record, id=f"late-{record.id}")


def test_a_service_that_falls_silent_is_told(live):
    end = watched.micro(watched.START) + 16 * DAY
    run(live, now=end)
    [ran] = run(live, now=end + DAY)
    told = {one.metric: one.value for one in ran.findings if one.check == "service"}
    assert told == {"throughput": 0.0}


def test_events_that_tell_nothing_of_the_service_are_no_silence(live):
    watched.log(live, watched.events(16))
    [ran] = run(live, now=watched.micro(watched.START) + 17 * DAY)
    assert "throughput" not in {one.metric for one in ran.findings if one.check == "service"}


def test_files_that_tell_nothing_of_a_service_leave_no_figures(tmp_path):
    with watched.home(tmp_path) as found:
        for day in range(3):
            watched.log(found, watched.events(day))
        run(found, now=watched.micro(watched.START) + 3 * DAY)
        assert service.figures(found, found.model("churn"), 0, 2**60) == []
