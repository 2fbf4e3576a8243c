"""Target: whoever is told, and the two errors of telling."""

from __future__ import annotations

import hashlib
from typing import Protocol

from watchkeeper.model.error import WatchkeeperError
from watchkeeper.notify.message import Message


class BadTarget(WatchkeeperError):
    """What `--on-alarm` names can't be told anything: the text says why, and what to write."""


class NotDelivered(WatchkeeperError):
    """A target did not hear a message: the text says why. It is told again later."""

    exit_code = 4


class Target(Protocol):
    """A command or a webhook."""

    @property
    def shown(self) -> str:
        """What a log may call it: no password, no token, no arguments."""
        ...

    @property
    def key(self) -> str:
        """What it is told once under; the same for the same target, and without its secrets."""
        ...

    def send(self, message: Message, now: int) -> None:
        """Tell it, at `now` (microseconds). Raises `NotDelivered`."""
        ...


def key_of(shown: str, whole: str) -> str:
    """A target's key, from what may be shown of it and a digest of all that it is."""
    return f"{shown} {hashlib.sha256(whole.encode('utf-8', 'surrogateescape')).hexdigest()[:16]}"
