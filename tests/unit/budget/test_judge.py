"""The budget decides: threshold from the number of measurements, floors, severities, and what would have been usual."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from watchkeeper.budget import Budget, History, Severity, expected, judge, thresholds
from watchkeeper.budget.once import is_again, wholes
from watchkeeper.checks import BUILT_IN
from watchkeeper.checks.run import weighed
from watchkeeper.checks.share import compared
from watchkeeper.model import Column, Model
from watchkeeper.profiles import Slice
from watchkeeper.stats.law import CHANCE

DAYS = tuple(Slice(i * 86_400_000_000, (i + 1) * 86_400_000_000) for i in range(3))
CHECKS = {check.name: check for check in BUILT_IN}
LONG, SHORT, NONE = (History(windows, CHECKS) for windows in (30, 5, 1))
DAILY = Budget(alarm=1 / 30.4, warning=1 / 7)


def nulls(hits, rows=1_000, before=0, rows_before=60_000, name="x", **changes):
    was = np.array([before]), np.array([rows_before])
    measured = compared("null_share", name, np.array(hits), np.full(len(hits), rows), *was)
    measured = weighed(replace(measured, check="null_share", slices=DAYS[: len(hits)]), CHANCE)
    return replace(measured, **changes)


def test_the_threshold_is_the_logarithm_of_measurements_over_the_budget():
    listed = [nulls([0, 0], name=str(i)) for i in range(50)]
    warning, alarm = thresholds(listed, LONG, DAILY)[DAYS[0]]
    assert warning == pytest.approx(math.log(50 * 7))
    assert alarm == pytest.approx(math.log(50 * 30.4))


def test_a_measurement_with_too_few_rows_takes_no_part_of_the_budget():
    one, silent = nulls([0]), nulls([0], evidence=np.array([np.nan]))
    assert thresholds([one, silent], LONG, DAILY)[DAYS[0]][0] == pytest.approx(math.log(7))


def test_large_and_certain_changes_are_alarms_and_come_first():
    found = judge([nulls([15, 0, 300]), nulls([0, 0, 900], name="y")], LONG, DAILY)
    assert [(f.columns[0], f.window[:10], f.severity) for f in found] == [
        ("y", "1970-01-03", Severity.ALARM),
        ("x", "1970-01-03", Severity.ALARM),
        ("x", "1970-01-01", Severity.ALARM),
    ]


def test_a_certain_change_below_the_floor_is_no_news():
    assert judge([nulls([500], rows=1_000_000, before=20_000, rows_before=60_000_000)], LONG, DAILY) == []


def test_few_rows_are_no_proof():
    assert judge([nulls([1], rows=30, before=600)], LONG, DAILY) == []


def test_between_both_thresholds_a_finding_is_a_warning():
    measured = nulls([13], rows=400, before=600)
    assert math.log(100 * 7) < measured.evidence[0] < math.log(100 * 30.4)
    quiet = [nulls([4], rows=400, before=600, name=str(i)) for i in range(99)]
    assert [f.severity for f in judge([measured, *quiet], LONG, DAILY)] == [Severity.WARNING]


def test_what_is_expected_never_contradicts_the_severity():
    for hits in range(0, 60, 2):
        measured = nulls([hits], rows=400, before=30, rows_before=12_000)
        low, high = (float(end[0]) for end in expected(measured, thresholds([measured], LONG, DAILY), LONG))
        loud = bool(judge([measured], LONG, DAILY))
        assert loud == (not low <= hits / 400 <= high), (hits, low, high)


def test_a_short_baseline_triples_the_floors():
    measured = nulls([55], before=1_800)
    assert judge([measured], LONG, DAILY)[0].severity is Severity.ALARM
    assert judge([measured], SHORT, DAILY) == []
    assert judge([nulls([75], before=1_800)], SHORT, DAILY)[0].severity is Severity.ALARM


def test_without_windows_nothing_that_needs_their_variance_is_judged():
    measured = nulls([500], needs_variance=True)
    assert judge([measured], SHORT, DAILY)
    assert judge([measured], NONE, DAILY) == []


def test_budgets_are_chances_per_window():
    model = Model(
        name="m", columns={"x": Column(type="number")}, alarm_budget="1 per month", warning_budget="2 per week"
    )
    assert Budget.of(model, 1.0) == Budget(1 / 30.4, 2 / 7)
    assert Budget.of(model, 1 / 24).alarm == pytest.approx(1 / 30.4 / 24)
    assert Budget.of(model, 30.4).alarm == 0.5


def test_a_finding_reads_as_a_sentence():
    finding = judge([nulls([310])], LONG, DAILY)[0]
    assert finding.message == "`x` is missing in 31 % of 1,000 rows; 0–0.1 % is usual."
    assert finding.expected == (0.0, 0.001)


def test_a_budget_in_parts_promises_together_what_it_does_alone():
    part = DAILY.shared(3)
    assert (3 * part.alarm, 3 * part.warning) == pytest.approx((DAILY.alarm, DAILY.warning))
    listed = [nulls([0, 0])]
    assert thresholds(listed, LONG, part)[DAYS[0]][1] - thresholds(listed, LONG, DAILY)[DAYS[0]][1] == pytest.approx(
        math.log(3)
    )


def parts(whole, part, rows, **names):
    """What all rows of a day show, and what a part of them does."""
    mine = replace(nulls(part, rows), slices=(replace(DAYS[0], **names),))
    return judge([nulls(whole), mine], LONG, DAILY)


@pytest.mark.parametrize("names", [{"version": "v7"}, {"segment": "country=PRT"}])
def test_a_fault_is_told_once_where_a_version_or_a_segment_is_nearly_all_rows(names):
    assert [(f.version, f.segment) for f in parts([200], [200], 1_000, **names)] == [(None, None)]
    assert [(f.version, f.segment) for f in parts([200], [195], 960, **names)] == [(None, None)]
    assert len(parts([200], [195], 940, **names)) == 2


def test_what_a_part_shows_and_the_whole_does_not_is_told_however_large_it_is():
    (only,) = parts([0], [200], 1_000, version="v7")
    assert only.version == "v7"
    whole = replace(only, version=None)
    assert is_again(only, wholes([whole]))
    assert not is_again(only, wholes([replace(whole, severity=Severity.WARNING)]))  # the part is louder


def test_another_column_or_another_day_of_a_part_is_no_repetition():
    other = replace(nulls([200], name="y"), slices=(replace(DAYS[0], version="v7"),))
    later = replace(nulls([200]), slices=(replace(DAYS[1], version="v7"),))
    assert len(judge([nulls([200]), other, later], LONG, DAILY)) == 3
