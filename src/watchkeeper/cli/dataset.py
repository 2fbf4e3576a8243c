"""`watchkeeper dataset`: what was served and what came of it, as a file to train on."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from watchkeeper.cli.option import Home, ModelName


def dataset(
    model: ModelName,
    output: Annotated[
        Path, typer.Option("-o", "--output", metavar="FILE", help="A .parquet, .csv or .jsonl.", show_default=False)
    ],
    start: Annotated[str | None, typer.Option("--from", metavar="T", help="The first event time; else all.")] = None,
    end: Annotated[str | None, typer.Option("--to", metavar="T", help="Events before this time; else all.")] = None,
    as_of: Annotated[
        str | None, typer.Option("--as-of", metavar="T", help="Labels as they were known then; without it, now.")
    ] = None,
    home: Home = None,
) -> None:
    """Write events with the features as they were served, and with their labels as they were known at a time.

    One row for each event, in the model's own columns. A label whose time is after --as-of is left out, and of several
    the latest by then counts, so a model that is trained on the file sees nothing that was not known. T: a day
    (2014-01-15) or a time (2014-01-15T12:00), UTC. Values are written as they came, personal ones too.

    \b
    Examples:
      watchkeeper dataset hotel-cancel -o train.parquet
      watchkeeper dataset hotel-cancel --from 2024-01-01 --to 2024-04-01 --as-of 2024-05-01 -o train.parquet
    """
    from watchkeeper.cli.home import home_of
    from watchkeeper.model.clock import clock
    from watchkeeper.report import words

    with home_of(home) as at:
        from watchkeeper.model import WatchkeeperError
        from watchkeeper.profiles.slice import iso
        from watchkeeper.watch.dataset import dataset as written
        from watchkeeper.watch.period import moment

        span = [None if text is None else moment(text) for text in (start, end)]
        if span[0] is not None and span[1] is not None and span[0] >= span[1]:
            raise WatchkeeperError(f"--from {start} --to {end}: the end has to come after the start.")
        when = clock() if as_of is None else moment(as_of)
        done = written(at, at.model(model), output, start=span[0], end=span[1], as_of=when)
    typer.echo(f"{done.path}: {words.plural(done.rows, 'row')}, {done.labelled:,} with a label.")
    if not done.rows:
        there = "there is none yet"
        if done.span is not None:
            there = f"there are some from {iso(done.span[0])} to {iso(done.span[1])} (UTC)"
        typer.echo(f"No event has its time in this span; {there}.")
