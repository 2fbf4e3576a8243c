"""Alarms are kept as the states say; an onset is told once and gathers the windows that follow."""

from __future__ import annotations

import pytest

from watchkeeper.state import alarm
from watchkeeper.state.transition import State

AGE = alarm.Key("null_share", "null_share", ("age",))


def span(day):
    return day * 10, day * 10 + 10


def put(store, day, *judged, key=AGE, **more):
    """Judge a window; returns its changes as (before, after, whether it is an onset)."""
    said = [alarm.Judged(key, loud, {"message": f"day {day}"}) for loud in judged]
    changes = alarm.put(store, "m", span(day), said, now=1000 + day, **more)
    return [(change.before, change.after, change.onset is not None) for change in changes]


def test_as_long_as_an_alarm_fires_further_windows_add_evidence_and_no_alarms(store):
    assert put(store, 1, True) == [(State.OK, State.FIRING, True)]
    assert put(store, 2, True) == []
    assert put(store, 3, True) == []
    [onset] = alarm.history(store, "m")
    assert (onset.window, onset.last, onset.windows, onset.ended) == (span(1), span(3), 3, None)
    assert (onset.key, onset.at, onset.finding) == (AGE, 1001, {"message": "day 1"})


def test_an_onset_ends_with_the_quiet_window_and_stays_in_the_history(store):
    put(store, 1, True)
    assert put(store, 2, False) == [(State.FIRING, State.RESOLVED, False)]
    assert put(store, 3, True) == [(State.RESOLVED, State.FIRING, True)]
    newer, older = alarm.history(store, "m")
    assert (older.window, older.windows, older.ended) == (span(1), 1, 30)
    assert (newer.window, newer.windows, newer.ended) == (span(3), 1, None)


def test_a_run_that_is_repeated_changes_nothing(store):
    for day, loud in ((1, True), (2, True), (3, False)):
        put(store, day, loud)
        before = alarm.current(store, "m"), alarm.history(store, "m")
        assert put(store, day, loud) == []
        assert (alarm.current(store, "m"), alarm.history(store, "m")) == before


def test_windows_caught_up_at_once_lead_where_they_lead_one_by_one(store):
    days = [True, True, None, True, False, False, True]
    for day, loud in enumerate(days, 1):
        put(store, day, loud, for_=10)
    one_by_one = [(onset.window, onset.last, onset.windows, onset.ended) for onset in alarm.history(store, "m")]
    for day, loud in enumerate(days, 1):
        alarm.put(store, "caught-up", span(day), [alarm.Judged(AGE, loud)], now=99_999, for_=10)
    caught_up = [(onset.window, onset.last, onset.windows, onset.ended) for onset in alarm.history(store, "caught-up")]
    assert one_by_one == caught_up == [(span(2), span(4), 2, 60)]


def test_a_late_revision_of_an_old_window_leaves_the_alarm_alone(store):
    put(store, 1, False)
    put(store, 5, True)
    assert put(store, 3, False) == []
    assert [found.standing.state for found in alarm.current(store, "m")] == [State.FIRING]


def test_the_newest_window_judged_anew_goes_on_with_its_onset(store):
    put(store, 1, True)
    put(store, 2, False)
    assert put(store, 2, True) == [(State.RESOLVED, State.FIRING, False)]
    [onset] = alarm.history(store, "m")
    assert (onset.last, onset.windows, onset.ended) == (span(2), 2, None)


def test_what_is_pending_and_what_has_no_data_is_listed_and_what_is_ok_is_not(store):
    fine, waiting, missing = (alarm.Key("shape", "shape", (name,)) for name in ("a", "b", "c"))
    said = [alarm.Judged(fine, False), alarm.Judged(waiting, True), alarm.Judged(missing, None)]
    alarm.put(store, "m", span(1), said, now=1, for_=100)
    states = {found.key.columns: found.standing.state for found in alarm.current(store, "m")}
    assert states == {("b",): State.PENDING, ("c",): State.NODATA}
    assert alarm.history(store, "m") == []


def test_what_was_pending_and_is_ok_again_is_no_longer_listed(store):
    put(store, 1, True, for_=100)
    assert put(store, 2, False, for_=100) == [(State.PENDING, State.OK, False)]
    assert alarm.current(store, "m") == []


@pytest.mark.parametrize(
    "other",
    [
        alarm.Key("shape", "null_share", ("age",)),
        alarm.Key("null_share", "shape", ("age",)),
        alarm.Key("null_share", "null_share", ("age", "city")),
        alarm.Key("null_share", "null_share", ()),
        alarm.Key("null_share", "null_share", ("age",), segment=""),
        alarm.Key("null_share", "null_share", ("age",), segment="None"),
        alarm.Key("null_share", "null_share", ("age",), version="v1"),
        alarm.Key("null_share", "null_share", ('age", "city',)),
        alarm.Key("null_share", "null_share", ("\0",), "\ud800", "🙂"),
        alarm.Key("series_error", "series_error", tuple(f"column number {i}" for i in range(2_000))),
    ],
)
def test_alarms_that_differ_in_one_part_are_apart(store, other):
    put(store, 1, True)
    assert put(store, 1, True, key=other) == [(State.OK, State.FIRING, True)]
    assert {found.key for found in alarm.current(store, "m")} == {AGE, other}
    assert [found.key for found in alarm.history(store, "m", other)] == [other]


def test_models_have_alarms_of_their_own(store):
    put(store, 1, True)
    assert alarm.current(store, "n") == []
    assert [change.onset for change in alarm.put(store, "n", span(1), [alarm.Judged(AGE, True)], now=1)] == [2]
