"""Shards hold the events and labels of the lake, whoever reads them, and without the index of ids."""

import pickle
from datetime import timedelta

import pyarrow as pa
import pytest

from lake_room import BEGIN, DAY, HOUR, START, a_label, a_lake, a_model, an_event
from watchkeeper.lake import block_of, events_table, labels_table, served
from watchkeeper.lake.shard import shards, source_of


@pytest.fixture
def lake(tmp_path):
    """Two days in two files each: labels before their events and after them, on other days, twice, and of strangers."""
    lake = a_lake(tmp_path, a_model(segments=["country"]))
    early = [a_label(i, time=START + timedelta(days=i % 7)) for i in range(0, 48, 4)]
    strangers = [a_label(900 + i, time=START) for i in range(5)]
    lake.append_labels(labels_table(early + strangers, BEGIN), {})
    for part in range(2):
        events = [an_event(i, time=START + timedelta(hours=i)) for i in range(part, 48, 2)]
        lake.append_events(events_table(events, BEGIN, lake.model, lake.columns), {})
    late = [a_label(i, 1 - i % 2, time=START + timedelta(days=9)) for i in range(0, 48, 3)]
    lake.append_labels(labels_table(late, BEGIN), {})
    return lake


def rows(blocks):
    return sorted(pa.concat_tables(block.table for block in blocks).to_pylist(), key=lambda row: row["key"])


def blocks(source, found):
    return (block_of(events, labels, source.model) for events, labels in source.joined(found))


@pytest.mark.parametrize("span", [(None, None), (BEGIN + 5 * HOUR, BEGIN + 30 * HOUR), (BEGIN, BEGIN + DAY)])
def test_shards_hold_what_the_lake_serves(lake, span):
    source, found = pickle.loads(pickle.dumps((source_of(lake), shards(lake, [span]))))
    assert len(found) == (2 if span[1] == BEGIN + DAY else 4)
    whole = rows(block for _, block in served(lake, *span))
    assert rows(blocks(source, found)) == whole
    labelled = [row["key"] for row in whole if row["churn"] is not None]
    assert 0.4 < len(labelled) / len(whole) < 0.6
    assert {int(key[1:]) % 12 for key in labelled} == {0, 3, 4, 6, 8, 9}


def test_spans_that_share_a_file_are_shards_of_their_own(lake):
    spans = [(BEGIN + hour * HOUR, BEGIN + (hour + 1) * HOUR) for hour in (2, 9, 30)]
    found = shards(lake, spans)
    assert [row["key"] for row in rows(blocks(source_of(lake), found))] == [
        "e2",
        "e30",
        "e9",
    ]
    assert [shard.events.day.day for shard in found] == sorted(shard.events.day.day for shard in found)


def test_a_lake_without_events_has_no_shards(tmp_path):
    assert shards(a_lake(tmp_path), [(None, None)]) == []
