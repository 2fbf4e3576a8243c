"""The states of an alarm: each cell of the table, and how windows lead through it."""

from __future__ import annotations

import pytest

from watchkeeper.state.transition import Standing, State, is_onset, step

LOUD, QUIET, NOTHING = True, False, None
OK = Standing()
PENDING = Standing(State.PENDING, since=10, first=10, last=10)
FIRING = Standing(State.FIRING, since=10, first=10, last=10, fired=10)
RESOLVED = Standing(State.RESOLVED, since=20, first=10, last=10, fired=10)
LOST = Standing(State.NODATA, since=20, first=10, last=10, fired=10)
EMPTY = Standing(State.NODATA, since=20)


@pytest.mark.parametrize(
    ("before", "loud", "wanted"),
    [
        (OK, LOUD, State.FIRING),
        (OK, QUIET, State.OK),
        (OK, NOTHING, State.NODATA),
        (PENDING, LOUD, State.FIRING),
        (PENDING, QUIET, State.OK),
        (PENDING, NOTHING, State.NODATA),
        (FIRING, LOUD, State.FIRING),
        (FIRING, QUIET, State.RESOLVED),
        (FIRING, NOTHING, State.NODATA),
        (RESOLVED, LOUD, State.FIRING),
        (RESOLVED, QUIET, State.RESOLVED),
        (RESOLVED, NOTHING, State.NODATA),
        (LOST, LOUD, State.FIRING),
        (LOST, QUIET, State.RESOLVED),
        (LOST, NOTHING, State.NODATA),
        (EMPTY, LOUD, State.FIRING),
        (EMPTY, QUIET, State.OK),
        (EMPTY, NOTHING, State.NODATA),
    ],
)
def test_each_state_goes_where_the_table_says(before, loud, wanted):
    after = step(before, loud, now=30)
    assert after.state is wanted
    assert after.since == (before.since if wanted is before.state else 30)


def states(windows, for_=0, keep_firing_for=0):
    """The letters of the states after each window, ten apart, with `!` at each onset; L, q and . are the windows."""
    standing, said = Standing(), ""
    for number, window in enumerate(windows, 1):
        after = step(standing, {"L": True, "q": False, ".": None}[window], number * 10, for_, keep_firing_for)
        said += ("!" if is_onset(standing, after) else "") + after.state[0]
        standing = after
    return said


@pytest.mark.parametrize(
    ("windows", "for_", "keep", "wanted"),
    [
        ("LLLqq", 0, 0, "!fffrr"),  # further windows add evidence, not alarms
        ("LqLqL", 0, 0, "!fr!fr!f"),
        ("LqLqLqqq", 0, 20, "!ffffffrr"),
        ("LqLLL", 20, 0, "popp!f"),  # a quiet window begins the waiting anew
        ("LLL", 10, 0, "p!ff"),
        ("L.L", 0, 0, "!fnf"),  # what fired before the data were missing goes on
        ("L..q", 0, 0, "!fnnr"),
        ("L.qL", 0, 0, "!fnr!f"),
        ("L.LL", 10, 0, "pnp!f"),  # what did not fire yet begins anew
        ("q..q", 0, 0, "onno"),
        ("Lq.L", 0, 0, "!frn!f"),  # it was resolved: this is another one
    ],
)
def test_windows_lead_through_the_states(windows, for_, keep, wanted):
    assert states(windows, for_, keep) == wanted


def test_a_window_that_was_quiet_at_first_and_loud_after_all_goes_on_with_the_same_onset():
    resolved = step(FIRING, QUIET, now=20)
    again = step(resolved, LOUD, now=20)
    assert again.state is State.FIRING
    assert not is_onset(resolved, again)
    assert again.fired == FIRING.fired


def test_a_window_that_was_loud_at_first_and_quiet_after_all_resolves_what_it_raised():
    raised = step(OK, LOUD, now=20)
    assert step(raised, QUIET, now=20).state is State.RESOLVED
