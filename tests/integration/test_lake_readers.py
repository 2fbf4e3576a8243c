"""Other tools open the lake's tables as they are: nothing of ours is needed to read them."""

import duckdb
import polars as pl
import pyarrow.dataset as pads
import pytest
from deltalake import DeltaTable

from lake_room import BEGIN, a_label, a_lake, a_model, an_event
from watchkeeper.lake import events_table, labels_table

ODD = "a b,c;{}()\n\t=50% é"


@pytest.fixture
def folder(tmp_path):
    for columns in ({}, {ODD: {"type": "number"}, "Age": {"type": "integer"}}):
        lake = a_lake(tmp_path, a_model(columns=columns))
        first = 100 * len(columns)
        events = [an_event(i, features={"age": i, ODD: 0.5, "Age": 7}) for i in range(first, first + 100)]
        lake.append_events(events_table(events, BEGIN, lake.model, lake.columns), {})
    lake.append_labels(labels_table([a_label(i, 1) for i in [*range(50), *range(900, 920)]], BEGIN), {})
    lake.compact()
    return tmp_path / "lake" / "churn"


def test_polars_reads_them(folder):
    events = pl.scan_delta(str(folder / "events")).sort("time").collect()
    assert events.height == 200
    assert events["features"].struct.field("age").sum() == sum([*range(100), *range(200, 300)])
    assert events["features"].struct.field(ODD.replace("%", "%25")).null_count() == 100
    assert pl.read_delta(str(folder / "labels"))["label"].to_list() == ["1"] * 70


def test_duckdb_reads_them(folder):
    events, labels = (DeltaTable(folder / name).to_pyarrow_dataset() for name in ("events", "labels"))
    query = "select count(*), sum(features.age) from events join labels using (id) where events.day = '2024-01-01'"
    assert duckdb.sql(query).fetchall() == [(50, sum(range(50)))]
    assert events.count_rows() == 200
    assert labels.count_rows() == 70


def test_readers_that_trust_the_logs_statistics_find_every_row(folder):
    labels = DeltaTable(folder / "labels").to_pyarrow_dataset()
    events = DeltaTable(folder / "events").to_pyarrow_dataset()
    assert duckdb.sql("select score from events where id = 'e7'").fetchall() == [(0.7,)]
    assert events.count_rows(filter=pads.field("prediction") == 1) == 100
    assert duckdb.sql("select count(*) from labels where event_time is null").fetchall() == [(20,)]
    assert labels.count_rows(filter=pads.field("event_time").is_valid()) == 50
    assert pl.scan_delta(str(folder / "events")).filter(pl.col("version") == "v1").collect().height == 200


def test_duckdb_reads_the_files_that_the_log_names(folder):
    files = DeltaTable(folder / "events").file_uris()
    columns = "count(*), count(distinct id), max(map_extract(other, 'Age')[1])"
    query = f"select {columns} from read_parquet($files, union_by_name=true)"
    assert duckdb.sql(query, params={"files": files}).fetchall() == [(200, 200, "7")]
