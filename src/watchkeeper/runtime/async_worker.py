"""A model in a process of its own, for an event loop: what waits while the model works is joined into its next call."""

from __future__ import annotations

import asyncio
import subprocess
from collections.abc import Mapping, Sequence
from typing import Any, Self, cast

from numpy.typing import NDArray

from watchkeeper.model import Allowed, WatchkeeperError
from watchkeeper.runtime import channel
from watchkeeper.runtime.answers import Answers
from watchkeeper.runtime.channel import Failed, Frames, Loaded
from watchkeeper.runtime.failure import CannotLoad, Crashed, TimedOut
from watchkeeper.runtime.launch import end, start
from watchkeeper.runtime.servable import Servable
from watchkeeper.runtime.worker import memory_of, taken_columns

JOINED = 256
"""Requests that one call of the model answers at most."""
Reply = Answers | WatchkeeperError


class _Socket(asyncio.Protocol):
    """The owner's end of the socket of a process: sends calls one after the other, and hands out the replies."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        self._loop = asyncio.get_running_loop()
        self._process = process
        self._frames = Frames()
        self._transport: asyncio.Transport | None = None
        self._waiting: list[tuple[bytes, asyncio.Future[Reply]]] = []
        self._sent: list[asyncio.Future[Reply]] = []
        self._calls = 0
        self._due = False
        self.loaded: asyncio.Future[Loaded | Failed] = self._loop.create_future()
        self.gone: asyncio.Future[None] = self._loop.create_future()

    @property
    def count(self) -> int:
        """Requests that are not answered yet."""
        return len(self._waiting) + len(self._sent)

    def ask(self, request: bytes) -> asyncio.Future[Reply]:
        """Let a request wait for the next call, which begins once the loop has seen all that came with it."""
        reply: asyncio.Future[Reply] = self._loop.create_future()
        if self._transport is None or self.gone.done():
            reply.set_result(self._crashed())
            return reply
        self._waiting.append((request, reply))
        if not self._sent and not self._due:
            self._due = True
            self._loop.call_soon(self._send)
        return reply

    def close(self) -> None:
        """Close the socket, which ends the process."""
        if self._transport is not None:
            self._transport.abort()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """The socket is there."""
        self._transport = cast("asyncio.Transport", transport)  # uvloop's is one without saying so

    def data_received(self, data: bytes) -> None:
        """Something came from the process."""
        try:
            for body in self._frames.cut(data):
                self._take(body)
        except Crashed:  # what it sends makes no sense any more, so it is given up
            self._process.kill()
            self.close()

    def connection_lost(self, exc: Exception | None) -> None:
        """The process is gone, and with it all that waits."""
        if not self.gone.done():
            self.gone.set_result(None)
        if not self.loaded.done():
            self.loaded.set_result(Failed(str(self._crashed())))
        for reply in [*self._sent, *(reply for _, reply in self._waiting)]:
            _settle(reply, self._crashed())
        self._sent, self._waiting = [], []

    def _take(self, body: bytes) -> None:
        if not self.loaded.done():
            self.loaded.set_result(channel.loaded_of(body))
            return
        number, replies = channel.replies_of(body)
        if number != self._calls or len(replies) != len(self._sent):
            raise Crashed(f"The model's process answered call {number}, which nobody waits for.")
        sent, self._sent = self._sent, []
        for waiting, reply in zip(sent, replies, strict=True):
            _settle(waiting, reply)
        if self._waiting and not self._due:
            self._due = True
            self._loop.call_soon(self._send)

    def _send(self) -> None:
        """Send what waits as one call; what was given up meanwhile is left out."""
        self._due = False
        waiting = [one for one in self._waiting if not one[1].done()]
        now, self._waiting = waiting[:JOINED], waiting[JOINED:]
        if not now or self._transport is None or self.gone.done():
            return
        self._calls += 1
        self._sent = [reply for _, reply in now]
        self._transport.write(channel.batch_frame(self._calls, [request for request, _ in now]))

    def _crashed(self) -> Crashed:
        code = self._process.poll()
        how = (
            "ended" if code is None else f"was killed by signal {-code}" if code < 0 else f"ended with exit code {code}"
        )
        return Crashed(f"The model's process {self._process.pid} {how} before it answered.")


class AsyncWorker:
    """One process that holds one model. Made by `start`; it never restarts by itself."""

    def __init__(self, servable: Servable, process: subprocess.Popen[bytes], socket: _Socket, loaded: Loaded) -> None:
        self.inputs = servable.inputs
        self.outputs = loaded.outputs
        self.classes = loaded.classes
        self.load_seconds = loaded.seconds
        self._process = process
        self._socket = socket
        self._memory = loaded.memory_bytes

    @classmethod
    async def start(
        cls,
        servable: Servable,
        allowed: Allowed,
        *,
        memory_bytes: int | None = None,
        load_seconds: float = 60,
        threads: int = 1,
    ) -> Self:
        """Start the process and load the model. Raises `CannotLoad` with the model's own reason."""
        started = await asyncio.to_thread(start, servable, allowed, memory_bytes, threads)
        started.owner.setblocking(False)
        loop = asyncio.get_running_loop()
        _, socket = await loop.create_unix_connection(lambda: _Socket(started.process), sock=started.owner)
        try:
            loaded = await asyncio.wait_for(socket.loaded, load_seconds)
            if isinstance(loaded, Failed):
                raise CannotLoad(f"The model can't be loaded. {loaded.reason}")
        except TimeoutError as error:
            await _stop(socket, started.process)
            raise CannotLoad(f"The model was not loaded within {load_seconds:g} seconds.") from error
        except (CannotLoad, asyncio.CancelledError):
            await _stop(socket, started.process)
            raise
        return cls(servable, started.process, socket, loaded)

    @property
    def pid(self) -> int:
        """The process that holds the model."""
        return self._process.pid

    @property
    def alive(self) -> bool:
        """Whether the process runs and its socket is open."""
        return not self._socket.gone.done() and self._process.poll() is None

    @property
    def waiting(self) -> int:
        """Requests that are not answered yet."""
        return self._socket.count

    @property
    def memory_bytes(self) -> int:
        """Memory that the process holds now; where the system does not tell, the most that it held while loading."""
        return memory_of(self.pid) or self._memory

    async def predict(
        self, columns: Mapping[str, NDArray[Any] | Sequence[Any]], seconds: float | None = None
    ) -> Answers:
        """Answer to rows, given as columns of one length: arrays, or plain lists, which are cheaper for few rows.

        Raises `WrongInput`, `WrongAnswer`, `TimedOut` or `Crashed`.
        """
        taken = taken_columns(columns, self.inputs)
        return await self.predict_encoded(channel.request(taken, len(taken[0]) if taken else 0), seconds)

    async def predict_encoded(self, request: bytes, seconds: float | None = None) -> Answers:
        """The same for what `channel.request` made of the columns."""
        reply = self._socket.ask(request)
        timer = None if seconds is None else reply.get_loop().call_later(seconds, _settle, reply, self._late(seconds))
        try:
            given = await reply
        finally:
            if timer is not None:
                timer.cancel()
        if isinstance(given, WatchkeeperError):
            raise given
        return given

    async def check(self, seconds: float = 5) -> None:
        """Ask the process whether it answers at all; raises `TimedOut` or `Crashed`."""
        await self.predict_encoded(channel.request([[] for _ in self.inputs], 0), seconds)

    async def close(self, drain_seconds: float = 5) -> None:
        """End the process: requests that wait are answered for so long. No more may be sent."""
        until = asyncio.get_running_loop().time() + drain_seconds
        while self.waiting and self.alive and asyncio.get_running_loop().time() < until:
            await asyncio.sleep(0.005)
        await _stop(self._socket, self._process)

    def _late(self, seconds: float) -> TimedOut:
        return TimedOut(f"The model did not answer within {seconds:g} seconds; its process {self.pid} still works.")


async def _stop(socket: _Socket, process: subprocess.Popen[bytes]) -> None:
    socket.close()
    await asyncio.to_thread(end, process, 1)


def _settle(waiting: asyncio.Future[Reply], reply: Reply) -> None:
    """Give the answer to who waits, if anyone still does."""
    if not waiting.done():
        waiting.set_result(reply)
