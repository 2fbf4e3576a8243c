"""Line: the gateway's end of the process of one version. Requests that wait are asked together."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from typing import Any

import msgspec
import numpy as np
from msgspec import Struct
from structlog.typing import FilteringBoundLogger

from watchkeeper.gateway.refusal import Busy, Refusal
from watchkeeper.gateway.rows import Reply, Rows, Values
from watchkeeper.gateway.suspect import Suspects
from watchkeeper.gateway.version import Unanswered
from watchkeeper.gateway.wire import Wire, opened
from watchkeeper.model import Allowed, WatchkeeperError
from watchkeeper.model.gateway import Gateway
from watchkeeper.release.figures import Figures
from watchkeeper.runtime import channel
from watchkeeper.runtime.failure import CannotLoad
from watchkeeper.runtime.launch import ended
from watchkeeper.runtime.servable import Servable
from watchkeeper.runtime.worker import memory_of

ROWS_AT_ONCE = 1024
"""Requests are joined up to so many rows: more would make the first of them wait."""
FIRST_PAUSE, LONGEST_PAUSE = 0.1, 10.0
"""Seconds before a process that ended is started again; doubled each time that it did not live long."""
LONG_LIFE = 30.0
_replies = msgspec.msgpack.Decoder(tuple[int, list[Any]]).decode


class _Asked(Struct):
    frame: bytes
    number: int
    future: asyncio.Future[Reply]
    alone: bool
    began: float


class Line:
    """Holds the process of one version, starts it again when it ends, and never gives it more than one call at a time.

    What was in a process when it ended is remembered: it is asked alone from then on, and after a second time it is not
    asked any more, so that one bad request can't end the process for ever.
    """

    def __init__(
        self, name: str, servable: Servable, allowed: Allowed, limits: Gateway, log: FilteringBoundLogger
    ) -> None:
        self.name = name
        self.inputs = servable.inputs
        self.figures = Figures()
        self.restarts = 0
        self.first: Reply | None = None
        self.is_up = False
        self.log = log
        self._servable, self._allowed, self._limits = servable, allowed, limits
        self._loop = asyncio.get_running_loop()
        self._waiting: deque[_Asked] = deque()
        self._called: list[_Asked] = []
        self._calls = 0
        self._is_due = False
        self._timer: asyncio.TimerHandle | None = None
        self._suspects = Suspects()
        self._restarting: asyncio.Task[None] | None = None
        self._is_closed = False
        self._pause = FIRST_PAUSE
        self._began = 0.0
        self._wire: Wire | None = None

    async def load(self) -> None:
        """Start the process and let it load the model. Raises `CannotLoad`."""
        wire = await opened(self, self._servable, self._allowed, self._limits.load_seconds)
        self._wire, self._began, self.is_up = wire, time.monotonic(), True

    @property
    def pid(self) -> int | None:
        """The process that holds the model."""
        return None if self._wire is None else self._wire.process.pid

    @property
    def memory_bytes(self) -> int | None:
        """Memory that the process holds now."""
        return memory_of(self._wire.process.pid) if self._wire is not None and self.is_up else None

    @property
    def pending(self) -> int:
        """Requests that are not answered yet."""
        return len(self._waiting) + len(self._called)

    def ask(self, rows: Rows, alone: bool = False) -> asyncio.Future[Reply]:
        """Ask as soon as the process is free, together with others that wait; `alone`: with no other."""
        if not self.is_up:
            raise Unanswered(f"The process of {self.name} is not there just now.", "down", sent=False)
        if len(self._waiting) >= self._limits.waiting:
            raise Busy(f"{self._limits.waiting:,} requests wait for this model already. Ask again in a second.")
        columns = rows.columns
        frame = channel.request([columns[name] for name in self.inputs], rows.number)
        asked = _Asked(frame, rows.number, self._loop.create_future(), alone, time.perf_counter())
        if self._suspects:
            self._suspect(asked)
        self._waiting.append(asked)
        if not self._called and not self._is_due:
            self._is_due = True
            self._loop.call_soon(self._call)  # once the loop has seen all that came with it
        return asked.future

    async def close(self, drain_seconds: float) -> None:
        """Answer what was asked, for so long, and end the process."""
        until = time.monotonic() + drain_seconds
        while self.is_up and self.pending and time.monotonic() < until:
            await asyncio.sleep(0.02)
        self._is_closed, self.is_up = True, False
        if self._restarting is not None:
            self._restarting.cancel()
            await asyncio.wait([self._restarting])
        self._give_up(Unanswered(f"{self.name} was closed.", "down", sent=False))
        if self._wire is not None:
            await self._wire.end()

    def lost(self, wire: Wire) -> None:
        """The process ended, however it did."""
        if wire is not self._wire or not self.is_up:
            return
        self.is_up = False
        self._suspects.add(asked.frame for asked in self._called)
        self._fail_called(f"The process of {self.name} ended before it answered.", "crash")
        self._give_up(Unanswered(f"The process of {self.name} ended.", "down", sent=False))
        if not self._is_closed:
            self._restarting = self._loop.create_task(self._restart(wire))

    def _call(self) -> None:
        """Give the process what waits, up to a number of rows."""
        self._is_due = False
        waiting, called = self._waiting, self._called
        if not self.is_up or called:
            return
        rows = 0
        while waiting and rows < ROWS_AT_ONCE:
            if waiting[0].alone and called:
                break
            asked = waiting.popleft()
            if asked.future.done():
                continue
            called.append(asked)
            rows += asked.number
            if asked.alone:
                break
        if called:
            self._calls += 1
            assert self._wire is not None
            self._wire.send(channel.batch_frame(self._calls, [asked.frame for asked in called]))
            self._timer = self._loop.call_later(self._limits.seconds, self._late)

    def replied(self, body: bytes) -> None:
        """The process answered the call."""
        number, told = _replies(body)
        if number != self._calls or len(told) != len(self._called):
            raise CannotLoad(f"{self.name} answered what was not asked.")
        # all are read before any is given, so that nobody waits for ever where one of them can't be read
        replies = [_reply(reply, asked.number) for reply, asked in zip(told, self._called, strict=True)]
        called, self._called = self._called, []
        if self._timer is not None:
            self._timer.cancel()
        if self._waiting:
            self._call()
        now = time.perf_counter()
        for asked, reply in zip(called, replies, strict=True):
            self.figures.add(now - asked.began)
            if self._suspects:
                self._suspects.clear(asked.frame)
            if asked.future.done():
                continue
            if isinstance(reply, Reply):
                asked.future.set_result(reply)
            else:
                asked.future.set_exception(self._wrong(*reply))

    def _wrong(self, word: str, text: str) -> Refusal | Unanswered:
        if word == channel.INPUT:
            return Refusal(400, "contract", text)
        if word == channel.RAISED:
            self.figures.errors += 1
        else:
            self.figures.invalid += 1
        return Unanswered(f"{self.name}: {text}", "model", sent=True)

    def _late(self) -> None:
        """The process works on too long: it is ended, as nothing else frees it."""
        self._suspects.add(asked.frame for asked in self._called)
        self._fail_called(f"{self.name} did not answer within {self._limits.seconds:g} seconds.", "timeout")
        if self._wire is not None:
            self._wire.process.kill()
            self.lost(self._wire)

    def _fail_called(self, text: str, reason: str) -> None:
        called, self._called = self._called, []
        if self._timer is not None:
            self._timer.cancel()
        now = time.perf_counter()
        for asked in called:
            self.figures.add(now - asked.began)
            self.figures.errors += 1
            if not asked.future.done():
                asked.future.set_exception(Unanswered(text, reason, sent=True))

    def _give_up(self, why: Unanswered) -> None:
        while self._waiting:
            asked = self._waiting.popleft()
            if not asked.future.done():
                asked.future.set_exception(why)

    def _suspect(self, asked: _Asked) -> None:
        """Ask alone what was in the process when it ended. Raises `Unanswered` for what was twice."""
        times = self._suspects.times(asked.frame)
        if times > 1:
            raise Unanswered(f"These values ended the process of {self.name} twice.", "poison", sent=True)
        asked.alone = asked.alone or times == 1

    async def _restart(self, wire: Wire) -> None:
        how = await asyncio.to_thread(ended, wire.process)
        await wire.end()
        if time.monotonic() - self._began > LONG_LIFE:
            self._pause = FIRST_PAUSE
        while not self.is_up:
            self.log.error("process of a version ended", version=self.name, how=how, again_in_seconds=self._pause)
            await asyncio.sleep(self._pause)
            self._pause = min(2 * self._pause, LONGEST_PAUSE)
            self.restarts += 1
            try:
                await self.load()
            except (WatchkeeperError, OSError) as wrong:  # or the machine has no room for a process just now
                how = str(wrong)


def _reply(told: Any, rows: int) -> Reply | tuple[str, str]:
    """An answer, or the word and the text that say why there is none. Raises `ValueError` if it is no answer."""
    if isinstance(told, dict):
        [(word, text)] = told.items()
        return word, text
    prediction, scores, width, classes = told
    reply = Reply(_values(prediction), _values(scores), classes or range(width))
    if reply.prediction is not None and len(reply.prediction) != rows:
        raise ValueError(f"{len(reply.prediction)} predictions for {rows} rows")
    if reply.scores is not None and len(reply.scores) != rows * len(reply.classes):
        raise ValueError(f"{len(reply.scores)} scores for {rows} rows of {len(reply.classes)} classes")
    return reply


def _values(values: Any) -> Values | None:
    if isinstance(values, dict):
        [(code, content)] = values.items()
        return np.frombuffer(content, dtype=np.dtype(code))
    found: list[Any] | None = values
    return found
