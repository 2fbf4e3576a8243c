"""Windows without events are due where there usually are events: a stop is told, and costs no more than it says."""

from __future__ import annotations

from datetime import timedelta

import pytest

from watched import DAY, START, events, home, log, micro
from watchkeeper.state import window
from watchkeeper.watch.run import run

HOUR = timedelta(hours=1)


def after(windows, length=DAY):
    return micro(START + windows * length)


def catch_up(made, windows, length=DAY):
    (ran,) = run(made, now=after(windows, length))
    return ran


def log_windows(made, numbers, length=DAY, rows=48):
    for number in numbers:
        log(made, events(number, rows=rows, length=length))


def the_windows(made, length=DAY):
    """The numbers of all windows that were judged."""
    first = micro(START)
    step = int(length.total_seconds()) * 1_000_000
    return [(one.span[0] - first) // step for one in window.finished(made.store, "churn")]


@pytest.mark.parametrize("at_once", [True, False])
def test_a_stop_of_many_windows_is_told_once_events_come_again(tmp_path, at_once):
    with home(tmp_path, rows=48) as made:
        log_windows(made, range(20))
        if not at_once:
            assert catch_up(made, 20).onsets == 0
        log_windows(made, range(28, 32), rows=4)
        ran = catch_up(made, 32)
        assert the_windows(made) == list(range(32))
        assert ran.onsets == 1
        found = [(str(one.severity), one.metric, one.window[:10]) for one in ran.findings]
        assert found[0] == ("alarm", "rows", "2024-03-24")


@pytest.mark.parametrize("gap", [1, 2, 3])
def test_a_short_stop_is_told_although_an_event_waits_in_the_inbox(tmp_path, gap):
    with home(tmp_path, rows=48) as made:
        log_windows(made, range(4))
        catch_up(made, 4)
        log_windows(made, [4 + gap])
        ran = catch_up(made, 5 + gap)
        assert the_windows(made) == list(range(5 + gap))
        assert ran.onsets == 1
        assert next(one.window[:10] for one in ran.findings if one.metric == "rows") == "2024-03-08"


@pytest.mark.parametrize("waits", [True, False])
def test_a_stop_of_a_year_fires_once_and_makes_eight_windows_of_work(tmp_path, waits):
    with home(tmp_path, window="hour", days=3, rows=24 * 48) as made:
        log_windows(made, range(60), HOUR)
        assert catch_up(made, 60, HOUR).windows == 60
        onsets = windows = 0
        for hour in () if waits else (*range(61, 80), 8_000):
            ran = catch_up(made, hour, HOUR)
            onsets, windows = onsets + ran.onsets, windows + ran.windows
        log_windows(made, [8_820], HOUR)
        ran = catch_up(made, 8_821, HOUR)
        assert (onsets + ran.onsets, windows + ran.windows) == (1, 9)
        assert the_windows(made, HOUR) == [*range(68), 8_820]


def test_batches_once_in_a_while_have_no_empty_windows_between_them(tmp_path):
    with home(tmp_path, window="hour", days=3, rows=24 * 48) as made:
        for batch in range(4):
            log_windows(made, [batch * 24], HOUR)
            for hour in range(1, 25, 4):  # runs go on in between
                catch_up(made, batch * 24 + hour, HOUR)
        judged = the_windows(made, HOUR)
        assert set(judged) - set(range(9)) == {24, 48, 72}
        log_windows(made, [9_000], HOUR)
        assert catch_up(made, 9_001, HOUR).windows == 1


def test_an_empty_window_that_was_told_is_not_judged_again_when_events_come(tmp_path):
    with home(tmp_path, rows=48) as made:
        log_windows(made, range(6))
        catch_up(made, 6)
        assert catch_up(made, 8).windows == 2
        log_windows(made, [8])
        assert catch_up(made, 9).windows == 1
        assert {one.revision for one in window.finished(made.store, "churn")} == {1}
