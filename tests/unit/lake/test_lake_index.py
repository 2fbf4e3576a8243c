"""The index follows its table, and is made again wherever it can not."""

import shutil
from datetime import date

from lake_room import BEGIN, DAY, a_label, a_lake, an_event, stored_ids
from watchkeeper.lake import events_table, labels_table


def bring(lake, *numbers):
    events = [an_event(i) for i in numbers]
    return lake.append_events(events_table(events, BEGIN, lake.model, lake.columns), {})


def other_machine(tmp_path, lake):
    """The same lake as another machine sees it, with a cache of its own."""
    from watchkeeper.lake import Lake

    return Lake(lake.place, lake.model, tmp_path / "elsewhere")


def test_it_is_rebuilt_when_the_cache_is_gone_or_damaged(tmp_path):
    lake = a_lake(tmp_path)
    bring(lake, *range(50))
    shutil.rmtree(lake.cache)
    assert bring(lake, *range(40, 60)).duplicates == 10
    for damage in (b"", b"{", b'{"format":99}'):
        (lake.cache / "events" / "index.json").write_bytes(damage)
        assert bring(a_lake(tmp_path), 1, 2).duplicates == 2
    for run in (lake.cache / "events").glob("*.run"):
        run.write_bytes(run.read_bytes()[:-8])
    assert bring(a_lake(tmp_path), 3, 100).duplicates == 1


def test_it_catches_up_with_what_other_machines_did(tmp_path):
    lake = a_lake(tmp_path)
    other = other_machine(tmp_path, lake)
    bring(lake, 1, 2)
    assert bring(other, 2, 3).duplicates == 1
    assert bring(lake, 3, 4).duplicates == 1
    for i in range(5, 9):
        bring(other, i)
    other.compact()
    assert bring(lake, *range(9)).duplicates == 8
    assert stored_ids(lake) == [f"e{i}" for i in range(9)]


def test_days_that_another_machine_deleted_are_forgotten(tmp_path):
    lake = a_lake(tmp_path)
    other = other_machine(tmp_path, lake)
    bring(lake, 1, 2000)
    bring(other, 3)
    assert other.retain(date(2024, 1, 2)) == 2
    assert lake.event_times(["e1", "e3", "e2000"]).tolist() == [BEGIN + 2000 * 60_000_000]
    assert other.event_times(["e1"]).tolist() == []
    assert bring(lake, 1).new == 1


def test_a_person_whom_another_machine_erased_is_forgotten(tmp_path):
    lake = a_lake(tmp_path)
    other = other_machine(tmp_path, lake)
    bring(lake, 1, 2)
    other.erase("e1")
    assert lake.event_times(["e1", "e2"]).tolist() == [BEGIN + 2 * 60_000_000]


def test_a_lake_that_was_made_anew_has_an_index_of_its_own(tmp_path):
    lake = a_lake(tmp_path)
    bring(lake, 1, 2)
    shutil.rmtree(tmp_path / "lake")
    assert bring(a_lake(tmp_path), 1).new == 1


def test_labels_without_events_are_found_after_catching_up_and_after_compaction(tmp_path):
    lake = a_lake(tmp_path)
    other = other_machine(tmp_path, lake)
    bring(lake, 1, 2, 3)
    for i in range(1, 6):
        other.append_labels(labels_table([a_label(i, i)], BEGIN), {})
    assert lake.labels_for(["e4", "e1"])["label"].to_pylist() == ["1", "4"]
    other.compact()
    bring(lake, 4)
    assert sorted(lake.labels_for([f"e{i}" for i in range(9)])["label"].to_pylist()) == list("12345")
    assert lake.labels_for(["e5"], BEGIN + DAY).num_rows == 0
