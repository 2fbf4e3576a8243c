"""`watchkeeper token`: who may use the server, as what, and for how long."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from watchkeeper.cli.option import Home

if TYPE_CHECKING:
    from watchkeeper.state.token import Token

ROLES = "ingest|predict|viewer|operator|admin"
_SECONDS = {"h": 3600, "d": 24 * 3600, "w": 7 * 24 * 3600}
_SPAN = re.compile(r"([1-9][0-9]{0,4})([hdw])")

token = typer.Typer(
    help="Make, list and revoke the tokens that the server asks for.",
    no_args_is_help=True,
    rich_markup_mode=None,
)


@token.command("create")
def create(
    role: Annotated[str, typer.Option(metavar=ROLES, help="What its bearer may do.", show_default=False)],
    name: Annotated[str, typer.Option(metavar="N", help="What it is for, to know it again in the list.")] = "",
    model: Annotated[
        str | None, typer.Option(metavar="MODEL", help="Only for this model; without it, for all.")
    ] = None,
    expires: Annotated[
        str | None, typer.Option(metavar="90d", help="After so many hours (h), days (d) or weeks (w); else never.")
    ] = None,
    home: Home = None,
) -> None:
    """Make a token and print it: this once, as only its SHA-256 is kept.

    ingest sends events, labels, metric points and job runs; predict asks the gateway for predictions; viewer reads
    everything; operator also starts runs and takes baselines into use; admin may do everything.

    \b
    Examples:
      watchkeeper token create --role ingest --name hotel-service --expires 90d
      TOKEN=$(watchkeeper token create --role viewer)
    """
    from watchkeeper.cli.home import state_of
    from watchkeeper.model import WatchkeeperError
    from watchkeeper.model.clock import clock
    from watchkeeper.model.mistake import no_such, shown
    from watchkeeper.model.person import person

    if role not in ROLES.split("|"):
        raise WatchkeeperError(f"--role can't be {shown(role)}. {no_such(role, ROLES.split('|'))}")
    now = clock()
    until = None if expires is None else now + _span(expires)
    with state_of(home) as store:
        from watchkeeper.state import Role
        from watchkeeper.state import model as models
        from watchkeeper.state import token as tokens

        known = models.names(store)
        if model is not None and model not in known:
            hint = no_such(model, known) if known else "None was added yet: `watchkeeper add M.yaml --baseline FILES`."
            raise WatchkeeperError(f"--model: there is no model {shown(model)}. {hint}")
        secret = tokens.create(store, Role(role), name, until, now, model=model, who=person())
    scope = f"for {model}" if model else "for all models"
    ends = f"until {_moment(until)} UTC" if until else "until it is revoked"
    typer.echo(f"A token of role {role}, {scope}, {ends}. It is shown this once:", err=True)
    typer.echo(secret)


@token.command("list")
def list_(home: Home = None) -> None:
    """List all tokens, without their secrets."""
    from rich.table import Table
    from rich.text import Text

    from watchkeeper.cli.home import state_of
    from watchkeeper.cli.screen import Screen
    from watchkeeper.delivery.wording import plain

    with state_of(home) as store:
        from watchkeeper.state import token as tokens

        found = tokens.listing(store)
    if not found:
        typer.echo("There is no token yet. Make one with: watchkeeper token create --role ingest")
        return
    table = Table(box=None, pad_edge=False)
    for heading in ("id", "role", "name", "model", "created", "last used", "state (UTC)"):
        table.add_column(heading, no_wrap=heading not in ("name", "model"), overflow="fold")
    for one in found:
        cells = (one.role.value, one.name or "–", one.model or "all")
        created, used = (None if at is None else _moment(at)[:10] for at in (one.created, one.used))
        table.add_row(str(one.id), *(Text(plain(cell)) for cell in cells), created, used or "never", _state(one))
    Screen().print(table)


@token.command("revoke")
def revoke(
    token: Annotated[str, typer.Argument(metavar="ID|NAME", help="As `token list` shows it.", show_default=False)],
    home: Home = None,
) -> None:
    """Refuse a token from now on: the one of this number, else the only one in use that has this name.

    \b
    Examples:
      watchkeeper token revoke 3
      watchkeeper token revoke hotel-service
    """
    from watchkeeper.cli.home import state_of
    from watchkeeper.model.clock import clock
    from watchkeeper.model.person import person

    with state_of(home) as store:
        from watchkeeper.state import token as tokens

        number = _number(token, tokens.listing(store))
        revoked = tokens.revoke(store, number, clock(), who=person())
    typer.echo(f"Token {number} is revoked." if revoked else f"Token {number} was revoked before.")


def _number(token: str, known: Sequence[Token]) -> int:
    """The number of a token, given that or its name."""
    from watchkeeper.model import WatchkeeperError
    from watchkeeper.model.mistake import shown

    numbers = [one.id for one in known if str(one.id) == token]
    if numbers:
        return numbers[0]
    named = [one for one in known if one.name == token]
    in_use = [one for one in named if one.revoked is None] or named
    if len(in_use) == 1:
        return in_use[0].id
    if in_use:
        which = ", ".join(str(one.id) for one in in_use)
        raise WatchkeeperError(f"several tokens are called {shown(token)}: {which}. Give the number of one.")
    raise WatchkeeperError(f"there is no token {shown(token)}. `watchkeeper token list` shows those that are.")


def _state(one: Token) -> str:
    from watchkeeper.model.clock import clock
    from watchkeeper.state.token import Refusal

    match one.refusal(clock()):
        case Refusal.REVOKED:
            return "revoked"
        case Refusal.EXPIRED:
            return "expired"
    if one.expires is None:
        return "good"
    days = (one.expires - clock()) // 86_400_000_000
    return f"until {_moment(one.expires)[: 10 if days else None]}"  # to the minute on its last day


def _span(text: str) -> int:
    """Microseconds of `90d`."""
    from watchkeeper.model import WatchkeeperError
    from watchkeeper.model.mistake import shown

    found = _SPAN.fullmatch(text)
    if not found:
        raise WatchkeeperError(f"--expires can't be {shown(text)}: write a whole number and h, d or w, such as 90d.")
    return int(found[1]) * _SECONDS[found[2]] * 1_000_000


def _moment(micros: int) -> str:
    from datetime import UTC, datetime

    return f"{datetime.fromtimestamp(micros / 1e6, UTC):%Y-%m-%d %H:%M}"
