"""A logger with a url, against a server in a thread that answers as it is told."""

from __future__ import annotations

import threading
import time
from contextlib import contextmanager

import pytest

from ingest_server import Server
from watchkeeper.sdk import Logger, count, frames, segments
from watchkeeper.sdk import sender as sender_module
from watchkeeper.sdk.endpoint import PATHS


@pytest.fixture
def server():
    server = Server()
    yield server
    server.close()


@pytest.fixture(autouse=True)
def _short_pauses(monkeypatch):
    monkeypatch.setattr(sender_module, "FIRST_PAUSE", 0.01)
    monkeypatch.setattr(sender_module, "LONGEST_PAUSE", 0.1)
    monkeypatch.setattr(sender_module, "LOOK_SECONDS", 0.05)


def make(server, folder, **options):
    return Logger("hotel", url=server.url, token="wk_1", home=folder, **{"period": None, **options})


def spool(folder):
    (found,) = (folder / "spool").iterdir()
    return found


def until(true, seconds=20):
    """Wait for something to become true."""
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end
        time.sleep(0.005)


@contextmanager
def down(server):
    """A server that is not there, and comes back on the same port."""
    server.close()
    back = []
    yield back
    back.append(Server(server.port))


@pytest.mark.parametrize("compress", [False, True])
def test_all_kinds_are_sent_to_their_address_with_the_token_over_one_connection(server, tmp_path, compress):
    with make(server, tmp_path, compress=compress) as log:
        with log.predict({"age": 31}, id="b1"):
            pass
        assert log.flush()
        log.label("b1", True)
        log.metric("cost", 3)
        with log.job("nightly", run="r"):
            pass
        assert log.flush()
        assert log.counts.durable == 5
    assert {path for path, _ in server.requests} == {f"/api/v1/models/hotel/{name}" for name in PATHS.values()}
    assert {headers["Authorization"] for _, headers in server.requests} == {"Bearer wk_1"}
    assert len(server.accepted) == 5
    assert len(server.connections) == 1
    assert list(tmp_path.iterdir()) == []


def test_a_server_that_cannot_take_records_for_a_while_gets_all_of_them_later_and_once(server, tmp_path, caplog):
    server.answers = [503, (429, {"Retry-After": "0"}, [], False), 500, 507, (None, {}, [], False)]
    with make(server, tmp_path) as log:
        for number in range(2000):
            log.label(str(number), number)
            if number % 500 == 0:
                assert log.flush()
        assert log.flush()
        until(lambda: len(server.accepted) == 2000)
        until(lambda: log.counts.durable == 2000)
    assert sorted(int(label.id) for label in server.accepted) == list(range(2000))
    assert log.counts.spooled > 0
    assert log.counts.dropped == 0
    assert list(spool(tmp_path).glob("*")) == []
    assert len([line for line in caplog.records if "Records wait in" in line.message]) == 1


def test_retry_after_is_honoured(server, tmp_path):
    server.answers = [(429, {"Retry-After": "1"}, [], False)]
    began = time.monotonic()
    with make(server, tmp_path) as log:
        log.label("a", 1)
        until(lambda: server.accepted)
        assert time.monotonic() - began >= 1


def test_records_of_a_process_that_ended_while_the_server_was_away_are_sent_by_a_later_one(server, tmp_path):
    with down(server) as back:
        with make(server, tmp_path, exit_seconds=0.1) as first:
            for number in range(100):
                first.label(f"first {number}", 1)
            assert first.flush()
        assert first.counts.spooled == 100
    (server,) = back
    with make(server, tmp_path) as second:
        second.label("second", 1)
        until(lambda: len(server.accepted) == 101)
    server.close()
    assert len({label.id for label in server.accepted}) == 101


def test_an_exit_sends_what_is_left_even_of_an_earlier_process(server, tmp_path):
    with down(server) as back, make(server, tmp_path, exit_seconds=0.1) as first:
        first.label("first", 1)
    (server,) = back
    with make(server, tmp_path) as second:
        second.label("second", 1)
    server.close()
    assert {label.id for label in server.accepted} == {"first", "second"}


def test_records_for_one_server_are_never_sent_to_another(server, tmp_path):
    other = Server()
    with down(server) as back, make(server, tmp_path, exit_seconds=0.1) as first:
        first.label("for the first", 1)
    with make(other, tmp_path) as second:
        second.label("for the other", 1)
    other.close()
    back[0].close()
    assert [label.id for label in other.accepted] == ["for the other"]


