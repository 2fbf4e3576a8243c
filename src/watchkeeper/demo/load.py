"""Load: clients that ask a gateway for predictions all the time, and count what came of it."""

from __future__ import annotations

import http.client
import json
import threading
import time
from collections import Counter
from collections.abc import Callable, Sequence
from types import TracebackType
from urllib.parse import urlsplit

from watchkeeper.demo.serving import NoServer

CLIENTS = 4
PAUSE = 0.02
"""Seconds between an answer and a client's next request."""


class Load:
    """Clients that ask one model; each request and each answer is counted."""

    def __init__(self, url: str, model: str, bodies: Sequence[bytes]) -> None:
        self.last: str | None = None
        """The version of the newest answer."""
        self._host = urlsplit(url).netloc
        self._path = f"/v2/models/{model}/infer"
        self._bodies = bodies
        self._counted: Counter[str | None] = Counter()
        self._lock = threading.Lock()
        self._is_over = threading.Event()
        self._clients = [threading.Thread(target=self._ask, args=(number,)) for number in range(CLIENTS)]

    def __enter__(self) -> Load:
        """Begin to ask."""
        for client in self._clients:
            client.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End once the requests under way are answered."""
        self._is_over.set()
        for client in self._clients:
            client.join()

    def asks(self, bodies: Sequence[bytes]) -> None:
        """Ask this from now on."""
        self._bodies = bodies

    def told(self) -> tuple[int, int, dict[str, int]]:
        """Requests since the last time, how many failed, and the answers by version."""
        with self._lock:
            counted, self._counted = self._counted, Counter()
        failed = counted.pop(None, 0)
        return counted.total() + failed, failed, {str(version): number for version, number in sorted(counted.items())}

    def go_on(self, seconds: float) -> None:
        """Let the clients ask for so long."""
        time.sleep(seconds)

    def until(self, condition: Callable[[], bool], seconds: float) -> None:
        """Let them ask until a condition holds. Raises `NoServer` where it does not within so long."""
        end = time.monotonic() + seconds
        while not condition():
            if time.monotonic() > end:
                raise NoServer(f"the demo's gateway did not get on within {seconds:g} seconds. Run the demo again.")
            time.sleep(0.05)

    def _ask(self, number: int) -> None:
        connection = http.client.HTTPConnection(self._host, timeout=30)
        while not self._is_over.wait(PAUSE):
            bodies = self._bodies
            version = self._answer(connection, bodies[number % len(bodies)])
            number += CLIENTS
            with self._lock:
                self._counted[version] += 1
                self.last = version or self.last
        connection.close()

    def _answer(self, connection: http.client.HTTPConnection, body: bytes) -> str | None:
        """The version that answered; None where none did."""
        try:
            connection.request("POST", self._path, body, {"Content-Type": "application/json"})
            answer = connection.getresponse()
            content = answer.read()
        except (OSError, http.client.HTTPException):
            connection.close()
            return None
        return str(json.loads(content)["model_version"]) if answer.status == 200 else None
