"""How many bytes the server holds that are not yet on disk."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from watchkeeper.server.problem import Problem


class Load:
    """Bytes that requests under way hold; touched by the event loop's thread alone."""

    def __init__(self, most: int) -> None:
        self.most = most
        self.held = 0

    @contextmanager
    def share(self) -> Iterator[Share]:
        """What one request holds, given back when the request ends however it ends."""
        share = Share(self)
        try:
            yield share
        finally:
            self.held -= share.held


class Share:
    """The part of a load that belongs to one request."""

    def __init__(self, load: Load) -> None:
        self.load = load
        self.held = 0

    def take(self, size: int) -> None:
        """Hold so many bytes more. Raises a 429 where all requests together would hold too much."""
        if self.load.held + size > self.load.most:
            raise Problem(
                429,
                "too-much-waiting",
                f"More than {self.load.most:,} bytes wait to be written to disk. Nothing of this request was kept. "
                "Send it again in a second.",
                headers={"Retry-After": "1"},
            )
        self.load.held += size
        self.held += size
