"""Puts the routes together to an ASGI application."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import anyio.to_thread
import starlette.routing
from prometheus_client.registry import Collector
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from structlog.typing import FilteringBoundLogger

from watchkeeper.server import problem
from watchkeeper.server.access import Access
from watchkeeper.server.limit import Limits
from watchkeeper.server.problem import Problem
from watchkeeper.server.route import ROUTES, Route
from watchkeeper.server.service import Service
from watchkeeper.state import StateUnavailable, Store
from watchkeeper.watch.log import open_log

FLUSH_SECONDS = 5.0
HEADERS = ((b"x-content-type-options", b"nosniff"), (b"cache-control", b"no-store"))


def app(
    home: Path,
    store: Store,
    *,
    limits: Limits | None = None,
    is_loopback: bool = False,
    collectors: Iterable[Collector] = (),
    log: FilteringBoundLogger | None = None,
    routes: tuple[Route, ...] = ROUTES,
) -> Starlette:
    """The server of one home.

    `is_loopback` says that it is served on a loopback address alone, which opens /metrics to this machine; `collectors`
    add figures to /metrics; the committer lives from the application's start to its end.
    """
    service = Service(home, store, limits or Limits(), log or open_log(), collectors)
    access = Access(store, is_loopback)
    guarded = [_guarded(service, access, route) for route in routes]
    made = Starlette(
        routes=guarded,
        middleware=[Middleware(Edge, service=service, paths={route.endpoint: route.path for route in guarded})],
        exception_handlers=dict.fromkeys((Problem, HTTPException, ClientDisconnect), problem.answer),
        lifespan=lambda _: _life(service),
    )
    made.router.redirect_slashes = False
    made.state.service = service
    return made


def _guarded(service: Service, access: Access, route: Route) -> starlette.routing.Route:
    async def endpoint(request: Request) -> Response:
        await access.check(request, route.rule)
        return await route.handler(service, request)

    return starlette.routing.Route(route.path, endpoint, methods=[route.method])


@asynccontextmanager
async def _life(service: Service) -> AsyncIterator[None]:
    service.committer.start()
    flushing = asyncio.create_task(_flush_now_and_then(service))
    try:
        yield
    finally:
        flushing.cancel()
        await anyio.to_thread.run_sync(service.committer.stop)
        await anyio.to_thread.run_sync(_flush, service)


async def _flush_now_and_then(service: Service) -> None:
    while True:
        await asyncio.sleep(FLUSH_SECONDS)
        await anyio.to_thread.run_sync(_flush, service)


def _flush(service: Service) -> None:
    try:
        service.tally.flush()
    except StateUnavailable as error:  # kept in memory for the next time
        service.log.warning("counts not written", error=str(error))


class Edge:
    """The outermost edge: counts requests and answers, and turns a mistake of ours into an answer and a log line."""

    def __init__(self, app: ASGIApp, service: Service, paths: dict[Any, str]) -> None:
        self._app = app
        self._service = service
        self._paths = paths

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Called by the ASGI server."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        status = 0

        async def answered(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = [*message.get("headers", ()), *HEADERS]
            await send(message)

        start = time.perf_counter()
        try:
            await self._app(scope, receive, answered)
        except StateUnavailable as away:
            self._service.log.warning("state unavailable", path=scope["path"], error=str(away))
            await problem.answer(Request(scope), away)(scope, receive, answered)
        except Exception as wrong:  # the outermost edge
            self._service.log.error("request failed", path=scope["path"], exc_info=wrong)
            if not status:
                await problem.answer(Request(scope), wrong)(scope, receive, answered)
        finally:
            route = self._paths.get(scope.get("endpoint"), "none")
            self._service.metrics.requests.labels(route, _method(scope), str(status)).inc()
            if "refused" in scope:
                self._service.metrics.refused.labels(scope["refused"]).inc()
            self._service.metrics.seconds.labels(route).observe(time.perf_counter() - start)


def _method(scope: Scope) -> str:
    """The method, where it is one that is usual: a label may not take any word."""
    method: str = scope["method"]
    return method if method in {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"} else "other"
