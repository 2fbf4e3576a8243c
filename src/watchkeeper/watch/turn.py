"""Turns: work that one process does at a time, on this machine and on all that share a state."""

from __future__ import annotations

import fcntl
import os
import socket
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from watchkeeper.model import WatchkeeperError
from watchkeeper.model.clock import clock
from watchkeeper.state import lease
from watchkeeper.watch.home import Home

HELD = 600_000_000
"""For so long (in microseconds) a turn is taken; whoever works on takes it again before."""


class TurnLost(WatchkeeperError):
    """Work took so long that another process has taken its turn: what was done stays, and they go on with the rest."""

    exit_code = 4


@contextmanager
def turn(home: Home, name: str) -> Iterator[Callable[[], None] | str]:
    """Take a turn; yields what takes it anew, or who has it now.

    A process of this home that died gives its turn back at once, by a lock that the kernel lets go; one of another
    machine when its lease runs out. What takes it anew raises `TurnLost`.
    """
    here = _here(home)
    me = f"{here}{os.getpid()}:{uuid.uuid4().hex[:8]}"
    with _alone(home.folder / "cache" / f"{name.replace(' ', '-')}.lock") as alone:
        if not alone:
            yield lease.holder(home.store, name, clock()) or "another process of this home"
            return
        dead = lease.holder(home.store, name, clock())
        if dead is not None and dead.startswith(here):
            lease.release(home.store, name, dead)
        if not lease.acquire(home.store, name, me, clock() + HELD, clock()):
            yield lease.holder(home.store, name, clock()) or "another machine"
            return

        def again() -> None:
            if not lease.renew(home.store, name, me, clock() + HELD, clock()):
                raise TurnLost(f"{name}: another process has taken over. It goes on where this one stopped.")

        try:
            yield again
        finally:
            lease.release(home.store, name, me)


def holder(home: Home, name: str, now: int) -> str | None:
    """Who has a turn now; None where nobody does, or a process of this home that died before it gave its turn back."""
    held = lease.holder(home.store, name, now)
    here = _here(home)
    if held is None or not held.startswith(here):
        return held
    try:
        os.kill(int(held.removeprefix(here).partition(":")[0]), 0)
    except ProcessLookupError:
        return None
    except PermissionError:  # it is another user's
        return held
    return held


def _here(home: Home) -> str:
    """How holders of this home on this machine begin."""
    return f"{socket.gethostname()}:{home.folder}:"


@contextmanager
def _alone(path: Path) -> Iterator[bool]:
    """Whether nobody else on this machine holds a file's lock; if so, it is held as long as the block lasts."""
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o640)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
            return
        yield True
    finally:
        os.close(descriptor)
