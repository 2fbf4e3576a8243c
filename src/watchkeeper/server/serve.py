"""Runs the server on an address until it is asked to stop."""

from __future__ import annotations

import gc
import logging
import signal
import socket
from collections.abc import Callable, Iterable
from contextlib import closing
from pathlib import Path
from typing import Any

import uvicorn
from prometheus_client.registry import Collector

from watchkeeper.model import WatchkeeperError, load_config
from watchkeeper.model.clock import clock
from watchkeeper.server.access import is_loopback
from watchkeeper.server.app import app
from watchkeeper.server.background import beside
from watchkeeper.server.connection import Connection
from watchkeeper.server.limit import Limits
from watchkeeper.state import Role, Store, open_store, token
from watchkeeper.watch.log import open_log


class CannotListen(WatchkeeperError):
    """The address can't be served: another program holds it, it is not this machine's, or nobody could be kept out."""


def serve(
    home: Path,
    host: str = "127.0.0.1",
    port: int = 8700,
    *,
    background: Callable[[], None] | None = None,
    collectors: Callable[[Store], Iterable[Collector]] = lambda store: (),
    told: Callable[[str], None] = lambda text: None,
) -> None:
    """Serve a home until SIGTERM or SIGINT: then no connection is taken any more, and all under way are answered.

    `background` runs beside the server in a process of its own, `collectors` makes what adds figures to /metrics, and
    `told` hears where the server listens. Raises `CannotListen`, and what `open_store` raises.
    """
    with closing(open_store(home)) as store:
        is_private = is_loopback(host)
        has_token = may_listen(store, host, Role.INGEST)
        log = open_log()
        limits = _limits(home)
        made = app(home, store, limits=limits, is_loopback=is_private, collectors=collectors(store), log=log)
        server = uvicorn.Server(configured(made, Connection, limits, limits.shutdown_seconds))

        def stop(*_: object) -> None:  # also called once uvicorn is done, as it raises the signal again that ended it
            server.should_exit = True

        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, stop)
        with closing(listening(host, port)) as listener:
            told(f"Watchkeeper listens on {url_of(listener)} and keeps its data in {home}. Stop it with Ctrl+C.")
            if not has_token:
                told(
                    "There is no token yet, so nothing can be sent: `watchkeeper token create --role ingest` makes one."
                )
            gc.collect()
            gc.freeze()  # what was imported stays: the collector need not visit it again and again
            with beside(background, log):
                server.run(sockets=[listener])
            told("Stopped. All that was answered with 2xx is on disk.")


def _limits(home: Path) -> Limits:
    """The bounds that the home's `config.yaml` gives, and our own for the rest."""
    given = load_config(home).limits
    return Limits(
        body_bytes=given.body_bytes,
        decoded_bytes=given.decoded_bytes,
        waiting_bytes=given.waiting_bytes,
        connections=given.connections,
    )


def may_listen(store: Store, host: str, role: Role) -> bool:
    """Whether there is a token that would let somebody in; elsewhere than on this machine it must be there.

    `role`: that of the token to make. Raises `CannotListen`.
    """
    has_token = any(known.refusal(clock()) is None for known in token.listing(store))
    if not is_loopback(host) and not has_token:
        raise CannotListen(
            f"{host} can be reached from elsewhere, and no token exists that would keep strangers out. "
            f"Run `watchkeeper token create --role {role}` first, or leave --host out to serve this machine alone."
        )
    return has_token


def configured(
    made: Callable[..., Any], connection: type[Connection], limits: Limits, shutdown_seconds: int, **more: Any
) -> uvicorn.Config:
    """How an application is served: each connection within bounds, and nothing told of how we serve."""
    logging.getLogger("uvicorn.error").setLevel(logging.ERROR)  # strangers' broken requests are no news
    return uvicorn.Config(
        made,
        http=type("Connection", (connection,), {"limits": limits}),
        ws="none",
        lifespan="on",
        log_config=None,
        access_log=False,
        proxy_headers=False,
        server_header=False,
        limit_concurrency=limits.connections,
        timeout_graceful_shutdown=shutdown_seconds,
        **more,
    )


def listening(host: str, port: int) -> socket.socket:
    """A socket that listens. Raises `CannotListen`."""
    try:
        family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][0]
        return socket.create_server((host, port), family=family, backlog=2_048)
    except (OSError, OverflowError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise CannotListen(
            f"{host}:{port} can't be served ({reason}). Choose another --port, or stop the program that holds this one."
        ) from error


def url_of(listener: socket.socket) -> str:
    """Where a socket listens."""
    host, port = listener.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
