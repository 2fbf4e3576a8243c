"""What is answered when the disk refuses, and what is remembered of it."""

from __future__ import annotations

import errno
import threading

import pytest

from serving import JSON_LINES, MODEL, event, kept, lines
from watchkeeper.sdk import SegmentWriter
from watchkeeper.server import commit

EVENTS = f"/api/v1/models/{MODEL}/events"


class Disk:
    """A disk that can be made to refuse, or to take its time."""

    def __init__(self):
        self.error = None
        self.go_on = threading.Event()
        self.go_on.set()
        self.syncs = 0

    def writer(self, folder):
        disk = self

        class Writer(SegmentWriter):
            def sync(self):
                disk.go_on.wait(10)
                disk.syncs += 1
                if disk.error:
                    self._buffer.clear()
                    raise OSError(disk.error, "refused")
                super().sync()

        return Writer(folder)


@pytest.fixture
def disk(serve):
    return Disk()


@pytest.fixture
def client(serve, disk):
    made = serve()
    made.app.state.service.committer._writer = disk.writer
    return made


def post(*records):
    return ("POST", EVENTS, {"content": lines(records), "headers": {"Content-Type": JSON_LINES}})


def ask(client, *records):
    method, path, more = post(*records)
    return client.request(method, path, **more)


@pytest.mark.parametrize(
    ("error", "status", "reason"),
    [
        (errno.ENOSPC, 507, "disk-full"),
        (errno.EDQUOT, 507, "disk-full"),
        (errno.EIO, 503, "inbox-unavailable"),
        (errno.EROFS, 503, "inbox-unavailable"),
    ],
)
def test_what_the_disk_refuses_is_not_acknowledged_and_the_server_goes_on_by_itself(
    client, disk, home, error, status, reason
):
    assert ask(client, event(1)).status_code == 200
    disk.error = error
    answer = ask(client, event(2))
    assert answer.status_code == status
    assert answer.json()["type"].endswith(reason)
    assert answer.headers["retry-after"]
    disk.error = None
    assert ask(client, event(2)).json() == {"accepted": 1, "duplicates": 0, "rejected": []}
    assert [record.id for record in kept(home)] == ["e1", "e2"]


def test_a_duplicate_of_what_is_not_yet_on_disk_is_not_acknowledged_before_it(client, disk, home):
    disk.error = errno.ENOSPC
    disk.go_on.clear()
    threading.Timer(0.3, disk.go_on.set).start()
    first, second = client.many([post(event(1)), post(event(1))])
    assert {first.status_code, second.status_code} == {507}
    assert kept(home) == []
    disk.error = None
    assert ask(client, event(1)).json()["accepted"] == 1
    assert [record.id for record in kept(home)] == ["e1"]


def test_requests_that_wait_at_the_same_time_share_one_sync(client, disk, home):
    disk.go_on.clear()
    threading.Timer(0.5, disk.go_on.set).start()
    answers = client.many([post(event(n)) for n in range(50)])
    assert {answer.status_code for answer in answers} == {200}
    assert len(kept(home)) == 50
    assert disk.syncs <= 3


def test_one_model_s_broken_inbox_does_not_keep_another_s_events_off_the_disk(client, disk, home):
    (home / "inbox" / "other").rmdir()
    (home / "inbox" / "other").write_text("no folder")
    assert ask(client, event(1)).status_code == 200
    assert client.post("/api/v1/models/other/events", json=[event(1)]).status_code in (500, 503)
    assert ask(client, event(2)).status_code == 200
    assert len(kept(home)) == 2


def test_a_segment_that_rests_is_let_go_so_that_it_can_be_moved(home, monkeypatch):
    import asyncio

    from watchkeeper.sdk import claimed, segments

    committer = commit.Committer(home, lambda seconds: None, rest_seconds=0.05)
    committer.start()

    async def write(text):
        await committer.submit(MODEL, text)

    asyncio.run(write(b"first"))
    for _ in range(200):
        with claimed(segments(home / "inbox" / MODEL)[0]) as is_free:
            if is_free:
                break
        threading.Event().wait(0.02)
    assert is_free
    asyncio.run(write(b"second"))
    committer.stop()
    assert [path.read_bytes() for path in segments(home / "inbox" / MODEL)] == [b"first", b"second"]


def test_a_mistake_of_ours_in_the_committer_is_a_500_and_the_next_request_is_served(client, home, monkeypatch):
    def broken(folder):
        raise ZeroDivisionError

    committer = client.app.state.service.committer
    real = committer._writer
    committer._writer = broken
    assert ask(client, event(1)).status_code == 500
    assert "ZeroDivisionError" in client.log.getvalue()
    committer._writer = real
    assert ask(client, event(1)).json()["accepted"] == 1


def test_many_models_share_the_memory_of_recent_ids(serve, home):
    from watchkeeper.server import Limits

    client = serve(limits=Limits(recent=100, recent_in_all=150))
    for name in (MODEL, "other"):
        path = f"/api/v1/models/{name}/events"
        assert client.post(path, json=[event(n) for n in range(70)]).json()["accepted"] == 70
    assert sum(len(intake.recent) for intake in client.app.state.service.intakes.values()) <= 150
    assert client.post(EVENTS, json=[event(1)]).json()["accepted"] == 1  # forgotten here, known to the lake
