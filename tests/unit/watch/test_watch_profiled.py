"""Baselines that are profiled already: several files, other windows, other models, and profiles from Python."""

from __future__ import annotations

import shutil

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import watchkeeper as wk
from watchkeeper.model import Column
from watchkeeper.profiles import EdgesDiffer, write
from watchkeeper.watch.profiled import (
    BaselineDiffers,
    BaselineUnreadable,
    CountedTwice,
    NotAlone,
    WindowsDiffer,
)

DAY = 86_400


def rows(days, seed, first=0, size=60):
    """Whole days of rows from Monday, 4 March 2024, on."""
    rng = np.random.default_rng(seed)
    n = days * size
    seconds = np.repeat(np.arange(first, first + days), size) * DAY + rng.integers(0, DAY, n)
    when = np.datetime64("2024-03-04", "us") + (seconds * 1_000_000).astype("timedelta64[us]")
    return pa.table(
        {
            "row_id": np.arange(n) + first * size,
            "ts": np.sort(when),
            "x": rng.normal(0, 1, n),
            "shop": pa.array(rng.choice(["north", "south"], n)),
        }
    )


BASE, WEEK = rows(42, 1), rows(7, 2, first=42)


def told(result):
    return [f.message for f in result.findings if f.check == "history"]


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """The data, and profiles on edges of their own or of `base`."""
    folder = tmp_path_factory.mktemp("profiled")
    pq.write_table(BASE, folder / "base.parquet")
    pq.write_table(WEEK, folder / "week.parquet")
    base = wk.profile(folder / "base.parquet", by="day", output=folder / "days.parquet")
    for i in range(3):
        part = BASE.slice(i * 14 * 60, 14 * 60)
        wk.profile(part, baseline=folder / "days.parquet", by="day", output=folder / f"part-{i}.parquet")
        wk.profile(part, by="day", output=folder / f"other-{i}.parquet")
    assert len(base.profiles.slices) == 42
    return folder


def test_several_profile_files_are_one_baseline(files):
    whole = wk.check(WEEK, files / "days.parquet", by="day")
    for given in (str(files / "part-*.parquet"), sorted(files.glob("part-*.parquet"))):
        parts = wk.check(WEEK, given, by="day")
        assert (parts.baseline_windows, parts.baseline_name) == (42, "3 profile files")
        assert [(m.metric, m.columns, m.value.tolist()) for m in parts.measurements if m.metric == "shape"] == [
            (m.metric, m.columns, m.value.tolist()) for m in whole.measurements if m.metric == "shape"
        ]


def test_profile_files_of_other_edges_are_no_baseline_and_both_are_named(files):
    with pytest.raises(BaselineUnreadable, match=r"part-0\.parquet and .*other-1\.parquet .* different edges") as wrong:
        wk.check(WEEK, [files / "part-0.parquet", files / "other-1.parquet"])
    assert wrong.value.exit_code == 4


def test_profiles_and_data_are_not_one_baseline(files):
    with pytest.raises(NotAlone, match=r"part-0\.parquet holds profiles and .*base\.parquet data") as wrong:
        wk.check(WEEK, [files / "base.parquet", files / "part-0.parquet"])
    assert wrong.value.exit_code == 2


@pytest.mark.parametrize("do", [wk.check, lambda given, _: wk.profile(given)], ids=["check", "profile"])
def test_profiles_are_no_data(files, do):
    for given in (files / "days.parquet", wk.profile(BASE)):
        with pytest.raises(NotAlone, match="holds profiles, and here data are wanted") as wrong:
            do(given, files / "base.parquet")
        assert wrong.value.exit_code == 2


def test_days_are_added_up_to_weeks_for_a_file_of_a_week(files):
    by_profile, by_data = wk.check(WEEK, files / "days.parquet"), wk.check(WEEK, BASE)
    assert (by_profile.baseline_windows, by_profile.baseline_source) == (6, "time")
    assert [(f.metric, f.severity, f.value) for f in by_profile.findings] == [
        (f.metric, f.severity, f.value) for f in by_data.findings
    ]
    assert "rows" in {m.metric for m in by_profile.measurements}


def test_days_are_added_up_to_a_span_that_is_no_calendar_unit(files):
    result = wk.check(rows(3, 4, first=42), files / "days.parquet")
    assert (result.baseline_windows, result.baseline_source, result.verdict) == (14, "time", "accept")


def test_windows_that_do_not_add_up_count_as_one_and_the_number_of_rows_is_not_judged(files, tmp_path):
    result = wk.check(rows(1, 4, first=42, size=480).slice(0, 20), files / "days.parquet")
    assert (result.baseline_windows, result.baseline_source) == (1, "one")
    assert "rows" not in {m.metric for m in result.measurements}
    assert "42 windows that were profiled do not add up" in " ".join(told(result))


def test_blocks_of_rows_are_added_up_and_days_are_no_blocks(files, tmp_path):
    wk.profile(BASE, by="60-rows", output=tmp_path / "blocks.parquet")
    assert wk.check(WEEK, tmp_path / "blocks.parquet", by="120-rows").baseline_windows == 21
    free = wk.check(WEEK, tmp_path / "blocks.parquet")
    assert (free.baseline_windows, free.baseline_source) == (6, "blocks")
    with pytest.raises(BaselineDiffers, match="not cut into blocks of 100 rows"):
        wk.check(WEEK, tmp_path / "blocks.parquet", by="100-rows")
    with pytest.raises(BaselineDiffers, match="not cut into blocks of 60 rows"):
        wk.check(WEEK, files / "days.parquet", by="60-rows")


