"""The loop: a run again and again, beside a server or by itself."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from pathlib import Path

from watchkeeper.engines import Spark
from watchkeeper.model import WatchkeeperError
from watchkeeper.model.clock import clock
from watchkeeper.notify import Target
from watchkeeper.watch.home import Home, opened
from watchkeeper.watch.log import open_log
from watchkeeper.watch.run import Ran, run


def loop(
    folder: Path,
    every: float,
    only: str | None = None,
    told: Callable[[Sequence[Ran]], None] | None = None,
    on_alarm: Sequence[Target] = (),
    spark: Spark | None = None,
    after: Callable[[Home], None] | None = None,
) -> None:
    """Catch up every so many seconds, for ever, and tell who is to hear of alarms.

    What goes wrong is logged, and tried again the next time. `spark`: where windows are profiled; None: here.
    `after`: what else is done for the home after each run.
    """
    log = open_log()
    while True:
        began = time.monotonic()
        try:
            with opened(folder) as home:
                done = run(home, only, now=clock(), on_alarm=on_alarm, spark=spark)
                if after:
                    after(home)
        except WatchkeeperError as failed:
            log.error("run failed", error=str(failed))
        else:
            if told:
                told(done)
            for one in done:
                if one.events or one.labels or one.windows:
                    log.info(
                        "ran",
                        model=one.model,
                        events=one.events,
                        labels=one.labels,
                        windows=one.windows,
                        onsets=one.onsets,
                    )
        time.sleep(max(0.0, every - (time.monotonic() - began)))
