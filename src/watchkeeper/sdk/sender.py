"""Sender: the sink that brings batches to a server, and to the spool while the server is away."""

from __future__ import annotations

import logging
import random
import threading
import time
from collections import deque
from pathlib import Path
from typing import Literal

from msgspec import Struct

from watchkeeper.sdk.batch import BATCH_BYTES, Batch, joined
from watchkeeper.sdk.counts import Tally
from watchkeeper.sdk.endpoint import Away, Endpoint, Refused, check_address
from watchkeeper.sdk.spool import Spool

MEMORY_BYTES = 32 << 20
FIRST_PAUSE, LONGEST_PAUSE = 0.5, 30.0
LOOK_SECONDS = 5.0
"""How often the spool is looked through for what dead processes left."""
_LOG = logging.getLogger("watchkeeper.sdk")


class Delivery(Struct, frozen=True, kw_only=True):
    """How records get to a server, as the user said it; each process makes a sender of its own from it."""

    model: str
    url: str
    token: str | None
    spool: Path
    spool_bytes: int
    when_spool_full: Literal["oldest", "newest"]
    timeout: float
    exit_seconds: float
    compress: bool

    def __post_init__(self) -> None:
        check_address(self.url, self.token)

    def sender(self, tally: Tally) -> Sender:
        """A sender that runs."""
        endpoint = Endpoint(self.url, self.model, self.token, self.timeout, self.compress)
        return Sender(endpoint, Spool(self.spool, self.spool_bytes, self.when_spool_full), tally, self.exit_seconds)


