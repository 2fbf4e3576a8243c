"""Lifetime: what must happen when a process forks, and when it ends."""

from __future__ import annotations

import atexit
import os
import sys
import weakref
from typing import Protocol


class Forked(Protocol):
    """Something that belongs to one process."""

    def begin_in_child(self) -> None:
        """Begin anew in a child process, and leave to the parent what is the parent's."""


class Closed(Forked, Protocol):
    """Something that must be closed before its process ends."""

    def close(self) -> None:
        """Bring to an end what was begun; a second call does nothing."""


_forked: weakref.WeakSet[Forked] | None = None


def tell_of_forks(thing: Forked) -> None:
    """Have `begin_in_child` called after each fork, for as long as the thing is used by somebody."""
    global _forked  # noqa: PLW0603
    if _forked is None:
        _forked = weakref.WeakSet()
        os.register_at_fork(after_in_child=_tell)
    _forked.add(thing)


def close_at_exit(thing: Closed) -> None:
    """Have a thing closed when its process ends, and when a worker of `multiprocessing` does."""
    atexit.register(thing.close)
    close_with_worker(thing)


def close_with_worker(thing: Closed) -> None:
    """Have a thing closed when a worker of `multiprocessing` ends, which leaves out `atexit`.

    A worker first forgets what was to be done at its end, and then does what is to be done at its start: so this is
    called in the parent and after a fork, and the closing itself is registered at the worker's start.
    """
    util = sys.modules.get("multiprocessing.util")
    if util is not None:
        util.register_after_fork(thing, _close_at_end)


def _close_at_end(thing: Closed) -> None:
    util = sys.modules.get("multiprocessing.util")
    if util is not None:
        util.Finalize(None, thing.close, exitpriority=10)


def _tell() -> None:
    for thing in list(_forked or ()):
        thing.begin_in_child()
