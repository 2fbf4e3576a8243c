"""Erasure: after it, no byte below the home names the id."""

from __future__ import annotations

import io
import sqlite3

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from watched_home import NAME, a_home, a_label, an_event, catch_up, log, log_hours, micro, the_features, the_time
from watchkeeper.profiles.codec import unpacked
from watchkeeper.sdk import Frame, Kind, Label, SegmentWriter, encode, frames, inbox_of, pack, read, segments, spool_of
from watchkeeper.state import audit, count, lease, window
from watchkeeper.state import baseline as baselines
from watchkeeper.watch.add import baseline_of
from watchkeeper.watch.erase import Busy, erase
from watchkeeper.watch.ingest import ingest
from watchkeeper.watch.traces import mentions


def texts_of(data: bytes):
    """The bytes, and, as Parquet is compressed, all that its cells hold, files within files too."""
    yield data
    if data[:4] == b"PAR1":
        for row in pq.read_table(io.BytesIO(data)).to_pylist():
            for cell in row.values():
                if isinstance(cell, bytes):
                    yield from texts_of(cell)
                elif cell is not None:
                    yield str(cell).encode()


def places_of(folder, key):
    """The files below a folder in which an id stands."""
    files = [file for file in sorted(folder.rglob("*")) if file.is_file()]
    named = [file for file in files if any(key.encode() in text for text in texts_of(file.read_bytes()))]
    return [str(file.relative_to(folder)) for file in named]


def rooms_of(places):
    return {place.split("/")[0] if not place.startswith("lake") else place.split("/")[2] for place in places}


@pytest.fixture
def everywhere(tmp_path):
    """A home in which one id stands wherever an id can stand."""
    with a_home(tmp_path, primary_key=["key"]) as home:
        lake = home.lake(home.model(NAME))
        recorded = baselines.current(home.store, NAME)
        sample = unpacked(lake.place.read(recorded.path), "baseline").profiles.sample
        key = sample.rows["key"][5].as_py()
        log_hours(home, 0, 3)
        log(home, Kind.EVENT, [an_event(0, 1.5, id=key), an_event(501, 1.6)], 3)
        log(home, Kind.LABEL, [Label(id=key, label=1, time=the_time(2)), a_label(1, 2)], 3)
        log(home, Kind.LABEL, [Label(id="stranger", label=1, time=the_time(2))], 3)
        catch_up(home, 3)
        good = {**the_features(1), "country": "IT", "ts": the_time(2.2), "guess": 0, "p": 0.2, "release": "v1"}
        twice = [{**good, "key": key}, {**good, "key": key, "guess": 1}, {**good, "key": "other"}]
        pq.write_table(pa.Table.from_pylist(twice), tmp_path / "more.parquet")
        ingest(home, home.model(NAME), str(tmp_path / "more.parquet"), now=micro(3))
        writer = SegmentWriter(inbox_of(home.folder, NAME))  # a service that goes on
        log(home, Kind.EVENT, [an_event(600, 2.5), an_event(0, 1.5, id=key), an_event(601, 2.5)], 3, writer)
        log(home, Kind.EVENT, [an_event(602, 2.5)], 3, writer)
        spool = SegmentWriter(spool_of(home.folder, NAME, "http://elsewhere"))
        spool.folder.mkdir(parents=True)
        spool.append(pack(Kind.LABEL, micro(3), encode([a_label(7, 3), Label(id=key, label=0, time=the_time(3))])))
        spool.sync()
        aside = inbox_of(home.folder, NAME) / "aside"
        aside.mkdir()
        (aside / "torn").write_bytes(b"\x00\x81\xa2id" + bytes([0xA0 + len(key)]) + key.encode() + b"\xa4time")
        (aside / "of-another").write_bytes(b"\x00\x81\xa2id\xa5other\xa4time")
        yield home, key, writer, spool
        writer.close()
        spool.close()


def test_no_byte_below_the_home_names_the_id(everywhere):
    home, key, _, _ = everywhere
    before = places_of(home.folder, key)
    assert rooms_of(before) == {"events", "labels", "profiles", "quarantine", "baselines", "cache", "inbox", "spool"}
    done = erase(home, home.model(NAME), [key], now=micro(4), who="ann")
    assert places_of(home.folder, key) == []
    assert (done.events, done.windows, done.set_aside, done.sampled) == (1, 1, 2, 1)
    assert done.frames == 3  # of the open segment, of the spool, and the damaged one


