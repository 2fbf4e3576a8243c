"""Middleware: counts what an ASGI service answers – latency, errors, throughput – around any application."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, MutableMapping
from time import perf_counter
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from watchkeeper.sdk.logger import Logger

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Application = Callable[[Message, Receive, Send], Awaitable[None]]

FLUSH_SECONDS = 5.0


class ServiceMiddleware:
    """`app = ServiceMiddleware(app, log)`, or in Starlette `app.add_middleware(ServiceMiddleware, log=log)`.

    A request lasts until its answer is complete; an error is an exception or a status of 500 and above. Once a period
    the figures are recorded as metric points `service_…`. Exceptions pass untouched. When the application shuts down,
    what was logged is flushed.
    """

    def __init__(self, app: Application, log: Logger) -> None:
        self._app = app
        self._log = log

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """Pass everything on; look at HTTP requests, and at the end of the service."""
        if scope["type"] == "http":
            await self._request(scope, receive, send)
        elif scope["type"] == "lifespan":
            await self._app(scope, receive, self._flushing(send))
        else:
            await self._app(scope, receive, send)

    async def _request(self, scope: Message, receive: Receive, send: Send) -> None:
        began = perf_counter()
        ended = 0.0
        failed = False

        async def watched(message: Message) -> None:
            nonlocal failed, ended
            if message["type"] == "http.response.start":
                failed = message["status"] >= 500
            await send(message)
            if message["type"] == "http.response.body" and not message.get("more_body", False):
                ended = perf_counter()

        try:
            await self._app(scope, receive, watched)
        except BaseException:
            failed = True
            raise
        finally:
            self._log.request((ended or perf_counter()) - began, failed)

    def _flushing(self, send: Send) -> Send:
        """Flush before the server hears that the application has ended: some servers then end by a signal."""

        async def flushing(message: Message) -> None:
            if message["type"].startswith("lifespan.shutdown"):
                self._log.flush(FLUSH_SECONDS, figures=True)
            await send(message)

        return flushing
