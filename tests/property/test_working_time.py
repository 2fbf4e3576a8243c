"""Working time: adds up, goes forward, and can be turned round."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from watchkeeper.watch.working_time import DAY, SECOND, WorkingTime

CLOCKS = st.builds(WorkingTime, st.frozensets(st.integers(0, 6), min_size=1), st.integers(0, DAY - 1))
MOMENTS = st.integers(-(10**9) * SECOND, 4 * 10**9 * SECOND)


@given(CLOCKS, MOMENTS, MOMENTS)
def test_it_never_goes_back_and_never_faster_than_time(clock, one, other):
    start, end = sorted((one, other))
    assert 0 <= clock.between(start, end) <= (end - start) / SECOND


@given(CLOCKS, MOMENTS)
def test_a_week_has_as_many_days_of_it_as_it_counts(clock, moment):
    assert clock.between(moment, moment + 7 * DAY) == len(clock.days) * 86_400


@given(CLOCKS, MOMENTS, st.integers(1, 10**7))
def test_the_moment_after_so_much_of_it_is_after_so_much_of_it(clock, moment, seconds):
    assert clock.between(moment, clock.after(moment, seconds)) == seconds


@given(st.frozensets(st.integers(0, 6), min_size=1), st.integers(0, DAY - 1), st.lists(st.integers(-3600, 3600)))
def test_a_job_that_begins_about_the_same_time_of_day_begins_on_its_days_alone(days, time, jitter):
    monday = 4 * DAY
    jitter = [0, *jitter]
    begins = [
        monday + day * DAY + week * 7 * DAY + time + jitter[(day + week) % len(jitter)] * SECOND
        for week in range(3)
        for day in days
    ]
    clock = WorkingTime.of(np.array(begins))
    assert len(clock.days) == len(days)
    assert all(clock.between(begin - 3600 * SECOND, begin) == 3600 for begin in begins)
