"""Looks at all models now and then, in a thread of its own, so that neither a scrape nor the intake waits for it."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import TypeVar

from prometheus_client.metrics_core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector
from structlog.typing import FilteringBoundLogger

from watchkeeper.lake import Lake
from watchkeeper.model import Model, WatchkeeperError
from watchkeeper.model.clock import clock
from watchkeeper.server.gauge import Seen, families
from watchkeeper.state import model as models
from watchkeeper.state import window
from watchkeeper.watch.history import findings_of, shown
from watchkeeper.watch.home import Home
from watchkeeper.watch.log import open_log
from watchkeeper.watch.status import status

FRESH_SECONDS = 15.0
"""A look is good for as long."""
SHARE = 10
"""The thread rests for so many times as long as a look took: it never takes more than a tenth of a processor."""
PATIENCE_SECONDS = 2.0
"""So long a scrape waits for a new look, and then takes the one before."""
GONE_SECONDS = 300.0
"""What is older is not told any more: no figure is better than a wrong one."""


T = TypeVar("T")


@dataclass(frozen=True)
class Look:
    """What was seen at a moment, by `time.monotonic`."""

    ended: float = float("-inf")
    at: float = 0.0
    """When it began, seconds since 1970."""
    took: float = 0.0
    metrics: Sequence[Metric] = ()
    readable: dict[str, bool] = field(default_factory=dict)
    """Every model, and whether it could be looked at."""


class Looks(Collector):
    """Adds to /metrics how each model is doing. It looks only when it is scraped, and never raises."""

    def __init__(
        self, home: Home, log: FilteringBoundLogger | None = None, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._home = home
        self._log = log or open_log()
        self._clock = clock
        self._changed = threading.Condition()
        self._thread: threading.Thread | None = None
        self._is_looking = False
        self._due = float("-inf")
        self._look = Look()
        self._failures = 0
        self._open: dict[str, tuple[int, Model, Lake]] = {}

    def collect(self) -> Iterator[Metric]:
        """Called by Prometheus' registry at each scrape."""
        look = self._newest()
        yield from look.metrics
        known = GaugeMetricFamily(
            "watchkeeper_status_readable", "Whether a model could be looked at for these figures.", labels=["model"]
        )
        for name, is_readable in look.readable.items():
            known.add_metric([name], float(is_readable))
        yield known
        yield GaugeMetricFamily(
            "watchkeeper_status_timestamp_seconds", "When the models were looked at; 0: not of late.", value=look.at
        )
        yield GaugeMetricFamily("watchkeeper_status_seconds", "How long that look took.", value=look.took)
        yield CounterMetricFamily(
            "watchkeeper_status_failures", "Looks that failed, of a model or of all; the log says why.", self._failures
        )

    def _newest(self) -> Look:
        """The look that is good now; a new one is begun where it is due, and waited for, but not for long."""
        with self._changed:
            if not self._is_looking and self._clock() >= self._due:
                self._is_looking = True
                self._changed.notify_all()
            if self._thread is None:
                self._thread = threading.Thread(target=self._work, name="status", daemon=True)
                self._thread.start()
            self._changed.wait_for(lambda: not self._is_looking, PATIENCE_SECONDS)
            return self._look if self._clock() - self._look.ended <= GONE_SECONDS else Look()

    def _work(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._is_looking)
            look = self._looked()
            with self._changed:
                self._look = look
                self._is_looking = False
                self._due = look.ended + max(FRESH_SECONDS, SHARE * look.took)
                self._changed.notify_all()

    def _looked(self) -> Look:
        """All models as they are now; of one that fails nothing is told, as what was true before may not be so now."""
        at, began = time.time(), self._clock()
        names = self._tried(partial(models.names, self._home.store)) or []
        seen = {name: self._tried(partial(self._seen, name), model=name) for name in names}
        self._open = {name: held for name, held in self._open.items() if seen.get(name)}
        found = [one for one in seen.values() if one]
        metrics = self._tried(lambda: list(families(found))) or []
        ended = self._clock()
        return Look(ended, at, ended - began, metrics, {name: bool(one) for name, one in seen.items()})

    def _tried(self, look: Callable[[], T], **about: str) -> T | None:
        """What it sees, or None where it fails."""
        try:
            return look()
        except Exception as failed:  # noqa: BLE001 - the thread's edge: it is logged, and the thread lives on
            self._failures += 1
            is_known = isinstance(failed, WatchkeeperError)
            more = {"error": str(failed)} if is_known else {"exc_info": failed}
            self._log.error("status failed", **about, **more)
            return None

    def _seen(self, name: str) -> Seen:
        model, lake = self._opened(name)
        told = status(self._home, model, now=clock(), lake=lake)
        judged = window.newest_done(self._home.store, name)
        found = [] if judged is None else shown(model, findings_of(lake, judged))
        return Seen(told, judged, found)

    def _opened(self, name: str) -> tuple[Model, Lake]:
        """A model and its tables, which stay open: what changed since is read alone, and not their whole logs."""
        declared = models.get(self._home.store, name)
        held = self._open.get(name)
        if declared is None or held is None or held[0] != declared.revision:
            model = self._home.model(name)
            held = self._open[name] = declared.revision if declared else 0, model, self._home.lake(model)
        return held[1:]
