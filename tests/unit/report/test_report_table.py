"""The table of measurements: the contract's columns, and usual values that agree with the findings."""

from __future__ import annotations

import csv
import json
from dataclasses import replace

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import checked
from watchkeeper.checks import Measurement
from watchkeeper.model import WatchkeeperError
from watchkeeper.profiles import Slice
from watchkeeper.report import measurements, write_measurements
from watchkeeper.report.metric import JOINT

COLUMNS = [
    "window_start", "window_end", "segment", "version", "check", "metric", "columns",
    "value", "low", "high", "effect", "evidence", "rows", "judged",
]  # fmt: skip


def test_every_measurement_of_every_window_is_a_row():
    result = checked.broken_sensors()
    table = measurements(result)
    assert table.column_names == COLUMNS
    assert table.num_rows == sum(len(one.slices) for one in result.measurements)
    assert table.schema.field("columns").type == pa.list_(pa.string())


def test_a_value_that_was_found_lies_outside_the_usual_values():
    result = checked.broken_sensors()
    by_name = {
        (row["metric"], tuple(row["columns"]), row["window_start"].date().isoformat()): row
        for row in measurements(result).to_pylist()
    }
    for finding in result.findings:
        columns = () if finding.metric in JOINT else finding.columns
        row = by_name[finding.metric, columns, finding.window.split("/")[0]]
        assert row["judged"]
        assert row["value"] == finding.value
        low, high = row["low"], row["high"]
        assert row["value"] < low or row["value"] > high
        ends = [None if end is None or not np.isfinite(end) else end for end in (low, high)]
        assert ends == list(finding.expected)


def test_a_quality_metric_that_is_not_judged_has_its_interval():
    one = Measurement(
        metric="roc_auc", columns=("label", "score"), value=np.array([0.8]), rows=np.array([50]), check="quality",
        interval=(np.array([0.7]), np.array([0.9])), slices=(Slice(start=0, end=86_400_000_000),),
    )  # fmt: skip
    row = measurements(replace(checked.unchanged(), measurements=[one])).to_pylist()[0]
    assert (row["low"], row["high"], row["judged"], row["evidence"]) == (0.7, 0.9, False, None)


def test_the_ending_decides_the_format(tmp_path):
    result = checked.broken_sensors()
    for name in ("m.parquet", "m.csv", "m.jsonl"):
        write_measurements(result, tmp_path / name)
    rows = measurements(result).num_rows
    assert pq.read_table(tmp_path / "m.parquet").column_names == COLUMNS
    with (tmp_path / "m.csv").open(encoding="utf-8", newline="") as file:
        listed = list(csv.DictReader(file))
    assert (len(listed), list(listed[0])) == (rows, COLUMNS)
    lines = (tmp_path / "m.jsonl").read_text(encoding="utf-8").splitlines()
    assert (len(lines), list(json.loads(lines[0]))) == (rows, COLUMNS)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["m.csv", "m.jsonl", "m.parquet"]


def test_another_ending_is_refused_and_nothing_is_written(tmp_path):
    with pytest.raises(WatchkeeperError, match=r"\.parquet, \.csv or \.jsonl"):
        write_measurements(checked.unchanged(), tmp_path / "m.xlsx")
    assert list(tmp_path.iterdir()) == []


def test_a_csv_runs_nothing_in_a_spreadsheet_and_a_data_file_keeps_names_as_they_are(tmp_path):
    names = ("=cmd|'/c calc'!A1", "a\x1b[31m\nb")
    one = Measurement(
        metric="null_share", columns=names, value=np.array([0.5]), rows=np.array([2]), check="null_share",
        slices=(Slice(segment="-1+1=2", label="x"),),
    )  # fmt: skip
    result = replace(checked.unchanged(), measurements=[one])
    write_measurements(result, tmp_path / "m.csv")
    with (tmp_path / "m.csv").open(encoding="utf-8", newline="") as file:
        row = next(csv.DictReader(file))
    assert row["columns"] == "'=cmd|'/c calc'!A1; a\\x1b[31m\\nb"
    assert row["segment"] == "'-1+1=2"
    write_measurements(result, tmp_path / "m.jsonl")
    assert json.loads((tmp_path / "m.jsonl").read_text(encoding="utf-8"))["columns"] == list(names)


def test_a_csv_masks_the_values_of_personal_columns(tmp_path):
    result = checked.broken_sensors()
    columns = {**result.model.columns, "temp": result.model.columns["temp"].model_copy(update={"pii": True})}
    write_measurements(replace(result, model=result.model.model_copy(update={"columns": columns})), tmp_path / "m.csv")
    with (tmp_path / "m.csv").open(encoding="utf-8", newline="") as file:
        values = {(row["metric"], row["columns"]): row["value"] for row in csv.DictReader(file)}
    assert values["range_high", "temp"] == "masked"
    assert values["null_share", "temp"] == "0.0"
    assert values["range_high", "windspeed"] not in ("", "masked")
