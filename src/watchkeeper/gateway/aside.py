"""Aside: work on large requests is done in a thread, as the event loop is needed for small ones meanwhile."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

BYTES, ROWS = 1 << 16, 1_000
"""What has more takes milliseconds to be read, answered and logged."""
Made = TypeVar("Made")


class Aside:
    """One thread: large requests wait for each other, so that half of the interpreter stays for the loop."""

    def __init__(self) -> None:
        self._thread = ThreadPoolExecutor(1, "large-requests")

    async def made(self, work: Callable[[], Made], *, rows: int = 0, size: int = 0) -> Made:
        """What `work` makes: at once, or in the thread where it is about that many rows or bytes."""
        if rows <= ROWS and size <= BYTES:
            return work()
        return await asyncio.get_running_loop().run_in_executor(self._thread, work)

    def close(self) -> None:
        """Take no more work."""
        self._thread.shutdown(wait=False)
