"""Which windows a slice is compared with: every choice, sum and extreme is that of a plain loop."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as some

from watchkeeper.profiles.chosen import (
    Chosen,
    alike,
    alike_apart,
    apart,
    before,
    before_alike,
    everything,
)

phases = some.lists(some.integers(0, 4), min_size=1, max_size=40).map(np.array)
windows = some.integers(1, 40)


@some.composite
def choices(draw):
    """Any order of windows, and any two runs of it for each slice; runs may be empty."""
    many = draw(windows)
    order = np.array(draw(some.permutations(range(many))))
    ends = some.tuples(*[some.integers(0, many)] * 2).map(sorted)
    runs = draw(some.lists(some.tuples(ends, ends).map(lambda two: [*two[0], *two[1]]), min_size=1, max_size=10))
    return Chosen(order, np.array(runs))


def members(chosen: Chosen) -> list[list[int]]:
    """The windows of each slice, read from sums of powers: what `total` really adds."""
    table = chosen.total(np.eye(len(chosen.order), dtype=np.int64))
    return [np.repeat(np.arange(len(row)), row).tolist() for row in table]


def near(i: int, j: int, many: int) -> bool:
    return abs(i - j) <= many // 4


@given(windows, some.integers(1, 5))
def test_everything_is_every_window_once_for_every_slice(many, slices):
    assert members(everything(many, slices)) == [list(range(many))] * slices


@given(windows)
def test_a_window_apart_sees_all_windows_but_a_quarter_on_both_sides(many):
    expected = [[j for j in range(many) if not near(i, j, many)] for i in range(many)]
    assert members(apart(many)) == expected


@given(windows, some.integers(1, 30))
def test_the_windows_before_are_the_last_ones_and_never_the_window_itself(many, most):
    assert members(before(many, most)) == [list(range(max(0, i - most), i)) for i in range(many)]


@given(phases, some.lists(some.integers(0, 6), min_size=1, max_size=20).map(np.array))
def test_slices_see_the_windows_of_their_own_phase_and_none_where_there_is_none(phase, now):
    expected = [[j for j, other in enumerate(phase) if other == mine] for mine in now]
    assert members(alike(phase, now)) == expected


@given(phases)
def test_windows_alike_and_apart_share_the_phase_and_are_no_neighbours(phase):
    many = len(phase)
    expected = [[j for j in range(many) if phase[j] == phase[i] and not near(i, j, many)] for i in range(many)]
    assert members(alike_apart(phase)) == expected


@given(phases, some.integers(1, 10))
def test_the_windows_before_of_the_same_phase_are_the_last_such_ones(phase, most):
    expected = [[j for j in range(i) if phase[j] == phase[i]][-most:] for i in range(len(phase))]
    assert members(before_alike(phase, most)) == expected


@given(choices(), some.data())
def test_a_total_is_the_sum_of_a_loop_over_both_runs(chosen, data):
    many = len(chosen.order)
    values = np.array(data.draw(some.lists(some.integers(-1000, 1000), min_size=2 * many, max_size=2 * many)))
    looped = [[*chosen.order[a:b].tolist(), *chosen.order[c:d].tolist()] for a, b, c, d in chosen.runs.tolist()]
    assert chosen.total(values[:many]).tolist() == [sum(values[j] for j in one) for one in looped]
    table = values.reshape(many, 2)
    assert chosen.total(table).tolist() == [[sum(table[j, k] for j in one) for k in (0, 1)] for one in looped]


@given(choices(), some.data(), some.sampled_from([np.fmin, np.fmax]))
def test_an_extreme_is_that_of_a_loop_and_nan_where_no_window_has_a_value(chosen, data, of):
    many = len(chosen.order)
    number = some.one_of(some.just(np.nan), some.floats(-1e300, 1e300), some.sampled_from([np.inf, -np.inf]))
    values = np.array(data.draw(some.lists(number, min_size=many, max_size=many)))
    expected = []
    for a, b, c, d in chosen.runs.tolist():
        mine = [v for v in values[[*chosen.order[a:b], *chosen.order[c:d]]].tolist() if not np.isnan(v)]
        expected.append((min if of is np.fmin else max)(mine, default=np.nan))
    np.testing.assert_array_equal(chosen.extreme(values, of), expected)


def test_without_slices_there_are_no_sums_and_no_extremes():
    none = Chosen(np.arange(3), np.zeros((0, 4), dtype=np.int64))
    assert none.total(np.arange(3)).shape == (0,)
    assert none.extreme(np.arange(3.0), np.fmax).shape == (0,)
