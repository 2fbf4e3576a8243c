"""Sink: where batches go, and the one that writes to the inbox of this machine."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Protocol

from watchkeeper.sdk.batch import Batch
from watchkeeper.sdk.counts import Tally
from watchkeeper.sdk.segment import SegmentWriter


class Sink(Protocol):
    """Takes batches from one thread and makes them durable."""

    def put(self, batch: Batch) -> None:
        """Take a batch."""

    def sync(self) -> None:
        """Bring on its way what was put. Raises `OSError` when that is impossible now; what was put is kept."""

    def settle(self, flushed: threading.Event) -> None:
        """Set the event when all that was put is durable; called after a `sync` that succeeded."""

    def close(self) -> None:
        """Make durable what can be, count the rest as dropped, and end."""

    def in_child(self) -> None:
        """After a fork: let go of what belongs to the parent. This object is not used any more."""


class InboxSink:
    """Writes to the segments of a model's inbox."""

    def __init__(self, folder: Path, tally: Tally) -> None:
        self._folder = folder
        self._tally = tally
        self._writer = SegmentWriter(folder)
        self._held: list[Batch] = []

    def put(self, batch: Batch) -> None:
        """Take a batch."""
        self._held.append(batch)

    def sync(self) -> None:
        """Write what was put; when the disk refuses, it is kept and the next call tries again."""
        for batch in self._held:
            self._writer.append(batch.frame())
        try:
            self._writer.sync()
        except OSError as error:
            self._tally.tell("disk", f"nothing can be written to {self._folder}: {error}. Records wait in the queue.")
            raise
        self._tally.forget("disk", f"{self._folder} can be written to again.")
        self._tally.add("durable", sum(batch.logged for batch in self._held))
        self._held = []

    def settle(self, flushed: threading.Event) -> None:
        """All that was put is durable after `sync`."""
        flushed.set()

    def close(self) -> None:
        """Write the rest and leave the segment."""
        try:
            self.sync()
        except OSError:
            self._tally.add("dropped", sum(batch.logged for batch in self._held))
        self._writer.close()

    def in_child(self) -> None:
        """The segment writer looks after itself."""
