"""`watchkeeper add` and `watchkeeper baseline`: make a model known, and say what it is held against."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from watchkeeper.cli.option import Baseline, Files, Home, ModelName

if TYPE_CHECKING:
    from watchkeeper.model import Model
    from watchkeeper.watch.add import Added


def add(
    model: Annotated[Path, typer.Argument(metavar="M.yaml", help="The model, as `init` wrote it.", show_default=False)],
    baseline: Baseline,
    home: Home = None,
) -> None:
    """Make a model known, with the data that it is held against: from then on its events are taken and watched.

    The home is made where there is none. Done again with another YAML, the model is declared anew.

    \b
    Examples:
      watchkeeper add watchkeeper.yaml --baseline 'train/*.parquet'
      watchkeeper add watchkeeper.yaml --baseline train.parquet --home /srv/watchkeeper
    """
    from watchkeeper.cli.home import home_of, needs_server
    from watchkeeper.cli.option import following, sizes
    from watchkeeper.model.clock import clock
    from watchkeeper.model.person import person

    with needs_server():
        from watchkeeper.watch.add import keep, read
    with following("Adding", sizes([*baseline, *baseline])) as told:
        ready = read(model, baseline, told)
    with home_of(home, make=True) as at:  # made last: what can't be read leaves nothing behind
        done = keep(at, ready, now=clock(), who=person())
        typer.echo(f"{done.model} is added to {at.folder} (revision {done.revision}).")
    _say(done)
    typer.echo(f"Next: log its predictions (docs/guides/logging.md), or: watchkeeper ingest {done.model} FILES")


def baseline(
    model: ModelName,
    files: Files,
    reason: Annotated[str, typer.Option(metavar="WHY", help="Kept in the audit trail.", show_default=False)],
    version: Annotated[
        str | None,
        typer.Option(metavar="V", help="The only version that it is for; without it, all.", show_default=False),
    ] = None,
    home: Home = None,
) -> None:
    """Hold a model against other data from now on, because the world has changed.

    Its newest windows are profiled and judged again; what changed before, and is in the new baseline, is silent then.
    With --version, the events of that version alone are held against it; all events together, and other versions, stay
    with the baseline for all.

    \b
    Examples:
      watchkeeper baseline hotel-cancel 'new/*.parquet' --reason "tariff changed"
      watchkeeper baseline hotel-cancel v8.parquet --version v8 --reason "v8 scores lower"
    """
    from watchkeeper.cli.home import home_of
    from watchkeeper.cli.option import following, sizes
    from watchkeeper.model.clock import clock
    from watchkeeper.model.person import person

    with home_of(home) as at, following("Profiling", sizes([*files, *files])) as told:
        from watchkeeper.watch.add import rebase

        known = at.model(model)
        done = rebase(at, known, files, reason=reason, now=clock(), who=person(), version=version, told=told)
    _say(done)
    _say_silenced(done, known)


def _say_silenced(done: Added, model: Model) -> None:
    from watchkeeper.report import mask, words

    if done.silenced is None:
        typer.echo("What it silences can be told of data alone, and profiles were given.")
        return
    if not done.silenced:
        typer.echo("It differs from the old one in nothing that would have been an alarm.")
        return
    typer.echo("Silent from now on, because the new baseline has it too:")
    for finding in done.silenced[:10]:
        typer.echo(f"  {words.inert(mask.sentence(finding, model), 200)}")
    if len(done.silenced) > 10:
        typer.echo(f"  and {len(done.silenced) - 10:,} more, which the audit trail holds")


def _say(done: Added) -> None:
    typer.echo(f"Its baseline {done.baseline} has {done.rows:,} rows in {done.windows:,} windows.")
    if done.again:
        typer.echo(f"The newest {done.again:,} windows will be profiled again by the next run.")
