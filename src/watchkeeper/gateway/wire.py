"""Wire: the socket to the process of one version, from its start to its end."""

from __future__ import annotations

import asyncio
from typing import Protocol, cast

from structlog.typing import FilteringBoundLogger

from watchkeeper.model import Allowed
from watchkeeper.runtime import channel
from watchkeeper.runtime.failure import CannotLoad
from watchkeeper.runtime.launch import Started, end, start
from watchkeeper.runtime.servable import Servable


class Owner(Protocol):
    """Who asks the process, and hears of its answers and of its end."""

    name: str
    log: FilteringBoundLogger

    def replied(self, body: bytes) -> None:
        """The process answered a call."""
        ...

    def lost(self, wire: Wire) -> None:
        """The process ended, however it did."""
        ...


async def opened(owner: Owner, servable: Servable, allowed: Allowed, seconds: float) -> Wire:
    """Start a process and let it load the model; whatever stops that ends the process. Raises `CannotLoad`."""
    loop = asyncio.get_running_loop()
    starting = loop.run_in_executor(None, start, servable, allowed)
    try:
        started = await asyncio.shield(starting)
    except asyncio.CancelledError:
        starting.add_done_callback(_abandoned)  # the thread starts the process all the same
        await asyncio.wait([starting])
        raise
    started.owner.setblocking(False)
    wire = Wire(owner, started)
    try:
        await loop.create_unix_connection(lambda: wire, sock=started.owner)
        async with asyncio.timeout(seconds):
            await wire.loaded
        if wire.is_lost:
            raise CannotLoad(f"{owner.name} was loaded, but its process ended at once.")
    except TimeoutError:
        await wire.end()
        raise CannotLoad(f"{owner.name} was not loaded within {seconds:g} seconds.") from None
    except BaseException:
        await wire.end()
        raise
    return wire


class Wire(asyncio.Protocol):
    """The socket to one process."""

    def __init__(self, owner: Owner, started: Started) -> None:
        self.process = started.process
        self.loaded: asyncio.Future[channel.Loaded] = asyncio.get_running_loop().create_future()
        self.is_lost = False
        self._owner = owner
        self._socket = started.owner
        self._transport: asyncio.Transport | None = None
        self._frames = channel.Frames()

    def send(self, frame: bytes) -> None:
        """Send it to the process, as soon as that takes it."""
        assert self._transport is not None
        self._transport.write(frame)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Called by the event loop."""
        self._transport = cast("asyncio.Transport", transport)  # uvloop's is one without saying so

    def data_received(self, data: bytes) -> None:
        """Called by the event loop."""
        try:
            for body in self._frames.cut(data):
                if self.loaded.done():
                    self._owner.replied(body)
                else:
                    self._heard(channel.loaded_of(body))
        except Exception as wrong:  # noqa: BLE001 - whatever a model's process sends: it is ended, and started again
            self._owner.log.error("frame not read", version=self._owner.name, error=str(wrong))
            if self._transport is not None:
                self._transport.abort()

    def connection_lost(self, error: Exception | None) -> None:
        """Called by the event loop once the process ended, however it did."""
        self.is_lost = True
        if not self.loaded.done():
            self.loaded.set_exception(CannotLoad(f"{self._owner.name} can't be loaded: its process ended."))
        self._owner.lost(self)

    async def end(self) -> None:
        """Close the socket, which ends the process."""
        if self._transport is None:
            self._socket.close()
        else:
            self._transport.abort()
        waiting = asyncio.get_running_loop().run_in_executor(None, end, self.process, 0.5)
        await asyncio.shield(waiting)  # also where nobody waits for it any more

    def _heard(self, answer: channel.Loaded | channel.Failed) -> None:
        if isinstance(answer, channel.Failed):
            self.loaded.set_exception(CannotLoad(f"{self._owner.name} can't be loaded. {answer.reason}"))
        else:
            self.loaded.set_result(answer)


def _abandoned(starting: asyncio.Future[Started]) -> None:
    """End a process that was started when nobody wanted it any more."""
    if starting.cancelled() or starting.exception() is not None:
        return
    started = starting.result()
    started.owner.close()
    end(started.process, 0)
