"""Suspects: requests that were in a process when it ended, remembered so that none can end it for ever."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Iterable
from hashlib import blake2b

SECONDS = 600.0
"""So long one is remembered."""
MOST = 1_000


class Suspects:
    """How often each request was in the process of one version when it ended, by what the process was sent."""

    def __init__(self) -> None:
        self._times: OrderedDict[bytes, tuple[int, float]] = OrderedDict()

    def __len__(self) -> int:
        return len(self._times)

    def add(self, frames: Iterable[bytes]) -> None:
        """What is in the process may be why it ends."""
        for content in {_content(frame) for frame in frames}:
            times, _ = self._times.pop(content, (0, 0.0))
            self._times[content] = times + 1, time.monotonic()
        while len(self._times) > MOST:
            self._times.popitem(last=False)

    def times(self, frame: bytes) -> int:
        """How often it was in the process lately when that ended."""
        content = _content(frame)
        times, at = self._times.get(content, (0, 0.0))
        if times and time.monotonic() - at > SECONDS:
            del self._times[content]
            return 0
        return times

    def clear(self, frame: bytes) -> None:
        """It was answered, so it did no harm."""
        self._times.pop(_content(frame), None)


def _content(frame: bytes) -> bytes:
    return blake2b(frame, digest_size=16).digest()