def test_what_profile_returns_is_a_baseline(files):
    made = wk.profile(BASE, by="day")
    assert wk.check(WEEK, made).findings == wk.check(WEEK, files / "days.parquet").findings
    assert wk.profile(WEEK, baseline=made, by="day").profiles.edges.id == made.profiles.edges.id
    assert wk.merged([made, wk.profile(WEEK, baseline=made, by="day")]).profiles.total == 49 * 60


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda columns: columns | {"amount": Column(type="number")}, "have no column `amount`"),
        (lambda columns: columns | {"x": Column(type="string")}, "`x` was profiled as number"),
    ],
    ids=["column", "type"],
)
def test_a_model_that_does_not_fit_the_profiles_is_an_unreadable_baseline(files, change, words):
    model = wk.infer_model(BASE).model
    other = wk.Model(name=model.name, columns=change(dict(model.columns)))
    with pytest.raises(BaselineUnreadable, match=words) as wrong:
        wk.check(WEEK, files / "days.parquet", model=other)
    assert wrong.value.exit_code == 4


@pytest.mark.parametrize(
    ("how", "words"),
    [
        ({"by": "hour"}, r"is cut into days and .*other\.parquet is cut into hours.*--by"),
        ({"by": "60-rows"}, r"is cut into days and .*is cut into blocks of 60 rows.*--by"),
        ({}, r"is cut into days and .*is not cut \(a window for each file\).*--by"),
        ({"by": "day", "segment": "shop"}, r"is not divided into segments and .*is divided by `shop`.*--segment"),
    ],
)
def test_profiles_of_other_windows_or_segments_are_not_merged_and_what_differs_is_said(files, tmp_path, how, words):
    wk.profile(WEEK, baseline=files / "days.parquet", output=tmp_path / "other.parquet", **how)
    with pytest.raises(WindowsDiffer, match=words):
        wk.merged([files / "days.parquet", tmp_path / "other.parquet"])
    with pytest.raises(BaselineUnreadable, match="the baseline can't be used"):
        wk.check(WEEK, [files / "days.parquet", tmp_path / "other.parquet"])


def test_a_copy_of_a_profile_file_is_not_counted_twice(files, tmp_path):
    shutil.copy(files / "days.parquet", tmp_path / "copy.parquet")
    with pytest.raises(CountedTwice, match=r"days\.parquet and .*copy\.parquet both hold the rows of base\.parquet"):
        wk.merged([files / "days.parquet", tmp_path / "copy.parquet"])


def test_two_spans_of_one_file_are_merged(files):
    days = files / "days.parquet"
    parts = [
        wk.profile(files / "base.parquet", baseline=days, by="week", period=span)
        for span in ("2024-03-04/2024-03-07", "2024-03-07/2024-03-11")
    ]
    assert wk.merged(parts).profiles.total == 7 * 60


def test_the_order_of_merging_changes_no_byte(files, tmp_path):
    for i in range(2):
        pq.write_table(rows(2, i, first=i * 2), tmp_path / f"d{i}.parquet")
        wk.profile(
            tmp_path / f"d{i}.parquet", baseline=files / "days.parquet", by="day", output=tmp_path / f"p{i}.parquet"
        )
    wk.merged([tmp_path / "p0.parquet", tmp_path / "p1.parquet"], output=tmp_path / "ab.parquet")
    wk.merged([tmp_path / "p1.parquet", tmp_path / "p0.parquet"], output=tmp_path / "ba.parquet")
    assert (tmp_path / "ab.parquet").read_bytes() == (tmp_path / "ba.parquet").read_bytes()


def test_the_same_bytes_twice_in_one_check_are_a_repeated_delivery(files, tmp_path):
    for name in ("week.parquet", "week (1).parquet"):
        shutil.copy(files / "week.parquet", tmp_path / name)
    result = wk.check(str(tmp_path / "*.parquet"), files / "base.parquet")
    assert result.verdict == "reject_file"
    assert [f.check for f in result.findings if f.kind == "violation"] == ["repeated_delivery"]


def test_a_link_to_a_file_is_the_file(files, tmp_path):
    (tmp_path / "link.parquet").symlink_to(files / "week.parquet")
    result = wk.check([tmp_path / "link.parquet", files / "week.parquet"], files / "base.parquet")
    assert (result.verdict, result.rows_read) == ("accept", 7 * 60)


def test_a_file_whose_bytes_were_profiled_was_delivered_before(files):
    result = wk.check(files / "base.parquet", files / "days.parquet")
    assert (result.verdict, result.findings[0].check) == ("reject_file", "repeated_delivery")
    assert "base.parquet of the baseline" in result.findings[0].message


def test_a_baseline_file_may_be_looked_at_itself(files):
    assert wk.check(files / "base.parquet", files / "base.parquet").verdict == "accept"


def test_edges_that_differ_are_told_with_both_names(files):
    write(wk.profile(WEEK), files / "own.parquet")
    with pytest.raises(EdgesDiffer, match=r"days\.parquet and .*own\.parquet"):
        wk.merged([files / "days.parquet", files / "own.parquet"])
