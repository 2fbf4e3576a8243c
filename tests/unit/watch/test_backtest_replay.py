"""A back-test judges as `check` does, finds what it plants, and leaves what it is given alone."""

from __future__ import annotations

import json

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

import watchkeeper as wk
from watchkeeper.budget import Severity
from watchkeeper.delivery import deliver
from watchkeeper.report import print_backtest
from watchkeeper.watch import campaign as campaigns
from watchkeeper.watch import tally
from watchkeeper.watch.campaign import BETWEEN, Campaign, Trial, whole_of
from watchkeeper.watch.inject import faults

DAY = 86_400_000_000
ROWS = 300


def sales(first, days, seed, spoiled=()):
    """So many days of sales, all alike but those `spoiled`, when no price comes."""
    rng = np.random.default_rng(seed)
    n = days * ROWS
    at = (np.repeat(np.arange(days), ROWS) + first) * DAY + np.sort(rng.integers(0, DAY, (days, ROWS))).ravel()
    age = rng.normal(40, 10, n)
    table = pa.table(
        {
            "time": pa.array(at).cast(pa.timestamp("us", tz="UTC")),
            "age": age,
            "price": rng.gamma(2, 20, n),
            "items": rng.poisson(9, n),
            "city": rng.choice(["Köln", "Bonn", "Ulm", "Wien"], n, p=[0.4, 0.3, 0.2, 0.1]),
            "paid": 2 * age + rng.normal(0, 20, n),
        }
    )
    gone = pa.array(np.isin(np.arange(n) // ROWS, spoiled))
    return table.set_column(2, "price", pc.if_else(gone, None, table["price"]))


def day(number):
    """The date of so many days into the history."""
    return str(np.datetime64(19_030 + number, "D"))


@pytest.fixture(scope="module")
def model():
    roles = {"time": "timestamp", "paid": "label"}
    return wk.infer_model(sales(19_000, 30, 0), roles=roles).model


@pytest.fixture(scope="module")
def before():
    return sales(19_000, 30, 0)


@pytest.fixture(scope="module")
def history():
    return sales(19_030, 40, 1, spoiled=(10, 11, 12, 30))


@pytest.fixture(scope="module")
def tested(history, before, model):
    with pytest.MonkeyPatch.context() as few:
        few.setattr(campaigns, "TIMES", 5)
        return wk.backtest(history, before, model=model, inject="default")


def test_what_was_counted_is_what_check_says_of_the_same_windows(history, before, model, tested):
    result = wk.check(history, before, model=model, by="day")
    alarms = {f.window for f in result.findings if f.severity is Severity.ALARM}
    assert tested.windows == 40
    assert tested.alarms.windows == len(alarms) >= 4
    assert tested.alarms.rate == pytest.approx(len(alarms) / 40 * 30.4)
    assert tested.alarms.budget == model.alarm_budget
    assert tested.alarms.allowed == pytest.approx(1)


def test_days_without_a_price_are_two_incidents_that_spent_the_budget(tested):
    assert tested.spent[0].columns == ("price",)
    mine = [one for one in tested.incidents if "price" in one.columns]
    assert [one.windows for one in mine] == [3, 1]
    assert [one.first[:10] for one in mine] == [day(10), day(30)]
    assert mine[0].last.startswith(day(12))


def test_gross_faults_are_found_at_once_and_each_is_planted_equally_often(tested):
    found = {one.fault: one for one in tested.planted}
    assert [one.fault for one in tested.planted] == [one.wanted for one in faults(["default"])]
    assert {one.planted for one in tested.planted} == {5}
    assert tested.copies <= campaigns.MOST_COPIES
    for gross in ("nulls=0.3", "unit=1000", "frozen", "new_category=0.1", "lost_category"):
        assert found[gross].found == 5
        assert found[gross].low > 0.5
        assert found[gross].high == 1
    assert found["swapped"].left_out == 0
    assert found["leak=0.1"].columns == 3


def test_the_same_seed_finds_the_same_and_no_file_is_changed_or_added(history, before, model, tmp_path, monkeypatch):
    past, base = tmp_path / "history.parquet", tmp_path / "before.parquet"
    pq.write_table(history, past)
    pq.write_table(before, base)
    bytes_before = {path: path.read_bytes() for path in tmp_path.iterdir()}
    monkeypatch.setattr(campaigns, "TIMES", 4)
    asked = {"model": model, "inject": ["mean_shift=0.25", "nulls=0.03"]}
    one, other = (wk.backtest(past, base, **asked, seed=7) for _ in range(2))
    assert one.planted == other.planted
    assert {path: path.read_bytes() for path in tmp_path.iterdir()} == bytes_before


def test_an_unspoiled_copy_is_judged_like_the_history_itself(history, before, model):
    whole = whole_of([deliver(history, model, strict=False)])
    kept = wk.profile(before, model=model, by="day")
    copy = Campaign(whole, kept, model, "day", None, 1, 0)._unspoiled
    itself = wk.check(history, before, model=model, by="day")
    assert tally.placed(itself)
    assert tally.placed(copy) == tally.placed(itself)


def test_faults_begin_in_quiet_windows_and_lie_apart(history, before, model):
    whole = whole_of([deliver(history, model, strict=False)])
    campaign = Campaign(whole, wk.profile(before, model=model, by="day"), model, "day", None, 3, 0)
    all_places = [campaign._places(copy) for copy in range(5)]
    assert len({tuple(places) for places in all_places}) == 5
    for places in all_places:
        assert places
        assert min(np.diff(places)) >= 3 + BETWEEN
        spoiled = {place + i for place in places for i in range(3)}
        assert not spoiled & {10, 11, 12, 30}
        assert max(spoiled) < 39


def test_no_copy_spoils_a_column_or_the_number_of_rows_twice_within_28_windows_and_no_trial_is_lost(before, model):
    campaign = Campaign(whole_of([deliver(before, model, strict=False)]), None, model, "day", None, 2, 0)
    nulls, lost, segment = faults(["nulls", "lost_rows", "lost_segment"])
    trials = [Trial(nulls, ("age",), 0), Trial(nulls, ("price",), 1), Trial(nulls, ("age",), 2)]
    trials += [Trial(lost, (), 3), Trial(segment, ("city",), 4), Trial(nulls, ("city",), 5)]
    now, left = campaign._shared(range(0, 60, 4), trials)
    assert sorted(trial.seed for _, trial in now) + [trial.seed for trial in left] == [0, 1, 2, 3, 4, 5]
    for name in ("age", "city", ""):
        first, second = (place for place, trial in now if name in trial.touched)
        assert second - (first + 2) >= 28
    assert campaign._shared(range(0, 8, 4), trials[::2])[0] == [(0, trials[0]), (4, trials[4])]


def test_a_creeping_fault_that_lasts_is_told_later_or_never_and_the_delay_is_counted(
    history, before, model, monkeypatch
):
    monkeypatch.setattr(campaigns, "TIMES", 8)
    tested = wk.backtest(history, before, model=model, inject=["mean_shift=0.2", "unit"], inject_days=4)
    small, gross = tested.planted
    assert tested.lasting == 4
    assert small.found + small.found_later < small.planted == 8
    assert small.found_later
    assert 0 <= small.delay <= 3
    assert gross.found == gross.planted
    assert (gross.delay, gross.found_later) == (0, 0)


def test_blocks_of_rows_are_replayed_and_faults_that_would_move_later_rows_are_not_planted(
    history, before, model, monkeypatch
):
    monkeypatch.setattr(campaigns, "TIMES", 5)
    asked = ["unit", "lost_segment", "lost_rows", "duplicates", "delayed"]
    tested = wk.backtest(history, before, model=model, by="300-rows", inject=asked)
    assert tested.windows == 40
    assert tested.alarms.windows >= 4
    assert "price" in tested.incidents[0].columns
    left = {one.fault for one in tested.planted if "rows of all later windows" in one.why_not}
    assert left == {"lost_segment", "lost_rows=0.5", "duplicates=0.5", "delayed=0.333"}
    assert next(one for one in tested.planted if one.fault == "unit=1000").found == 5


def test_without_event_times_there_is_nothing_to_replay(before):
    with pytest.raises(wk.WatchkeeperError, match="event time"):
        wk.backtest(before.drop_columns("time"), before.drop_columns("time"))


def test_a_history_that_is_rejected_is_not_replayed(before):
    with pytest.raises(wk.WatchkeeperError, match=r"can't be replayed.*`age` is missing"):
        wk.backtest(before.drop_columns("age"), before)


def test_arguments_of_another_kind_are_refused_by_name(before):
    for wrong in ({"by": 7}, {"inject": [0.3]}):
        with pytest.raises(wk.WatchkeeperError, match=f"{next(iter(wrong))} is given as text"):
            wk.backtest(before, before, **wrong)


def test_a_fault_lasts_a_window_at_least(before):
    with pytest.raises(wk.WatchkeeperError, match="one window or more"):
        wk.backtest(before, before, inject="nulls", inject_days=0)


def test_the_json_holds_all_figures_and_is_written_whole(history, before, model, tmp_path, monkeypatch):
    monkeypatch.setattr(campaigns, "TIMES", 2)
    tested = wk.backtest(history, before, model=model, inject="nulls", json=tmp_path / "out.json")
    read = json.loads((tmp_path / "out.json").read_text())
    assert tested.written == (tmp_path / "out.json",)
    assert read == json.loads(tested.to_json())
    assert read["schema_version"] == 1
    assert read["alarms"]["windows"] == tested.alarms.windows
    assert read["alarms"]["over"] is tested.alarms.over
    assert read["planted"][0]["found"] == tested.planted[0].found
    assert len(read["incidents"]) == len(tested.incidents)


@pytest.mark.parametrize("width", [60, 80, 120])
def test_the_terminal_tells_budgets_spenders_and_faults_within_its_width(tested, width):
    from io import StringIO

    from rich.console import Console

    out = StringIO()
    print_backtest(tested, Console(file=out, width=width, color_system=None))
    said = out.getvalue()
    assert max(map(len, said.splitlines())) <= width
    for word in ("alarm", "budget of 1 per month", "budget of 1 per week", "incidents", "`price`", "5 of 5 = 100 %"):
        assert word in " ".join(said.split())
