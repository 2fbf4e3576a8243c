"""The commands, and how their errors and exit codes reach a person."""

from __future__ import annotations

import errno
import os
import sys
import traceback
from collections.abc import Sequence
from typing import Annotated

import typer

from watchkeeper.cli.add import add, baseline
from watchkeeper.cli.backtest import backtest
from watchkeeper.cli.card import card
from watchkeeper.cli.check import check
from watchkeeper.cli.compare import compare
from watchkeeper.cli.contract import contract
from watchkeeper.cli.dataset import dataset
from watchkeeper.cli.demo import demo
from watchkeeper.cli.erase import erase
from watchkeeper.cli.gate import gate
from watchkeeper.cli.gateway import gateway
from watchkeeper.cli.ingest import export, ingest
from watchkeeper.cli.init import init
from watchkeeper.cli.package import package
from watchkeeper.cli.profile import merge, profile, show
from watchkeeper.cli.register import register
from watchkeeper.cli.release import live, release, rollback
from watchkeeper.cli.run import run
from watchkeeper.cli.serve import serve
from watchkeeper.cli.status import status
from watchkeeper.cli.token import token
from watchkeeper.cli.versions import versions

COULD_NOT_FINISH = 4
INTERRUPTED = 130

app = typer.Typer(
    name="watchkeeper",
    help="Keeps machine-learning models healthy after they are deployed.",
    epilog="Start with:  watchkeeper demo",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _version(asked: bool) -> None:
    if asked:
        from importlib.metadata import version

        typer.echo(f"watchkeeper {version('watchkeeper')}")
        raise typer.Exit


@app.callback()
def _options(
    debug: Annotated[bool, typer.Option("--debug", help="Show the traceback of an error.")] = False,
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version.")
    ] = False,
) -> None:
    pass


app.command("demo")(demo)
app.command("init")(init)
app.command("check")(check)
app.command("backtest")(backtest)
app.command("compare")(compare)
app.command("card")(card)
app.command("profile")(profile)
app.command("merge")(merge)
app.command("show")(show)
app.command("add")(add)
app.command("baseline")(baseline)
app.command("ingest")(ingest)
app.command("run")(run)
app.command("export")(export)
app.command("serve")(serve)
app.command("gateway")(gateway)
app.command("status")(status)
app.command("dataset")(dataset)
app.command("gate")(gate)
app.command("erase")(erase)
app.command("contract")(contract)
app.command("package")(package)
app.command("register")(register)
app.command("release")(release)
app.command("rollback")(rollback)
app.command("versions")(versions)
app.command("live")(live)
app.add_typer(token, name="token")


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line and leave with its exit code: the one edge where every error becomes a sentence."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    debug = "--debug" in given
    given = [*(["--debug"] if debug else []), *(a for a in given if a != "--debug")]
    try:
        code = app(given, prog_name="watchkeeper", standalone_mode=False)
    except SystemExit as left:  # click's own answer to a pipe that nobody reads is 1, which would be a verdict
        if not isinstance(left.__context__, BrokenPipeError):
            raise
        code = _told(left.__context__)
    except typer.Abort:  # as older releases of typer tell an interrupt; newer ones return the code
        code = INTERRUPTED
    except Exception as wrong:  # noqa: BLE001 - the outermost edge
        if debug:
            traceback.print_exc()
        code = _told(wrong)
    if code == INTERRUPTED:
        typer.echo("\nInterrupted. Nothing half-written was left behind.", err=True)
    sys.exit(code or 0)


def _told(wrong: Exception) -> int:
    """Say an error in words on standard error; the exit code that fits it."""
    from watchkeeper.cli.complaint import complain
    from watchkeeper.model import WatchkeeperError
    from watchkeeper.sdk.error import SDKError

    if hasattr(wrong, "show") and hasattr(wrong, "exit_code"):  # wrong usage, which typer words best itself
        wrong.show()
        return int(wrong.exit_code)
    if isinstance(wrong, BrokenPipeError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return COULD_NOT_FINISH
    if isinstance(wrong, WatchkeeperError | SDKError):
        text, code = str(wrong), wrong.exit_code
    elif isinstance(wrong, OSError):
        what = "the disk is full" if wrong.errno == errno.ENOSPC else wrong.strerror or str(wrong)
        where = wrong.filename or ("standard output" if wrong.errno in (errno.ENOSPC, errno.EIO, errno.EBADF) else None)
        text = f"{where}: {what}. Nothing half-written was left behind." if where else f"{what}."
        code = COULD_NOT_FINISH
    else:
        text = f"this is a mistake in Watchkeeper ({type(wrong).__name__}: {wrong}). "
        text += "Run again with --debug and report the traceback."
        code = COULD_NOT_FINISH
    complain(text)
    return code
