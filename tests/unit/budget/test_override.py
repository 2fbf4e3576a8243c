"""What a person declares changes what it says and nothing else: each rule is held against the judge without it."""

from __future__ import annotations

import math
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import numpy as np
import pyarrow as pa
import pytest

import watchkeeper as wk
from watchkeeper.budget import Budget, History, Priority, Severity, expected, judge, thresholds
from watchkeeper.budget.season import festive, season_of
from watchkeeper.checks import BUILT_IN
from watchkeeper.checks.null_share import CHECK as NULL_SHARE
from watchkeeper.checks.run import weighed
from watchkeeper.checks.shape import CHECK as SHAPE
from watchkeeper.checks.share import compared
from watchkeeper.model import Model, Override
from watchkeeper.profiles import Slice
from watchkeeper.stats.law import CHANCE

HOUR, DAY = 3_600_000_000, 86_400_000_000
CHECKS = {check.name: check for check in BUILT_IN}
DAILY = Budget(alarm=1 / 30.4, warning=1 / 7)
PLAIN = History(30, CHECKS)
GRADES = list(Severity)


def having(**rules):
    return replace(PLAIN, overrides={name: Override.model_validate(rule) for name, rule in rules.items()})


def shares(hits, name="x", rows=1_000, metric="null_share", check="null_share"):
    """A share that was 2 % of 60,000 rows, in so many of each day's rows."""
    slices = tuple(Slice(i * DAY, (i + 1) * DAY) for i in range(len(hits)))
    m = compared(metric, name, np.array(hits), np.full(len(hits), rows), np.array([1_200]), np.array([60_000]))
    return weighed(replace(m, check=check, slices=slices), CHANCE)


def found(measurements, history, budget=DAILY):
    return {(f.metric, f.columns, f.window): f for f in judge(measurements, history, budget)}


LOUD = [
    shares([20, 90, 20, 300], "x"),
    shares([20, 20, 20, 200], "y"),
    shares([80, 20, 20, 150], metric="rise", check="rise"),
]


def test_what_is_ignored_is_not_told_and_leaves_its_share_of_the_budget_to_the_rest():
    history = having(null_share={"ignore": ["x"]})
    plain, told = found(LOUD, PLAIN), found(LOUD, history)
    assert set(told) == {at for at in plain if at[:2] != ("null_share", ("x",))} < set(plain)
    for limits, judged in ((thresholds(LOUD, PLAIN, DAILY), 3), (thresholds(LOUD, history, DAILY), 2)):
        assert limits[Slice(0, DAY)] == pytest.approx((math.log(judged * 7), math.log(judged * 30.4)))


@pytest.mark.parametrize(("floor", "least"), [(0.05, 0.07), (0.005, 0.025), (0.3, 0.32)])
def test_a_floor_is_the_smallest_change_that_is_told_where_rows_are_many(floor, least):
    measured = shares([round(least * 1e6) - 10, round(least * 1e6) + 10], rows=1_000_000)
    history = having(null_share={"floor": floor})
    assert [f.window[:10] for f in judge([measured], history, DAILY)] == ["1970-01-02"]
    assert expected(measured, thresholds([measured], history, DAILY), history)[1][0] == pytest.approx(least, rel=1e-3)
    assert found(LOUD[2:], history) == found(LOUD[2:], PLAIN)


def test_few_rows_are_no_proof_whatever_the_floor():
    measured = shares([1], rows=30)
    assert judge([measured], having(null_share={"floor": 0.0}), DAILY) == []


def test_while_the_baseline_is_short_a_small_floor_does_not_make_it_louder():
    short = replace(PLAIN, windows=5)
    measured = shares([45_000, 55_000, 80_000], rows=1_000_000)  # three points and more above 2 %
    for floor, told in ((0.001, 2), (0.02, 2), (0.05, 1)):
        rule = Override(floor=floor)
        assert len(judge([measured], replace(short, overrides={"null_share": rule}), DAILY)) == told
    assert len(judge([measured], short, DAILY)) == 2


@pytest.mark.parametrize("lasting", [1, 2, 3, 5])
def test_with_for_a_window_is_told_where_all_of_the_last_so_many_were_with_the_worst_severity(lasting):
    hits = np.random.default_rng(lasting).choice([20, 36, 37, 300], 400, p=[0.1, 0.3, 0.4, 0.2]).tolist()
    others = [shares([20] * 400, str(i)) for i in range(60)]
    measured = [shares(hits), *others]
    plain = {f.window: f for f in judge(measured, PLAIN, DAILY)}
    assert {f.severity for f in plain.values()} == {Severity.WARNING, Severity.ALARM}
    windows = [at.window for at in measured[0].slices]
    wanted = {}
    for i in range(lasting - 1, 400):
        last = [plain.get(window) for window in windows[i + 1 - lasting : i + 1]]
        if all(last):
            worst = max((f.severity for f in last), key=GRADES.index)
            wanted[windows[i]] = replace(plain[windows[i]], severity=worst, priority=Priority.of(worst))
    told = {f.window: f for f in judge(measured, having(null_share={"for": lasting}), DAILY)}
    assert told == wanted
    assert 0 < len(told) <= len(plain)


