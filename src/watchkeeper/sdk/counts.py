"""Counts: what became of everything that was logged, and the log lines that tell it once."""

from __future__ import annotations

import logging
import threading

from msgspec import Struct

_LOG = logging.getLogger("watchkeeper.sdk")


class Counts(Struct, frozen=True, kw_only=True):
    """Numbers of records since this process began to log."""

    durable: int = 0
    """On the inbox's disk, or acknowledged by the server."""
    spooled: int = 0
    """Written to the spool because the server could not take them; they count as durable too once it has."""
    dropped: int = 0
    """Lost, because the queue, the spool or the disk was full, or the logger closed."""
    invalid: int = 0
    """Not recorded, because a value was of a wrong type; of a job's run only the field that it stood in."""
    rejected: int = 0
    """Refused by the server, record by record."""
    set_aside: int = 0
    """In batches that the server refused as a whole; they lie in the spool's folder `aside`."""
    waiting: int = 0
    """In the queue at this moment."""


class Tally:
    """Adds up counts from several threads, and tells each kind of trouble once."""

    def __init__(self, model: str) -> None:
        self.model = model
        self._lock = threading.RLock()  # a signal handler may log, too
        self._numbers: dict[str, int] = {}
        self._told: set[str] = set()

    def anew(self) -> Tally:
        """A tally that begins at nothing, for a child process."""
        return Tally(self.model)

    def add(self, name: str, number: int = 1) -> None:
        """Count records under one of the names of `Counts`."""
        with self._lock:
            self._numbers[name] = self._numbers.get(name, 0) + number

    def counts(self, waiting: int = 0) -> Counts:
        """The numbers so far."""
        with self._lock:
            return Counts(**self._numbers, waiting=waiting)

    def tell(self, trouble: str, sentence: str) -> None:
        """Warn through `logging` when this kind of trouble comes up for the first time, or again after `forget`."""
        with self._lock:
            told = trouble in self._told
            self._told.add(trouble)
        if not told:
            _LOG.warning("Model %s: %s (Told once; `counts` goes on counting.)", self.model, sentence)

    def forget(self, trouble: str, sentence: str) -> None:
        """Say that a trouble that was told is over."""
        with self._lock:
            told = trouble in self._told
            self._told.discard(trouble)
        if told:
            _LOG.info("Model %s: %s", self.model, sentence)
