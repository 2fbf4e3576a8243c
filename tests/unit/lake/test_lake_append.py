"""What is brought to the lake is stored once, and what its columns are may grow."""

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from lake_room import BEGIN, DAY, HOUR, START, a_label, a_lake, a_model, an_event, stored, stored_ids
from watchkeeper.lake import Kept, Overtaken, Told, events_table, jobs_table, labels_table, points_table
from watchkeeper.sdk import JobRun, MetricPoint


def bring(lake, events, transactions=None, after=None, received=BEGIN + 40 * DAY):
    rows = events_table(events, received, lake.model, lake.columns)
    return lake.append_events(rows, transactions or {}, after)


def test_the_first_of_an_id_wins_over_all_history(tmp_path):
    lake = a_lake(tmp_path)
    done = bring(lake, [an_event(1), an_event(2), an_event(1), an_event(2, score=0.9)])
    assert (done.new, done.duplicates, done.conflicts) == (2, 1, 1)
    done = bring(a_lake(tmp_path), [an_event(2), an_event(1, version="v2"), an_event(3)])
    assert (done.new, done.duplicates, done.conflicts) == (1, 1, 1)
    assert done.touched.tolist() == [BEGIN + 3 * 60_000_000]
    assert {row["id"]: row["version"] for row in stored(lake)} == {"e1": "v1", "e2": "v1", "e3": "v1"}


def test_a_duplicate_is_one_though_it_came_in_another_company_and_with_other_columns_known(tmp_path):
    event = an_event(1, features={"age": 1, "zip": "x"}, raw={"b": 1, "a": 2})
    bring(a_lake(tmp_path), [event])
    grown = a_lake(tmp_path, a_model(columns={"height": {"type": "number"}}))
    again = an_event(1, features={"zip": "x", "age": 1}, raw={"a": 2, "b": 1})
    done = bring(grown, [an_event(7, features={"height": 1.5}), again])
    assert (done.new, done.duplicates, done.conflicts) == (1, 1, 0)


def test_a_transaction_is_applied_once_and_tells_its_times_again(tmp_path):
    lake = a_lake(tmp_path)
    first = bring(lake, [an_event(1)], {"file": 1})
    again = bring(a_lake(tmp_path), [an_event(1)], {"file": 1})
    assert (first.new, first.before, again.new, again.duplicates, again.before) == (1, False, 0, 0, True)
    assert again.touched.tolist() == first.touched.tolist()
    assert lake.consumed("events", ["file", "other"]) == {"file": 1, "other": -1}


def test_rows_read_from_where_nobody_stands_any_more_are_refused(tmp_path):
    lake = a_lake(tmp_path)
    bring(lake, [an_event(1)], {"segment": 100}, {"segment": -1})
    with pytest.raises(Overtaken, match="another process"):
        bring(lake, [an_event(1), an_event(2)], {"segment": 200}, {"segment": -1})
    bring(lake, [an_event(2)], {"segment": 200}, {"segment": 100})
    assert stored_ids(lake) == ["e1", "e2"]


def test_two_lakes_that_looked_before_either_wrote_keep_each_id_once(tmp_path):
    one, other = a_lake(tmp_path), a_lake(tmp_path)
    bring(one, [an_event(0)])
    list(other.events())
    bring(one, [an_event(1)])
    done = bring(other, [an_event(1), an_event(2)])
    assert (done.new, done.duplicates) == (1, 1)
    assert stored_ids(one) == ["e0", "e1", "e2"]


def test_events_are_read_by_time_and_few_files_are_opened(tmp_path):
    lake = a_lake(tmp_path)
    bring(lake, [an_event(i) for i in range(0, 5000, 10)])
    found = [t for b in lake.events(BEGIN + DAY, BEGIN + DAY + HOUR, ["time"]) for t in b.column("time").to_pylist()]
    assert sorted(found) == [START + timedelta(days=1, minutes=10 * i) for i in range(6)]
    table = lake.tables["events"]
    assert [file.day.day for file in table.files(table.fresh(), BEGIN + DAY, BEGIN + DAY + HOUR)] == [2]


def test_a_time_of_any_year_is_kept_and_told(tmp_path):
    lake = a_lake(tmp_path)
    odd = [
        datetime(1969, 12, 31, 23, 59, 59, 999999, UTC),
        datetime(2100, 1, 1, tzinfo=UTC),
        datetime(3, 1, 1, tzinfo=UTC),
    ]
    done = bring(lake, [an_event(i, time=time) for i, time in enumerate(odd)], received=BEGIN)
    assert (done.new, done.future, done.ancient) == (3, 1, 2)
    assert sorted(row["time"] for row in stored(lake)) == sorted(odd)
    assert [b.num_rows for b in lake.events(-10, 0)] == [1]
    assert sum(b.num_rows for b in lake.events(None, 0)) == 2


def test_a_new_feature_is_null_in_old_rows_and_old_ones_stay(tmp_path):
    bring(a_lake(tmp_path), [an_event(1)])
    lake = a_lake(tmp_path, a_model(columns={"height": {"type": "number"}, "plan": None}))
    bring(lake, [an_event(2, features={"height": 1.8, "age": 3})])
    rows = {row["id"]: row["features"] for row in stored(lake)}
    assert (rows["e1"]["height"], rows["e1"]["plan"]) == (None, "b")
    assert (rows["e2"]["height"], rows["e2"]["plan"], rows["e2"]["age"]) == (1.8, None, 3)
    assert {row["id"] for row in stored(a_lake(tmp_path))} == {"e1", "e2"}


