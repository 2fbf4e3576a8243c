"""Pump: the queue between a service and the disk, and the thread that empties it."""

from __future__ import annotations

import logging
import math
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable
from typing import Any

from watchkeeper.sdk.batch import KINDS, Unfit, batches
from watchkeeper.sdk.counts import Tally
from watchkeeper.sdk.prediction import Prediction
from watchkeeper.sdk.record import Kind, MetricPoint, Record
from watchkeeper.sdk.sink import Sink

RECORDS_AT_ONCE = 1000
RETRY_SECONDS = 1.0
_LOG = logging.getLogger("watchkeeper.sdk")


class Pump:
    """Takes records without waiting; a thread, started by the first record, brings them to the sink.

    `room` is 0 until the thread runs and after it ended, so that the fast path needs one comparison for both.
    """

    def __init__(
        self,
        tally: Tally,
        make_sink: Callable[[Tally], Sink],
        figures: Callable[[], list[MetricPoint]],
        *,
        limit: int,
        wait_seconds: float,
        interval: float,
        period: float | None,
    ) -> None:
        self.tally = tally
        self._make_sink = make_sink
        self._figures = figures
        self._limit = limit
        self._wait_seconds = wait_seconds
        self._interval = interval
        self._period = period
        self._sink: Sink | None = None
        self._begin()

    def _begin(self) -> None:
        self.queue: deque[Any] = deque()
        self.room = 0
        self._closed = False
        self._starting = threading.RLock()  # a signal handler may log, too
        self._thread: threading.Thread | None = None
        self._hurry = threading.Event()
        self._flushes: list[threading.Event] = []
        self._told_figures = time.monotonic()

    def start(self) -> None:
        """Start the thread, unless it runs or the logger is closed."""
        with self._starting:
            if self._thread is not None or self._closed:
                return
            try:
                self._sink = self._make_sink(self.tally)
                thread = threading.Thread(target=self._run, args=(self._sink,), name="watchkeeper", daemon=True)
                thread.start()
            except RuntimeError as error:  # the interpreter is ending
                self._closed = True
                self.tally.tell("thread", f"nothing more is recorded: {error}.")
                return
            self._thread, self.room = thread, self._limit

    def take(self, item: Record) -> None:
        """Queue a record, or what the policy says when the queue is full."""
        if len(self.queue) < self.room:
            self.queue.append(item)
        else:
            self.take_slowly(item)

    def take_slowly(self, item: Record | Prediction) -> None:
        """The way of the first record, and of those that come while the queue is full."""
        self.take_patiently(item, self._wait_seconds)

    def take_patiently(self, item: Record | Prediction, seconds: float) -> bool:
        """Queue a record when there is room in time; False when there is none and it was dropped."""
        self.start()
        until = time.monotonic() + seconds
        while len(self.queue) >= self.room:
            if self._closed or time.monotonic() >= until:
                self._drop()
                return False
            self._hurry.set()
            time.sleep(0.001)
        self.queue.append(item)
        return True

    def flush(self, seconds: float, figures: bool = False) -> bool:
        """Wait until all that was taken before is durable, and perhaps the figures too; False when it takes longer."""
        if self._thread is None or self._closed:
            return not self.queue
        if figures:
            self._told_figures = -math.inf
        flushed = threading.Event()
        self.queue.append(flushed)
        self._hurry.set()
        return flushed.wait(seconds)

    def close(self) -> None:
        """Make durable what was taken, and end."""
        with self._starting:
            self.room, self._closed = 0, True
            thread, sink = self._thread, self._sink
        if thread is None or sink is None:
            return
        self._hurry.set()
        thread.join()
        self._sink = None

    def in_child(self) -> None:
        """After a fork: begin anew; what the parent had queued is the parent's."""
        if self._sink is not None:
            self._sink.in_child()
        self._sink = None
        closed = self._closed
        self._begin()
        self._closed = closed
        self.tally = self.tally.anew()

    def _drop(self) -> None:
        self.tally.add("dropped")
        why = "it is closed" if self._closed else f"its queue of {self._limit} is full; raise `queue` or log less"
        self.tally.tell(f"dropped {self._closed}", f"the logger drops records, because {why}.")

    def _run(self, sink: Sink) -> None:
        while not self._closed:
            self._hurry.wait(self._interval)
            self._hurry.clear()
            try:
                self._turn(sink)
            except OSError:
                self._hurry.wait(RETRY_SECONDS)
            except Exception:  # noqa: BLE001 – the outermost edge: the thread lives on, and says what happened
                _LOG.exception("Model %s: records were lost by a fault of the logger", self.tally.model)
        try:
            self._turn(sink, last=True)
        except OSError:
            _LOG.warning("Model %s: the last records could not be written", self.tally.model)
        sink.close()
        self.tally.add("dropped", sum(not isinstance(item, threading.Event) for item in self.queue))

    def _turn(self, sink: Sink, last: bool = False) -> None:
        """Bring what is queued now to the sink. Until the sink is well nothing more is taken from the queue."""
        sink.sync()
        waiting = len(self.queue)
        while waiting > 0:
            items = [self.queue.popleft() for _ in range(min(waiting, RECORDS_AT_ONCE))]
            waiting -= len(items)
            self._put(sink, items)
        if self._period and (last or time.monotonic() - self._told_figures >= self._period):
            self._told_figures = time.monotonic()
            self._put_records(sink, Kind.SERVICE, self._figures())
        sink.sync()
        flushes, self._flushes = self._flushes, []
        for flushed in flushes:
            sink.settle(flushed)

    def _put(self, sink: Sink, items: Iterable[Any]) -> None:
        groups: dict[Kind, list[Record]] = {}
        for item in items:
            if isinstance(item, threading.Event):
                self._flushes.append(item)
            elif isinstance(item, Prediction):
                try:
                    event = item.event()
                except (ValueError, TypeError, OverflowError, OSError) as error:
                    self._refuse(Unfit(Kind.EVENT, str(error)))
                    continue
                if event is not None:
                    groups.setdefault(Kind.EVENT, []).append(event)
            else:
                groups.setdefault(KINDS[type(item)], []).append(item)
        for kind, records in groups.items():
            self._put_records(sink, kind, records)

    def _put_records(self, sink: Sink, kind: Kind, records: list[Any]) -> None:
        for batch in batches(kind, time.time_ns() // 1000, records):
            if isinstance(batch, Unfit):
                self._refuse(batch)
            else:
                sink.put(batch)

    def _refuse(self, unfit: Unfit) -> None:
        self.tally.add("invalid")
        kind = unfit.kind.name.lower()
        what = f"`{unfit.field}` of a record ({kind})" if unfit.field else f"a record ({kind})"
        self.tally.tell(f"invalid {kind} {unfit.field}", f"{what} is not kept: {unfit.reason}.")
