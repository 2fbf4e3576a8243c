"""`watchkeeper serve`: takes events over HTTP and answers what is known."""

from __future__ import annotations

from typing import Annotated

import typer

from watchkeeper.cli.option import Home, OnAlarm


def serve(
    host: Annotated[
        str, typer.Option(help="The address to listen on; other than this machine's own needs a token to exist.")
    ] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65_535, help="0 takes any that is free.")] = 8700,
    every: Annotated[
        str, typer.Option(metavar="1m|never", help="How often a run catches up beside it (s, m, h).")
    ] = "1m",
    on_alarm: OnAlarm = None,
    home: Home = None,
) -> None:
    """Take events, labels, metrics and job runs over HTTP, and answer only once they are on disk.

    Needs `pip install 'watchkeeper[server]'`.

    Exit codes: 0 stopped by Ctrl+C or SIGTERM; 2 no such home, or the address can't be served; 4 could not go on.

    \b
    Examples:
      watchkeeper serve
      watchkeeper serve --home /var/lib/watchkeeper --host 0.0.0.0 --every 30s
    """
    from functools import partial

    from watchkeeper.cli.home import made_before, needs_server
    from watchkeeper.cli.option import seconds

    pause = None if every == "never" else seconds("--every", every)

    with needs_server():
        from watchkeeper import server
        from watchkeeper.notify import target_of
        from watchkeeper.release.upkeep import tidy
        from watchkeeper.watch.home import Home as Watched
        from watchkeeper.watch.loop import loop
    from watchkeeper.model import WatchkeeperError, load_config

    at = made_before(home)
    config = load_config(at)
    if on_alarm and pause is None:
        raise WatchkeeperError("--every never runs nothing that could find an alarm, so take --on-alarm out.")
    targets = [target_of(named, config) for named in on_alarm or ()]
    job = None if pause is None else partial(loop, at, pause, on_alarm=targets, after=tidy)
    server.serve(
        at,
        host,
        port,
        background=job,
        collectors=lambda store: [server.Looks(Watched(at, config, store))],
        told=lambda text: typer.echo(text, err=True),
    )
