"""Whether the server lives, whether it can do its work, and its figures."""

from __future__ import annotations

import os
import time

import anyio.to_thread
from prometheus_client import CONTENT_TYPE_LATEST
from sqlalchemy import text
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from watchkeeper.server.problem import Problem
from watchkeeper.server.service import Service
from watchkeeper.state import StateUnavailable

TRUST_SECONDS = 1.0
"""So long an answer stands: whoever asks more often makes no work."""
PROBE_BYTES = 4_096
"""Enough that a full disk refuses it."""


async def alive(service: Service, request: Request) -> Response:
    """Answer at all."""
    return JSONResponse({"status": "alive"})


async def ready(service: Service, request: Request) -> Response:
    """Try what an event needs: the state can be read and the inbox written."""
    if service.ready_until < time.monotonic():
        await anyio.to_thread.run_sync(_try, service)
        service.ready_until = time.monotonic() + TRUST_SECONDS
    return JSONResponse({"status": "ready"})


async def metrics(service: Service, request: Request) -> Response:
    """All figures, as Prometheus scrapes them."""
    content = await anyio.to_thread.run_sync(service.metrics.text, limiter=service.scrapers)
    return Response(content, media_type=CONTENT_TYPE_LATEST)


def _try(service: Service) -> None:
    """Raises a 503 that names the half which fails; the log says why, since anyone may ask."""
    try:
        with service.store.reading() as connection:
            connection.execute(text("SELECT 1"))
    except StateUnavailable as error:
        service.log.warning("not ready", error=str(error))
        raise Problem(503, "state-unavailable", "The state can't be read. The server's log says why.") from None
    probe = service.home / "inbox" / f".ready-{os.getpid()}"
    try:
        probe.parent.mkdir(exist_ok=True)
        probe.write_bytes(bytes(PROBE_BYTES))
        probe.unlink()
    except OSError as error:
        probe.unlink(missing_ok=True)
        service.log.warning("not ready", error=str(error))
        raise Problem(503, "inbox-unavailable", "The inbox can't be written. The server's log says why.") from None