def test_all_else_is_as_it_was(everywhere):
    home, key, writer, spool = everywhere
    lake = home.lake(home.model(NAME))

    def ids(table="events"):
        return {i for batch in lake.read(table, columns=["id", "time"]) for i in batch["id"].to_pylist()}

    erase(home, home.model(NAME), [key], now=micro(4), who="ann")
    assert ids() == {f"key-{i}" for i in [*range(120), 501, 600, 601, 602]} | {"other"}
    assert ids("labels") == {"key-1", "stranger"}
    whole = [f for path in segments(spool.folder) for f in frames(path.read_bytes()) if isinstance(f, Frame)]
    waiting = [record for frame in whole for record in read(frame.kind, frame.payload)]
    assert [record.id for record in waiting] == ["key-7"]
    log(home, Kind.EVENT, [an_event(700, 3.5)], 4, writer)  # the service goes on in the same segment
    assert catch_up(home, 5).events == 1
    assert count.totals(home.store, NAME).get("corrupt", 0) == 0
    assert (inbox_of(home.folder, NAME) / "aside" / "of-another").exists()


def test_its_window_is_profiled_again_without_it(everywhere):
    home, key, _, _ = everywhere
    erase(home, home.model(NAME), [key], now=micro(4), who="ann")
    assert (micro(1), micro(2)) in [one.span for one in window.due(home.store, NAME, micro(4))]
    catch_up(home, 4)
    lake = home.lake(home.model(NAME))
    (kept,) = lake.profiles(micro(1), micro(2))
    assert unpacked(kept["profile"], "window", baseline_of(home, home.model(NAME), lake)).profiles.total == 41
    assert places_of(home.folder, key) == []


def test_who_erased_how_much_is_in_the_audit_trail_and_the_id_is_not(everywhere):
    home, key, _, _ = everywhere
    erase(home, home.model(NAME), [key], now=micro(4), who="ann")
    (entry,) = audit.entries(home.store, NAME, most=1)
    assert (entry.who, entry.what, entry.at) == ("ann", "ids erased", micro(4))
    assert entry.detail == {"ids": 1, "events": 1, "windows": 1, "frames": 3, "set_aside": 2, "sampled": 1}
    with sqlite3.connect(home.folder / "state.db") as database:
        assert key not in "".join(database.iterdump())


def test_a_baseline_without_the_row_counts_as_before(everywhere):
    home, key, _, _ = everywhere
    lake, recorded = home.lake(home.model(NAME)), baselines.current(home.store, NAME)
    before = unpacked(lake.place.read(recorded.path), "before").profiles
    erase(home, home.model(NAME), [key], now=micro(4), who="ann")
    after = unpacked(lake.place.read(recorded.path), "after").profiles
    assert len(after.sample.hashes) == len(before.sample.hashes) - 1
    assert (after.total, after.edges.id) == (before.total, before.edges.id)
    assert (after.rows == before.rows).all()


def test_it_may_be_repeated_and_an_unknown_id_is_no_error(everywhere):
    home, key, _, _ = everywhere
    erase(home, home.model(NAME), [key], now=micro(4), who="ann")
    again = erase(home, home.model(NAME), [key, "never-seen"], now=micro(5), who="ann")
    assert set(again.__dict__.values()) == {0}


def test_it_waits_for_no_run_but_says_that_one_is_at_work(everywhere):
    home, key, _, _ = everywhere
    assert lease.acquire(home.store, f"run {NAME}", "another", 2**62, 2**61)
    with pytest.raises(Busy, match="a run is at work on it now"):
        erase(home, home.model(NAME), [key], now=micro(4), who="ann")


@pytest.mark.parametrize(
    ("text", "is_named"),
    [("47", False), ("4711", True), ("a,4711,b", True), ('{"key": "4711"}', True), ("14711", False), ("4711-b", False)],
)
def test_an_id_is_found_by_itself_and_not_in_a_longer_one(text, is_named):
    assert mentions(text.encode(), ["4711"]) is is_named
