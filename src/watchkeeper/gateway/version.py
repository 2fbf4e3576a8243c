"""Version: what answers for one version of a model, and what it is when it has no answer."""

from __future__ import annotations

import asyncio
from typing import Protocol

from watchkeeper.gateway.rows import Reply, Rows
from watchkeeper.model import WatchkeeperError
from watchkeeper.release.figures import Figures


class Unanswered(WatchkeeperError):
    """A version has no answer to a request, which another one may have: its process ended, is late, or is not there."""

    exit_code = 4

    def __init__(self, text: str, reason: str, *, sent: bool) -> None:
        super().__init__(text)
        self.reason = reason
        """One word for the metrics."""
        self.sent = sent
        """Whether the version was given the request: then it may be the request's fault."""


class Version(Protocol):
    """What answers for one version: a process of ours, or another server."""

    name: str
    inputs: tuple[str, ...]
    figures: Figures
    restarts: int
    first: Reply | None
    """What it answered to the first row that it was asked; None before that."""

    @property
    def is_up(self) -> bool:
        """Whether it can be asked now."""
        ...

    @property
    def memory_bytes(self) -> int | None:
        """Memory of its process, where it is ours."""
        ...

    @property
    def pending(self) -> int:
        """Requests that it was given and has not answered."""
        ...

    def ask(self, rows: Rows, alone: bool = False) -> asyncio.Future[Reply]:
        """Ask for an answer; it may become `Unanswered` or a `Refusal`. Raises both at once, too."""
        ...

    async def close(self, drain_seconds: float) -> None:
        """Answer what it was given, for so long, and end."""
        ...
