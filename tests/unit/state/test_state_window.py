"""Windows: touched ones are due until they are done, and a touch that comes meanwhile is never lost."""

from __future__ import annotations

import pytest

from watchkeeper.state import window

HOUR = 3_600_000_000


def spans(store, now=100 * HOUR, model="m"):
    return [due.span for due in window.due(store, model, now)]


def test_a_window_touched_twice_before_a_run_is_due_once(store):
    window.touch(store, "m", [(0, HOUR), (0, HOUR)], now=1)
    window.touch(store, "m", [(0, HOUR)], now=2)
    [due] = window.due(store, "m", now=HOUR)
    assert (due.span, due.touched, due.revision) == ((0, HOUR), 2, 0)


def test_what_is_done_is_no_longer_due(store):
    window.touch(store, "m", [(0, HOUR)], now=1)
    [due] = window.due(store, "m", now=HOUR)
    assert window.done(store, "m", due.span, due.seen, now=2) == 1
    assert spans(store) == []
    assert window.finished(store, "m") == [window.Finished((0, HOUR), 1, 2, is_due=False)]


@pytest.mark.parametrize("now", [0, 1, 2])
def test_a_touch_while_a_run_works_leaves_the_window_due_whatever_the_clocks_say(store, now):
    window.touch(store, "m", [(0, HOUR)], now=1)
    [due] = window.due(store, "m", now=HOUR)
    window.touch(store, "m", [(0, HOUR)], now=now)
    window.done(store, "m", due.span, due.seen, now=1)
    [again] = window.due(store, "m", now=HOUR)
    assert (again.span, again.revision) == ((0, HOUR), 1)
    assert window.finished(store, "m")[0].is_due


def test_each_time_a_window_is_done_its_revision_rises(store):
    for revision in (1, 2, 3):
        window.touch(store, "m", [(0, HOUR)], now=revision)
        [due] = window.due(store, "m", now=HOUR)
        assert window.done(store, "m", due.span, due.seen, now=revision) == revision


def test_a_run_that_saw_less_and_ends_later_makes_nothing_due_again(store):
    window.touch(store, "m", [(0, HOUR)], now=1)
    [early] = window.due(store, "m", now=HOUR)
    window.touch(store, "m", [(0, HOUR)], now=2)
    [late] = window.due(store, "m", now=HOUR)
    window.done(store, "m", late.span, late.seen, now=3)
    window.done(store, "m", early.span, early.seen, now=4)
    assert spans(store) == []


def test_the_oldest_window_comes_first(store):
    wanted = [(hour * HOUR, (hour + 1) * HOUR) for hour in range(20)]
    window.touch(store, "m", reversed(wanted), now=1)
    assert spans(store) == wanted
    assert [due.span for due in window.due(store, "m", 100 * HOUR, most=3)] == wanted[:3]


def test_a_window_is_due_only_once_it_has_ended(store):
    window.touch(store, "m", [(0, HOUR), (HOUR, 2 * HOUR)], now=1)
    assert spans(store, now=HOUR - 1) == []
    assert spans(store, now=HOUR) == [(0, HOUR)]
    assert spans(store, now=2 * HOUR) == [(0, HOUR), (HOUR, 2 * HOUR)]


def test_models_do_not_see_each_others_windows(store):
    window.touch(store, "m", [(0, HOUR)], now=1)
    assert spans(store, model="other") == []


def test_windows_before_1970_and_of_other_lengths_are_windows_too(store):
    wanted = [(-HOUR, 0), (0, HOUR), (0, 24 * HOUR)]
    window.touch(store, "m", wanted, now=1)
    assert spans(store) == wanted


def test_finished_windows_are_found_by_what_they_overlap(store):
    for start in range(4):
        window.touch(store, "m", [(start * HOUR, (start + 1) * HOUR)], now=1)
    for due in window.due(store, "m", now=3 * HOUR):
        window.done(store, "m", due.span, due.seen, now=2)
    assert [found.span[0] // HOUR for found in window.finished(store, "m")] == [0, 1, 2]
    assert [found.span[0] // HOUR for found in window.finished(store, "m", HOUR, 2 * HOUR)] == [1]


def test_what_was_never_touched_cannot_be_done(store):
    with pytest.raises(window.UnknownWindow, match="never touched"):
        window.done(store, "m", (0, HOUR), 1, now=1)


def test_touching_nothing_is_nothing(store):
    window.touch(store, "m", [], now=1)
    assert spans(store) == []


def test_among_a_million_windows_the_due_ones_are_found_by_the_index(store):
    with store.writing() as connection:
        connection.exec_driver_sql(
            "INSERT INTO windows (model, window_start, window_end, touches, handled, revision, touched) "
            "WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < 999999) "
            "SELECT 'm', i * 10, i * 10 + 10, 1, 1, 1, 0 FROM n"
        )
        if connection.dialect.name == "postgresql":
            connection.exec_driver_sql("ANALYZE windows")
    window.touch(store, "m", [(5_000_000, 5_000_010), (50, 60)], now=1)
    assert spans(store) == [(50, 60), (5_000_000, 5_000_010)]
    query = (
        "SELECT * FROM windows WHERE model = 'm' AND touches > handled AND window_end <= 99999999 "
        "ORDER BY window_end, window_start"
    )
    with store.reading() as connection:
        explain = "EXPLAIN" if connection.dialect.name == "postgresql" else "EXPLAIN QUERY PLAN"
        plan = " ".join(str(row) for row in connection.exec_driver_sql(f"{explain} {query}"))
    assert "ix_windows_due" in plan
    assert "sort" not in plan.lower().replace("b-tree for order", "sort")
