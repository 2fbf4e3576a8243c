"""A model in a process of its own, for callers that wait: threads, the gate, scripts."""

from __future__ import annotations

import resource
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from watchkeeper.model import Allowed, WatchkeeperError
from watchkeeper.runtime import channel
from watchkeeper.runtime.answers import Answers
from watchkeeper.runtime.channel import Column, Failed, Frames
from watchkeeper.runtime.failure import CannotLoad, Crashed, TimedOut, WrongInput
from watchkeeper.runtime.launch import end, ended, start
from watchkeeper.runtime.servable import Servable

BLOCK = 1 << 16
"""Rows that travel at once."""


class Worker:
    """One process that holds one model. It is started when it is made, and never restarts by itself.

    Calls from several threads wait for each other. Raises `CannotLoad` with the model's own reason.
    """

    def __init__(
        self,
        servable: Servable,
        allowed: Allowed,
        *,
        memory_bytes: int | None = None,
        load_seconds: float = 60,
        threads: int = 1,
    ) -> None:
        self.inputs = servable.inputs
        self._turn = threading.Lock()
        self._frames = Frames()
        self._bodies: Iterator[bytes] = iter(())
        self._calls = 0
        started = start(servable, allowed, memory_bytes, threads)
        self._process, self._owner = started.process, started.owner
        try:
            loaded = self._loaded(load_seconds)
        except WatchkeeperError:
            self.close(0)
            raise
        self.outputs = loaded.outputs
        self.classes = loaded.classes
        self.load_seconds = loaded.seconds
        self._memory = loaded.memory_bytes

    @property
    def pid(self) -> int:
        """The process that holds the model."""
        return self._process.pid

    @property
    def alive(self) -> bool:
        """Whether the process runs."""
        return self._process.poll() is None

    @property
    def memory_bytes(self) -> int:
        """Memory that the process holds now; where the system does not tell, the most that it held while loading."""
        return memory_of(self.pid) or self._memory

    def predict(self, columns: Mapping[str, NDArray[Any] | Sequence[Any]], seconds: float | None = None) -> Answers:
        """Answer to rows, given as columns of one length; columns that the model does not take are left aside.

        Raises `WrongInput`, `WrongAnswer`, `TimedOut` or `Crashed`.
        """
        taken = taken_columns(columns, self.inputs)
        rows = len(taken[0]) if taken else 0
        until = None if seconds is None else time.monotonic() + seconds
        blocks = [[column[at : at + BLOCK] for column in taken] for at in range(0, rows, BLOCK)]
        given = [self._call(channel.request(block, len(block[0])), until) for block in blocks]
        return given[0] if len(given) == 1 else _whole(given)

    def check(self, seconds: float | None = 5) -> None:
        """Ask the process whether it answers at all; raises `TimedOut` or `Crashed`."""
        with self._called([], None if seconds is None else time.monotonic() + seconds):
            pass

    def close(self, drain_seconds: float = 5) -> None:
        """End the process: it may finish the call that it works on for so long."""
        busy = not self._turn.acquire(timeout=drain_seconds) if drain_seconds > 0 else True
        try:
            self._owner.close()
            if busy:
                self._process.kill()
            end(self._process, 1)
        finally:
            if not busy:
                self._turn.release()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, type: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def _call(self, request: bytes, until: float | None) -> Answers:
        with self._called([request], until) as replies:
            [reply] = replies
        if isinstance(reply, WatchkeeperError):
            raise reply
        return reply

    @contextmanager
    def _called(self, requests: Sequence[bytes], until: float | None) -> Iterator[list[Answers | WatchkeeperError]]:
        """Send a call and wait for its replies; those of earlier calls, which nobody waits for, are dropped."""
        with self._turn:
            self._calls += 1
            try:
                self._wait(until)
                self._owner.sendall(channel.batch_frame(self._calls, requests))
            except TimeoutError as error:
                self._process.kill()  # half a frame may be sent, which nothing could follow
                raise self._late() from error
            except OSError as error:
                raise self._crashed() from error
            number = 0
            replies: list[Answers | WatchkeeperError] = []
            while number != self._calls:
                number, replies = channel.replies_of(self._body(until))
        yield replies

    def _loaded(self, seconds: float) -> channel.Loaded:
        try:
            loaded = channel.loaded_of(self._body(time.monotonic() + seconds))
        except TimedOut as error:
            raise CannotLoad(f"The model was not loaded within {seconds:g} seconds.") from error
        except Crashed as error:
            raise CannotLoad(f"The model can't be loaded: its process {ended(self._process)}.") from error
        if isinstance(loaded, Failed):
            raise CannotLoad(f"The model can't be loaded. {loaded.reason}")
        return loaded

    def _body(self, until: float | None) -> bytes:
        """The next frame's body."""
        while True:
            body = next(self._bodies, None)
            if body is not None:
                return body
            try:
                self._wait(until)
                piece = self._owner.recv(1 << 20)
            except TimeoutError as error:
                raise self._late() from error
            except OSError as error:
                raise self._crashed() from error
            if not piece:
                raise self._crashed()
            self._bodies = self._frames.cut(piece)

    def _wait(self, until: float | None) -> None:
        """Let the socket wait until then at most."""
        left = None if until is None else until - time.monotonic()
        if left is not None and left <= 0:
            raise TimeoutError
        self._owner.settimeout(left)

    def _late(self) -> TimedOut:
        return TimedOut(f"The model did not answer in time; its process {self.pid} still works on the rows.")

    def _crashed(self) -> Crashed:
        return Crashed(f"The model's process {self.pid} {ended(self._process)} before it answered.")


def taken_columns(columns: Mapping[str, NDArray[Any] | Sequence[Any]], inputs: Sequence[str]) -> list[Column]:
    """The columns that a model takes, in its order. Raises `WrongInput` where one is missing or has another length."""
    missing = [name for name in inputs if name not in columns]
    if missing:
        raise WrongInput(f"The model takes {', '.join(missing)}, but the rows have no such column.")
    taken = [columns[name] for name in inputs]
    if len({len(column) for column in taken}) > 1:
        said = ", ".join(f"{name} {len(columns[name])}" for name in inputs)
        raise WrongInput(f"The columns differ in length: {said}.")
    return taken


def memory_of(pid: int) -> int | None:
    """Memory that a process holds, where the system tells."""
    try:
        pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    except (OSError, IndexError, ValueError):
        return None
    return pages * resource.getpagesize()


def _whole(given: Sequence[Answers]) -> Answers:
    """Answers to blocks of rows, put together."""
    if not given:
        return Answers(np.empty(0))
    predictions = [one.prediction for one in given if one.prediction is not None]
    scores = [one.scores for one in given if one.scores is not None]
    return Answers(
        np.concatenate(predictions) if predictions else None,
        np.concatenate(scores) if scores else None,
        given[0].classes,
    )
