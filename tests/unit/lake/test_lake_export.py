"""What is exported carries the names that events have when they are sent, and can be read by anything."""

import csv
import json

import pyarrow.parquet as pq
import pytest

from lake_room import BEGIN, HOUR, START, a_label, a_lake, a_model, an_event
from watchkeeper.delivery import BadOutput
from watchkeeper.lake import Kept, Told, UnknownTable, events_table, export, labels_table, points_table
from watchkeeper.sdk import MetricPoint


@pytest.fixture
def lake(tmp_path):
    lake = a_lake(tmp_path, a_model(columns={"Age": {"type": "integer"}, "50%": {"type": "number"}}))
    events = [
        an_event(1, scores={"a": 0.5}, raw={"x": [1]}, latency_ms=1.5),
        an_event(2, features={"age": "?", "Age": 4, "50%": 0.5, "new": "é"}, context={}),
    ]
    lake.append_events(events_table(events, BEGIN, lake.model, lake.columns), {})
    lake.append_labels(labels_table([a_label(1, "yes"), a_label(2, 0)], BEGIN), {})
    lake.append_points(
        points_table([MetricPoint(name="c", time=START, value=1, tags={"k": "v"})], BEGIN, ["logged"]), {}
    )
    lake.put_findings(
        [Told(BEGIN, BEGIN + HOUR, 1, [{"severity": "alarm", "check": "shape", "columns": ["age"]}])], BEGIN
    )
    lake.put_profiles([Kept(BEGIN, BEGIN + HOUR, 1, b"\x01")], "edges", BEGIN)
    return lake


def test_parquet_keeps_structs_and_types(lake, tmp_path):
    assert export(lake, "events", tmp_path / "e.parquet") == 2
    table = pq.read_table(tmp_path / "e.parquet").sort_by("time")
    assert table["id"].to_pylist() == ["e1", "e2"]
    assert not {"day", "digest"} & set(table.column_names)
    features = table["features"].to_pylist()
    assert (features[1]["Age"], features[1]["50%"], features[1]["age"]) == (4, 0.5, None)
    assert table["latency_ms"].to_pylist() == [1.5, None]


def test_csv_has_one_column_for_each_field(lake, tmp_path):
    export(lake, "events", tmp_path / "e.csv")
    with (tmp_path / "e.csv").open(newline="") as file:
        rows = {row["id"]: row for row in csv.DictReader(file)}
    assert rows["e1"]["features.income, net"] == "0.25"
    assert rows["e1"]["features.member"] == "false"
    assert json.loads(rows["e1"]["scores"]) == {"a": 0.5}
    assert rows["e2"]["features.age"] == ""
    assert json.loads(rows["e2"]["invalid"]) == {"age": '"?"'}
    assert rows["e2"]["time"] == "2024-01-01T00:02:00+00:00"


def test_json_lines_hold_what_was_sent(lake, tmp_path):
    export(lake, "events", tmp_path / "e.jsonl")
    rows = {row["id"]: row for row in map(json.loads, (tmp_path / "e.jsonl").read_text().splitlines())}
    assert rows["e1"]["raw"] == {"x": [1]}
    assert rows["e2"]["other"] == {"new": "é"}
    assert rows["e2"]["invalid"] == {"age": "?"}


@pytest.mark.parametrize("ending", ["csv", "jsonl", "parquet"])
@pytest.mark.parametrize(
    ("name", "rows"), [("labels", 2), ("points", 1), ("jobs", 0), ("findings", 1), ("profiles", 1)]
)
def test_every_table_can_be_written_in_every_format(lake, tmp_path, name, rows, ending):
    assert export(lake, name, tmp_path / f"out.{ending}") == rows
    assert (tmp_path / f"out.{ending}").exists()


def test_labels_are_written_as_they_were_sent(lake, tmp_path):
    export(lake, "labels", tmp_path / "l.csv")
    with (tmp_path / "l.csv").open(newline="") as file:
        assert {row["id"]: row["label"] for row in csv.DictReader(file)} == {"e1": "yes", "e2": "0"}
    export(lake, "labels", tmp_path / "l.jsonl")
    lines = (tmp_path / "l.jsonl").read_text().splitlines()
    assert {row["id"]: row["label"] for row in map(json.loads, lines)} == {"e1": "yes", "e2": 0}


def test_a_span_can_be_chosen(lake, tmp_path):
    assert export(lake, "events", tmp_path / "e.csv", BEGIN, BEGIN + 120_000_000) == 1


def test_what_can_not_be_written_is_said_before_anything_is_read(lake, tmp_path):
    with pytest.raises(UnknownTable, match="events, labels, points"):
        export(lake, "event", tmp_path / "e.csv")
    with pytest.raises(BadOutput, match=r"\.csv, \.jsonl, \.parquet"):
        export(lake, "events", tmp_path / "e.xlsx")
