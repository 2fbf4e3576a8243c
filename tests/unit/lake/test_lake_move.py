"""The mover takes whole frames, each once, sets aside what is damaged, and deletes nothing too early."""

import shutil
import sys

import pytest

from lake_room import BEGIN, START, a_home, a_label, a_lake, a_model, an_event, log, stored, stored_ids
from watchkeeper.lake import LakeError, move
from watchkeeper.sdk import Counts, JobRun, Kind, MetricPoint, SegmentWriter, encode, inbox_of, pack
from watchkeeper.sdk.figure import NAMES, Figures

MINUTE = 60_000_000


def ready(tmp_path):
    model = a_model()
    home = a_home(tmp_path, model)
    return home, model, a_lake(home, model)


def segments(home):
    return sorted((home / "inbox" / "churn").glob("*.wks"))


def test_each_kind_goes_to_its_table(tmp_path):
    home, model, lake = ready(tmp_path)
    log(home, Kind.LABEL, [a_label(1), a_label(9)])
    log(home, Kind.EVENT, [an_event(1), an_event(2)])
    log(home, Kind.POINT, [MetricPoint(name="cost", time=START, value=1)])
    log(home, Kind.SERVICE, [MetricPoint(name="rss", time=START, value=1)])
    log(home, Kind.JOB, [JobRun(job="night", run="1", status="ok", time=START, rows=2**64 - 1)])
    moved = move(home, model, lake)
    assert (moved.events.new, moved.labels.new, moved.points, moved.jobs, moved.corrupt) == (2, 2, 2, 1, 0)
    assert moved.touched.tolist() == [BEGIN + MINUTE, BEGIN + 2 * MINUTE]
    assert {row["name"]: row["source"] for row in stored(lake, "points")} == {"cost": "logged", "rss": "service"}
    assert moved.forget() == 5
    assert segments(home) == []


def test_what_a_service_tells_of_itself_is_known_by_its_name_where_a_server_took_it(tmp_path):
    home, model, lake = ready(tmp_path)
    service = Figures()
    service.traffic.add(0.01, failed=True)
    figures = service.take(Counts())
    assert {point.name for point in figures} <= NAMES
    log(home, Kind.POINT, [*figures, MetricPoint(name="service_level", time=START, value=1)])
    move(home, model, lake)
    sources = {row["name"]: row["source"] for row in stored(lake, "points")}
    assert sources.pop("service_level") == "logged"
    assert {"service_memory_bytes", "service_dropped"} <= sources.keys()
    assert set(sources.values()) == {"service"}


def test_a_segment_that_is_being_written_is_moved_and_stays(tmp_path):
    home, model, lake = ready(tmp_path)
    writer = SegmentWriter(inbox_of(home, "churn"))
    log(home, Kind.EVENT, [an_event(1)], writer=writer)
    moved = move(home, model, lake)
    assert (moved.events.new, moved.forget()) == (1, 0)
    log(home, Kind.EVENT, [an_event(2)], writer=writer)
    moved = move(home, model, lake)
    assert (moved.events.new, moved.events.duplicates, moved.forget()) == (1, 0, 0)
    writer.close()
    assert move(home, model, lake).forget() == 1
    assert stored_ids(lake) == ["e1", "e2"]


def test_windows_are_told_until_they_are_noted(tmp_path):
    home, model, lake = ready(tmp_path)
    log(home, Kind.EVENT, [an_event(1), an_event(5)])
    log(home, Kind.LABEL, [a_label(5)])
    first = move(home, model, lake)
    again = move(home, model, a_lake(home))
    assert (again.events.new, again.labels.new) == (0, 0)
    assert again.touched.tolist() == first.touched.tolist() == [BEGIN + MINUTE, BEGIN + 5 * MINUTE]
    again.forget()
    assert move(home, model, lake).touched.tolist() == []


def test_a_lost_cache_moves_nothing_twice(tmp_path):
    home, model, lake = ready(tmp_path)
    writer = SegmentWriter(inbox_of(home, "churn"))
    log(home, Kind.EVENT, [an_event(1)], writer=writer)
    log(home, Kind.LABEL, [a_label(1)], writer=writer)
    move(home, model, lake).forget()
    shutil.rmtree(lake.cache)
    log(home, Kind.LABEL, [a_label(2)], writer=writer)
    moved = move(home, model, a_lake(home))
    assert (moved.events.new, moved.labels.new) == (0, 1)
    assert len(stored(lake, "labels")) == 2
    writer.close()


