"""A job beside the server in a process of its own: however busy it is, requests do not wait for it."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from multiprocessing.connection import wait

from structlog.typing import FilteringBoundLogger

PATIENCE_SECONDS = 10.0
"""How long the job may take to end once it is asked to."""
LONGEST_PAUSE = 60.0


@contextmanager
def beside(job: Callable[[], None] | None, log: FilteringBoundLogger) -> Iterator[None]:
    """Run a job (a function of a module, or a `functools.partial` of one) as long as the block lasts.

    A job that ends is started again, after a pause that doubles up to a minute; it ends with this process, however
    this one ends.
    """
    if job is None:
        yield
        return
    ended = threading.Event()
    watcher = threading.Thread(target=_watch, args=(job, ended, log), name="background", daemon=True)
    watcher.start()
    try:
        yield
    finally:
        ended.set()
        watcher.join()


def _watch(job: Callable[[], None], ended: threading.Event, log: FilteringBoundLogger) -> None:
    pause = 1.0
    context = multiprocessing.get_context("spawn")
    while not ended.is_set():
        process = context.Process(target=_run, args=(job,), name="watchkeeper-background")
        process.start()
        while process.is_alive() and not ended.wait(0.2):
            pass
        if ended.is_set():
            process.terminate()
            process.join(PATIENCE_SECONDS)
            if process.is_alive():
                process.kill()
                process.join()
            return
        log.error("background job ended", exit_code=process.exitcode, again_in_seconds=pause)
        ended.wait(pause)
        pause = min(2 * pause, LONGEST_PAUSE)


def _run(job: Callable[[], None]) -> None:
    """The child: interrupts are the parent's to handle, and a parent that is gone takes the child along."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_follow_parent, daemon=True).start()
    job()


def _follow_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        wait([parent.sentinel])
        os._exit(1)
