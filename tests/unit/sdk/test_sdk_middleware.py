from __future__ import annotations

import asyncio
import time

import httpx
import pytest
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from watchkeeper.sdk import Kind, Logger, ServiceMiddleware, frames, read, segments


def points(log, home):
    log.close()
    found = (frame for path in segments(home / "inbox" / "hotel") for frame in frames(path.read_bytes()))
    return [point for frame in found if frame.kind == Kind.SERVICE for point in read(Kind.SERVICE, frame.payload)]


def total(points, name):
    return sum(point.value for point in points if point.name == f"service_{name}")


@pytest.fixture
def log(tmp_path):
    (tmp_path / "inbox" / "hotel").mkdir(parents=True)
    with Logger("hotel", home=tmp_path, period=0.001) as log:
        yield log


def answer(request):
    if request.path_params["what"] == "raise":
        raise RuntimeError
    return PlainTextResponse("x", int(request.path_params["what"]))


def test_requests_errors_and_latencies_are_recorded(log, tmp_path):
    app = Starlette(routes=[Route("/{what}", answer)])
    app.add_middleware(ServiceMiddleware, log=log)

    async def ask():
        transport = httpx.ASGITransport(app, raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url="http://service") as client:
            return [(await client.get(f"/{what}")).status_code for what in (200, 404, 503, "raise")]

    assert asyncio.run(ask()) == [200, 404, 503, 500]
    found = points(log, tmp_path)
    assert (total(found, "requests"), total(found, "errors")) == (4, 2)
    assert all(point.value > 0 for point in found if "latency_ms" in point.name)
    assert {point.name for point in found} >= {f"service_latency_ms_{name}" for name in ("p50", "p95", "p99")}


def test_work_after_the_answer_is_not_counted_as_latency(log, tmp_path):
    async def app(scope, receive, send):
        await send({"type": "http.response.start", "status": 200})
        await send({"type": "http.response.body", "body": b"x"})
        time.sleep(0.5)

    async def send(message):
        pass

    asyncio.run(ServiceMiddleware(app, log)({"type": "http"}, None, send))
    assert total(points(log, tmp_path), "latency_ms_p99") < 500


def test_what_is_no_request_passes_untouched(log):
    seen = []

    async def app(scope, receive, send):
        seen.append((scope, receive, send))

    asyncio.run(ServiceMiddleware(app, log)({"type": "websocket"}, 1, 2))
    assert seen == [({"type": "websocket"}, 1, 2)]


def test_what_was_logged_is_durable_before_the_server_hears_that_the_application_has_ended(log, tmp_path):
    durable = []

    async def app(scope, receive, send):
        log.label("a", 1)
        await send({"type": "lifespan.startup.complete"})
        await send({"type": "lifespan.shutdown.complete"})

    async def send(message):
        durable.append((message["type"], log.counts.durable))

    asyncio.run(ServiceMiddleware(app, log)({"type": "lifespan"}, None, send))
    assert [kind for kind, _ in durable] == ["lifespan.startup.complete", "lifespan.shutdown.complete"]
    assert durable[1][1] == 1


def test_quantiles_of_latency_are_right_to_a_twentieth():
    from watchkeeper.sdk.figure import Traffic

    traffic = Traffic()
    for milliseconds in range(1, 1001):
        traffic.add(milliseconds / 1000, False)
    figures = traffic.take()
    assert figures["requests"] == 1000
    for name, value in {"p50": 500, "p95": 950, "p99": 990}.items():
        assert figures[f"latency_ms_{name}"] == pytest.approx(value, rel=0.05)
    assert traffic.take() == {}


def test_without_proc_the_peak_is_told_under_another_name(monkeypatch):
    from watchkeeper.sdk import figure

    monkeypatch.setattr(figure.Path, "read_text", lambda *_: "")
    assert figure.memory().keys() == {"memory_peak_bytes"}
