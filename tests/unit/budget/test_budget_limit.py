"""An alarm needs both: the baseline and the windows just before; what came slowly is told once a column."""

from __future__ import annotations

import math

import numpy as np
import pytest

from watchkeeper.budget import Budget, History, Limits, Severity, counts, expected, judge, thresholds
from watchkeeper.budget.limit import loud
from watchkeeper.checks import BUILT_IN, Measurement
from watchkeeper.profiles import Slice

DAY = 86_400_000_000
DAILY = Budget(alarm=1 / 30.4, warning=1 / 7)
CHECKS = {check.name: check for check in BUILT_IN}
LONG = History(30, CHECKS)
TO_WARN, TO_ALARM = math.log(7), math.log(30.4)
ABOVE, BETWEEN, BELOW = TO_ALARM + 1, (TO_WARN + TO_ALARM) / 2, TO_WARN / 2


def days(many, **key):
    return tuple(Slice(i * DAY, (i + 1) * DAY, **key) for i in range(many))


def measured(nats, recent=None, *, value=0.3, column="x", metric="null_share", band=0.2, slices=None):
    """A share of nulls with this evidence against the baseline and, if given, against the windows before."""
    nats = np.asarray(nats, dtype=float)
    slices = days(len(nats)) if slices is None else slices

    def up_to(high):
        return lambda threshold: (np.zeros(len(threshold)), high * threshold / TO_WARN)

    made = Measurement(
        metric=metric,
        columns=(column,),
        value=np.full(len(nats), value),
        rows=np.full(len(nats), 1_000),
        effect=np.full(len(nats), value),
        evidence=nats,
        reference=np.zeros(len(nats)),
        band=up_to(band),
        check="null_share",
        slices=slices,
    )
    if recent is None:
        return made
    beside = Measurement(metric, (column,), made.value, made.rows, evidence=np.asarray(recent, float), band=up_to(0.25))
    return Measurement(**{**vars(made), "recent": beside})


def severities(m, history=LONG):
    return [f.severity.value for f in sorted(judge([m], history, DAILY), key=lambda f: f.window)]


@pytest.mark.parametrize(
    ("frozen", "recent", "told"),
    [
        (ABOVE, ABOVE, ["alarm"]),
        (ABOVE, BETWEEN, ["warning"]),
        (BETWEEN, ABOVE, ["warning"]),
        (BETWEEN, BETWEEN, ["warning"]),
        (BELOW, ABOVE, []),
        (BETWEEN, BELOW, []),
        (ABOVE, BELOW, ["warning"]),  # slow
        (ABOVE, np.nan, ["alarm"]),  # too few windows before: the baseline decides alone
        (np.nan, ABOVE, []),
    ],
)
def test_an_alarm_takes_evidence_against_the_baseline_and_against_the_windows_before(frozen, recent, told):
    assert severities(measured([frozen], [recent])) == told


def test_without_windows_before_the_baseline_decides_alone():
    assert severities(measured([ABOVE])) == ["alarm"]


def test_evidence_within_the_floor_is_neither_told_nor_slow():
    for value, told in ((0.0009, []), (0.0011, ["warning"])):
        assert severities(measured([ABOVE], [BELOW], value=value)) == told


def test_what_came_slowly_is_told_once_a_column_in_its_first_window():
    drift = measured([BELOW, ABOVE, ABOVE + 5, ABOVE + 9], [BELOW] * 4)
    another = measured([BELOW, BELOW, ABOVE, ABOVE], [BELOW] * 4, column="y")
    found = judge([another, drift], LONG, DAILY)
    assert all(f.severity is Severity.WARNING for f in found)
    assert sorted((f.columns[0], f.window) for f in found) == [("x", days(2)[1].window), ("y", days(3)[2].window)]


