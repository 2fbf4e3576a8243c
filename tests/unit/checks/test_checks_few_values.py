"""Numbers with few values are looked at value by value too: flags stored as 0 and 1, and constant columns."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

import watchkeeper as wk
from watchkeeper.model import Column, Model, Role, Task, Type


def checked(before, now, kind=Type.INTEGER, windows=12):
    model = Model(name="m", columns={"flag": Column(type=kind)})
    arrow = pa.int64() if kind is Type.INTEGER else pa.float64()
    parts = [pa.table({"flag": pa.array(part, arrow)}) for part in np.array_split(before, windows)]
    return wk.check(pa.table({"flag": pa.array(now, arrow)}), parts, model=model)


@pytest.mark.parametrize("kind", [Type.INTEGER, Type.NUMBER])
@pytest.mark.parametrize("rate", [0.0, 0.002])
def test_a_rare_flag_that_is_set_more_often_is_told_whatever_its_type(kind, rate):
    rng = np.random.default_rng(1)
    result = checked(rng.random(24_000) < rate, rng.random(2_000) < 0.03, kind)
    alarms = [finding for finding in result.findings if finding.severity == "alarm"]
    assert {finding.metric for finding in alarms} & {"rise", "unseen_share"}
    assert '"1' in alarms[0].message


def test_a_constant_column_with_a_new_value_is_told_with_few_windows():
    now = np.where(np.arange(2_000) % 12 == 0, 3, 7)
    result = checked(np.full(6_000, 7), now, windows=3)
    assert any(f.metric == "unseen_share" and f.severity == "alarm" for f in result.findings)


def test_flags_that_stay_are_quiet():
    rng = np.random.default_rng(2)
    loud = [checked(rng.random(6_000) < 0.01, rng.random(500) < 0.01).findings for _ in range(40)]
    assert sum(any(f.severity != "info" for f in findings) for findings in loud) <= 4


@pytest.mark.parametrize(("no", "yes"), [("ham", "spam"), ("legit", "fraud"), ("stay", "leave")])
@pytest.mark.parametrize("share", [0.5, 0.8])
def test_the_positive_class_is_the_one_that_the_score_speaks_for(no, yes, share):
    rng = np.random.default_rng(3)
    truth = rng.random(2_000) < share
    score = np.clip(np.where(truth, 0.7, 0.3) + rng.normal(0, 0.15, 2_000), 0, 1)
    table = pa.table({"label": np.where(truth, yes, no), "score": score})
    model = wk.infer_model(table, roles={"label": Role.LABEL, "score": Role.SCORE}).model
    assert (model.task, model.positive) == (Task.BINARY, yes)


def test_a_baseline_with_infinities_does_not_alarm_for_them():
    rng = np.random.default_rng(4)

    def ratios(n):
        x = rng.normal(size=n)
        x[rng.random(n) < 0.02] = np.inf
        return pa.table({"ratio": x})

    result = wk.check(ratios(500), [ratios(500) for _ in range(12)])
    assert not [finding for finding in result.findings if finding.metric == "range_high"]


def test_a_column_that_left_its_range_does_not_accuse_its_partner():
    rng = np.random.default_rng(5)

    def pair(n, unit=1.0):
        spend = rng.lognormal(3, 1, n)
        return pa.table({"amount": unit * spend * rng.lognormal(0, 0.3, n), "spend": spend})

    result = wk.check(pair(500, 0.01), [pair(500) for _ in range(12)])
    assert [finding.columns for finding in result.findings if finding.metric == "shape"] == [("amount",)]
    assert not [finding for finding in result.findings if finding.metric == "correlation"]


def test_a_zero_inflated_column_has_ten_cells_at_most():
    rng = np.random.default_rng(6)

    def paid(n):
        return np.where(rng.random(n) < 0.8, 0.0, rng.lognormal(3, 1, n))

    result = wk.check(pa.table({"paid": paid(100)}), [pa.table({"paid": paid(4_000)})])
    psi = next(one for one in result.measurements if one.metric == "psi")
    assert psi.value[0] < 0.2


def test_a_flag_that_fills_single_days_is_known_from_these_and_the_sentence_does_not_deny_it():
    rng = np.random.default_rng(7)

    def days(first, many, holidays):
        at = np.datetime64("2026-01-01") + np.repeat(np.arange(first, first + many), 24) * np.timedelta64(1, "D")
        free = np.isin(np.repeat(np.arange(first, first + many), 24), holidays).astype(int)
        return pa.table({"at": at.astype("datetime64[us]"), "free": free, "x": rng.normal(size=len(at))})

    result = wk.check(days(120, 12, [125]), days(0, 120, [17, 52, 81]), by="day")
    (told,) = [finding for finding in result.findings if finding.metric == "unseen_share"]
    assert told.message == (
        "`free` has values that windows of the baseline like this one do not have in 100 % of 24 rows: "
        '"1" (24), known from other windows; 0–4.2 % is usual.'
    )
