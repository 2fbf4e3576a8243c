"""What the handlers of all routes share."""

from __future__ import annotations

import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

import anyio
from prometheus_client.registry import Collector
from structlog.typing import FilteringBoundLogger

from watchkeeper.model import load_config
from watchkeeper.sdk.error import BadName
from watchkeeper.sdk.home import inbox_of
from watchkeeper.sdk.record import Kind
from watchkeeper.server.commit import Committer
from watchkeeper.server.intake import Intake
from watchkeeper.server.limit import Limits
from watchkeeper.server.load import Load
from watchkeeper.server.metric import Metrics
from watchkeeper.server.problem import Problem
from watchkeeper.server.tally import Tally
from watchkeeper.state import Store, model
from watchkeeper.watch.home import Home

READERS = 2
KNOWN_SECONDS = 1.0
"""So long a model that has an inbox is not looked for again."""


@dataclass(eq=False)
class Service:
    """One server over one home."""

    home: Path
    store: Store
    limits: Limits
    log: FilteringBoundLogger
    collectors: Iterable[Collector] = ()
    load: Load = field(init=False)
    metrics: Metrics = field(init=False)
    tally: Tally = field(init=False)
    committer: Committer = field(init=False)
    watched: Home = field(init=False)
    readers: anyio.CapacityLimiter = field(init=False)
    """Threads that read what is told of models: apart from those that the intake needs."""
    scrapers: anyio.CapacityLimiter = field(init=False)
    intakes: dict[tuple[str, Kind], Intake] = field(init=False, default_factory=dict)
    ready_until: float = field(init=False, default=0.0)
    """Until then /readyz need not try again."""

    def __post_init__(self) -> None:
        self.load = Load(self.limits.waiting_bytes)
        self.metrics = Metrics(lambda: self.load.held, self.collectors)
        self.tally = Tally(self.store)
        self.committer = Committer(self.home, self.metrics.syncs.observe)
        self.watched = Home(self.home, load_config(self.home), self.store)
        self.readers = anyio.CapacityLimiter(READERS)
        self.scrapers = anyio.CapacityLimiter(READERS)

    def intake(self, name: str, kind: Kind) -> Intake | None:
        """The way into a model's inbox, or None where the inbox does not exist (yet) on this machine."""
        found = self.intakes.get((name, kind))
        now = time.monotonic()
        if found is not None and now < found.known_until:
            return found
        try:
            is_known = inbox_of(self.home, name).is_dir()
        except BadName:
            raise no_such_model(name) from None
        if not is_known:
            return None
        if found is None:
            found = self.intakes[name, kind] = Intake(name, kind, self.committer, self._recent())
        found.known_until = now + KNOWN_SECONDS
        return found

    def _recent(self) -> int:
        """How many ids one more intake may remember; where all together would be too many, the others get less."""
        share = min(self.limits.recent, self.limits.recent_in_all // (len(self.intakes) + 1))
        if share < self.limits.recent:
            for other in self.intakes.values():
                other.recent.resize(share)
        return share

    def make_inbox(self, name: str) -> None:
        """Make the inbox of a model that another machine added to the state that both share."""
        if name not in model.names(self.store):
            raise no_such_model(name)
        inbox_of(self.home, name).mkdir(parents=True, exist_ok=True)


def no_such_model(name: str) -> Problem:
    """What a request for a model that was never added is told."""
    return Problem(
        404,
        "no-such-model",
        f"There is no model {name[:100]!r} here. `watchkeeper add M.yaml --baseline FILES` adds one.",
    )
