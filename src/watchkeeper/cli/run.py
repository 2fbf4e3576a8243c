"""`watchkeeper run`: catch up with all that came."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from enum import StrEnum
from functools import partial
from typing import TYPE_CHECKING, Annotated

import typer

from watchkeeper.cli.option import Home, OnAlarm

if TYPE_CHECKING:
    from watchkeeper.engines import Spark
    from watchkeeper.watch.home import Home as Opened
    from watchkeeper.watch.run import Ran

MOST = 10
"""Findings that are printed of a model; the rest is counted."""


class Engine(StrEnum):
    """Where windows are profiled."""

    LOCAL = "local"
    SPARK = "spark"


def run(
    model: Annotated[str | None, typer.Option(metavar="M", help="Only this model.")] = None,
    once: Annotated[bool, typer.Option("--once", help="Catch up once, which is what happens without --every.")] = False,
    every: Annotated[str | None, typer.Option(metavar="1m", help="Again and again, after so long (s, m, h).")] = None,
    on_alarm: OnAlarm = None,
    engine: Annotated[
        Engine, typer.Option(help="Where windows are profiled: in this process, or on a Spark cluster.")
    ] = Engine.LOCAL,
    home: Home = None,
) -> None:
    """Move what was logged to the lake, profile and judge each window that is over or has changed, and note alarms.

    Safe to start at any time, anywhere, twice: from cron, an orchestrator, or beside a server.

    \b
    Examples:
      watchkeeper run --once
      watchkeeper run --every 1m --model hotel-cancel
      watchkeeper run --every 1m --on-alarm 'notify-send Watchkeeper' --on-alarm https://hooks.example.org/alarms
      watchkeeper run --engine spark
    """
    from watchkeeper.cli.home import home_of
    from watchkeeper.cli.option import following, seconds
    from watchkeeper.model import WatchkeeperError
    from watchkeeper.model.clock import clock

    if once and every:
        raise WatchkeeperError("--once and --every exclude each other. Give one of them.")
    with home_of(home) as at, _spark(engine) as spark:
        from watchkeeper.notify import target_of
        from watchkeeper.release.upkeep import tidy

        targets = [target_of(named, at.config) for named in on_alarm or ()]
        if every is not None:
            from watchkeeper.watch.loop import loop

            told_of = partial(_say_all, at)
            loop(at.folder, seconds("--every", every), model, told_of, targets, spark, after=tidy)
        from watchkeeper.watch.run import run as ran

        with following("Running", unit="windows") as told:
            done = ran(at, model, now=clock(), told=told, on_alarm=targets, spark=spark)
        _say_all(at, done)
        tidy(at)


@contextmanager
def _spark(engine: Engine) -> Iterator[Spark | None]:
    """The cluster, where it was asked for; it is started when there is something to do. Raises `NoSpark`."""
    if engine is Engine.LOCAL:
        yield None
        return
    from watchkeeper.engines.spark import Spark, installed

    installed()
    with closing(Spark()) as spark:
        yield spark


def _say_all(at: Opened, done: Sequence[Ran]) -> None:
    for one in done:
        _say(one, at)
        if at.config.mlflow is not None:  # what MLflow did not hear when it was released is told again
            from watchkeeper.release import mirror

            told = mirror.follow(at, one.model)
            if told is not None:
                typer.echo(told.sentence, err=True)


def _say(ran: Ran, at: Opened) -> None:
    from watchkeeper.report import mask, words

    if ran.elsewhere:
        typer.echo(f"{ran.model}: left to {ran.elsewhere}, which runs it now.")
        return
    loud = sum(finding.severity == "alarm" for finding in ran.findings)
    parts = [words.plural(ran.events, "new event"), words.plural(ran.labels, "new label")]
    parts += [f"{words.plural(ran.windows, 'window')} judged"]
    parts += [f"{words.plural(loud, 'alarm')} ({words.plural(ran.onsets, 'onset')})"] if loud else []
    warned = len(ran.findings) - loud
    parts += [words.plural(warned, "warning")] if warned else []
    typer.echo(f"{ran.model}: {', '.join(parts)}.")
    model = at.model(ran.model)
    segments = mask.shown_segments(model, [finding.segment for finding in ran.findings])
    for finding in ran.findings[:MOST]:
        about = [
            segments.get(finding.segment or "", ""),
            f"version {words.inert(finding.version)}" if finding.version else "",
        ]
        where = ", ".join(part for part in about if part)
        named = f"{finding.window} ({where})" if where else finding.window
        typer.echo(f"  {finding.severity} {named}: {mask.message(finding, model, 300)}")
    if len(ran.findings) > MOST:
        rest = f"and {words.plural(len(ran.findings) - MOST, 'more', 'more')}"
        typer.echo(f"  {rest}: watchkeeper export {ran.model} findings -o findings.jsonl")
