"""Upkeep on both databases: which files may go, that no other one does, and what is said of those that went."""

from __future__ import annotations

import threading

import pytest

from registry_home import DAY, MODEL, NOW, a_file, a_home
from watchkeeper.release import registry, upkeep
from watchkeeper.release.overview import as_dict, overview
from watchkeeper.state import audit, deletion
from watchkeeper.state import model as models
from watchkeeper.state.deletion import FileDeleted
from watchkeeper.watch.home import opened


@pytest.fixture
def home(tmp_path, state_url):
    url = {} if state_url.startswith("sqlite") else {"state": state_url}
    with a_home(tmp_path / "home", keep_versions=2, **url) as made:
        yield made


def register(home, path, model="hotel"):
    return registry.register(home, model, path, now=NOW, who="ann")


def release(home, version, model="hotel"):
    return registry.release(home, model, version, force="a test", now=NOW, who="ann")


def many(home, tmp_path, count, *, released):
    """Versions v1 to v…, each of another file."""
    for number in range(1, count + 1):
        version = register(home, a_file(tmp_path, float(number))).version
        if released:
            release(home, version)


def with_files(home, model="hotel"):
    found = []
    for one in registry.versions(home, model):
        try:
            registry.servable(home, one)
        except FileDeleted:
            continue
        found.append(one.version)
    return found


def test_without_being_told_to_nothing_is_deleted(tmp_path):
    with a_home(tmp_path / "home") as plain:
        many(plain, tmp_path, 12, released=True)
        assert upkeep.delete_spare(plain, NOW) == []
        assert len(with_files(plain)) == 12


def test_the_live_version_seven_before_it_and_the_newest_keep_their_files(home, tmp_path):
    many(home, tmp_path, 10, released=True)
    for number in (11, 12, 13):
        register(home, a_file(tmp_path, float(number)))
    assert len(upkeep.delete_spare(home, NOW + DAY)) == 3
    assert with_files(home) == [*(f"v{number}" for number in range(3, 11)), "v12", "v13"]
    assert upkeep.delete_spare(home, NOW + DAY) == []
    kept = sorted(path.name for path in (home.folder / "artifacts").glob("*/*"))
    assert kept == sorted(one.artifact for one in registry.versions(home, "hotel")[2:] if one.version != "v11")


def test_a_version_without_its_file_stays_and_says_when_it_was_deleted_and_by_whom(home, tmp_path):
    many(home, tmp_path, 10, released=True)
    upkeep.delete_spare(home, NOW + DAY)
    with pytest.raises(FileDeleted, match=r"v1 of hotel can't answer: its file was deleted on 2025-10-10T.*by upkeep"):
        release(home, "v1")
    with pytest.raises(FileDeleted, match=r"v2 .*watchkeeper register hotel FILE"):
        registry.rollback(home, "hotel", "v2", why="bad", now=NOW, who="bob")
    assert registry.live(home, "hotel").version == "v10"
    told = {
        row["version"]: (row["deleted"], row["deleted_by"]) for row in as_dict(overview(home, "hotel", NOW))["versions"]
    }
    assert told["v1"] == ("2025-10-10T08:53:20Z", "upkeep")
    assert told["v3"] == (None, None)
    said = [one for one in audit.entries(home.store, "hotel") if one.what == "artefact deleted"]
    assert {(one.who, one.detail["version"]) for one in said} == {("upkeep", "v1"), ("upkeep", "v2")}


def test_registering_the_same_bytes_again_brings_the_old_version_back_too(home, tmp_path):
    many(home, tmp_path, 10, released=True)
    upkeep.delete_spare(home, NOW)
    assert register(home, a_file(tmp_path, 1.0)).version == "v11"
    assert release(home, "v1").version == "v1"
    assert "v1" in with_files(home)
    assert upkeep.delete_spare(home, NOW) == [registry.one(home, "hotel", "v3").artifact]  # which is 8 back now


def test_a_file_that_another_model_or_version_needs_is_kept(home, tmp_path):
    models.put(home.store, "inn", MODEL.replace("hotel", "inn"), NOW, "ann")
    many(home, tmp_path, 4, released=False)
    register(home, a_file(tmp_path, 1.0), "inn")
    release(home, "v1", "inn")
    register(home, a_file(tmp_path, 2.0))
    assert upkeep.delete_spare(home, NOW) == [registry.one(home, "hotel", "v3").artifact]
    assert with_files(home) == ["v1", "v2", "v4", "v5"]
    assert with_files(home, "inn") == ["v1"]


def test_a_version_that_is_released_while_files_are_chosen_keeps_its_own(home, tmp_path, monkeypatch):
    many(home, tmp_path, 4, released=False)
    chosen = upkeep.spare(home)
    asked = iter([chosen])
    real = upkeep.spare
    monkeypatch.setattr(upkeep, "spare", lambda home: next(asked, None) or real(home))
    release(home, "v1")
    assert upkeep.delete_spare(home, NOW) == [registry.one(home, "hotel", "v2").artifact]
    assert with_files(home) == ["v1", "v3", "v4"]


def test_bytes_that_are_deleted_while_they_are_registered_again_are_there_all_the_same(home, tmp_path, monkeypatch):
    many(home, tmp_path, 4, released=False)
    real = registry.kept.add

    def add(*given):
        assert upkeep.delete_spare(home, NOW)
        return real(*given)

    monkeypatch.setattr(registry.kept, "add", add)
    assert register(home, a_file(tmp_path, 1.0)).version == "v5"
    assert with_files(home) == ["v1", "v3", "v4", "v5"]


def test_a_file_that_was_removed_before_a_crash_is_noted_by_the_next_run(home, tmp_path, monkeypatch):
    many(home, tmp_path, 3, released=False)
    with monkeypatch.context() as broken:
        broken.setattr(deletion.audit, "write", lambda *given: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            upkeep.delete_spare(home, NOW)
    assert deletion.deleted(home.store) == {}
    assert len(upkeep.delete_spare(home, NOW)) == 1
    assert with_files(home) == ["v2", "v3"]


def test_what_goes_live_while_files_are_deleted_can_always_be_served(home, tmp_path):
    many(home, tmp_path, 16, released=False)
    ended = threading.Event()

    def tidy():
        with opened(home.folder) as mine:
            while not ended.is_set():
                upkeep.delete_spare(mine, NOW)

    other = threading.Thread(target=tidy)
    other.start()
    try:
        live = []
        for number in (1, 2, 3, 15, 5, 16, 7, 8):
            try:
                live.append(release(home, f"v{number}").version)
            except FileDeleted:
                register(home, a_file(tmp_path, float(number)))
                live.append(release(home, f"v{number}").version)
            assert registry.servable(home, registry.live(home, "hotel")).path.is_file()
    finally:
        ended.set()
        other.join()
    assert set(live) <= set(with_files(home))