class Sender:
    """Holds batches in memory, from which a thread of its own sends them.

    After a failure everything goes to the spool until the server answers again, so that memory stays bounded and a
    killed process loses next to nothing. What memory does not take, `put` waits for: then the queue fills up.
    """

    def __init__(self, endpoint: Endpoint, spool: Spool, tally: Tally, exit_seconds: float) -> None:
        self._endpoint = endpoint
        self._spool = spool
        self._tally = tally
        self._exit_seconds = exit_seconds
        self._memory: deque[Batch | threading.Event] = deque()
        self._bytes = 0
        self._changed = threading.Condition()
        self._closing: float | None = None
        self._leaving = threading.Lock()
        self._left = False
        self._is_away = False
        self._pause = FIRST_PAUSE
        self._away_until = 0.0
        self._look_at = 0.0
        self._thread = threading.Thread(target=self._run, name="watchkeeper-sender", daemon=True)
        self._thread.start()

    def put(self, batch: Batch) -> None:
        """Take a batch, when there is room for it."""
        with self._changed:
            while self._bytes > MEMORY_BYTES:
                self._changed.wait()
            self._memory.append(batch)
            self._bytes += len(batch.payload)
            self._changed.notify_all()

    def sync(self) -> None:
        """Nothing to do: the thread sends as fast as it can."""

    def settle(self, flushed: threading.Event) -> None:
        """Set the event once all before it was acknowledged or is in the spool."""
        with self._changed:
            self._memory.append(flushed)
            self._changed.notify_all()

    def close(self) -> None:
        """Send for as long as an exit may take, and leave the rest to the spool.

        A request that takes longer is left behind: its records are in the spool too, and count once by their ids.
        """
        with self._changed:
            self._closing = time.monotonic() + self._exit_seconds
            self._look_at = 0.0
            self._changed.notify_all()
        self._thread.join(self._exit_seconds)
        self._leave()

    def in_child(self) -> None:
        """Close the child's copies of the connection and of the spool's file."""
        self._endpoint.abandon()
        self._spool.in_child()

    def _run(self) -> None:
        while not self._ended():
            try:
                self._turn()
            except OSError as error:
                self._tally.tell("spool", f"nothing can be written to {self._spool.folder}: {error}.")
                self._drop_overflow()
                time.sleep(FIRST_PAUSE)
            except Exception:  # noqa: BLE001 – the outermost edge: the thread lives on, and says what happened
                _LOG.exception("Model %s: sending failed by a fault of the logger", self._tally.model)
                time.sleep(FIRST_PAUSE)
        self._leave()
        self._endpoint.close()

    def _leave(self) -> None:
        """Leave what is not sent to the spool: once, by the thread, or by who closes while it waits for the server."""
        with self._leaving:
            if self._left:
                return
            self._left = True
            try:
                self._to_spool()
                self._spool.close()
            except OSError as error:
                self._tally.tell("spool", f"nothing can be written to {self._spool.folder}: {error}.")
                self._tally.add("dropped", sum(item.logged for item in self._memory if isinstance(item, Batch)))

    def _ended(self) -> bool:
        """While closing: whether nothing is left to send, or the time for it is over, or the server is away."""
        if self._closing is None:
            return False
        now = time.monotonic()
        return now > self._closing or self._is_away or (not self._memory and now < self._look_at)

    def _turn(self) -> None:
        if time.monotonic() < self._away_until:
            self._to_spool()
            self._wait(self._away_until)
            return
        try:
            if self._memory:
                self._send_first()
            elif not self._send_spooled():
                self._wait(self._look_at)
        except Away as away:
            self._stay_away(away)

    def _send_first(self) -> None:
        """Send what is oldest in memory, with others of its kind; it stays there until it is known where it ended."""
        with self._changed:
            if not self._memory:
                return
            items = self._first()
        if isinstance(items[0], Batch):
            self._deliver(joined([item for item in items if isinstance(item, Batch)]))
        self._take(items)

    def _first(self) -> list[Batch | threading.Event]:
        """The first of those who wait, or the batches before it that one request can take."""
        first = self._memory[0]
        if not isinstance(first, Batch):
            return [first]
        found: list[Batch | threading.Event] = []
        size = 0
        for item in self._memory:
            if not isinstance(item, Batch) or size + len(item.payload) > max(BATCH_BYTES, len(first.payload)):
                break
            if item.kind is first.kind:
                found.append(item)
                size += len(item.payload)
        return found

    def _send_spooled(self) -> bool:
        if time.monotonic() < self._look_at:
            return False
        stored = self._spool.next()
        if stored is None:
            self._look_at = time.monotonic() + LOOK_SECONDS
            return False
        self._deliver(stored.batch)
        self._spool.sent()
        return True

    def _deliver(self, batch: Batch) -> None:
        try:
            rejected = self._endpoint.send(batch)
        except Refused as refused:
            self._put_aside(batch, refused)
        else:
            self._tally.add("durable", batch.logged - rejected.number)
            if rejected.number:
                self._tally.add("rejected", rejected.number)
                self._tally.tell("rejected", f"the server rejects a record: {rejected.first}.")
        self._pause, self._away_until, self._is_away = FIRST_PAUSE, 0.0, False
        self._tally.forget("away", "the server answers again.")

    def _put_aside(self, batch: Batch, refused: Refused) -> None:
        """A batch that will never be taken is kept for a person, or given up where the disk refuses it too."""
        self._tally.tell(f"refused {refused.status}", f"a batch is refused and set aside: {refused}.")
        try:
            lost = self._spool.put_aside(batch, str(refused))
        except OSError as error:
            self._tally.tell("spool", f"nothing can be written to {self._spool.folder}: {error}.")
            lost = batch.logged
        self._tally.add("set_aside", batch.logged)
        self._drop(lost)

    def _stay_away(self, away: Away) -> None:
        """Wait as long as the server asks, or twice as long as the last time; not all clients at one moment."""
        pause = self._pause * random.uniform(0.5, 1.0)  # noqa: S311
        if away.retry_after is not None:
            pause = max(away.retry_after, FIRST_PAUSE)  # who asks for no pause at all would be asked without end
        self._pause = min(self._pause * 2, LONGEST_PAUSE)
        self._away_until = time.monotonic() + min(pause, 10 * LONGEST_PAUSE)
        self._look_at, self._is_away = 0.0, True
        self._tally.tell("away", f"{away}. Records wait in {self._spool.folder} until it takes them.")

    def _to_spool(self) -> None:
        """Write all that is in memory to disk, and answer those who wait for that."""
        with self._changed:
            items = list(self._memory)
        batches = [item for item in items if isinstance(item, Batch)]
        if batches:
            lost = self._spool.write(batches)
            self._tally.add("spooled", sum(batch.logged for batch in batches))
            self._drop(lost)
            self._look_at = 0.0
        self._take(items)

    def _drop(self, number: int) -> None:
        if number:
            self._tally.add("dropped", number)
            self._tally.tell("spool full", f"the spool {self._spool.folder} is full and records are dropped.")

    def _drop_overflow(self) -> None:
        """Where not even the spool can be written, drop the oldest half of a full memory.

        Those who wait for what was dropped are left to their time limit.
        """
        with self._changed:
            if self._bytes <= MEMORY_BYTES:
                return
            kept: deque[Batch | threading.Event] = deque()
            for batch in self._memory:
                if not isinstance(batch, Batch):
                    continue
                if self._bytes > MEMORY_BYTES // 2:
                    self._bytes -= len(batch.payload)
                    self._tally.add("dropped", batch.logged)
                else:
                    kept.append(batch)
            self._memory = kept
            self._changed.notify_all()

    def _take(self, items: list[Batch | threading.Event]) -> None:
        """Remove from memory what is known to have ended well."""
        gone = {id(item) for item in items}
        with self._changed:
            self._memory = deque(item for item in self._memory if id(item) not in gone)
            for item in items:
                if isinstance(item, Batch):
                    self._bytes -= len(item.payload)
                else:
                    item.set()
            self._changed.notify_all()

    def _wait(self, until: float) -> None:
        with self._changed:
            seconds = until - time.monotonic()
            if not self._memory and self._closing is None and seconds > 0:
                self._changed.wait(seconds)
