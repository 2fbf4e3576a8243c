"""Compaction changes no row, retention takes whole days, and what is erased is nowhere on the disk."""

import os
import time
from datetime import date, timedelta

import pyarrow.parquet as pq
import pytest

from lake_room import BEGIN, DAY, HOUR, a_label, a_lake, a_model, an_event, stored, stored_ids
from watchkeeper.lake import Kept, LakeChanged, events_table, labels_table

SECRET = "mario.rossi@example.org"


def filled(tmp_path, parts=6, each=300):
    lake = a_lake(tmp_path)
    for part in range(parts):
        events = [an_event(i) for i in range(part, parts * each, parts)]
        lake.append_events(events_table(events, BEGIN, lake.model, lake.columns), {f"s{part}": 1})
        labels = [a_label(i) for i in range(part, parts * each, parts * 3)]
        lake.append_labels(labels_table(labels, BEGIN), {f"s{part}": 1})
    return lake


def holding(folder, text):
    """Files in which a text stands: as bytes, or as a value of a Parquet file, which is compressed."""
    found = []
    for path in folder.rglob("*"):
        if path.is_file():
            data = path.read_bytes()
            values = repr(pq.read_table(path, partitioning=None).to_pylist()) if path.suffix == ".parquet" else ""
            if text.encode() in data or text in values:
                found.append(path)
    return found


def test_small_files_become_few_and_no_row_changes(tmp_path):
    lake = filled(tmp_path)
    before = {name: sorted(map(str, stored(lake, name))) for name in ("events", "labels")}
    assert lake.compact() == 24
    assert {name: sorted(map(str, stored(lake, name))) for name in before} == before
    assert len(lake.tables["events"].files(lake.tables["events"].fresh())) == 2
    assert lake.compact() == 0
    assert lake.append_events(events_table([an_event(5)], BEGIN, lake.model, lake.columns), {}).duplicates == 1


def test_compaction_keeps_columns_that_came_later(tmp_path):
    filled(tmp_path, parts=1)
    lake = a_lake(tmp_path, a_model(columns={"height": {"type": "number"}}))
    events = [an_event(5000 + i, features={"height": 1.5}, time=an_event(1).time) for i in range(3)]
    lake.append_events(events_table(events, BEGIN, lake.model, lake.columns), {})
    before = sorted(map(str, stored(lake)))
    assert lake.compact() == 2
    assert sorted(map(str, stored(lake))) == before


def test_files_that_no_version_needs_go_when_they_are_old_enough(tmp_path):
    lake = filled(tmp_path)
    lake.compact()
    abandoned = tmp_path / "lake" / "churn" / "events" / "day=2024-01-01" / "abandoned.parquet"
    abandoned.write_bytes(b"a mover died here")
    assert lake.vacuum() == 0
    old = time.time() - 2 * 86_400
    os.utime(abandoned, (old, old))
    assert lake.vacuum() == 1
    assert lake.vacuum(timedelta()) == 24
    assert len(stored(lake)) == 1800


def test_days_before_a_date_go_from_all_tables(tmp_path):
    lake = filled(tmp_path)
    assert lake.retain(date(2024, 1, 2)) == 1440 + 480
    assert {row["day"] for name in ("events", "labels") for row in stored(lake, name)} == {date(2024, 1, 2)}
    assert lake.event_times(["e5", "e1500"]).tolist() == [BEGIN + 1500 * 60_000_000]
    assert lake.retain(date(2024, 1, 2)) == 0


def test_an_erased_id_is_nowhere_on_the_disk(tmp_path):
    lake = filled(tmp_path)
    secret = an_event(42, id=SECRET)
    lake.append_events(events_table([secret], BEGIN, lake.model, lake.columns), {})
    lake.append_labels(labels_table([a_label(1, id=SECRET), a_label(4242)], BEGIN), {})
    lake.put_profiles([Kept(BEGIN, BEGIN + HOUR, 1, f"a sample with '{SECRET}'".encode())], "edges", 1)
    lake.put_profiles([Kept(BEGIN + HOUR, BEGIN + 2 * HOUR, 1, b"another")], "edges", 1)
    folder = tmp_path / "lake"
    assert len(holding(folder, SECRET)) >= 3  # so the search would find it
    lake.compact()
    assert lake.erase(SECRET).tolist() == [BEGIN + 42 * 60_000_000]
    assert holding(folder, SECRET) == []
    assert SECRET not in stored_ids(lake)
    assert (len(stored(lake)), lake.labels_for([SECRET, "e4242"]).num_rows) == (1800, 1)
    assert [row["profile"] for row in lake.profiles()] == [b"another"]
    assert lake.event_times([SECRET]).tolist() == []
    assert lake.erase(["never seen"]).tolist() == []


def test_a_label_without_an_event_is_erased_too(tmp_path):
    lake = filled(tmp_path, parts=1)
    lake.append_labels(labels_table([a_label(9999)], BEGIN), {})
    assert lake.erase("e9999").tolist() == []
    assert lake.labels_for(["e9999"]).num_rows == 0
    assert holding(tmp_path / "lake", "e9999") == []


def test_who_reads_while_rows_are_erased_is_told_to_read_again(tmp_path):
    lake = filled(tmp_path)
    rows = lake.events()
    next(rows)
    a_lake(tmp_path).erase([f"e{i}" for i in range(300)])
    with pytest.raises(LakeChanged, match="run it again"):
        list(rows)
    assert len(stored(lake)) == 1500


def test_events_that_come_while_files_are_compacted_elsewhere_are_kept(tmp_path):
    lake, other = filled(tmp_path), a_lake(tmp_path)
    list(other.events(BEGIN, BEGIN + DAY))
    lake.compact()
    events = [an_event(i) for i in range(1790, 1810)]
    done = other.append_events(events_table(events, BEGIN, other.model, other.columns), {})
    assert (done.new, done.duplicates) == (10, 10)
    assert len(stored(other)) == 1810
