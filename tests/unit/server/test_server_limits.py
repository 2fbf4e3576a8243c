"""Each limit has a clear answer, is counted by its reason, and leaves the server as it was."""

from __future__ import annotations

import gzip
import json

import anyio
import pytest

from serving import JSON_LINES, MODEL, event, kept, lines
from watchkeeper.server import Limits
from watchkeeper.state import Role

EVENTS = f"/api/v1/models/{MODEL}/events"
SMALL = Limits(body_bytes=100_000, decoded_bytes=2_000_000, silence_seconds=0.2, body_seconds=1.0)


def refused(client, status, reason, **more):
    """The problem that a request is answered with, once its form and its count are as they should be."""
    headers = {"Content-Type": JSON_LINES, **more.pop("headers", {})}
    answer = client.post(EVENTS, headers=headers, **more)
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    problem = answer.json()
    assert problem["type"] == f"urn:watchkeeper:problem:{reason}"
    assert problem["status"] == status
    assert problem["detail"].endswith(".")
    counted = client.app.state.service.metrics.refused.labels(reason)
    assert counted._value.get() >= 1
    assert client.app.state.service.load.held == 0
    return problem


def works(client, home):
    """Whether a good event is still taken."""
    before = len(kept(home))
    assert client.post(EVENTS, json=[event("after")]).json()["accepted"] == 1
    return len(kept(home)) == before + 1


def parts(*chunks, pause=0.0):
    async def body():
        for chunk in chunks:
            yield chunk
            await anyio.sleep(pause)

    return body()


def test_a_body_that_says_it_is_too_large_is_not_even_read(serve, home):
    client = serve(limits=SMALL)
    refused(client, 413, "too-large", content=b" " * 100_001)
    assert works(client, home)


def test_a_body_that_does_not_say_its_size_is_read_no_further_than_the_limit(serve, home):
    client = serve(limits=SMALL)
    refused(client, 413, "too-large", content=parts(*[b" " * 20_000] * 10))
    assert works(client, home)


def test_a_gzip_bomb_is_stopped_by_its_growth(serve, home):
    client = serve(limits=Limits())
    bomb = gzip.compress(bytes(50 << 20))
    refused(client, 413, "expansion", content=bomb, headers={"Content-Encoding": "gzip"})
    assert works(client, home)


def test_a_gzip_body_is_stopped_at_its_size_once_decompressed(serve, home):
    client = serve(limits=SMALL)
    text = b"".join(b"%d " % number for number in range(300_000))
    limits = gzip.compress(text)
    large = serve(limits=Limits(decoded_bytes=1_000_000))
    refused(large, 413, "too-large", content=limits, headers={"Content-Encoding": "gzip"})
    assert works(client, home)


@pytest.mark.parametrize("body", [b"no gzip at all", gzip.compress(b"x" * 1000, mtime=0)[:-9], b"\x1f\x8b"])
def test_broken_gzip_is_a_400(serve, home, body):
    client = serve()
    refused(client, 400, "gzip", content=body, headers={"Content-Encoding": "gzip"})
    assert works(client, home)


@pytest.mark.parametrize(
    ("headers", "reason"),
    [
        ({"Content-Encoding": "br"}, "content-encoding"),
        ({"Content-Type": "application/x-www-form-urlencoded"}, "content-type"),
        ({"Content-Type": "text/html; charset=utf-8"}, "content-type"),
        ({"Content-Type": "application/json; charset=utf-16"}, "content-type"),
    ],
)
def test_what_is_not_read_here_is_a_415_that_names_what_is(serve, home, headers, reason):
    client = serve()
    refused(client, 415, reason, content=b"{}", headers=headers)
    assert works(client, home)


@pytest.mark.parametrize("body", [b"[{]", b'[{"id": 1},', b"hello", b'{"id": "x"', b"[" * 100_000])
def test_malformed_json_is_a_400_that_names_the_place(serve, home, body):
    client = serve()
    problem = refused(client, 400, "malformed", content=body)
    said = json.dumps(problem)
    assert "byte" in said or "truncated" in said or "deep" in said
    assert works(client, home)


def test_json_nested_too_deeply_is_one_rejected_record(serve, home):
    deep = b'{"id": "x", "time": "2026-01-01T00:00:00Z", "features": {"a": ' + b"[" * 50_000 + b"]" * 50_000 + b"}}"
    client = serve()
    answer = client.post(EVENTS, content=lines([event(1)]) + b"\n" + deep, headers={"Content-Type": JSON_LINES})
    assert answer.json()["accepted"] == 1
    assert "deep" in answer.json()["rejected"][0]["error"]
    assert works(client, home)


def test_too_many_bad_records_refuse_the_whole_body(serve, home):
    client = serve()
    refused(client, 422, "too-many-rejected", content=lines([event(1)]) + b"\nx" * 20_000)
    assert kept(home) == []
    assert works(client, home)


def test_a_reason_that_quotes_a_huge_name_is_cut_short(serve):
    answer = serve().post(EVENTS, json=[event(1), {"x" * 100_000: 1}])
    assert answer.json()["accepted"] == 1
    assert len(answer.text) < 1_000


def test_a_large_array_with_a_bad_record_is_refused_as_a_whole(serve, home):
    client = serve()
    array = json.dumps([event(n, error="x" * 5_000) for n in range(1_000)] + [{"id": 1}]).encode()
    refused(client, 422, "no-good-record", content=array)
    assert kept(home) == []


def test_a_body_that_pauses_is_given_up(serve, home):
    client = serve(limits=SMALL)
    refused(client, 408, "too-slow", content=parts(b"{", b"}", pause=1.0))
    assert works(client, home)


def test_a_body_that_trickles_is_given_up_too(serve, home):
    client = serve(limits=SMALL)
    refused(client, 408, "too-slow", content=parts(*[b" "] * 40, pause=0.05))
    assert works(client, home)


def test_more_than_may_wait_is_a_429_that_says_when_to_come_back(serve, home):
    client = serve(limits=Limits(waiting_bytes=10_000))
    refused(client, 429, "too-much-waiting", content=lines(event(n) for n in range(500)))
    answer = client.post(EVENTS, content=b" " * 20_000)
    assert answer.headers["retry-after"] == "1"
    assert works(client, home)


def test_an_unknown_route_is_a_404_and_a_wrong_method_a_405_that_names_the_right_one(serve):
    client = serve(Role.ADMIN)
    assert client.get("/api/v1/nothing").json()["type"] == "urn:watchkeeper:problem:no-such-route"
    answer = client.request("DELETE", EVENTS)
    assert answer.status_code == 405
    assert answer.headers["allow"] == "POST"
    assert answer.headers["content-type"] == "application/problem+json"


def test_a_mistake_of_ours_is_a_500_that_tells_nothing_and_is_logged(serve, monkeypatch):
    client = serve(Role.VIEWER)

    def broken():
        raise ZeroDivisionError("secret")

    monkeypatch.setattr(client.app.state.service.metrics, "text", broken)
    answer = client.get("/metrics")
    assert answer.status_code == 500
    assert "secret" not in answer.text
    assert "ZeroDivisionError: secret" in client.log.getvalue()


def test_a_state_that_is_away_makes_the_server_not_ready(serve, store, monkeypatch):
    from watchkeeper.state import StateUnavailable

    client = serve()
    assert client.get("/readyz").status_code == 200

    def away():
        raise StateUnavailable("the password of the database is wrong")

    monkeypatch.setattr(store, "reading", away)
    client.app.state.service.ready_until = 0
    answer = client.get("/readyz")
    assert answer.status_code == 503
    assert "password" not in answer.text
    assert "password" in client.log.getvalue()
