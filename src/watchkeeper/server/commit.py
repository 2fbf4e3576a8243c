"""Group commit: one thread appends what all requests brought, syncs once, and only then lets them be answered."""

from __future__ import annotations

import asyncio
import errno
import math
import threading
import time
from collections import defaultdict
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import Protocol

from watchkeeper.sdk.home import inbox_of
from watchkeeper.sdk.segment import SegmentWriter

REST_SECONDS = 30.0
"""A model that brings nothing for so long has its segment closed, so that it can be moved and deleted."""
FULL = (errno.ENOSPC, errno.EDQUOT)


class Writer(Protocol):
    """What the committer needs of a segment writer."""

    def append(self, frame: bytes) -> object:
        """Add whole frames."""

    def sync(self) -> None:
        """Return once all that was added is on disk."""

    def close(self) -> None:
        """Let go of the segment."""


@dataclass(eq=False)
class _Waiting:
    model: str
    frames: bytes
    future: asyncio.Future[None]


class Committer:
    """Owns the segment writers of all models and the one thread that touches them."""

    def __init__(
        self,
        home: Path,
        synced: Callable[[float], None],
        writer: Callable[[Path], Writer] = SegmentWriter,
        rest_seconds: float = REST_SECONDS,
    ) -> None:
        """`synced` is told how long each sync took; `writer` opens a model's inbox folder."""
        self._home = home
        self._synced = synced
        self._writer = writer
        self._rest_seconds = rest_seconds
        self._writers: dict[str, Writer] = {}
        self._used: dict[str, float] = {}
        self._queue: SimpleQueue[_Waiting | None] = SimpleQueue()
        self._thread = threading.Thread(target=self._run, name="committer", daemon=True)

    def start(self) -> None:
        """Begin to commit."""
        self._thread.start()

    def stop(self) -> None:
        """Commit what still waits, close every segment and return once that is done."""
        self._queue.put(None)
        self._thread.join()

    def submit(self, model: str, frames: bytes) -> asyncio.Future[None]:
        """Hand frames over; the future is done when they are on disk, or holds the error that kept them off it."""
        future = asyncio.get_running_loop().create_future()
        self._queue.put(_Waiting(model, frames, future))
        return future

    def _run(self) -> None:
        going_on = True
        while going_on:
            try:
                batch = [self._queue.get(timeout=self._rest_seconds / 2)]
            except Empty:
                batch = []
            while not self._queue.empty():
                batch.append(self._queue.get())
            going_on = None not in batch
            self._commit([waiting for waiting in batch if waiting is not None])
            self._rest(time.perf_counter() - self._rest_seconds)
        self._rest(math.inf)

    def _commit(self, batch: list[_Waiting]) -> None:
        """Append and sync model by model, then answer the whole batch with one call into the event loop."""
        if not batch:
            return
        by_model: dict[str, list[_Waiting]] = defaultdict(list)
        for waiting in batch:
            by_model[waiting.model].append(waiting)
        wrong = {model: self._write(model, b"".join(w.frames for w in group)) for model, group in by_model.items()}
        batch[0].future.get_loop().call_soon_threadsafe(_settle, batch, wrong)

    def _write(self, model: str, frames: bytes) -> Exception | None:
        """Put frames on disk, or say why not: then nothing of them counts as kept."""
        start = time.perf_counter()
        try:
            writer = self._writers.get(model)
            if writer is None:
                writer = self._writers[model] = self._writer(inbox_of(self._home, model))
            writer.append(frames)
            writer.sync()
        except Exception as error:  # noqa: BLE001 - the thread's edge: whoever waits is told, and the thread lives on
            return error  # the writer has cut the segment back, or left it for a new one
        now = time.perf_counter()
        self._used[model] = now
        self._synced(now - start)
        return None

    def _rest(self, before: float) -> None:
        """Close the segments that were last written before then; their writers go on with the next ones when needed."""
        for model in [model for model, used in self._used.items() if used < before]:
            del self._used[model]
            with suppress(OSError):  # all that was answered with 2xx is synced already
                self._writers[model].close()


def _settle(batch: list[_Waiting], wrong: dict[str, Exception | None]) -> None:
    for waiting in batch:
        error = wrong[waiting.model]
        if waiting.future.cancelled():
            continue
        if error is None:
            waiting.future.set_result(None)
        else:
            waiting.future.set_exception(error)
