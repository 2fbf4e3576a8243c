"""Connections that send head and body of an answer by one call of the system, which costs most of sending it."""

from __future__ import annotations

import asyncio

from watchkeeper.server.connection import Connection


class Joining(Connection):
    """A bounded connection whose answers are written at once."""

    def on_headers_complete(self) -> None:
        """Called by the parser with a request's last header."""
        before = self.cycle
        super().on_headers_complete()
        if self.cycle is not before and self.scope["method"] != "HEAD":  # an answer to HEAD has no body to wait for
            self.cycle.transport = _Joined(self.transport)  # type: ignore[assignment]


class _Joined:
    """Keeps the head of one answer until its body is there."""

    __slots__ = ("_head", "_transport")

    def __init__(self, transport: asyncio.Transport) -> None:
        self._transport = transport
        self._head: bytes | None = None

    def write(self, data: bytes) -> None:
        """The head of the answer first, then its body; before both, perhaps, that the request may go on."""
        if self._head is None:
            if data.startswith(b"HTTP/1.1 100 "):
                self._transport.write(data)
            else:
                self._head = data
        else:
            self._transport.write(self._head + data)
            self._head = b""

    def close(self) -> None:
        """Send what is left, and close."""
        if self._head:
            self._transport.write(self._head)
        self._transport.close()

    def is_closing(self) -> bool:
        """Whether the connection ends."""
        return self._transport.is_closing()