def test_several_metrics_of_a_column_that_came_slowly_are_one_finding_the_earliest():
    late = measured([BELOW, ABOVE + 9], [BELOW] * 2)
    early = measured([ABOVE + 3, ABOVE + 3], [BELOW] * 2, metric="invalid_share")
    limits = thresholds([late, early], LONG, DAILY)
    assert loud(early, limits, LONG).slow.tolist() == [True, True]
    assert [(f.metric, f.window) for f in judge([late, early], LONG, DAILY)] == [("invalid_share", days(1)[0].window)]


def test_what_is_told_of_a_column_anyway_is_not_told_as_slow_too():
    slow = measured([ABOVE + 3, ABOVE + 3], [BELOW] * 2, metric="invalid_share")
    loud_first = measured([ABOVE + 3, BELOW], [ABOVE + 3, BELOW])
    told = [(f.metric, f.window) for f in judge([slow, loud_first], LONG, DAILY)]
    assert sorted(told) == [("invalid_share", days(2)[1].window), ("null_share", days(2)[0].window)]


def test_a_slow_drift_in_one_segment_does_not_silence_another():
    parts = [
        measured([ABOVE + 3], [BELOW], slices=days(1, segment=segment)) for segment in ("shop=north", "shop=south")
    ]
    assert sorted(f.segment for f in judge(parts, LONG, DAILY)) == ["shop=north", "shop=south"]


def test_alarms_and_warnings_go_on_beside_a_slow_drift():
    found = measured([ABOVE, ABOVE, ABOVE, BETWEEN, ABOVE], [BELOW, ABOVE, BELOW, BETWEEN, BELOW])
    assert severities(found) == ["warning", "alarm", "warning"]


def test_a_warnings_worth_of_slow_drift_is_not_told():
    assert severities(measured([BETWEEN], [BELOW])) == []


def test_what_is_expected_holds_for_the_looser_of_both_comparisons():
    limits = Limits(dict.fromkeys(days(1), (TO_WARN, TO_ALARM)))
    assert expected(measured([ABOVE]), limits, LONG)[1].tolist() == [0.2]
    assert expected(measured([ABOVE], [ABOVE]), limits, LONG)[1].tolist() == [0.25]
    low, high = expected(measured([ABOVE], band=0.001), limits, LONG)
    assert [low.tolist(), high.tolist()] == [[0.0], [0.001]]


def test_maxima_of_the_baseline_raise_what_a_finding_takes():
    wild = History(30, CHECKS, np.linspace(5, 40, 30))
    raised = thresholds([measured([ABOVE])], wild, DAILY)[days(1)[0]]
    assert raised[0] > 30
    assert raised[1] > raised[0]
    assert severities(measured([ABOVE]), wild) == []
    assert severities(measured([(raised[0] + raised[1]) / 2]), wild) == ["warning"]
    assert severities(measured([raised[1] + 1]), wild) == ["alarm"]


def test_all_segments_of_a_window_share_one_threshold():
    north, south = (measured([1.0, np.nan], slices=days(2, segment=s)) for s in ("shop=north", "shop=south"))
    whole = measured([1.0, 1.0])
    limits = thresholds([north, south, whole], LONG, DAILY)
    assert [limits[at][1] for at in days(2)] == pytest.approx([math.log(3 * 30.4), math.log(30.4)])
    np.testing.assert_allclose(limits.of(south.slices)[1], [limits[at][1] for at in days(2)])


def test_where_nothing_is_judged_no_evidence_is_enough():
    unknown = (*days(1), Slice(label="another"))
    to_warn, to_alarm = thresholds([measured([1.0])], LONG, DAILY).of(unknown)
    assert np.isinf(to_warn).tolist() == np.isinf(to_alarm).tolist() == [False, True]


def test_what_is_never_judged_takes_no_part_of_the_budget():
    silent = Measurement(metric="mean", columns=("x",), value=np.ones(1), rows=np.ones(1, dtype=int), slices=days(1))
    assert not counts(silent, LONG)
    assert thresholds([silent], LONG, DAILY) == {}
    assert judge([silent], LONG, DAILY) == []
