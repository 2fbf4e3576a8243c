"""Faults that once went unseen, or made the tool itself fail; seen through the one call that users make."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

import watchkeeper as wk
from watchkeeper.model import Column, Model, WatchkeeperError


def windows(make, count: int = 12) -> list[pa.Table]:
    return [make(np.random.default_rng(seed)) for seed in range(count)]


def findings(result, metric: str) -> list:
    return [f for f in result.findings if f.metric == metric]


@pytest.mark.parametrize(("was", "becomes"), [(0, -1), (1, 2)])
def test_a_frequent_value_that_turns_into_one_beyond_the_range_is_an_alarm(was: int, becomes: int) -> None:
    def make(rng: np.random.Generator) -> pa.Table:
        return pa.table({"flag": (rng.random(2_000) < 0.11).astype(np.int64), "x": rng.normal(size=2_000)})

    new = make(np.random.default_rng(99))
    flag = new["flag"].to_numpy()
    result = wk.check(new.set_column(0, "flag", pa.array(np.where(flag == was, becomes, flag))), windows(make))
    assert [f.columns for f in findings(result, "shape")] == [("flag",)]
    assert findings(result, "shape")[0].severity == "alarm"
    psi = next(m for m in result.measurements if m.metric == "psi" and m.columns == ("flag",))
    assert psi.value[0] > 0.5


def test_a_value_between_two_frequent_ones_is_seen() -> None:
    def make(rng: np.random.Generator) -> pa.Table:
        return pa.table({"level": rng.choice([0.0, 1.0], 1_000, p=[0.7, 0.3])})

    level = make(np.random.default_rng(99))["level"].to_numpy()
    result = wk.check(pa.table({"level": np.where(level == 1.0, 0.5, level)}), windows(make))
    assert findings(result, "shape")[0].severity == "alarm"


def test_scores_that_are_no_probabilities_are_profiled() -> None:
    rng = np.random.default_rng(1)
    columns = {"logit": Column(type="number", role="score"), "y": Column(type="integer", role="label")}
    model = Model(name="m", task="binary", columns=columns)

    def make(rng: np.random.Generator) -> pa.Table:
        logit = rng.normal(0, 3, 500)
        return pa.table({"logit": logit, "y": (rng.random(500) < 1 / (1 + np.exp(-logit))).astype(np.int64)})

    result = wk.check(make(rng), windows(make, 4), model=model)
    assert 0.8 < next(m for m in result.measurements if m.metric == "roc_auc").value[0] < 1


def test_a_positive_class_that_no_label_has_is_refused() -> None:
    columns = {"score": Column(type="number", role="score"), "y": Column(type="integer", role="label")}
    model = Model(name="m", task="binary", positive=7, columns=columns)
    rng = np.random.default_rng(1)
    table = pa.table({"score": rng.random(100), "y": rng.integers(0, 2, 100)})
    with pytest.raises(WatchkeeperError, match=r"positive: 7.*never has this value.*0, 1"):
        wk.check(table, table, model=model)


def days(rng: np.random.Generator, first: datetime, count: int, a_day: int) -> pa.Table:
    times = [
        first + timedelta(days=d, seconds=int(s)) for d in range(count) for s in np.sort(rng.integers(0, 86_400, a_day))
    ]
    return pa.table({"ts": pa.array(times, pa.timestamp("us", "UTC")), "x": rng.normal(size=count * a_day)})


def test_the_period_says_how_long_the_baselines_windows_are() -> None:
    rng = np.random.default_rng(5)
    baseline = days(rng, datetime(2024, 1, 1, tzinfo=UTC), 30, 900)
    day = days(rng, datetime(2024, 1, 31, tzinfo=UTC), 1, 900)
    morning = day.filter(pa.compute.less(day["ts"], pa.scalar(datetime(2024, 1, 31, 8, tzinfo=UTC), day["ts"].type)))
    result = wk.check(morning, baseline, period="2024-01-31")
    assert result.baseline_windows == 30
    assert [f.severity for f in findings(result, "rows")] == ["alarm"]


def test_a_few_rows_of_a_new_version_are_no_alarm_about_the_number_of_rows() -> None:
    def make(rng: np.random.Generator) -> pa.Table:
        return pa.table({"version": ["v1"] * 400, "x": rng.normal(size=400)})

    columns = {"version": Column(type="string", role="version"), "x": Column(type="number")}
    canary = make(np.random.default_rng(99)).set_column(0, "version", pa.array(["v1"] * 360 + ["v2"] * 40))
    result = wk.check(canary, windows(make), model=Model(name="m", columns=columns))
    assert not findings(result, "rows")


def test_an_event_at_the_end_of_time_is_told_and_breaks_nothing(tmp_path: Path) -> None:
    rng = np.random.default_rng(5)
    baseline = days(rng, datetime(2024, 1, 1, tzinfo=UTC), 30, 100)
    day = days(rng, datetime(2024, 1, 31, tzinfo=UTC), 1, 100)
    times = day["ts"].to_pylist()
    times[3] = datetime(9999, 12, 31, 23, tzinfo=UTC)
    result = wk.check(day.set_column(0, "ts", pa.array(times, day["ts"].type)), baseline)
    assert findings(result, "implausible_time")
    result.to_html(tmp_path / "report.html")
