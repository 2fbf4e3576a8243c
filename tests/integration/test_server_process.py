"""Real server processes: killed, stopped, traced, out of disk, doubled, and with clients that dawdle."""

from __future__ import annotations

import http.client
import os
import random
import re
import shutil
import signal
import socket
import subprocess
import threading
import time
from collections import Counter
from contextlib import suppress
from itertools import count

import pytest

from serving import MODEL, event, kept, make_home, make_token, serving
from watchkeeper.sdk import Logger


@pytest.fixture
def home(tmp_path):
    return make_home(tmp_path / "home")


@pytest.fixture
def secret(home):
    return make_token(home)


class Senders:
    """Threads that post batches until their server is gone, and note what was acknowledged."""

    def __init__(self):
        self.numbers = count()
        self.sent = set()
        self.acknowledged = set()
        self.strange = []
        self.lock = threading.Lock()

    def run(self, server, seed):
        draw = random.Random(seed)
        mine = []
        while True:
            with self.lock:
                again = bool(mine) and draw.random() < 0.15
                batch = draw.choice(mine) if again else [event(next(self.numbers)) for _ in range(20)]
                self.sent.update(record["id"] for record in batch)
            mine.append(batch)
            try:
                status, answer = server.post(batch)
            except (OSError, http.client.HTTPException):
                return
            if status != 200:
                self.strange.append((status, answer))
                return
            with self.lock:
                self.acknowledged.update(record["id"] for record in batch)

    def start(self, server, threads=3):
        started = [threading.Thread(target=self.run, args=(server, number)) for number in range(threads)]
        for thread in started:
            thread.start()
        return started


def test_nothing_acknowledged_is_lost_when_the_server_is_killed_under_load(home, secret):
    senders = Senders()
    draw = random.Random(7)
    for _ in range(3):
        with serving(home, secret) as server:
            threads = senders.start(server)
            time.sleep(draw.uniform(0.2, 0.8))
            server.kill()
            for thread in threads:
                thread.join()
    stored = Counter(record.id for record in kept(home))
    assert not senders.strange
    assert len(senders.acknowledged) > 100
    assert not senders.acknowledged - stored.keys()
    assert not stored.keys() - senders.sent


def test_a_server_asked_to_stop_while_it_starts_does_stop(home):
    with serving(home, "") as server:  # it says where it listens a little before it answers
        assert server.stop() == 0


def test_two_servers_of_one_home_answer_what_is_under_way_when_they_are_asked_to_stop(home, secret):
    senders = Senders()
    with serving(home, secret) as one, serving(home, secret) as other:
        threads = senders.start(one, 2) + senders.start(other, 2)
        time.sleep(0.5)
        one.process.send_signal(signal.SIGINT)
        assert other.stop() == 0
        assert one.process.wait(timeout=30) == 0
        for thread in threads:
            thread.join()
    stored = Counter(record.id for record in kept(home))
    assert not senders.strange
    assert len(senders.acknowledged) > 20
    assert not senders.acknowledged - stored.keys()
    assert not stored.keys() - senders.sent
    assert len(list((home / "inbox" / MODEL).glob("*.wks"))) == 2
    assert "Stopped" in (home / "serve.log").read_text()


def test_the_sync_of_a_frame_returns_before_its_2xx_is_sent(home, secret, tmp_path):
    if shutil.which("strace") is None:
        pytest.skip("strace is not installed")
    trace = tmp_path / "trace"
    calls = "trace=openat,fdatasync,fsync,write,writev,sendto,sendmsg"
    with serving(home, secret, before=("strace", "-f", "-s", "4096", "-e", calls, "-o", str(trace))) as server:
        for number in range(3):
            assert server.post([event(f"traced-{number}")])[0] == 200
        os.killpg(server.process.pid, signal.SIGTERM)
        server.process.wait(timeout=30)
    told = trace.read_text()
    for number in range(3):
        written, answered = order_of(told, f"traced-{number}")
        assert written < answered


def order_of(told, name):
    """The lines of a trace in which a record's sync returned and its answer began to be sent."""
    rows = told.splitlines()
    wrote = next(at for at, row in enumerate(rows) if name in row and re.search(r"\bwrite\(\d+, ", row))
    segment = re.search(r"write\((\d+), ", rows[wrote])[1]
    synced = None
    for at, row in enumerate(rows[wrote:], wrote):
        thread = row.split()[0]
        if re.search(rf"(fdatasync|fsync)\({segment}\) += 0", row):
            synced = at
        elif re.search(rf"(fdatasync|fsync)\({segment} <unfinished", row):
            resumed = (later for later in range(at, len(rows)) if rows[later].startswith(thread) and later > at)
            synced = next(later for later in resumed if "sync resumed" in rows[later])
        elif "HTTP/1.1 200" in row:
            assert synced is not None, "a 2xx was sent before any sync"
            return synced, at
    raise AssertionError("no 2xx in the trace")


