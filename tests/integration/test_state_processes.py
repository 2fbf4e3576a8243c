"""Several real processes share a state, and its server is restarted: nothing is lost, and errors are sentences."""

from __future__ import annotations

import subprocess
import sys
from datetime import date

import pytest

import databases
from watchkeeper.state import StateUnavailable, count, lease, model, open_store, window

WORKER = """
import sys
from datetime import date
from watchkeeper.state import audit, count, lease, open_store, window

url, me, rounds = sys.argv[1], sys.argv[2], int(sys.argv[3])
store = open_store(url)
sys.stdin.read()
held = 0
for i in range(rounds):
    window.touch(store, "m", [(hour, hour + 1) for hour in range(10)], now=i)
    count.add(store, "m", "rounds", 1, date(2024, 1, 1))
    if lease.acquire(store, "run", f"{me} {i}", until=10, now=0):
        with store.reading() as connection:
            total = connection.exec_driver_sql("SELECT amount FROM counts WHERE kind = 'alone'").scalar() or 0
        count.add(store, "m", "alone", 1, date(2024, 1, 1))
        with store.reading() as connection:
            now = connection.exec_driver_sql("SELECT amount FROM counts WHERE kind = 'alone'").scalar()
        assert now == total + 1, "someone else worked under the same lease"
        held += 1
        lease.release(store, "run", f"{me} {i}")
    for due in window.due(store, "m", now=100, most=2):
        window.done(store, "m", due.span, due.seen, now=i)
audit.append(store, me, "worked", "m", {"held": held}, now=0)
"""


ROUNDS = 20


def together(url, rounds=ROUNDS, processes=3):
    """Run workers that begin at once; returns what each said on standard error, and its exit code."""
    command = [sys.executable, "-c", WORKER, url]
    started = [
        subprocess.Popen([*command, f"worker {i}", str(rounds)], stdin=subprocess.PIPE, stderr=subprocess.PIPE)
        for i in range(processes)
    ]
    for process in started:
        process.stdin.close()  # now
    said = [process.stderr.read().decode() for process in started]
    for process in started:
        process.stderr.close()
    return [(process.wait(), words) for process, words in zip(started, said, strict=True)]


def test_processes_that_write_at_once_neither_fail_nor_lose_anything(state_url):
    open_store(state_url).close()
    assert together(state_url) == [(0, "")] * 3
    store = open_store(state_url)
    totals = count.totals(store, "m")
    assert totals["rounds"] == 3 * ROUNDS
    with store.reading() as connection:
        touches = connection.exec_driver_sql("SELECT touches FROM windows").scalars().all()
        details = connection.exec_driver_sql("SELECT detail FROM audit").scalars().all()
    assert touches == [3 * ROUNDS] * 10
    assert len(details) == 3
    assert totals["alone"] >= 1
    for due in window.due(store, "m", now=100):
        window.done(store, "m", due.span, due.seen, now=1)
    assert window.due(store, "m", now=100) == []
    store.close()


def test_a_process_that_is_killed_in_a_write_leaves_the_others_a_whole_state(state_url):
    store = open_store(state_url)
    code = (
        "import os, signal, sys\n"
        "from watchkeeper.state import open_store\n"
        "store = open_store(sys.argv[1])\n"
        "with store.writing() as connection:\n"
        "    connection.exec_driver_sql(\"INSERT INTO leases VALUES ('half', 'me', 1)\")\n"
        "    os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    assert subprocess.run([sys.executable, "-c", code, state_url]).returncode == -9
    assert lease.acquire(store, "half", "you", until=10, now=0)
    store.close()


@pytest.fixture
def own_server():
    """A server that a test may stop without others noticing."""
    with databases.server() as running:
        yield running


def test_a_store_works_on_once_its_server_was_restarted(own_server):
    store = open_store(own_server.new())
    model.put(store, "before", "name: m", now=1, who="me")
    own_server.stop()
    own_server.start()
    assert model.names(store) == ["before"]
    own_server.stop()
    with pytest.raises(StateUnavailable, match="Check that the server runs"):
        model.names(store)
    with pytest.raises(StateUnavailable, match="can't be used"):
        count.add(store, "m", "drops", 1, date(2024, 1, 1))
    own_server.start()
    count.add(store, "m", "drops", 1, date(2024, 1, 1))
    assert count.totals(store, "m") == {"drops": 1}
    store.close()


def half_a_write(store, server):
    with store.writing() as connection:
        connection.exec_driver_sql("INSERT INTO leases VALUES ('half', 'me', 10)")
        server.stop()
        connection.exec_driver_sql("INSERT INTO leases VALUES ('other half', 'me', 10)")


def test_a_server_that_stops_within_a_write_keeps_none_of_it(own_server):
    store = open_store(own_server.new())
    with pytest.raises(StateUnavailable):
        half_a_write(store, own_server)
    own_server.start()
    assert lease.holder(store, "half", now=0) is None
    assert lease.acquire(store, "half", "you", until=10, now=0)
    store.close()
