"""How a model is doing, and what to do next."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys

import pytest
from rich.console import Console

from watched_home import BEGIN, HOUR, MINUTE, a_home, a_label, an_event, catch_up, log, log_hours, micro, the_time
from watchkeeper.lake import Lake
from watchkeeper.report import print_status
from watchkeeper.report.status import Firing, Flow, to_json
from watchkeeper.sdk import Kind, MetricPoint, SegmentWriter, inbox_of
from watchkeeper.state import lease
from watchkeeper.watch.labelled import kept
from watchkeeper.watch.status import statuses
from watchkeeper.watch.todo import Found, todo


def told(home, hours):
    (one,) = statuses(home, now=micro(hours))
    return one


def shown(home, hours, width=110):
    console = Console(width=width, file=None, record=True, force_terminal=False, color_system=None)
    with console.capture() as text:
        print_status(statuses(home, now=micro(hours)), console)
    return text.get()


@pytest.fixture(scope="module")
def busy(tmp_path_factory):
    """Thirty hours, of which the last two have lost a column; the labels of the others are there after an hour."""
    with a_home(tmp_path_factory.mktemp("busy")) as home:
        log_hours(home, 0, 28)
        log(home, Kind.LABEL, [a_label(i, i / 40 + 1 + i % 3) for i in range(27 * 40) if i / 40 + 1 + i % 3 < 30], 29)
        spoiled = {"age": 41, "income": 50.0, "plan": None}
        log_hours(home, 28, 30, features=spoiled)
        again = [an_event(h * 40 + k, h + k / 40) for h in (0, 1) for k in range(40)]
        log(home, Kind.EVENT, again, 30)
        lost = [MetricPoint(name="service_dropped", time=the_time(29.5), value=3.0, tags={"host": "a"})] * 2
        log(home, Kind.SERVICE, lost, 30)
        catch_up(home, 30)
        yield home


def test_a_model_without_events_says_how_to_log_them(tmp_path):
    with a_home(tmp_path) as home:
        one = told(home, 0)
        assert (one.flow.total, one.flow.newest, one.lag, one.worst) == (0, None, None, None)
        assert one.todo.startswith("No events yet. Log its predictions")
        assert "no events yet" in shown(home, 0)


def test_what_waits_for_a_server_or_was_refused_by_one_is_told(tmp_path):
    with a_home(tmp_path) as home:
        for name, amount in (("churn-0123456789ab", 3_000), ("churn-two-0123456789ab", 7_000)):
            aside = home.folder / "spool" / name / "aside"
            aside.mkdir(parents=True)
            (aside.parent / "a.wks").write_bytes(bytes(amount))
            (aside / "b.wks").write_bytes(bytes(2 * amount))
            (aside / "reasons.txt").write_text("it stays when the segment is sent again")
        disk = told(home, 0).disk
        assert (disk["spool"], disk["spool refused"]) == (3_000, 6_000)
        assert "spool 3 kB, spool refused 6 kB" in shown(home, 0)


def test_what_waits_in_the_inbox_is_told_before_any_run_also_while_it_is_being_written(tmp_path):
    with a_home(tmp_path) as home:
        writer = SegmentWriter(inbox_of(home.folder, "churn"))
        log(home, Kind.EVENT, [an_event(i, 0.5) for i in range(20)], 1, writer)
        log(home, Kind.EVENT, [an_event(i, 0.6) for i in range(20, 40)], 2, writer)
        one = told(home, 3)
        assert one.flow.waiting == one.disk["inbox"] > 0
        assert one.flow.waiting_since == micro(1)
        assert one.command == "watchkeeper run --model churn"
        catch_up(home, 3)
        log(home, Kind.EVENT, [an_event(50, 2.9)], 3, writer)
        after = told(home, 3.1)
        assert (after.flow.total, after.flow.waiting_since) == (40, micro(3))
        assert 0 < after.flow.waiting < one.flow.waiting
        assert after.lag == 6 * MINUTE
        writer.close()


def test_figures_are_those_of_the_lake(busy):
    one = told(busy, 30)
    assert one.flow.total == 30 * 40
    assert one.flow.newest == micro(30) - HOUR // 40
    assert one.flow.received == micro(30)
    assert abs(one.flow.hour - 40) <= 4
    assert abs(one.flow.day - 24 * 40) <= 24
    assert (one.due, one.flow.waiting) == (0, 0)
    assert one.counts == {"duplicates": 80}
    assert one.today["dropped"] == 6
    assert all(size > 0 for name, size in one.disk.items() if name != "inbox")


def test_alarms_come_first_with_since_when_and_what_to_do(busy):
    one = told(busy, 30)
    of_plan = next(alarm for alarm in one.alarms if alarm.columns == ("plan",))
    assert of_plan.since == micro(28)
    assert "`plan` is missing in 100 %" in of_plan.message
    assert one.worst.severity == "alarm"
    assert one.worst.window == "2024-01-02T05:00:00/2024-01-02T06:00:00"
    assert one.todo.startswith("Alarm on `")
    page = shown(busy, 30)
    assert page.startswith("■ churn:")
    assert "since 2 January 2024 04:00: " in page
    assert "6 dropped" in page


def test_labels_are_told_by_the_newest_window_that_is_final(busy):
    one = told(busy, 30)
    assert one.mature["coverage"] == 1.0
    states = [window["state"] for window in one.windows]
    assert states == sorted(states)  # final before provisional
    assert one.mature == [window for window in one.windows if window["state"] == "final"][-1]
    assert 3 * 3600 <= one.delays[0].quantiles["0.95"] <= 4 * 3600


def test_json_has_the_same_and_is_plain(busy):
    (one,) = json.loads(to_json(statuses(busy, now=micro(30))))["models"]
    assert one["events"]["newest"] == "2024-01-02T05:58:30"
    assert one["lag_s"] == 0
    assert set(one["windows"][0]) == {"window", "events", "labels", "coverage", "state", "revision"}
    assert one["todo"]


def test_due_windows_are_told_with_the_command_that_does_them(tmp_path):
    with a_home(tmp_path) as home:
        log_hours(home, 0, 3)
        catch_up(home, 0.5)  # moved, but no window is over yet
        one = told(home, 3)
        assert one.due == 3
        assert one.todo == "Run `watchkeeper run --model churn`: 3 windows are due."


def test_no_event_and_no_label_is_read(busy, monkeypatch):
    tables = []
    read = Lake.read

    def noted(self, name, *more, **others):
        tables.append(name)
        return read(self, name, *more, **others)

    monkeypatch.setattr(Lake, "read", noted)
    told(busy, 30)
    assert tables
    assert not {"events", "labels"} & set(tables)


def test_values_of_personal_columns_are_told_nowhere(tmp_path):
    columns = {"plan": {"type": "string", "pii": True}, "country": {"type": "string", "role": "segment", "pii": True}}
    with a_home(tmp_path, columns=columns, segments=["country"]) as home:
        log_hours(home, 0, 6)
        odd = {"age": 30, "income": 50.0, "plan": "SECRET77"}
        events = [
            an_event(h * 40 + k, h + k / 40, features=odd, context={"country": "VATICAN"})
            for h in (6, 7)
            for k in range(40)
        ]
        log(home, Kind.EVENT, events, 8)
        catch_up(home, 8)
        one = told(home, 8)
        assert one.alarms
        everything = to_json([one]) + shown(home, 8)
        assert not [word for word in ("SECRET77", "VATICAN", "country=DE", "country=IT") if word in everything]


FLOW = Flow(micro(1), micro(1), 1, 1, True, 10, 0, None)
ALARM = Firing("spike", "spike", ("x1",), None, None, BEGIN, "`x1` is odd.", "Look at x1's source.")


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({}, "Nothing: all is well."),
        ({"has_baseline": False}, "It has no baseline. Give it one: `watchkeeper baseline churn FILES --reason WHY`."),
        ({"alarms": [ALARM, ALARM]}, "Alarm on `x1` (and 1 more): Look at x1's source."),
        (
            {"alarms": [ALARM], "due": 1},
            "Alarm on `x1`: Look at x1's source. Then 1 window is due, so run `watchkeeper run --model churn`.",
        ),
        ({"silent": 2}, "2 alarms can't be judged: see why no events come."),
        ({"today": {"conflicts": 4}}, "See why: 4 records have the id of an earlier event"),
        ({"overdue": 3}, "See why no label came for 3 windows whose labels are overdue."),
    ],
)
def test_the_most_urgent_thing_is_said(changes, said):
    plain = {"due": 0, "alarms": [], "silent": 0, "today": {}, "has_baseline": True, "overdue": 0}
    assert todo(Found("churn", FLOW, **(plain | changes)), micro(2))[0].startswith(said)


def test_a_look_takes_few_windows_however_many_were_counted(tmp_path):
    """Five months of hours with their label counts: the newest three months, and every tenth of those before."""
    with a_home(tmp_path) as home:
        log_hours(home, 0, 1)
        catch_up(home, 1)
        lake = home.lake(home.model("churn"))
        delays = json.dumps({"0": [[i, 3] for i in range(20, 50)], "1": [[i, 2] for i in range(20, 50)]})
        same = {"revision": 1, "events": 200, "labels": 150, "delays": delays, "withheld": 0}
        spans = [(micro(h), micro(h + 1)) for h in range(-3600, 0)]
        lake.put_coverage([{"window_start": a, "window_end": b, **same} for a, b in spans], micro(1))
        day = {"window_start": micro(-48), "window_end": micro(-24), **same}  # the model had days once
        lake.put_coverage([day], micro(1))
        windows = kept(lake, (micro(0), micro(1)))
        assert len(windows) == 2200 + 140
        assert [one.span for one in windows[-3:]] == [(micro(h), micro(h + 1)) for h in (-2, -1, 0)]
        assert told(home, 2).delays[0].labels == 2339 * 150


def test_a_run_that_died_before_it_gave_its_turn_back_runs_no_more(tmp_path):
    with a_home(tmp_path) as home:
        log_hours(home, 0, 2)
        dead = subprocess.Popen([sys.executable, "-c", ""])
        dead.wait()
        for number, runner in ((os.getpid(), True), (dead.pid, False)):
            name = f"{socket.gethostname()}:{home.folder}:{number}:0123abcd"
            assert lease.acquire(home.store, "run churn", name, micro(9), micro(3))
            assert told(home, 3).runner == (name if runner else None)
            assert ("runs it now" in shown(home, 3)) == runner
            lease.release(home.store, "run churn", name)
        elsewhere = f"another-machine:{home.folder}:{dead.pid}:0123abcd"
        assert lease.acquire(home.store, "run churn", elsewhere, micro(9), micro(3))
        assert told(home, 3).runner == elsewhere


def test_one_of_a_kind_is_told_as_one(tmp_path):
    with a_home(tmp_path) as home:
        log_hours(home, 0, 2)
        log(home, Kind.EVENT, [an_event(999, 2.5)] * 2, 3)
        found = [finding for finding in catch_up(home, 3).findings if finding.metric == "rows"]
        assert [finding.message.partition(";")[0] for finding in found] == ["1 row came"]
        assert "1 duplicate (since yesterday: 1 duplicate)\n" in shown(home, 3)
