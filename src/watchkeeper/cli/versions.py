"""`watchkeeper versions`: what is live, what was before, and what a rollback leads to."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from watchkeeper.cli.option import Home, ModelName

if TYPE_CHECKING:
    from watchkeeper.release.overview import Overview, Row

SHOWN = 10
"""Rows of the deployment log that are shown to a person."""
GAP = 2
"""Blanks between two columns."""

_LEAST = ("by", "was live", "data's age")
"""Columns that are left out where there is no room, the first one first: --json has them all."""
_SHORT, _SHORTEST = 24, 12
"""What a version is may be cut, as nobody has to copy it: to so many characters, and to so many for a long name."""
_UNITS = ((86_400, "day"), (3_600, "hour"), (60, "minute"), (1, "second"))


def versions(
    model: ModelName,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON, with lineage and the whole log.")] = False,
    home: Home = None,
) -> None:
    """List the versions of a model: what is live, what a rollback leads to, how old each and its data are.

    \b
    Examples:
      watchkeeper versions hotel-cancel
      watchkeeper versions hotel-cancel --json
    """
    from watchkeeper.cli.home import home_of
    from watchkeeper.model.clock import clock

    with home_of(home) as at:
        from watchkeeper.release.overview import as_dict, overview

        found = overview(at, model, clock())
    if as_json:
        import json

        typer.echo(json.dumps(as_dict(found), indent=2, allow_nan=False))
    elif not found.rows:
        typer.echo(f"{model} has no version yet. Register one with: watchkeeper register {model} FILE")
    else:
        _table(found)
        _log(found)


def _table(found: Overview) -> None:
    """All versions, as broad as the screen; a version's name is never cut, however long, as it is to be copied."""
    from rich.table import Table
    from rich.text import Text

    from watchkeeper.cli.screen import Screen
    from watchkeeper.report.words import inert

    rows = [_cells(row) for row in found.rows]
    need = {head: GAP + max(len(head), *(len(row[head]) for row in rows)) for head in rows[0]}
    screen = Screen()
    for least in _LEAST:
        if sum(need.values()) - need["what"] + _SHORT > screen.width:
            del need[least]
    room = max(screen.width - sum(need.values()) + need["what"], _SHORTEST)
    table = Table(box=None, padding=(0, GAP, 0, 0), pad_edge=False)
    for head in need:
        table.add_column(head, no_wrap=True)
    for row in rows:
        table.add_row(*(Text(inert(row[head], room) if head == "what" else row[head]) for head in need))
    Screen(width=max(screen.width, sum(need.values()) - need["what"] + room)).print(table)


def _cells(row: Row) -> dict[str, str]:
    """A row of the table, by its heads."""
    from watchkeeper.report.words import MISSING, inert, moment

    one = row.version
    code = (one.detail["function"] or "").rpartition("/")[2]
    what = inert(one.detail["url"] or code or one.file or MISSING, 60)
    if row.deleted is not None:
        what = f"deleted {moment(row.deleted.at)} by {inert(row.deleted.who, 20)}: {what}"
    return {
        "version": one.version,
        "state": _state(row),
        "gate": row.verdict.outcome if row.verdict else MISSING,
        "age": _age(row.age),
        "data's age": _age(row.data_age),
        "was live": _age(row.live or None),
        "by": inert(one.who, 20),
        "what": what,
    }


def _state(row: Row) -> str:
    """Where it stands on the way back."""
    if row.deleted is not None:
        return "deleted"
    if row.back is None:
        return "was live" if row.live else ""
    return "live" if row.back == 0 else "previous" if row.back == 1 else f"{row.back} back"


def _age(seconds: float | None) -> str:
    """A span in the largest unit of which there are two."""
    from watchkeeper.report.words import MISSING, plural

    if seconds is None:
        return MISSING
    size, unit = next((one for one in _UNITS if seconds >= 2 * one[0]), _UNITS[-1])
    return plural(max(int(seconds // size), 0), unit)


def _log(found: Overview) -> None:
    """What went live when, how, by whom and why; a long reason goes on below itself."""
    from rich.table import Table
    from rich.text import Text

    from watchkeeper.cli.screen import Screen
    from watchkeeper.report.words import inert, moment

    table = Table.grid(padding=(0, GAP, 0, 0))
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    for one in found.log[:SHOWN]:
        said = f"{one.version} live by {one.action}, {inert(one.who, 20)}: {inert(one.why, 120)}"
        table.add_row(Text(moment(one.at)), Text(said))
    if found.log:
        typer.echo()
        Screen().print(table)
    if len(found.log) > SHOWN:
        typer.echo(f"and {len(found.log) - SHOWN:,} rows before: --json shows them all")
