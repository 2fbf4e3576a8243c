"""`watchkeeper token`: who may use the server, as what, and for how long."""

from __future__ import annotations

import re
import time
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
    from watchkeeper.cli.home import person, state_of
    from watchkeeper.model import WatchkeeperError
    from watchkeeper.model.mistake import no_such, shown

    if role not in ROLES.split("|"):
        raise WatchkeeperError(f"--role can't be {shown(role)}. {no_such(role, ROLES.split('|'))}")
    now = _now()
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
    table = Table("id", "role", "name", "model", "created (UTC)", "last used (UTC)", "state", box=None, pad_edge=False)
    for one in found:
        cells = (one.role.value, one.name or "–", one.model or "all")
        used = _moment(one.used) if one.used is not None else "never"
        table.add_row(str(one.id), *(Text(plain(cell)) for cell in cells), _moment(one.created), used, _state(one))
    Screen().print(table)


@token.command("revoke")
def revoke(
    id: Annotated[int, typer.Argument(metavar="ID", help="Its number in `token list`.", show_default=False)],
    home: Home = None,
) -> None:
    """Refuse a token from now on.

    \b
    Example:
      watchkeeper token revoke 3
    """
    from watchkeeper.cli.home import person, state_of
    from watchkeeper.model import WatchkeeperError

    with state_of(home) as store:
        from watchkeeper.state import token as tokens

        if tokens.revoke(store, id, _now(), who=person()):
            typer.echo(f"Token {id} is revoked.")
            return
        if all(one.id != id for one in tokens.listing(store)):
            raise WatchkeeperError(f"there is no token {id}. `watchkeeper token list` shows those that are.")
    typer.echo(f"Token {id} was revoked before.")


def _state(one: Token) -> str:
    from watchkeeper.state.token import Refusal

    match one.refusal(_now()):
        case Refusal.REVOKED:
            return "revoked"
        case Refusal.EXPIRED:
            return "expired"
    return f"until {_moment(one.expires)}" if one.expires is not None else "good"


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


def _now() -> int:
    return time.time_ns() // 1_000