def test_a_late_label_touches_the_window_of_its_event(tmp_path):
    home, model, lake = ready(tmp_path)
    log(home, Kind.EVENT, [an_event(i) for i in range(100)])
    move(home, model, lake).forget()
    log(home, Kind.LABEL, [a_label(70), a_label(500)])
    assert move(home, model, lake).touched.tolist() == [BEGIN + 70 * MINUTE]


def test_a_damaged_frame_is_set_aside_and_the_others_are_moved(tmp_path):
    home, model, lake = ready(tmp_path)
    log(home, Kind.EVENT, [an_event(i) for i in range(30)], frames=3)
    (segment,) = segments(home)
    data = bytearray(segment.read_bytes())
    data[len(data) // 2] ^= 1
    segment.write_bytes(data)
    moved = move(home, model, lake)
    assert (moved.events.new, moved.corrupt, moved.forget()) == (20, 1, 1)
    (aside,) = (home / "inbox" / "churn" / "aside").iterdir()
    assert aside.read_bytes() in bytes(data)


def test_a_frame_of_an_unknown_release_is_set_aside_and_the_others_are_moved(tmp_path):
    home, model, lake = ready(tmp_path)
    writer = SegmentWriter(inbox_of(home, "churn"))
    writer.append(pack(Kind.EVENT, BEGIN, b"\x91\x81\xa1x\x01"))
    log(home, Kind.EVENT, [an_event(1)], writer=writer)
    writer.close()
    moved = move(home, model, lake)
    assert (moved.events.new, moved.corrupt, moved.forget()) == (1, 1, 1)
    assert [file.read_bytes() for file in (home / "inbox" / "churn" / "aside").iterdir()] == [b"\x91\x81\xa1x\x01"]


def test_a_torn_tail_is_left_to_its_writer_and_kept_aside_once_that_is_dead(tmp_path):
    home, model, lake = ready(tmp_path)
    log(home, Kind.EVENT, [an_event(1)])
    (segment,) = segments(home)
    frame = pack(Kind.EVENT, BEGIN, encode([an_event(2)]))
    with segment.open("ab") as out:
        out.write(frame[:-3])
    assert move(home, model, lake).events.new == 1
    with segment.open("ab") as out:  # it was only slow
        out.write(frame[-3:] + frame[:10])
    moved = move(home, model, lake)
    assert (moved.events.new, moved.forget()) == (1, 1)
    assert [file.read_bytes() for file in (home / "inbox" / "churn" / "aside").iterdir()] == [frame[:10]]


def test_two_movers_in_turn_on_what_both_have_read_store_it_once(tmp_path):
    home, model, lake = ready(tmp_path)
    log(home, Kind.LABEL, [a_label(i) for i in range(10)], frames=5)
    other = a_lake(home)
    plain = other.append_labels

    def late(rows, transactions, after=None):
        other.append_labels = plain
        assert move(home, model, lake).labels.new == 10
        return plain(rows, transactions, after)

    other.append_labels = late
    assert move(home, model, other).labels.new == 0
    assert len(stored(lake, "labels")) == 10
    move(home, model, lake).forget()


def test_a_home_may_have_any_name(tmp_path):
    home, model, lake = ready(tmp_path / "my home 50% #1 é?+")
    for first in (0, 10):
        log(home, Kind.EVENT, [an_event(i) for i in range(first, first + 10)])
        assert move(home, model, lake).events.new == 10
    assert lake.compact() == 2
    assert len(lake.erase("e3")) == 1
    assert len(stored_ids(a_lake(home))) == 19


def test_a_path_that_delta_reads_as_another_is_refused(tmp_path):
    with pytest.raises(LakeError, match="Choose a folder without it"):
        a_lake(tmp_path / "home%20one")


def test_large_inboxes_are_moved_in_parts(tmp_path, monkeypatch):
    monkeypatch.setattr(sys.modules["watchkeeper.lake.move"], "RECORDS", 25)
    home, model, lake = ready(tmp_path)
    for first in (0, 100):
        log(home, Kind.EVENT, [an_event(i) for i in range(first, first + 100)], frames=10)
    moved = move(home, model, lake)
    assert (moved.events.new, moved.forget()) == (200, 2)
    assert lake.tables["events"].fresh().version() > 5