@pytest.mark.parametrize("status", [301, 400, 404, 413, 422])
def test_a_batch_that_is_refused_is_set_aside_with_the_reason_and_never_sent_again(server, tmp_path, caplog, status):
    server.answers = [status, status]
    with make(server, tmp_path) as log:
        for name in ("one", "two", "three"):
            log.label(name, 1)
            assert log.flush()
        assert log.counts.set_aside == 2
        assert log.counts.durable == 1
    assert [label.id for label in server.accepted] == ["three"]
    assert len(server.requests) == 3
    aside = spool(tmp_path) / "aside"
    kept = [frame for path in segments(aside) for frame in frames(path.read_bytes())]
    assert sum(count(frame.payload) for frame in kept) == 2
    assert f"answered {status}" in (aside / "reasons.txt").read_text()
    assert len([line for line in caplog.records if f"answered {status}" in line.message]) == 1


@pytest.mark.parametrize("status", [401, 403])
def test_a_wrong_token_keeps_records_waiting_and_parks_nothing_that_is_good(server, tmp_path, caplog, status):
    server.answers = [status] * 3
    with make(server, tmp_path) as log:
        log.label("one", 1)
        assert log.flush()
        until(lambda: [label.id for label in server.accepted] == ["one"])
        assert log.counts.set_aside == 0
    assert not (spool(tmp_path) / "aside").exists()
    assert f"answered {status}" in caplog.text


def test_records_that_the_server_rejects_are_counted_and_told(server, tmp_path, caplog):
    server.answers = [(200, {}, [{"index": 1, "error": "no such column"}], True)]
    with make(server, tmp_path) as log:
        log.label("a", 1)
        log.label("b", 1)
        assert log.flush()
        assert (log.counts.durable, log.counts.rejected) == (1, 1)
    assert "no such column" in caplog.text


def test_an_answer_that_is_no_json_counts_as_accepted(server, tmp_path):
    server.take = lambda request, body: (
        request.send_response(204),
        request.send_header("Content-Length", "0"),
        request.end_headers(),
    )
    with make(server, tmp_path) as log:
        log.label("a", 1)
        assert log.flush()
        assert log.counts.durable == 1


def test_a_connection_that_the_server_closed_meanwhile_is_opened_anew(server, tmp_path):
    with make(server, tmp_path) as log:
        log.label("a", 1)
        assert log.flush()
        server.answers = [(None, {}, [], False)]  # closes without an answer, as for a connection that lay idle
        log.label("b", 1)
        assert log.flush()
    assert [label.id for label in server.accepted] == ["a", "b"]
    assert log.counts.spooled == 0


def test_a_server_that_never_answers_is_given_up_and_does_not_hold_up_the_service(tmp_path):
    import socket

    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}"
        with Logger("hotel", url=url, home=tmp_path, timeout=0.1, exit_seconds=0.1, period=None) as log:
            log.label("a", 1)
            assert log.flush()
            assert log.counts.spooled == 1


def test_an_exit_does_not_wait_for_a_server_that_holds_a_request_and_keeps_what_it_may_not_have(server, tmp_path):
    held, let_go = threading.Event(), threading.Event()
    take = server.take

    def hold(request, body):
        held.set()
        assert let_go.wait(600)
        take(request, body)

    server.take = hold
    log = make(server, tmp_path, timeout=600, exit_seconds=0.1)
    log.label("a", 1)
    assert held.wait(20)
    log.label("b", 1)
    log.close()  # comes back before the server answers
    assert not let_go.is_set()
    assert log.counts.spooled == 2
    let_go.set()
    server.take = take
    with make(server, tmp_path) as after:
        after.label("c", 1)
    until(lambda: {"a", "b", "c"} == {label.id for label in server.accepted})


def test_an_exit_does_not_try_a_server_again_that_is_known_to_be_away(server, tmp_path):
    server.answers = [(503, {"Retry-After": "0"}, [], False)] * 10_000
    log = make(server, tmp_path, exit_seconds=600)
    log.label("a", 1)
    until(lambda: log.counts.spooled)
    log.label("b", 1)
    log.close()
    assert log.counts.spooled == 2
    assert server.answers


def test_a_spool_that_cannot_be_written_bounds_memory_and_counts_what_is_lost(server, tmp_path, monkeypatch):
    (tmp_path / "spool").write_text("in the way")
    monkeypatch.setattr(sender_module, "MEMORY_BYTES", 10_000)
    with down(server) as back:
        log = make(server, tmp_path, exit_seconds=0.1, queue=100)
        for number in range(2000):
            log.label(f"{number}" * 20, 1)
            time.sleep(0.0001)
        log.close()
        assert log.counts.dropped == 2000
    back[0].close()


def test_figures_of_the_service_are_sent_as_metric_points(server, tmp_path):
    with make(server, tmp_path, period=0.001) as log:
        log.label("a", 1)
    assert {"service_memory_bytes", "service_dropped"} <= {getattr(record, "name", "") for record in server.accepted}
    assert log.counts.durable == 1
