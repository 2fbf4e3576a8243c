from __future__ import annotations

import os
from datetime import UTC, datetime

import pytest

from watchkeeper.sdk import Kind, Label, MetricPoint, encode, read, segments
from watchkeeper.sdk.batch import Batch
from watchkeeper.sdk.spool import Spool

NOON = datetime(2024, 5, 1, 12, tzinfo=UTC)


def batch(name, size=100):
    label = Label(id=str(name), label="x" * size, time=NOON)
    return Batch(Kind.LABEL, 7, encode([label]), 1)


def drained(spool):
    """All batches that a spool still holds, each noted as sent."""
    found = []
    while (stored := spool.next()) is not None:
        found += labels(stored)
        spool.sent()
    return found


def labels(stored):
    return [int(label.id) for label in read(Kind.LABEL, stored.batch.payload)]


def spool_of(folder, limit=1 << 20, policy="oldest"):
    return Spool(folder / "spool", limit, policy)


def test_an_empty_spool_makes_no_folder(tmp_path):
    assert spool_of(tmp_path).next() is None
    assert list(tmp_path.iterdir()) == []


def test_what_was_written_comes_out_in_order_and_leaves_no_file(tmp_path):
    spool = spool_of(tmp_path)
    batches = [batch(number) for number in range(50)]
    assert [spool.write(batches[:20]), spool.write(batches[20:])] == [0, 0]
    assert drained(spool) == list(range(50))
    assert list((tmp_path / "spool").iterdir()) == []


def test_a_batch_that_was_not_sent_comes_again(tmp_path):
    spool = spool_of(tmp_path)
    spool.write([batch(1), batch(2)])
    assert labels(spool.next()) == labels(spool.next()) == [1, 2]
    assert drained(spool) == [1, 2]


def test_another_process_goes_on_where_one_that_died_had_come_to(tmp_path):
    first = spool_of(tmp_path, limit=1 << 30)
    first.write([batch(number, size=300_000) for number in range(8)])
    assert labels(first.next()) == [0, 1, 2]
    first.sent()
    assert labels(first.next()) == [3, 4, 5]
    second = spool_of(tmp_path)
    assert second.next() is None  # the first one still holds the segment
    first.close()
    assert drained(second) == [3, 4, 5, 6, 7]


def test_neighbours_of_one_kind_come_as_one_batch_and_count_as_sent_only_together(tmp_path):
    spool = spool_of(tmp_path)
    point = MetricPoint(name="cost", time=NOON, value=3.0)
    points = Batch(Kind.POINT, 7, encode([point] * 20), 20)
    spool.write([batch(1), points, batch(2), points])
    assert labels(spool.next()) == [1, 2]
    spool.sent()
    spool.close()
    spool = spool_of(tmp_path)
    assert labels(spool.next()) == [1, 2]
    spool.sent()
    assert read(Kind.POINT, spool.next().batch.payload) == [point] * 40
    spool.sent()
    assert spool.next() is None


def test_what_a_living_process_writes_is_left_to_it(tmp_path):
    writing, reading = spool_of(tmp_path), spool_of(tmp_path)
    writing.write([batch(1)])
    assert reading.next() is None
    writing.close()
    assert drained(reading) == [1]


def test_a_full_spool_drops_the_oldest_and_counts_them(tmp_path):
    spool = spool_of(tmp_path, limit=16_000)
    lost = sum(spool.write([batch(number, size=1000)]) for number in range(100))
    assert sum(path.stat().st_size for path in segments(tmp_path / "spool")) <= 16_000
    kept = drained(spool)
    assert kept == list(range(100 - len(kept), 100))
    assert len(kept) + lost == 100
    assert len(kept) >= 10


def test_a_full_spool_may_refuse_the_newest_instead(tmp_path):
    spool = spool_of(tmp_path, limit=16_000, policy="newest")
    lost = sum(spool.write([batch(number, size=1000)]) for number in range(100))
    kept = drained(spool)
    assert kept == list(range(len(kept)))
    assert len(kept) + lost == 100


def test_a_segment_that_is_being_sent_may_have_to_make_room_too(tmp_path):
    spool = spool_of(tmp_path, limit=16_000)
    spool.write([batch(number, size=1000) for number in range(3)])
    assert labels(spool.next()) == [0, 1, 2]
    lost = spool.write([batch(number, size=1000) for number in range(3, 40)])
    kept = drained(spool)
    assert kept == list(range(40 - len(kept), 40))
    assert len(kept) + lost == 40


def test_what_was_put_aside_counts_towards_the_bound_and_is_not_sent(tmp_path):
    spool = spool_of(tmp_path, limit=16_000)
    for number in range(100):
        spool.put_aside(batch(number, size=1000), "the token expired")
    assert spool.next() is None
    assert 8_000 < sum(path.stat().st_size for path in segments(tmp_path / "spool" / "aside")) <= 16_000
    assert "the token expired" in (tmp_path / "spool" / "aside" / "reasons.txt").read_text()


def test_a_damaged_frame_of_a_spool_is_passed_over(tmp_path):
    spool = spool_of(tmp_path)
    spool.write([batch(number) for number in range(3)])
    spool.close()
    (path,) = segments(tmp_path / "spool")
    damaged = bytearray(path.read_bytes())
    damaged[len(damaged) // 2] ^= 1
    path.write_bytes(damaged)
    assert drained(spool_of(tmp_path)) == [0, 2]


@pytest.mark.parametrize("note", ["", "nonsense", "99999999", "-5"])
def test_a_note_that_is_damaged_sends_again_rather_than_never(tmp_path, note):
    spool = spool_of(tmp_path)
    spool.write([batch(1)])
    spool.close()
    (path,) = segments(tmp_path / "spool")
    path.with_suffix(".sent").write_text(note)
    assert drained(spool_of(tmp_path)) == [1]


def test_a_child_leaves_its_parents_segment_alone(tmp_path):
    spool = spool_of(tmp_path)
    spool.write([batch(1), batch(2)])
    assert labels(spool.next()) == [1, 2]
    child = os.fork()
    if child == 0:
        spool.in_child()
        os._exit(0 if spool_of(tmp_path).next() is None else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    spool.close()
    assert drained(spool_of(tmp_path)) == [1, 2]


def test_a_segment_that_cannot_be_read_now_is_kept(tmp_path, monkeypatch):
    spool = spool_of(tmp_path)
    spool.write([batch(1)])
    with monkeypatch.context() as patch:
        patch.setattr("pathlib.Path.read_bytes", lambda _: (_ for _ in ()).throw(OSError(5, "Input/output error")))
        for _ in range(2):
            with pytest.raises(OSError, match="Input/output"):
                spool.next()
    assert drained(spool) == [1]


def test_what_was_put_aside_is_sent_once_it_is_moved_back(tmp_path):
    spool = spool_of(tmp_path)
    spool.put_aside(batch(1), "the token expired")
    spool.close()
    for path in segments(tmp_path / "spool" / "aside"):
        path.rename(tmp_path / "spool" / path.name)
    assert drained(spool_of(tmp_path)) == [1]
