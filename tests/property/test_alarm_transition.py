"""Laws of an alarm's states that hold for any history of windows."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from watchkeeper.state.transition import Standing, State, is_onset, step

outcomes = st.sampled_from([True, False, None])
histories = st.lists(st.tuples(st.integers(1, 50), outcomes), max_size=40)
pauses = st.sampled_from([0, 1, 10, 60])


def walk(history, for_, keep):
    now, standing = 0, Standing()
    for gap, loud in history:
        now += gap
        after = step(standing, loud, now, for_, keep)
        yield now, loud, standing, after
        standing = after


@given(histories, pauses, pauses)
def test_the_same_window_twice_is_as_once(history, for_, keep):
    for now, loud, _, after in walk(history, for_, keep):
        assert step(after, loud, now, for_, keep) == after


@given(histories, pauses, pauses)
def test_an_onset_needs_a_loud_window_and_the_end_of_the_one_before(history, for_, keep):
    is_open = False
    for _, loud, before, after in walk(history, for_, keep):
        if is_onset(before, after):
            assert loud
            assert not is_open
            is_open = True
        if after.state in (State.OK, State.RESOLVED):
            is_open = False
        assert (after.state is State.FIRING) <= is_open


@given(histories, pauses, pauses)
def test_nothing_fires_before_it_was_loud_for_as_long_as_asked(history, for_, keep):
    since = None
    for now, loud, before, after in walk(history, for_, keep):
        is_open = before.state is State.FIRING or (before.state is State.NODATA and before.fired is not None)
        since = (since if since is not None else now) if loud and not is_open else None
        if is_onset(before, after):
            assert now - since >= for_


@given(histories, pauses, pauses)
def test_nothing_is_resolved_before_it_was_quiet_for_as_long_as_asked(history, for_, keep):
    last = None
    for now, loud, before, after in walk(history, for_, keep):
        last = now if loud else last
        if after.state is State.RESOLVED and before.state is not State.RESOLVED:
            assert not loud
            assert now - last >= keep


@given(histories, pauses, pauses)
def test_missing_data_are_never_ok(history, for_, keep):
    for _, loud, _, after in walk(history, for_, keep):
        assert (loud is None) == (after.state is State.NODATA)