def test_a_window_by_itself_has_none_before_it():
    assert judge([shares([900])], PLAIN, DAILY)
    assert judge([shares([900])], having(null_share={"for": 2}), DAILY) == []


@pytest.mark.parametrize("most", ["info", "warning", "alarm"])
def test_a_severity_is_the_loudest_and_changes_nothing_else(most):
    history = having(null_share={"severity": most})
    plain, told = found(LOUD, PLAIN), found(LOUD, history)
    assert Severity.ALARM in {f.severity for f in plain.values() if f.metric == "null_share"}
    for at, finding in plain.items():
        severity = finding.severity if at[0] == "rise" else min(finding.severity, Severity(most), key=GRADES.index)
        assert told.pop(at) == replace(finding, severity=severity, priority=Priority.of(severity))
    assert told == {}
    assert thresholds(LOUD, history, DAILY) == thresholds(LOUD, PLAIN, DAILY)


def test_a_check_s_name_covers_its_metrics():
    ends = [shares([300], metric=metric, check="range") for metric in ("range_low", "range_high")]
    both = having(range={"severity": "warning"})
    one = having(range={"severity": "warning"}, range_low={"severity": "alarm"})
    assert {f.metric: f.severity.value for f in judge(ends, PLAIN, DAILY)} == dict.fromkeys(
        ("range_low", "range_high"), "alarm"
    )
    assert {f.metric: f.severity.value for f in judge(ends, both, DAILY)} == dict.fromkeys(
        ("range_low", "range_high"), "warning"
    )
    assert {f.metric: f.severity.value for f in judge(ends, one, DAILY)} == {
        "range_low": "alarm",
        "range_high": "warning",
    }


def test_on_a_holiday_nothing_is_more_than_a_warning_and_other_days_stay_as_they_are():
    plain = found(LOUD, PLAIN)
    told = found(LOUD, PLAIN, replace(DAILY, holidays=frozenset({date(1970, 1, 4), date(1971, 1, 1)})))
    quieter = {at for at, finding in plain.items() if told[at] != finding}
    assert set(told) == set(plain)
    assert {at[2][:10] for at in quieter} == {"1970-01-04"}
    assert {(plain[at].severity, told[at].severity) for at in quieter} == {(Severity.ALARM, Severity.WARNING)}


def test_a_window_is_festive_if_it_holds_any_part_of_a_holiday():
    begin = datetime(2026, 12, 25, tzinfo=UTC)

    def span(start, end):
        at = [int((begin + timedelta(hours=hour)).timestamp() * 1e6) for hour in (start, end)]
        return Slice(*at)

    spans = [span(-24, 0), span(-1, 1), span(0, 24), span(23, 24), span(24, 48), span(-200, 200), Slice(label="f.csv")]
    assert festive(spans, [date(2026, 12, 25)]).tolist() == [False, True, True, True, False, True, False]
    assert not festive(spans, []).any()


class Windows:
    """As much of profiles and baselines as seasons look at."""

    def __init__(self, first, count, length):
        begin = int(datetime.fromisoformat(first).replace(tzinfo=UTC).timestamp() * 1e6)
        self.slices = tuple(Slice(begin + i * length, begin + (i + 1) * length) for i in range(count))
        self.profiles = self


@pytest.mark.parametrize(
    ("length", "declared", "alike"),
    [
        (DAY, None, "%a"),
        (DAY, "week", "%a"),
        (DAY, "day", None),
        (DAY, "none", None),
        (HOUR, None, "%H"),
        (HOUR, "day", "%H"),
        (HOUR, "week", "%a %H"),
        (HOUR, "none", None),
        (7 * DAY, "week", None),
    ],
)
def test_windows_are_alike_as_the_calendar_has_it(length, declared, alike):
    past, now = Windows("2026-10-05", 400, length), Windows("2028-02-28", 30, length)
    season = season_of(now, past, replace(DAILY, season=declared))
    if alike is None:
        assert season is None
        return
    names = [datetime.fromtimestamp(at.start / 1e6, UTC).strftime(alike) for at in (*past.slices, *now.slices)]
    same = season.now[:, None] == season.past
    assert same.sum(axis=1).tolist() == [names[:400].count(name) for name in names[400:]]
    assert season.declared is (declared is not None)


