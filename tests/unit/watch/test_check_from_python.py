"""The same check from Python: tables of several kinds, paths, globs and profile files."""

from __future__ import annotations

import duckdb
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import watchkeeper as wk
from watchkeeper.checks import Check
from watchkeeper.model import Column, TextFormat
from watchkeeper.profiles import write


def rows(days, seed, first=0, shift=0.0, size=200):
    rng = np.random.default_rng(seed)
    n = days * size
    when = np.datetime64("2024-03-01", "us") + (
        (np.repeat(np.arange(first, first + days), size) * 86_400 + rng.integers(0, 86_400, n)) * 1_000_000
    ).astype("timedelta64[us]")
    return pa.table(
        {
            "row_id": np.arange(n) + first * size,
            "ts": np.sort(when),
            "x": rng.normal(shift, 1, n),
            "shop": pa.array(rng.choice(["north", "south"], n)),
        }
    )


BASE, SAME, SHIFTED = rows(20, 1), rows(5, 2, first=20), rows(5, 3, first=20, shift=1.5)


@pytest.mark.parametrize(
    "kind",
    [pa.Table.to_pandas, pl.from_arrow, duckdb.from_arrow, lambda table: table],
    ids=["pandas", "polars", "duckdb", "arrow"],
)
def test_every_kind_of_table_gives_the_same_answer(kind):
    quiet = wk.check(kind(SAME), kind(BASE), by="day")
    loud = wk.check(kind(SHIFTED), kind(BASE), by="day")
    assert [f for f in quiet.findings if f.severity != "info"] == []
    assert {f.columns for f in loud.findings if f.metric == "shape"} == {("x",)}
    assert (loud.rows_read, loud.rows_good, loud.baseline_windows) == (1_000, 1_000, 20)


def test_inputs_are_not_changed():
    frame = SHIFTED.to_pandas()
    copy = frame.copy(deep=True)
    wk.check(frame, BASE)
    pd.testing.assert_frame_equal(frame, copy)


def test_a_path_a_glob_and_a_list_are_taken_alike(tmp_path):
    for i, table in enumerate((rows(2, 4), rows(2, 5, first=2), rows(2, 6, first=4))):
        pq.write_table(table, tmp_path / f"base-{i}.parquet")
    pq.write_table(SHIFTED.slice(0, 400), tmp_path / "new.parquet")
    paths = sorted(tmp_path.glob("base-*.parquet"))
    by_glob = wk.check(tmp_path / "new.parquet", str(tmp_path / "base-*.parquet"))
    by_list = wk.check(str(tmp_path / "new.parquet"), paths)
    assert (by_glob.baseline_windows, by_glob.baseline_source) == (3, "files")
    assert [f.message for f in by_glob.findings] == [f.message for f in by_list.findings]
    assert by_glob.verdict == "accept_with_warning"


def test_a_profile_file_stands_for_its_data(tmp_path):
    write(wk.profile(BASE, by="day"), tmp_path / "baseline.parquet")
    from_file = wk.check(SHIFTED, tmp_path / "baseline.parquet", by="day")
    from_data = wk.check(SHIFTED, BASE, by="day")
    assert [(f.metric, f.columns, f.window, f.value) for f in from_file.findings] == [
        (f.metric, f.columns, f.window, f.value) for f in from_data.findings
    ]


def test_profiles_of_parts_merge_to_the_profile_of_all(tmp_path):
    write(wk.profile(BASE, by="day"), tmp_path / "b.parquet")
    halves = [SHIFTED.slice(0, 333), SHIFTED.slice(333)]
    for i, part in enumerate(halves):
        write(wk.profile(part, by="day", baseline=tmp_path / "b.parquet"), tmp_path / f"{i}.parquet")
    merged = wk.merged([tmp_path / "0.parquet", tmp_path / "1.parquet"]).profiles
    whole = wk.profile(SHIFTED, by="day", baseline=tmp_path / "b.parquet").profiles
    assert merged.slices == whole.slices
    assert (merged.columns["x"].counts == whole.columns["x"].counts).all()


def test_one_file_of_three_months_is_cut_into_months_for_a_file_of_one():
    months = wk.check(rows(30, 8, first=92), rows(92, 7))
    assert (months.baseline_windows, months.baseline_source) == (3, "time")


def test_without_times_the_baseline_is_cut_into_blocks_of_the_files_size():
    base, new = (table.drop_columns(["ts"]) for table in (BASE, SAME))
    result = wk.check(new, base)
    assert (result.baseline_windows, result.baseline_source) == (4, "blocks")


def test_a_baseline_no_longer_than_the_file_is_one_window_and_says_so():
    result = wk.check(SAME, rows(4, 9))
    assert (result.baseline_windows, result.baseline_source) == (1, "one")
    assert [f.check for f in result.findings if f.severity == "info"] == ["history"]


def test_each_segment_is_compared_with_itself():
    table = SAME.to_pandas()
    table.loc[table["shop"] == "north", "x"] += 1.0
    found = {f.segment for f in wk.check(table, BASE, by="day", segment="shop").findings if f.metric == "shape"}
    assert "shop=north" in found
    assert "shop=south" not in found


