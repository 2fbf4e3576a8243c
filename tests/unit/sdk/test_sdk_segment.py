from __future__ import annotations

import errno
import os
import threading
import time

import pytest

from watchkeeper.sdk import Kind, SegmentWriter, claimed, frames, pack, segments

FRAME = pack(Kind.EVENT, 1, b"payload")


def held(folder):
    """All frames of a folder, in order."""
    return [frame.payload for path in segments(folder) for frame in frames(path.read_bytes())]


def refuse(monkeypatch, name, after=0):
    """Make a system call fail as on a full disk, for the first `after` bytes not yet."""
    real = getattr(os, name)

    def call(descriptor, *arguments):
        if name == "write" and after:
            monkeypatch.setattr(os, name, full)
            return real(descriptor, arguments[0][:after])
        return full()

    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, name, call)


def test_nothing_is_made_before_something_is_written(tmp_path):
    SegmentWriter(tmp_path).close()
    assert list(tmp_path.iterdir()) == []


def test_what_was_synced_can_be_read_while_the_writer_goes_on(tmp_path):
    writer = SegmentWriter(tmp_path)
    assert [writer.append(FRAME), writer.append(FRAME)] == [1, 2]
    assert writer.settled == 0
    writer.sync()
    assert held(tmp_path) == [b"payload"] * 2
    assert writer.settled == 2
    assert [path.name for path in segments(tmp_path)] == [f"{writer.writer:016x}-00000000.wks"]


def test_the_lock_is_free_once_the_writer_has_left(tmp_path):
    writer = SegmentWriter(tmp_path)
    writer.append(FRAME)
    writer.sync()
    (path,) = segments(tmp_path)
    with claimed(path) as free:
        assert not free
    writer.close()
    with claimed(path) as free:
        assert free


def test_a_segment_that_vanished_cannot_be_claimed(tmp_path):
    with claimed(tmp_path / "gone.wks") as free:
        assert not free


def test_a_full_segment_is_left_and_the_next_one_begins(tmp_path):
    writer = SegmentWriter(tmp_path, roll_bytes=2 * len(FRAME))
    for _ in range(5):
        writer.append(FRAME)
        writer.sync()
    assert [path.stat().st_size // len(FRAME) for path in segments(tmp_path)] == [2, 2, 1]
    assert held(tmp_path) == [b"payload"] * 5


def test_an_old_segment_is_left_by_a_sync_of_nothing(tmp_path):
    writer = SegmentWriter(tmp_path, roll_seconds=0.05)
    writer.append(FRAME)
    writer.sync()
    time.sleep(0.05)
    writer.sync()
    with claimed(*segments(tmp_path)) as free:
        assert free
    writer.append(FRAME)
    writer.sync()
    assert len(segments(tmp_path)) == 2


def test_an_append_after_close_begins_a_new_segment(tmp_path):
    writer = SegmentWriter(tmp_path)
    for _ in range(2):
        writer.append(FRAME)
        writer.close()
    assert len(segments(tmp_path)) == 2


@pytest.mark.parametrize(
    ("call", "after", "number"), [("write", 0, 1), ("write", 5, 1), ("write", len(FRAME) + 5, 2), ("fdatasync", 0, 2)]
)
def test_a_full_disk_is_told_and_leaves_no_half_frame_and_writing_goes_on_when_there_is_room(
    tmp_path, monkeypatch, call, after, number
):
    """Where whole frames could be seen before they were withdrawn, their offsets are never used again."""
    writer = SegmentWriter(tmp_path)
    writer.append(FRAME)
    writer.sync()
    with monkeypatch.context() as patch:
        refuse(patch, call, after)
        writer.append(FRAME)
        writer.append(FRAME)
        with pytest.raises(OSError, match="No space left"):
            writer.sync()
    assert held(tmp_path) == [b"payload"]
    assert writer.settled == 3
    writer.append(pack(Kind.EVENT, 1, b"after"))
    writer.sync()
    assert held(tmp_path) == [b"payload", b"after"]
    assert len(segments(tmp_path)) == number
    assert all(path.stat().st_size % len(FRAME) in {0, len(FRAME) - 2} for path in segments(tmp_path))


def test_a_folder_that_is_gone_is_told_and_what_was_appended_is_not_kept(tmp_path):
    folder = tmp_path / "inbox"
    writer = SegmentWriter(folder)
    writer.append(FRAME)
    with pytest.raises(FileNotFoundError):
        writer.sync()
    folder.mkdir()
    writer.sync()
    assert list(folder.iterdir()) == []


def test_a_child_writes_a_segment_of_its_own_and_leaves_its_parents_frames_alone(tmp_path):
    writer = SegmentWriter(tmp_path)
    writer.append(FRAME)
    writer.sync()
    writer.append(pack(Kind.EVENT, 1, b"parent"))
    child = os.fork()
    if child == 0:
        writer.append(pack(Kind.EVENT, 1, b"child"))
        writer.close()
        os._exit(0)
    os.waitpid(child, 0)
    writer.close()
    assert sorted(held(tmp_path)) == [b"child", b"parent", b"payload"]
    assert len(segments(tmp_path)) == 2


def test_a_living_child_does_not_hold_its_dead_parents_lock(tmp_path):
    read, write = os.pipe()
    parent = os.fork()
    if parent == 0:
        writer = SegmentWriter(tmp_path)
        writer.append(FRAME)
        writer.sync()
        if os.fork() == 0:
            os.close(write)
            os.read(read, 1)  # lives on until the test ends
            os._exit(0)
        os.kill(os.getpid(), 9)
    os.close(read)
    os.waitpid(parent, 0)
    for _ in range(100):
        with claimed(*segments(tmp_path)) as free:
            if free:
                break
        os.sched_yield()
    os.close(write)
    assert free


def test_many_threads_append_and_sync_and_what_is_settled_can_be_read(tmp_path):
    writer = SegmentWriter(tmp_path, roll_bytes=5000)
    found_missing = []

    def work(name):
        for number in range(50):
            payload = f"{name}-{number}".encode()
            ticket = writer.append(pack(Kind.EVENT, 1, payload))
            writer.sync()
            if writer.settled < ticket or payload not in held(tmp_path):
                found_missing.append(payload)

    threads = [threading.Thread(target=work, args=(name,)) for name in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found_missing == []
    assert len(held(tmp_path)) == len(set(held(tmp_path))) == 200