def rows(days, seed, first=0, lost=0.0):
    """Rows of days from Monday 2024-01-01 on; on weekends values are higher. Of the last day a share of x is lost."""
    rng = np.random.default_rng(seed)
    day = np.repeat(np.arange(first, first + days), 200)
    x = rng.normal(0, 1, len(day)) + 1.5 * (day % 7 > 4)
    gone = (day == first + days - 1) & (rng.random(len(day)) < lost)
    seconds = np.datetime64("2024-01-01", "us") + day * np.timedelta64(1, "D") + np.timedelta64(1, "h")
    return pa.table({"ts": seconds, "x": pa.array(x, mask=gone), "y": rng.normal(0, 1, len(day))})


BASE, NOW = rows(56, 1), rows(7, 2, first=56, lost=0.6)
COLUMNS = {"ts": {"type": "timestamp", "role": "timestamp"}, "x": {"type": "number"}, "y": {"type": "number"}}


def checked(checks=(NULL_SHARE, SHAPE), now=NOW, rules=None, season=None, holidays=()):
    model = Model.model_validate(
        {"name": "m", "columns": COLUMNS, "checks": rules or {}} | {"season": season, "holidays": [*holidays]}
    )
    return wk.check(now, BASE, model=model, by="day", checks=checks)


def test_an_ignored_check_is_measured_and_shown_and_all_else_is_as_if_it_had_not_run():
    ignored, without = checked(rules={"null_share": {"ignore": True}}), checked((SHAPE,))
    assert "null_share" in {f.metric for f in checked().findings}
    assert ignored.findings == without.findings
    assert ignored.thresholds == without.thresholds
    shown = [m for m in ignored.measurements if m.metric == "null_share" and m.columns == ("x",)]
    assert [(m.judged, bool(m.value[-1] > 0.5), bool(m.effect[-1] > 0.5)) for m in shown] == [(False, True, True)]


def test_a_declared_season_decides_which_days_are_compared_and_for_all_columns():
    """A Wednesday like a Sunday is odd among Wednesdays and nothing new among all days."""
    week = rows(7, 3, first=56)
    raised = week["x"].to_numpy() + 1.5 * (np.arange(len(week)) // 200 == 2)
    now = week.set_column(1, "x", pa.array(raised))
    results = {season: checked(now=now, season=season) for season in (None, "week", "none", "day")}
    loud = {season: {(f.columns, f.window[:10]) for f in of.findings if f.window} for season, of in results.items()}
    assert loud[None] == loud["week"] == {(("x",), "2024-02-28")}
    assert loud["none"] == loud["day"] == set()
    told = {season: [f.columns for f in of.findings if f.check == "history"] for season, of in results.items()}
    assert told == {None: [("x",)], "week": [], "none": [], "day": []}
    nats = {
        season: {m.columns[0]: m.evidence.tolist() for m in of.measurements if m.metric == "shape"}
        for season, of in results.items()
    }
    assert nats["none"] == nats["day"]
    assert nats["week"]["x"] == nats[None]["x"] != nats["none"]["x"]
    assert nats["week"]["y"] != nats[None]["y"]


def test_a_holiday_is_compared_with_all_days_and_the_days_beside_it_as_ever():
    """A Wednesday like a Sunday is nothing new where Wednesday is a holiday, and a Sunday stays what it was."""
    week = rows(7, 3, first=56)
    raised = week["x"].to_numpy() + 1.5 * (np.arange(len(week)) // 200 == 2)
    now = week.set_column(1, "x", pa.array(raised))
    of = {
        name: next(m for m in result.measurements if m.metric == "shape" and m.columns == ("x",))
        for name, result in {
            "week": checked(now=now),
            "all": checked(now=now, season="none"),
            "holiday": checked(now=now, holidays=["2024-02-28", "2024-03-03"]),
        }.items()
    }
    festive_days = np.array([at.window[:10] in ("2024-02-28", "2024-03-03") for at in of["all"].slices])
    assert festive_days.sum() == 2
    for field in ("value", "effect", "evidence"):
        wanted = np.where(festive_days, getattr(of["all"], field), getattr(of["week"], field))
        assert getattr(of["holiday"], field).tolist() == wanted.tolist()
    assert of["week"].evidence[2] > 20 > of["holiday"].evidence[2]
    told = checked(now=now, holidays=["2024-02-28"]).findings
    assert [f for f in told if f.columns == ("x",) and f.severity is not Severity.INFO] == []
