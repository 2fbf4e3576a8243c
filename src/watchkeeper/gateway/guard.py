"""Guard: rolls a version back that does harm, by what is counted of it and of the one before."""

from __future__ import annotations

import asyncio
import threading
import time

from structlog.typing import FilteringBoundLogger

from watchkeeper.gateway.served import Served
from watchkeeper.model import WatchkeeperError
from watchkeeper.model.clock import clock
from watchkeeper.release import mirror, registry
from watchkeeper.release.condition import harm
from watchkeeper.release.figures import since
from watchkeeper.watch.home import Home

WHO = "watchkeeper gateway"


class Guard:
    """The one place where a live version's figures are judged, and a rollback may follow."""

    def __init__(self, home: Home, log: FilteringBoundLogger) -> None:
        self._home, self._log = home, log
        self._telling = threading.Lock()

    async def judge(self, served: Served) -> None:
        """Roll the live version back if it does more harm than is declared to be borne."""
        live, reference, declared = served.live, served.reference, served.model.rollback
        if live is None or reference is None or declared is None:
            return
        if time.time() > served.since + 3600 * declared.hours:
            served.reference = None
            return
        found = harm(declared, reference, since(live.figures, served.before))
        if found is None:
            return
        name, now = served.model.name, clock()
        try:
            await asyncio.to_thread(
                lambda: registry.rollback(self._home, name, of=live.name, why=found.sentence, now=now, who=WHO)
            )
        except WatchkeeperError as wrong:
            self._log.error("not rolled back", model=name, why=found.sentence, error=str(wrong))
            return
        served.reference = None
        self._log.error("rolled back", model=name, version=live.name, why=found.sentence)
        if self._home.config.mlflow is not None:  # by a thread that nobody waits for: MLflow may be slow, or away
            threading.Thread(target=self._mirror, args=(name,), name="mirror", daemon=True).start()

    def _mirror(self, name: str) -> None:
        """Tell MLflow what is live; what it does not hear, the next run tells it again."""
        try:
            with self._telling:  # one after the other, so that the newest is told last
                told = mirror.follow(self._home, name)
        except WatchkeeperError as wrong:
            self._log.error("not mirrored", model=name, error=str(wrong))
            return
        if told is not None and told.heard:
            self._log.info("mirrored", model=name, told=told.sentence)
        elif told is not None:
            self._log.error("not mirrored", model=name, error=told.sentence)
