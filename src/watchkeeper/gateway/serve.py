"""Runs the gateway on an address until it is asked to stop; then no request that came is lost."""

from __future__ import annotations

import asyncio
import gc
import socket
import time
from collections.abc import Callable
from contextlib import closing, suppress
from types import FrameType

import uvicorn

from watchkeeper.gateway.app import App
from watchkeeper.gateway.connection import Joining
from watchkeeper.gateway.entry import Entry
from watchkeeper.gateway.switch import Switch
from watchkeeper.server.access import is_loopback
from watchkeeper.server.limit import Limits
from watchkeeper.server.serve import configured, listening, may_listen, url_of
from watchkeeper.state import Role
from watchkeeper.watch.home import Home
from watchkeeper.watch.log import open_log

LAST_SECONDS = 0.2
"""So long a connection that was just taken has for its request."""


def serve(
    home: Home,
    host: str = "127.0.0.1",
    port: int = 8080,
    *,
    default: str | None = None,
    functions: bool = False,
    told: Callable[[str], None] = lambda text: None,
) -> None:
    """Serve what is live in a home until SIGTERM or SIGINT.

    `default` is the model of /invocations; `functions` lets Python functions answer. Raises `CannotListen` and
    `NoSuchModel`.
    """
    may_listen(home.store, host, Role.PREDICT)
    if default is not None:
        home.model(default)
    log = open_log()
    allowed = home.config.serving.model_copy(update={"functions": True}) if functions else home.config.serving
    switch = Switch(home, allowed, log)
    given = home.config.gateway
    made = App(switch, Entry(home.store, given, is_loopback(host)), default, log)
    limits = Limits(connections=given.connections)
    config = configured(made, Joining, limits, int(2 * given.seconds) + 5, timeout_keep_alive=60)
    server = _Server(config, made, given.drain_seconds)
    with closing(listening(host, port)) as listener:
        told(f"The gateway of {home.folder} listens on {url_of(listener)}. Stop it with Ctrl+C.")
        gc.collect()
        gc.freeze()  # what was imported stays: the collector need not visit it again and again
        server.run(sockets=[listener])
    told("Stopped. All that was asked was answered.")


class _Server(uvicorn.Server):
    """Goes on answering for a while once it is asked to stop, so that clients notice and go elsewhere."""

    def __init__(self, config: uvicorn.Config, made: App, drain_seconds: float) -> None:
        super().__init__(config)
        self._made = made
        self._drain_seconds = drain_seconds
        self._until: float | None = None

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Called by a signal; a second one ends the waiting."""
        self._until = time.monotonic() + (self._drain_seconds if self._until is None else 0.0)
        self._made.is_draining = True

    async def on_tick(self, counter: int) -> bool:
        """Called ten times a second: whether it is time to stop."""
        if self._until is not None and time.monotonic() >= self._until:
            self.should_exit = True
        return await super().on_tick(counter)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Take no connection any more, and answer those that were taken a moment ago before idle ones are closed."""
        spares = [listener.dup() for listener in sockets or ()]
        for server in self.servers:
            server.close()
        for listener in sockets or ():
            listener.close()
        taken = [one for spare in spares for one in _accepted(spare)]
        for one in taken:
            await asyncio.get_running_loop().connect_accepted_socket(self._connection, one)
        await asyncio.sleep(LAST_SECONDS)
        await super().shutdown(sockets)

    def _connection(self) -> asyncio.Protocol:
        return self.config.http_protocol_class(  # type: ignore[call-arg]
            config=self.config, server_state=self.server_state, app_state=self.lifespan.state
        )


def _accepted(listener: socket.socket) -> list[socket.socket]:
    """Connections that the system has taken already; it takes no more."""
    taken = []
    listener.setblocking(False)
    with suppress(BlockingIOError):
        while True:
            taken.append(listener.accept()[0])
    listener.close()
    return taken
