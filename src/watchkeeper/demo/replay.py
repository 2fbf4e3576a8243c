"""The demo's weeks once more, as a service would live them: logged event by event, served, run and told day by day."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa

from watchkeeper.budget import Finding, Severity
from watchkeeper.delivery import deliver
from watchkeeper.demo.serving import PATIENCE, NoServer, serving
from watchkeeper.demo.story import Demo
from watchkeeper.model import Model, Role, load
from watchkeeper.model.clock import clock
from watchkeeper.sdk import Logger
from watchkeeper.state import Role as Right
from watchkeeper.state import token as tokens
from watchkeeper.watch.add import add
from watchkeeper.watch.home import Home, opened
from watchkeeper.watch.run import run

SECOND = 1_000_000
WHO = "demo"
Logged = tuple[dict[str, Any], Any]
"""An event as the SDK takes it, and its label, if there ever was one."""


@dataclass(frozen=True)
class Day:
    """One day as it was lived."""

    day: date
    events: int
    findings: tuple[Finding, ...]
    """Warnings and alarms of the day."""
    onsets: int
    """Alarms that began to fire."""

    def told(self, severity: Severity) -> tuple[str, ...]:
        """What findings so loud are about, each once: columns, or a metric of all rows."""
        loud = (finding for finding in self.findings if finding.severity is severity)
        return tuple(dict.fromkeys(name for finding in loud for name in finding.columns or (finding.metric,)))


def replay(story: Demo, folder: Path) -> Iterator[Day]:
    """Live the demo's weeks in a new home: each day is logged through the SDK to a real server, and then run.

    Raises `NoServer`, and what adding and running a model raise.
    """
    with opened(folder, make=True) as home:
        add(home, story.model, [str(story.baseline)], now=clock(), who=WHO)
        secret = tokens.create(home.store, Right.INGEST, WHO, None, clock(), who=WHO)
        model = load(story.model)
        with (
            serving("serve", folder, "--every", "never") as url,
            Logger(model.name, url=url, token=secret, home=folder) as log,
        ):
            for day, events in _by_day(story, model):
                yield _lived(home, log, day, events)


def _lived(home: Home, log: Logger, day: date, events: Sequence[Logged]) -> Day:
    for event, outcome in events:
        log.event(**event)
        if outcome is not None:
            log.label(event["id"], outcome, at=event["time"])
    if not log.flush(PATIENCE):
        raise NoServer("the demo's server took no events for a minute. Run the demo again.")
    over = datetime.combine(day + timedelta(days=1), datetime.min.time(), UTC)
    (ran,) = run(home, log.model, now=int(over.timestamp()) * SECOND)
    return Day(day, len(events), ran.findings, ran.onsets)


def _by_day(story: Demo, model: Model) -> Iterator[tuple[date, list[Logged]]]:
    """The events of each day, in order, and what the certified analyser measured."""
    time_column, label = model.only(Role.TIMESTAMP) or "", model.only(Role.LABEL) or ""
    table = pa.concat_tables(
        [block.table for block in deliver(story.current, model).blocks()], promote_options="default"
    )
    days: dict[date, list[Logged]] = {}
    for row in table.to_pylist():
        at = row.pop(time_column)
        of_day = days.setdefault(at.date(), [])
        hour = len(of_day) if at.time() == datetime.min.time() else at.hour
        outcome = row.pop(label, None)
        event = {"features": row, "id": f"{at:%Y-%m-%d}-{hour:02}", "time": at.replace(hour=hour), "version": "v1"}
        of_day.append((event, outcome))
    yield from sorted(days.items())