def test_a_lake_opened_before_the_model_grew_can_still_write(tmp_path):
    old = a_lake(tmp_path)
    bring(old, [an_event(1)])
    bring(a_lake(tmp_path, a_model(columns={"height": {"type": "number"}})), [an_event(2, features={"height": 2.0})])
    bring(old, [an_event(3, features={"height": 3.0, "age": 1})])
    rows = {row["id"]: row for row in stored(old)}
    assert set(rows) == {"e1", "e2", "e3"}
    assert dict(rows["e3"]["other"]) == {"height": "3.0"}
    assert "height" in a_lake(tmp_path).columns.schema.field("features").type.names


def test_the_latest_label_by_its_time_counts_as_of_any_time(tmp_path):
    lake = a_lake(tmp_path)
    bring(lake, [an_event(1), an_event(2)])
    first, second = (a_label(1, value, time=START + timedelta(days=day)) for value, day in ((1, 2), (0, 9)))
    lake.append_labels(labels_table([second], BEGIN), {})
    done = lake.append_labels(labels_table([first], BEGIN + 1), {})
    assert done.touched.tolist() == [BEGIN + 60_000_000]
    assert [row["label"] for row in lake.labels_for(["e1", "e2"]).to_pylist()] == ["0"]
    assert [row["label"] for row in lake.labels_for(["e1"], BEGIN + 5 * DAY).to_pylist()] == ["1"]
    assert lake.labels_for(["e1"], BEGIN + DAY).num_rows == 0


def test_a_label_that_comes_before_its_event_is_found(tmp_path):
    lake = a_lake(tmp_path)
    done = lake.append_labels(labels_table([a_label(1, 1)], BEGIN), {})
    assert done.touched.tolist() == []
    bring(lake, [an_event(1)])
    assert [row["label"] for row in lake.labels_for(["e1"]).to_pylist()] == ["1"]
    lake.append_labels(labels_table([a_label(1, 0, time=START + timedelta(days=30))], BEGIN), {})
    assert [row["label"] for row in lake.labels_for(["e1"]).to_pylist()] == ["0"]


def test_points_jobs_profiles_and_findings_are_kept(tmp_path):
    lake = a_lake(tmp_path)
    points = [
        MetricPoint(name="cost", time=START, value=1.5, tags={"unit": "EUR"}),
        MetricPoint(name="rss", time=START, value=2),
    ]
    lake.append_points(points_table(points, BEGIN, ["logged", "service"]), {"s": 1})
    lake.append_points(points_table(points, BEGIN, ["logged", "service"]), {"s": 1})
    assert [(row["name"], row["source"]) for row in stored(lake, "points")] == [("cost", "logged"), ("rss", "service")]
    lake.append_jobs(jobs_table([JobRun(job="n", run="1", status="ok", time=START, inputs=["a"])], BEGIN), {})
    assert stored(lake, "jobs")[0]["inputs"] == '["a"]'
    for revision, made in ((1, 5), (2, 6)):
        lake.put_profiles([Kept(BEGIN, BEGIN + HOUR, revision, b"%d" % revision)], "edges", made)
    lake.put_profiles([Kept(BEGIN + HOUR, BEGIN + 2 * HOUR, 1, b"1")], "edges", 5)
    lake.put_profiles([Kept(BEGIN + 2 * HOUR, BEGIN + 3 * HOUR, 1, b"1")], "others", 5)
    assert [row["profile"] for row in lake.profiles(BEGIN, BEGIN + HOUR)] == [b"2"]
    assert len(list(lake.profiles())) == 3
    assert lake.revisions(BEGIN, BEGIN + 3 * HOUR, "edges") == {
        (BEGIN, BEGIN + HOUR): (2, 6),
        (BEGIN + HOUR, BEGIN + 2 * HOUR): (1, 5),
    }
    finding = {"severity": "alarm", "check": "shape", "columns": ["age"], "metric": "shape"}
    lake.put_findings([Told(BEGIN, BEGIN + HOUR, 1, [finding])], 5)
    assert lake.findings()["severity"].to_pylist() == ["alarm"]
    lake.put_findings([Told(BEGIN, BEGIN + HOUR, 2, [])], 6)
    assert lake.findings().num_rows == 0


def test_a_log_that_a_power_failure_left_empty_at_its_end_is_mended(tmp_path):
    lake = a_lake(tmp_path)
    bring(lake, [an_event(1)])
    log = tmp_path / "lake" / "churn" / "events" / "_delta_log"
    for name in ("00000000000000000002.json", "_last_checkpoint"):
        (log / name).write_bytes(b"")
    assert bring(a_lake(tmp_path), [an_event(1), an_event(2)]).new == 1
    assert stored_ids(lake) == ["e1", "e2"]


def test_times_of_events_come_from_the_index(tmp_path):
    lake = a_lake(tmp_path)
    bring(lake, [an_event(i) for i in range(5)])
    assert np.sort(lake.event_times(["e3", "e9", "e1"])).tolist() == [BEGIN + 60_000_000, BEGIN + 180_000_000]
