"""Our own servers, each in a process of its own, for as long as a demonstration takes."""

from __future__ import annotations

import http.client
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from watchkeeper.model import WatchkeeperError

PATIENCE = 60.0
"""Seconds that a server may take to answer for the first time."""
ALIVE = {"serve": "/healthz", "gateway": "/v2/health/ready"}
"""By command the path that answers 200 once it is up."""


class NoServer(WatchkeeperError):
    """A server of the demonstration did not start or takes nothing: the text holds what it said."""

    exit_code = 4


@contextmanager
def serving(command: str, folder: Path, *options: str) -> Iterator[str]:
    """`watchkeeper serve` or `gateway` of a home; yields its address. Raises `NoServer`."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = int(free.getsockname()[1])
    program = [sys.executable, "-m", "watchkeeper", command, "--home", str(folder), "--port", str(port), *options]
    server = subprocess.Popen(program, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)  # noqa: S603 - our own program
    try:
        _await(server, port, ALIVE[command])
        yield f"http://127.0.0.1:{port}"
    finally:
        server.terminate()
        server.communicate()


def _await(server: subprocess.Popen[bytes], port: int, path: str) -> None:
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline and server.poll() is None:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=1)
        try:
            connection.request("GET", path)
            if connection.getresponse().status == 200:
                return
        except OSError:
            pass
        finally:
            connection.close()
        time.sleep(0.1)
    server.kill()
    said = server.communicate()[1].decode(errors="replace").strip()
    raise NoServer(f"the demo's server did not start: {said or 'it said nothing'}")