@pytest.fixture
def disk(tmp_path):
    """A disk of 2 MB."""
    at = tmp_path / "disk"
    at.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", str(at)]
    if os.geteuid() or subprocess.run(mount, capture_output=True).returncode:
        pytest.skip("mount needs root")
    yield at
    subprocess.run(["umount", "-l", str(at)])


def test_a_full_disk_is_a_507_and_room_again_is_all_that_it_takes(home, disk, secret):
    (home / "inbox" / MODEL).rmdir()
    (home / "inbox" / MODEL).symlink_to(disk)
    with serving(home, secret) as server:
        ballast = disk / "ballast"
        ballast.write_bytes(bytes(1 << 20))
        acknowledged = fill(server)
        assert server.ask("GET", "/healthz")[0] == 200
        ballast.unlink()
        assert server.post([event("after")])[0] == 200
    stored = Counter(record.id for record in kept(home))
    assert stored.keys() == acknowledged | {"eafter"}
    assert max(stored.values()) == 1


def test_events_are_taken_though_the_disk_of_the_state_is_full(home, disk):
    """The inbox has room: that the token's use can't be noted is no reason to lose events."""
    (home / "config.yaml").write_text(f"state: sqlite:///{disk / 'state.db'}\n")
    make_home(home)
    secret = make_token(home)
    with serving(home, secret, "--every", "never") as server:
        with (disk / "ballast").open("wb", buffering=0) as ballast, suppress(OSError):
            while True:
                ballast.write(bytes(4096))
        assert server.post([event(1)])[0] == 200
        assert "the use of token 1 was not noted" in (home / "serve.log").read_text()
    assert [record.id for record in kept(home)] == ["e1"]


def fill(server):
    """Post ever smaller events until not one more fits; the ids that were acknowledged."""
    acknowledged = set()
    for size in (20_000, 2_000, 10):
        for number in range(400):
            name = f"{size}-{number}"
            status, answer = server.post([event(name, error="x" * size)])
            if status == 507:
                break
            assert status == 200, answer
            acknowledged.add(f"e{name}")
        assert status == 507
        assert b"disk" in answer
    assert len(acknowledged) > 10
    return acknowledged


def test_an_address_that_others_reach_is_refused_until_a_token_exists(home):
    command = ["watchkeeper", "serve", "--home", str(home), "--host", "0.0.0.0", "--port", "0"]
    from watchkeeper.cli import main

    with pytest.raises(SystemExit) as left:
        main(command[1:])
    assert left.value.code == 2
    secret = make_token(home)
    (home / "config.yaml").write_text("limits:\n  body_bytes: 1000\n")
    with serving(home, secret, "--host", "0.0.0.0") as server:
        assert server.post([event(1)])[0] == 200
        assert server.post(b" " * 1_001)[0] == 413
        assert server.ask("GET", "/metrics", headers={"Authorization": ""})[0] == 401


def test_a_port_that_is_taken_is_said_in_a_sentence(home, capsys):
    from watchkeeper.cli import main

    with socket.create_server(("127.0.0.1", 0)) as taken, pytest.raises(SystemExit) as left:
        main(["serve", "--home", str(home), "--port", str(taken.getsockname()[1])])
    assert left.value.code == 2
    assert "another --port" in capsys.readouterr().err


def test_a_home_that_was_never_made_is_said_in_a_sentence(tmp_path, capsys):
    from watchkeeper.cli import main

    with pytest.raises(SystemExit) as left:
        main(["serve", "--home", str(tmp_path / "nowhere")])
    assert left.value.code == 2
    assert "watchkeeper add" in capsys.readouterr().err


def test_a_job_beside_the_server_runs_in_a_process_of_its_own_and_ends_with_it(tmp_path):
    import structlog

    from watchkeeper.server.background import beside

    note = tmp_path / "note"
    with beside(Noting(note), structlog.get_logger()):
        until = time.monotonic() + 30
        while not note.exists() and time.monotonic() < until:
            time.sleep(0.05)
        job = int(note.read_text())
        assert job != os.getpid()
    with pytest.raises(ProcessLookupError):
        os.kill(job, 0)


class Noting:
    """A job that notes who does it, and goes on until it is ended."""

    def __init__(self, note):
        self.note = note

    def __call__(self):
        part = self.note.with_suffix(".part")
        part.write_text(str(os.getpid()))
        part.rename(self.note)
        time.sleep(60)


def test_what_the_logger_sends_lies_in_the_inbox(home, secret, tmp_path):
    with serving(home, secret) as server:
        url = f"http://127.0.0.1:{server.port}"
        with Logger(MODEL, url, secret, spool=tmp_path / "spool", compress=True, period=None) as log:
            for number in range(200):
                log.event(features={"nights": number}, prediction=1, id=f"e{number}")
            log.label("e1", True)
            assert log.flush()
            assert log.counts.durable == 201
    assert len(kept(home)) == 201
