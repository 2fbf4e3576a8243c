"""`watchkeeper ingest` and `watchkeeper export`: files into the lake, and out of it."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from watchkeeper.cli.option import Home, ModelName

if TYPE_CHECKING:
    from watchkeeper.watch.ingest import Ingested

TABLES = "events|labels|points|jobs|profiles|findings|coverage"


def ingest(
    model: ModelName,
    files: Annotated[
        list[str],
        typer.Argument(metavar="FILES...", help="Paths, quoted globs or URLs; - for JSON lines.", show_default=False),
    ],
    home: Home = None,
) -> None:
    """Take files of predictions, of labels, or of both, with the model's columns; the next run profiles their windows.

    Each file passes the delivery check first: a rejected one is refused whole, and the others are taken all the same
    (exit code 1); bad rows are set aside. The same bytes are taken once, and again where labels are declared otherwise
    since. - reads events as JSON lines, as they are posted to the server.

    \b
    Examples:
      watchkeeper ingest hotel-cancel 'predictions/*.parquet'
      watchkeeper ingest hotel-cancel labels.csv
      kafkacat … | watchkeeper ingest hotel-cancel -
    """
    from watchkeeper.cli.complaint import complain
    from watchkeeper.cli.home import home_of
    from watchkeeper.cli.option import following, sizes
    from watchkeeper.model.clock import clock

    with home_of(home) as at:
        from watchkeeper.delivery import expand
        from watchkeeper.watch.ingest import NotIngested
        from watchkeeper.watch.ingest import ingest as taken
        from watchkeeper.watch.stream import ingest_stream

        known = at.model(model)
        paths = [named for named in files if named != "-"]
        sources = expand(paths) if paths else []  # what is not there is told before anything is taken
        if len(paths) < len(files):
            _say(ingest_stream(at, known, sys.stdin.buffer, now=clock()))
        rejected = 0
        for source in sources:
            try:
                with following("Taking", sizes([source, source])) as told:
                    done = taken(at, known, source, now=clock(), told=told)
            except NotIngested as wrong:  # one file that is no good keeps no other away
                complain(str(wrong))
                rejected += 1
            else:
                _say(done)
    if rejected and len(sources) > 1:
        typer.echo(f"{rejected:,} of {len(sources):,} files {'is' if rejected == 1 else 'are'} rejected.", err=True)
    if rejected:
        raise typer.Exit(NotIngested.exit_code)


def export(
    model: ModelName,
    table: Annotated[str, typer.Argument(metavar=TABLES, help="What to write.", show_default=False)],
    output: Annotated[
        Path, typer.Option("-o", "--output", metavar="FILE", help="A .parquet, .csv or .jsonl.", show_default=False)
    ],
    home: Home = None,
) -> None:
    """Write a table of the lake as a file, in the names that events have when they are sent.

    \b
    Examples:
      watchkeeper export hotel-cancel events -o events.parquet
      watchkeeper export hotel-cancel findings -o findings.jsonl
    """
    from watchkeeper.cli.home import home_of

    with home_of(home) as at:
        from watchkeeper.lake.export import export as written

        rows = written(at.lake(at.model(model)), table, output)
    typer.echo(f"{output}: {rows:,} rows.")


def _say(one: Ingested) -> None:
    from watchkeeper.report import words

    name = words.inert(one.name, 200)
    if one.before and not one.again:
        typer.echo(f"{name}: taken before, as {words.inert(one.before, 200)}; nothing was done.")
        return
    new = [words.plural(one.events, "new event"), words.plural(one.labels, "label")]
    parts = [f"{words.plural(one.received, 'event')} received"] if one.received else new
    parts += [f"{words.plural(one.known, 'event')} known before"] if one.known else []
    parts += [f"{words.plural(one.bad, 'row')} set aside"] if one.bad else []
    typer.echo(f"{name}: {', '.join(parts)} of {words.plural(one.rows, 'row')}.")
    if one.received:
        typer.echo("  The next run moves them to the lake, and counts those that were known before.")
    if one.again:
        typer.echo("  Taken before; as labels are declared otherwise now, these replace the ones that it brought then.")
    dated = [f"{one.future:,} more than a day ahead"] if one.future else []
    dated += [f"{one.ancient:,} before 1970"] if one.ancient else []
    if dated:
        typer.echo(f"  Look at the clock that dated them: {' and '.join(dated)}.")
    if one.unknown:
        columns = words.join([words.name(column) for column in one.unknown], most=5)
        typer.echo(
            f"  Not taken, as the model does not declare {'it' if len(one.unknown) == 1 else 'them'}: {columns}."
        )
    if one.bad:
        kept = "They are not kept."
        if one.aside:
            kept = f"All of them, each with its reason: {words.inert(one.aside, 300)}"
        typer.echo(f"  The first set aside is {words.inert(one.reason, 300)}\n  {kept}")
