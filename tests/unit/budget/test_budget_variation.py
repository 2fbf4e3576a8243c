"""Natural variation: learned without the window that it judges, from windows that count, and not from one wild one."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as some

from watchkeeper.budget import variation
from watchkeeper.checks import Measurement
from watchkeeper.stats.law import ScaledLaw

spreads = some.lists(some.one_of(some.just(np.nan), some.floats(0, 100)), min_size=1, max_size=50).map(np.array)
usuals = some.one_of(some.none(), some.floats(1, 20))


def measured(spread, value=None, few=None):
    """A measurement whose law has this spread."""
    spread = np.asarray(spread, dtype=float)
    value = np.full(len(spread), 0.5) if value is None else np.asarray(value, dtype=float)
    law = ScaledLaw(spread, lambda nats: (-nats, nats))
    return Measurement(metric="shape", columns=("x",), value=value, rows=np.full(len(spread), 100), law=law, few=few)


def cut(spread):
    """By hand: of every fifteen windows the largest spread is taken as at most 1.5 times the next."""
    known = sorted((x for x in spread if not np.isnan(x)), reverse=True)
    top = len(spread) // 15
    if not top or len(known) <= top:
        return list(spread)
    return [x if np.isnan(x) else min(x, 1.5 * known[top]) for x in spread]


def phi(held, usual):
    """The mean spread, with five windows' worth of the usual one where there is one; at least 1."""
    known = [x for x in held if not np.isnan(x)]
    if usual is not None:
        return max(1.0, (sum(known) + 5 * usual) / (len(known) + 5))
    return max(1.0, sum(known) / len(known)) if known else 1.0


@given(spreads, usuals)
def test_new_windows_are_judged_by_the_mean_spread_of_all_windows(spread, usual):
    every, _ = variation.learned(measured(spread), usual)
    assert every.phi == pytest.approx([phi(cut(spread), usual)])
    assert every.windows.tolist() == [max(1, int((~np.isnan(spread)).sum()))]


@given(spreads, usuals)
def test_each_window_of_the_baseline_is_judged_by_what_the_others_did(spread, usual):
    _, without = variation.learned(measured(spread), usual)
    held = cut(spread)
    for i in range(len(spread)):
        rest = [x for j, x in enumerate(held) if j != i]
        assert without.phi[i] == pytest.approx(phi(rest, usual))
        assert without.windows[i] == max(1, sum(not np.isnan(x) for x in rest))


@given(some.lists(some.one_of(some.just(np.nan), some.floats(0, 1)), min_size=1, max_size=30).map(np.array))
def test_the_record_is_the_largest_value_and_for_a_window_itself_that_of_the_others(value):
    every, without = variation.learned(measured(np.ones(len(value)), value), None)
    assert every.record.tolist() == [np.nan_to_num(value).max()]
    expected = [max(np.nan_to_num(np.delete(value, i)), default=0.0) for i in range(len(value))]
    assert without.record.tolist() == expected


def test_one_wild_window_does_not_teach_that_everything_may_happen():
    spread = np.append(np.ones(29), 1e6)
    every, without = variation.learned(measured(spread), None)
    assert every.phi[0] == pytest.approx((29 + 1.5) / 30)
    assert without.phi[-1] == 1.0
    two_wild = np.append(np.ones(28), [1e6, 1e6])
    assert variation.learned(measured(two_wild), None)[0].phi[0] == pytest.approx((28 + 3) / 30)


def test_windows_with_too_few_rows_teach_nothing():
    few = np.array([False, True, False, False])
    every, without = variation.learned(measured([2.0, 900.0, 4.0, 6.0], few=few), None)
    assert [every.phi.tolist(), every.windows.tolist()] == [[4.0], [3.0]]
    assert without.phi.tolist() == [5.0, 4.0, 4.0, 3.0]


def test_chance_is_the_least_that_windows_can_vary_by():
    every, without = variation.learned(measured([0.1, 0.2, 0.3]), None)
    assert [every.phi.tolist(), without.phi.tolist()] == [[1.0], [1.0, 1.0, 1.0]]


def trailing_by_hand(spread, usual, most, kept, alike):
    for i in range(len(spread)):
        past = [j for j in range(i) if alike is None or alike[j] == alike[i]][-most:]
        shown = [spread[j] if kept[j] else np.nan for j in past]
        held = cut([np.nan] * (most - len(shown)) + shown)
        yield phi(held, None if usual is None else usual[i]), max(1, int((~np.isnan(held)).sum()))


@given(spreads, usuals, some.integers(1, 30), some.booleans(), some.data())
def test_the_windows_just_before_teach_what_a_loop_over_them_finds(spread, usual, most, phased, data):
    many = len(spread)
    kept = np.array(data.draw(some.lists(some.booleans(), min_size=many, max_size=many)))
    alike = np.array(data.draw(some.lists(some.integers(0, 2), min_size=many, max_size=many))) if phased else None
    borrowed = None if usual is None else np.linspace(usual, usual + 3, many)
    found = variation.trailing(measured(spread), borrowed, most, kept, alike)
    expected = list(trailing_by_hand(spread, borrowed, most, kept, alike))
    assert found.phi == pytest.approx([one for one, _ in expected])
    assert found.windows.tolist() == [windows for _, windows in expected]


def test_the_record_of_the_windows_just_before_forgets_what_is_long_past_or_not_kept():
    value = np.array([0.9, 0.1, 0.2, 0.8, np.nan, 0.3])
    kept = np.array([True, True, True, False, True, True])
    found = variation.trailing(measured(np.ones(6), value), None, 3, kept)
    assert found.record.tolist() == [0.0, 0.9, 0.9, 0.9, 0.2, 0.2]
    by_phase = variation.trailing(measured(np.ones(6), value), None, 3, kept, np.array([0, 1, 0, 1, 0, 1]))
    assert by_phase.record.tolist() == [0.0, 0.0, 0.9, 0.1, 0.9, 0.1]


def test_the_usual_spread_is_the_median_over_columns_of_what_the_windows_before_did():
    columns = [measured([1.0, 5.0, 0.0, 90.0]), measured([3.0, np.nan, 4.0, 90.0]), measured([9.0, 7.0, 2.0, 90.0])]
    kept = [np.ones(4, dtype=bool)] * 3
    assert variation.usual(columns, kept, 2).tolist() == [1.0, 3.0, 3.0, 4.0]  # 1 3 9, 3 3 8, 2.5 4 4.5
    without = [*kept[:2], np.array([True, True, False, True])]
    assert variation.usual(columns, without, 2).tolist() == [1.0, 3.0, 3.0, 4.0]  # 2.5 4 7
    assert variation.usual(columns[2:], without[2:], 1).tolist() == [1.0, 9.0, 7.0, 1.0]
    by_phase = variation.usual(columns[2:], kept[2:], 2, np.array([0, 1, 0, 1]))
    assert by_phase.tolist() == [1.0, 1.0, 9.0, 7.0]


def test_the_mean_spread_of_nothing_known_is_that_of_chance():
    assert variation.mean_spread(measured([np.nan, np.nan])) == 1.0
    assert variation.mean_spread(measured([np.nan, 3.0, 5.0])) == 4.0
    assert variation.mean_spread(measured(np.append(np.ones(14), 99.0))) == pytest.approx(15.5 / 15)
