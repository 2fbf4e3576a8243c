"""The lake in an object store: a real S3 server, in a process of its own, that can be stopped and started."""

import pytest

from lake_room import a_home, a_label, a_model, an_event, log, stored, stored_ids
from object_store import object_store
from watchkeeper.lake import LakeUnavailable, move, open_lake
from watchkeeper.sdk import Kind


@pytest.fixture(scope="module")
def store():
    with object_store("lake") as server:
        yield server


def remote(store, home, prefix):
    return open_lake(home, a_model(), f"s3://lake/{prefix}", store.options)


def test_events_and_labels_are_kept_in_an_object_store(store, tmp_path):
    home = a_home(tmp_path, a_model())
    log(home, Kind.EVENT, [an_event(i) for i in range(200)], frames=4)
    log(home, Kind.LABEL, [a_label(i) for i in range(0, 200, 2)])
    lake = remote(store, home, "plain")
    moved = move(home, a_model(), lake)
    moved.forget()
    assert (moved.events.new, moved.labels.new) == (200, 100)
    assert stored_ids(lake) == sorted(f"e{i}" for i in range(200))
    assert lake.labels_for(["e2", "e3"]).to_pylist()[0]["label"] == "0"
    assert move(home, a_model(), remote(store, home, "plain")).events.new == 0


def test_a_server_that_fails_for_a_while_loses_nothing(store, tmp_path):
    home = a_home(tmp_path, a_model())
    lake = remote(store, home, "outage")
    log(home, Kind.EVENT, [an_event(i) for i in range(50)])
    assert move(home, a_model(), lake).events.new == 50
    store.tell("stop")
    try:
        log(home, Kind.EVENT, [an_event(i) for i in range(50, 120)])
        with pytest.raises(LakeUnavailable, match=r"s3://lake/outage/churn/events could not be .* stays in the inbox"):
            move(home, a_model(), lake)
        with pytest.raises(LakeUnavailable):
            remote(store, home, "outage")
    finally:
        store.tell("start")
    moved = move(home, a_model(), lake)
    moved.forget()
    assert moved.events.new == 70
    assert stored_ids(lake) == sorted(f"e{i}" for i in range(120))


def test_two_homes_with_one_lake_keep_each_id_once(store, tmp_path):
    homes = [a_home(tmp_path / name, a_model()) for name in "ab"]
    lakes = [remote(store, home, "shared") for home in homes]
    for home, first in zip(homes, (0, 50), strict=True):
        log(home, Kind.EVENT, [an_event(i) for i in range(first, first + 100)])
    moved = [move(home, a_model(), lake) for home, lake in zip(homes, lakes, strict=True)]
    assert [(part.events.new, part.events.duplicates) for part in moved] == [(100, 0), (50, 50)]
    assert stored_ids(lakes[0]) == sorted(f"e{i}" for i in range(150))


def test_small_files_are_compacted_and_a_person_is_erased_there_too(store, tmp_path):
    home = a_home(tmp_path, a_model())
    lake = remote(store, home, "upkeep")
    for part in range(3):
        log(home, Kind.EVENT, [an_event(i) for i in range(part * 10, part * 10 + 10)])
        move(home, a_model(), lake)
    before = sorted(map(str, stored(lake)))
    assert lake.compact() == 3
    assert sorted(map(str, stored(lake))) == before
    assert len(lake.erase("e7")) == 1
    assert "e7" not in stored_ids(lake)
    # The files that held it once are gone; those that were never committed must be an hour old.
    assert len([f for f in lake.tables["events"].place.list() if f.path.endswith(".parquet")]) == 1