def test_several_segment_columns_of_the_model_are_looked_at_and_rows_count_once():
    two = pa.table({"ts": BASE["ts"], "x": BASE["x"], "shop": BASE["shop"], "half": pa.array(["a", "b"] * 2_000)})
    new = pa.table({"ts": SAME["ts"], "x": SAME["x"], "shop": SAME["shop"], "half": pa.array(["a", "b"] * 500)})
    model = wk.infer_model(two, roles={"shop": "segment", "half": "segment"}).model
    result = wk.check(new, two, model=model, by="day")
    assert {at.segment for m in result.measurements for at in m.slices} == {
        None,
        "shop=north",
        "shop=south",
        "half=a",
        "half=b",
    }
    assert result.profiles.total == 1_000
    assert result.baseline.whole.rows.tolist() == [4_000]


def test_a_segment_of_thousands_of_values_is_refused_in_words():
    with pytest.raises(wk.WatchkeeperError, match="row_id"):
        wk.check(SHIFTED, rows(20, 1, size=400), segment="row_id")


def test_a_profile_file_by_day_serves_a_check_by_week_and_not_one_by_hour(tmp_path):
    write(wk.profile(rows(28, 1), by="day"), tmp_path / "b.parquet")
    assert wk.check(SHIFTED, tmp_path / "b.parquet", by="week").baseline_windows == 5
    with pytest.raises(wk.WatchkeeperError, match="finer"):
        wk.check(SHIFTED, tmp_path / "b.parquet", by="hour")
    with pytest.raises(wk.WatchkeeperError, match="with this segment"):
        wk.check(SHIFTED, tmp_path / "b.parquet", by="day", segment="shop")


def test_changes_by_window_do_not_touch_the_verdict_but_are_told():
    assert wk.check(SHIFTED, BASE, by="day").verdict == "accept"
    assert wk.check(SHIFTED, BASE).verdict == "accept_with_warning"


def test_an_unreadable_baseline_is_an_error_with_exit_code_4(tmp_path):
    (tmp_path / "base.parquet").write_bytes(b"PAR1 this is no parquet file PAR1")
    with pytest.raises(wk.WatchkeeperError) as wrong:
        wk.check(SAME, tmp_path / "base.parquet")
    assert wrong.value.exit_code == 4


@pytest.mark.parametrize("by", ["minute", "0-rows", "-5-rows", ""])
def test_a_window_that_there_is_not_is_named(by):
    with pytest.raises(wk.WatchkeeperError, match="hour, day, week, month"):
        wk.check(SAME, BASE, by=by)


@pytest.mark.parametrize("period", ["2024", "2024-13", "2024-02-30", "2024-02-02/2024-02-01", "tomorrow"])
def test_a_period_that_there_is_not_is_named(period):
    with pytest.raises(wk.WatchkeeperError, match="write a month"):
        wk.check(SAME, BASE, period=period)


def test_rows_outside_the_period_are_set_aside():
    result = wk.check(SAME, BASE, period="2024-03-21")
    assert result.verdict == "quarantine_rows"
    assert (result.rows_read, result.rows_good) == (1_000, 200)


def test_nothing_heavy_is_imported_before_it_is_used():
    import subprocess
    import sys

    code = "import sys, watchkeeper; print([m for m in ('numpy', 'pyarrow', 'pydantic', 'scipy') if m in sys.modules])"
    assert (
        subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip() == "[]"
    )


def test_a_frame_with_a_column_of_mixed_types_is_rejected_and_not_an_error():
    frame, good = SAME.to_pandas(), BASE.to_pandas()
    mixed = frame.assign(shop=[3 if row == 3 else shop for row, shop in enumerate(frame["shop"])])
    twice = pd.concat([frame, frame[["x"]]], axis=1)
    for bad, check, column in ((mixed, "type", "shop"), (twice, "duplicate_column", "x")):
        result = wk.check(bad, good)
        assert result.verdict is wk.Verdict.REJECT_FILE
        assert (result.findings[0].check, result.findings[0].columns) == (check, (column,))
        with pytest.raises(wk.WatchkeeperError, match=f"the baseline can't be used.*`{column}`"):
            wk.check(good, bad)


@pytest.mark.parametrize("ending", ["csv", "parquet"])
def test_accepted_files_can_be_checked_again_and_be_the_next_baseline(tmp_path, ending):
    columns = {
        "row_id": Column(type="integer", role="id", drift=False),
        "ts": Column(type="timestamp", role="timestamp"),
        "x": Column(type="number", decimal=","),
        "shop": Column(type="string"),
    }
    model = wk.Model(name="m", columns=columns, text=TextFormat(delimiter=";"))
    sent = [tmp_path / f"{number}.csv" for number in range(4)]
    good = [tmp_path / f"good{number}.{ending}" for number in range(4)]
    for number, (path, kept) in enumerate(zip(sent, good, strict=True)):
        rows(5, number, first=5 * number).to_pandas().to_csv(path, sep=";", decimal=",", index=False)
        wk.check(path, BASE, model=model, accepted=kept)
    assert wk.check(good[3], sent[:3], model=model).verdict is wk.Verdict.ACCEPT
    assert wk.check(sent[3], good[:3], model=model).rows_good == 1000


def test_a_check_that_breaks_off_is_named_and_what_it_raised_is_the_cause():
    def measure(now, baseline):
        raise ZeroDivisionError("division by zero")
        yield

    mine = Check("margin", measure, sees="", blind="", remedy="", say=lambda m, i, usual: "")
    with pytest.raises(wk.WatchkeeperError, match=r"the check 'margin' broke off \(ZeroDivisionError") as wrong:
        wk.check(SAME, BASE, checks=[mine])
    assert wrong.value.exit_code == 4
    assert isinstance(wrong.value.__cause__, ZeroDivisionError)
