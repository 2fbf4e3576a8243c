"""`watchkeeper status`: how each model is doing, and what to do next."""

from __future__ import annotations

import io
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Annotated

import typer

from watchkeeper.cli.option import Home

if TYPE_CHECKING:
    from collections.abc import Sequence

    from watchkeeper.cli.screen import Screen
    from watchkeeper.report.status import Status
    from watchkeeper.watch.home import Home as Opened

EVERY = 1.0
"""Seconds between two looks with `--watch`."""


def status(
    model: Annotated[str | None, typer.Argument(metavar="[MODEL]", help="Only this model.", show_default=False)] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
    watch: Annotated[bool, typer.Option("--watch", help="Look again every second, until Ctrl-C.")] = False,
    home: Home = None,
) -> None:
    """Tell of each model how it is doing: alarms, events, labels, due windows, losses, disk; and what to do next.

    Nothing is changed, and no event is read. Exit code 0 whatever is told.

    \b
    Examples:
      watchkeeper status
      watchkeeper status hotel-cancel --watch
      watchkeeper status --json
    """
    from watchkeeper.cli.home import home_of
    from watchkeeper.cli.screen import Screen
    from watchkeeper.model import WatchkeeperError
    from watchkeeper.report import print_status
    from watchkeeper.report.status import to_json

    screen = Screen()
    if watch and (as_json or not screen.is_terminal):
        raise WatchkeeperError("--watch draws on a terminal. For a script, call `watchkeeper status --json` again.")
    with home_of(home) as at:
        if watch:
            _follow(at, model, screen)
        elif as_json:
            typer.echo(to_json(_found(at, model)))
        else:
            print_status(_found(at, model), screen)


def _found(at: Opened, model: str | None) -> Sequence[Status]:
    from watchkeeper.model.clock import clock
    from watchkeeper.watch.status import statuses

    return statuses(at, model, now=clock())


def _follow(at: Opened, model: str | None, screen: Screen) -> None:
    """Draw again every second, in place, until Ctrl-C."""
    from rich.live import Live
    from rich.text import Text

    from watchkeeper.cli.screen import Screen as Page
    from watchkeeper.report import print_status

    with Live(console=screen, auto_refresh=False, vertical_overflow="crop") as live, suppress(KeyboardInterrupt):
        while True:
            page = Page(file=io.StringIO(), width=screen.width, force_terminal=True, no_color=screen.no_color)
            print_status(_found(at, model), page)
            assert isinstance(page.file, io.StringIO)
            live.update(Text.from_ansi(page.file.getvalue()), refresh=True)
            time.sleep(EVERY)
