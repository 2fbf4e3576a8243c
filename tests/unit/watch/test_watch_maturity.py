"""How late labels come, and what is said of windows whose labels are not all there."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from watched_home import BEGIN, DAY, HOUR, a_home, a_label, catch_up, log, log_hours, micro
from watchkeeper.sdk import Kind
from watchkeeper.watch.labelled import kept
from watchkeeper.watch.maturity import EDGES, Counted, State, outlook

NOW = BEGIN + 60 * DAY


def counted(age, delays, *, events=None, name="", revision=1):
    """A day that ended `age` microseconds ago, of whose labels only those that have come by now are known."""
    come = [delay for delay in delays if delay <= age]
    places = np.searchsorted(EDGES, come) + 1
    held = dict(zip(*(part.tolist() for part in np.unique(places, return_counts=True)), strict=True))
    return Counted((NOW - age - DAY, NOW - age), revision, events or len(delays), len(come), {name: held})


def test_young_windows_do_not_make_labels_look_early():
    """Half of all windows are too young to have seen the median delay; counted plainly, it would be far too short."""
    draw = np.random.default_rng(1)
    windows = [counted(age * DAY, draw.exponential(10 * DAY, 400)) for age in range(59, -1, -1)]
    curve = outlook(windows, NOW).whole
    plain = np.concatenate([[d for d in draw.exponential(10 * DAY, 400) if d <= age * DAY] for age in range(60)])
    assert np.median(plain) < 0.85 * 10 * DAY * np.log(2)
    for share in (0.5, 0.9, 0.95):
        truth = -np.log(1 - share) * 10 * DAY
        assert truth * 0.9 < curve.quantile(share) < truth * 1.3  # bins are 19 % wide, and told by their end


def test_a_model_that_was_followed_too_briefly_is_not_said_to_be_mature():
    draw = np.random.default_rng(2)
    windows = [counted(age * DAY, draw.uniform(0, 30 * DAY, 400)) for age in range(5)]
    view = outlook(windows, NOW)
    assert not view.whole.is_known
    assert {view.state(one) for one in windows} == {State.PROVISIONAL}


@pytest.mark.parametrize(("labels", "state"), [(1, State.PROVISIONAL), (19, State.PROVISIONAL), (20, State.FINAL)])
def test_a_few_early_labels_do_not_say_how_late_the_others_come(labels, state):
    window = counted(DAY, [HOUR] * labels, events=1_000)
    view = outlook([window], NOW)
    assert view.state(window) is state
    assert view.is_over(window) is (state is State.FINAL)


def test_the_slowest_class_decides_when_a_window_is_final():
    windows = []
    for age in range(40, 0, -1):
        quick, slow = counted(age * DAY, [HOUR] * 50, name="0"), counted(age * DAY, [9 * DAY] * 50, name="1")
        delays = {name: held for name, held in {**quick.delays, **slow.delays}.items() if held}
        windows.append(Counted(quick.span, 1, 100, quick.labels + slow.labels, delays))
    view = outlook(windows, NOW)
    assert [curve.name for curve in view.classes] == ["0", "1"]
    final = [one for one in windows if view.state(one) is State.FINAL]
    assert max(one.span[1] for one in final) == NOW - 10 * DAY  # the first whole day after the edge at 9.6 days
    young = windows[-1]
    assert view.note(young) == " Provisional: 0 % of its labels are there."


def test_labels_that_come_with_their_events_are_not_waited_for():
    windows = [Counted((BEGIN, BEGIN + DAY), 1, 10, 9, {"": {0: 9}}), Counted((BEGIN + DAY, BEGIN + 2 * DAY), 1, 10, 0)]
    view = outlook(windows, BEGIN + 2 * DAY)
    assert [view.state(one) for one in windows] == [State.FINAL, State.PROVISIONAL]
    assert view.note(windows[1]) == " Provisional: 0 % of its events have a label so far."


@given(st.lists(st.lists(st.integers(1, 30 * DAY), max_size=30), min_size=1, max_size=12), st.integers(0, 60 * DAY))
def test_the_share_that_has_come_only_rises_with_age(delays, more):
    view = outlook([counted(i * DAY, some) for i, some in enumerate(delays)], NOW)
    shares = view.whole.shares
    assert ((shares >= 0) & (shares <= 1)).all()
    assert (np.diff(shares) >= 0).all()
    assert view.whole.after(more) <= view.whole.after(more + DAY)


def test_no_window_at_all_tells_nothing():
    assert outlook([], NOW).come((NOW - DAY, NOW)) is None


@pytest.fixture(scope="module")
def late(tmp_path_factory):
    """A day and a half of hours; the labels of class 1 come after two hours, those of class 0 after five."""
    with a_home(tmp_path_factory.mktemp("late")) as home:
        log_hours(home, 0, 30, each=20)
        first = catch_up(home, 30)
        due = {i: i / 20 + (2 if i % 2 else 5) for i in range(30 * 20)}
        log(home, Kind.LABEL, [a_label(i, at) for i, at in due.items() if at < 30], 30)
        second = catch_up(home, 30)
        yield home, first, second


def test_missing_labels_are_no_finding_as_long_as_they_may_come(late):
    _, first, second = late
    assert (first.windows, second.windows) == (30, 28)
    assert not [f for f in first.findings + second.findings if {"left", "left_at"} & set(f.columns)]


def test_windows_know_how_many_of_their_events_have_a_label(late):
    home, _, _ = late
    held = {one.span[0]: one for one in kept(home.lake(home.model("churn")), (micro(29), micro(30)))}
    assert [(held[micro(h)].events, held[micro(h)].labels) for h in (0, 24, 27, 28)] == [
        (20, 20),
        (20, 20),
        (20, 10),
        (20, 0),
    ]
    assert set(held[micro(27)].delays) == {"1"}
    assert (held[micro(0)].revision, held[micro(28)].revision) == (2, 1)


def test_a_window_becomes_final_by_its_age_alone_and_a_late_label_makes_a_new_revision(late):
    home, _, _ = late
    lake = home.lake(home.model("churn"))
    windows = kept(lake, (micro(29), micro(30)))
    young = windows[24]
    assert outlook(windows, micro(28)).state(young) is State.PROVISIONAL
    assert outlook(windows, micro(31)).state(young) is State.FINAL
    log(home, Kind.LABEL, [a_label(3, 200, label=0)], 31)
    catch_up(home, 31)
    assert kept(lake, (micro(29), micro(30)))[0].revision == young.revision + 1


def test_labels_that_never_come_are_a_finding_once_no_more_are_expected(late):
    home, _, _ = late
    ran = catch_up(home, 36)
    told = {finding.window for finding in ran.findings if "left" in finding.columns and finding.metric == "null_share"}
    assert "2024-01-02T01:00:00/2024-01-02T02:00:00" in told
    again = catch_up(home, 36)
    assert again.windows == 0


def test_a_finding_about_the_quality_of_a_young_window_says_so(tmp_path):
    with a_home(tmp_path) as home:
        log_hours(home, 0, 12, each=60)
        log(home, Kind.LABEL, [a_label(i, i / 60 + 1 + i % 3) for i in range(60 * 9)], 12)
        wrong = [a_label(i, i / 60 + 0.2, label=1 - i % 2) for i in range(60 * 11, 60 * 11 + 40)]
        log(home, Kind.LABEL, wrong, 12)
        catch_up(home, 12)
        found = home.lake(home.model("churn")).findings()["finding"].to_pylist()
        of_quality = [one for one in map(json.loads, found) if one["check"] == "quality"]
        young = [one for one in of_quality if one["window"].startswith("2024-01-01T11")]
        assert young
        assert all(" Provisional: " in one["message"] for one in young)
        assert not [one for one in of_quality if one["window"] < "2024-01-01T08" and "Provisional" in one["message"]]


def test_label_counts_of_many_runs_stay_few_files_with_the_newest_rows(tmp_path):
    """Each run adds a file; some dozens later those of a month are one, and only the latest revisions are left."""
    with a_home(tmp_path) as home:
        lake = home.lake(home.model("churn"))
        for run in range(70):
            spans = [(micro(24 * day), micro(24 * day + 1)) for day in (0, 40, run % 7)]
            same = {"events": run, "labels": 0, "delays": "{}", "withheld": 0, "revision": run}
            lake.put_coverage([{"window_start": a, "window_end": b, **same} for a, b in set(spans)], run)
        table = lake.tables["coverage"]
        assert len(table.files(table.fresh())) < 40
        assert lake.coverage()["events"].to_pylist() == [69, 64, 65, 66, 67, 68, 69, 69]
        assert sum(batch.num_rows for batch in lake.read("coverage")) < 40
