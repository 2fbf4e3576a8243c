"""When a change began, and whether at once or little by little: told by alarms on days whose story is known."""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import pyarrow as pa
import pytest

import watchkeeper as wk
from watchkeeper.model import Column, Model, Role, Type

DAY, ROWS, BEFORE, AFTER = 86_400_000_000, 400, 30, 40
MODEL = Model(
    name="m",
    columns={
        "t": Column(type=Type.TIMESTAMP, role=Role.TIMESTAMP),
        **{name: Column(type=Type.NUMBER) for name in ("jumps", "drifts", "breaks")},
    },
)


def table(first, days, seed):
    rng = np.random.default_rng(seed)
    day = np.repeat(np.arange(first, first + days), ROWS)
    times = ((day + rng.random(len(day))) * DAY).astype(np.int64)
    columns = {name: rng.normal(size=len(day)) for name in ("jumps", "drifts", "breaks")}
    columns["jumps"] += 1.5 * (day >= BEFORE + 10)
    columns["drifts"] += 0.12 * np.maximum(0, day - (BEFORE + 9))
    broken = np.isin(day, [BEFORE + 5, BEFORE + 6, BEFORE + 25])
    made = {name: pa.array(values) for name, values in columns.items()}
    made["breaks"] = pa.array(columns["breaks"], mask=broken & (rng.random(len(day)) < 0.4))
    return pa.table({"t": pa.array(times).cast(pa.timestamp("us", "UTC")), **made})


@pytest.fixture(scope="module")
def findings():
    result = wk.check(table(BEFORE, AFTER, 2), table(0, BEFORE, 1), model=MODEL, by="day")
    return [f for f in result.findings if f.change is not None and len(f.columns) == 1 and f.metric != "series_error"]


def test_what_is_expected_never_holds_a_value_that_is_told(findings):
    assert {str(f.severity) for f in findings} == {"warning", "alarm"}
    for finding in findings:
        if finding.expected is not None:
            low, high = finding.expected
            assert (low is not None and finding.value < low) or (high is not None and finding.value > high)


def day(number):
    return (date(1970, 1, 1) + timedelta(number)).isoformat()


def of(findings, column, metric):
    found = [f for f in findings if f.columns == (column,) and f.metric == metric]
    return sorted(found, key=lambda f: f.window)


def test_a_jump_is_called_one_and_has_its_day_however_long_it_lasts(findings):
    alarms = of(findings, "jumps", "shape")
    assert len(alarms) >= 5
    for finding in alarms:
        assert finding.change.kind == "jump"
        assert finding.change.since == day(BEFORE + 10)
        assert finding.change.between == (day(BEFORE + 10), day(BEFORE + 11))


def test_a_drift_is_called_one_once_it_has_shown_and_its_interval_holds_the_day_it_began(findings):
    alarms = [f for f in of(findings, "drifts", "shape") if f.window[:10] >= day(BEFORE + 16)]
    assert alarms
    assert {f.change.kind for f in alarms} == {"drift"}
    for finding in alarms:
        low, high = finding.change.between
        assert low <= day(BEFORE + 10) <= high
        assert (date.fromisoformat(high) - date.fromisoformat(low)).days <= 8


def test_a_second_outage_began_on_its_own_day_and_not_with_the_first(findings):
    alarms = of(findings, "breaks", "null_share")
    assert [(f.window[:10], f.change.since) for f in alarms] == [
        (day(BEFORE + 5), day(BEFORE + 5)),
        (day(BEFORE + 6), day(BEFORE + 5)),
        (day(BEFORE + 25), day(BEFORE + 25)),
    ]


def test_a_file_without_a_past_in_time_has_no_change():
    rows = table(BEFORE + 12, 1, 3)
    result = wk.check(rows.drop_columns(["t"]), table(0, BEFORE, 1).drop_columns(["t"]))
    assert any(f.columns == ("jumps",) for f in result.findings)
    assert {f.change for f in result.findings} == {None}
