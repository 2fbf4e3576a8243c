"""What findings cost is counted as the budget counts: windows, onsets, incidents, and who spent it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from watchkeeper.budget import Finding, Severity
from watchkeeper.model import Override
from watchkeeper.report.backtest_terminal import _verdict
from watchkeeper.watch import tally

LABELS = [f"day {i}" for i in range(60)]


def told(window, check="shape", columns=("age",), severity=Severity.ALARM, metric=None, segment=None):
    finding = Finding("change", check, metric or check, columns, severity, "", "", segment=segment)
    return window, finding


def test_an_alarm_that_goes_on_is_one_onset_and_one_that_comes_back_is_two():
    assert tally.onsets([told(3), told(4), told(5)], {}) == 1
    assert tally.onsets([told(3), told(4), told(10)], {}) == 1
    assert tally.onsets([told(3), told(4), told(12)], {}) == 2


def test_a_person_says_how_many_quiet_windows_end_an_alarm():
    found = [told(3), told(5), told(8)]
    for keep, onsets in ((0, 3), (1, 3), (2, 2), (3, 1)):
        said = {"shape": Override(keep_firing_for=keep)}
        assert tally.onsets(found, said) == onsets == len(tally.incidents(found, said, LABELS))


def test_the_same_check_of_other_columns_or_segments_is_an_onset_of_its_own():
    assert tally.onsets([told(3), told(4, columns=("income",))], {}) == 2
    assert tally.onsets([told(3), told(4, check="null_share")], {}) == 2
    assert tally.onsets([told(3, segment="city=Bonn"), told(4, segment="city=Ulm")], {}) == 2


def test_a_warning_before_an_alarm_does_not_make_it_an_old_one():
    assert tally.onsets([told(3, severity=Severity.WARNING), told(4)], {}) == 1
    assert tally.onsets([told(3, severity=Severity.WARNING)], {}) == 0


def test_a_change_of_all_columns_together_is_one_series_whichever_columns_it_blames():
    found = [told(3, "mmd", ("a", "b")), told(4, "mmd", ("c",))]
    assert tally.onsets(found, {}) == 1
    (spent,) = tally.spending(found, {})
    assert (spent.check, spent.columns, spent.alarms) == ("mmd", (), 2)


def test_six_quiet_windows_keep_an_incident_open_and_seven_end_it():
    assert [(i.first, i.last) for i in tally.incidents([told(3), told(10)], {}, LABELS)] == [("day 3", "day 10")]
    assert [(i.first, i.last) for i in tally.incidents([told(3), told(11)], {}, LABELS)] == [
        ("day 3", "day 3"),
        ("day 11", "day 11"),
    ]


def test_an_incident_says_what_fired_in_its_windows_and_warnings_are_no_part_of_it():
    found = [
        told(3),
        told(4, "null_share", ("age", "income")),
        told(5, "rise", ("city",), Severity.WARNING),
        told(30, "rows", ()),
    ]
    first, second = tally.incidents(found, {}, LABELS)
    assert (first.windows, first.checks, first.columns) == (2, ("shape", "null_share"), ("age", "income"))
    assert (second.first, second.checks, second.columns) == ("day 30", ("rows",), ())


def test_the_budget_is_spent_by_window_and_its_largest_spender_comes_first():
    found = [
        told(1),
        told(1, segment="city=Bonn"),
        told(2),
        told(2, severity=Severity.WARNING),
        told(1, "rows", ()),
        told(5, "rows", ()),
        told(9, "rows", ()),
        told(7, "rise", ("city",), Severity.WARNING),
    ]
    assert [(s.check, s.alarms, s.onsets, s.warnings) for s in tally.spending(found, {})] == [
        ("rows", 3, 1, 0),
        ("shape", 2, 2, 1),
        ("rise", 0, 0, 1),
    ]
    assert tally.alarmed(found) == [1, 2, 5, 9]
    assert tally.warned(found) == [2, 7]


@given(st.sets(st.integers(0, 59)))
def test_incidents_hold_every_alarm_window_once_and_onsets_lie_between_incidents_and_windows(windows):
    found = [told(window) for window in sorted(windows)]
    incidents = tally.incidents(found, {}, LABELS)
    assert sum(one.windows for one in incidents) == len(windows)
    assert len(incidents) <= tally.onsets(found, {}) <= len(windows)
    at_once = {"shape": Override(keep_firing_for=0)}
    assert tally.onsets(found, at_once) == sum(window - 1 not in windows for window in windows)


@pytest.mark.parametrize("events", [0, 1, 4, 30])
def test_a_rate_has_the_exact_interval_of_a_poisson_mean(events):
    """Oracle: at either end of the interval so extreme a count has a chance of 2.5 %."""
    rate = tally.rate(events, 2.0, "1 per month", 1.0)
    assert rate.rate == events / 2
    assert stats.poisson.cdf(events, 2 * rate.high) == pytest.approx(0.025)
    if events:
        assert stats.poisson.sf(events - 1, 2 * rate.low) == pytest.approx(0.025)
    else:
        assert rate.low == 0


@pytest.mark.parametrize(
    ("events", "over", "said"),
    [(1, False, "within the budget"), (3, False, "above the budget"), (5, True, "over the budget")],
)
def test_a_budget_is_overspent_only_where_chance_does_not_explain_it(events, over, said):
    """Oracle: Poisson's chance of 3 or more at a mean of 1 is 8 %, of 5 or more 0.4 %."""
    rate = tally.rate(events, 1.0, "1 per month", 1.0)
    assert rate.over is over
    assert bool(stats.poisson.sf(events - 1, 1.0) < 0.025) is over
    assert said in _verdict(rate)
