"""`watchkeeper release`, `rollback` and `live`: what answers now, and the way back."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Annotated, Any

import typer

from watchkeeper.cli.option import Home, ModelName, VersionName

if TYPE_CHECKING:
    from watchkeeper.state.deployment import Deployment
    from watchkeeper.watch.home import Home as Opened


def release(
    model: ModelName,
    version: VersionName,
    force: Annotated[
        str | None,
        typer.Option(metavar="WHY", help="Put it live without a PASS of the gate; why is kept in the audit trail."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
    home: Home = None,
) -> None:
    """Put a version live that the gate let through. Gateways take it up within a second, without losing a request.

    Exit code 1 where the gate's newest verdict on it is no PASS, or there is none; nothing is done then. If somebody
    else changes what is live in the same moment, one of the two wins, and the other is told who it was (exit code 4).

    \b
    Examples:
      watchkeeper release hotel-cancel v8
      watchkeeper release hotel-cancel v8 --force "v7 answers nothing since the tariff changed"
    """
    from watchkeeper.cli.home import home_of
    from watchkeeper.model.clock import clock
    from watchkeeper.model.person import person

    with home_of(home) as at:
        from watchkeeper.release import registry
        from watchkeeper.report.words import inert

        before = registry.live(at, model)
        done = registry.release(at, model, version, force=force, now=clock(), who=person())
        if as_json:
            _print(done)
        else:
            how = f", forced: {inert(done.why, 200)}" if done.action == "force" else ", as the gate said PASS"
            typer.echo(f"{done.version} of {model} is live{how}.")
            if before:
                typer.echo(f"Before it was {before.version}. The way back: watchkeeper rollback {model}")
            _warn_of_other(at, done, before.version if before else None)
        _mirror(at, model)


def rollback(
    model: ModelName,
    to: Annotated[
        str | None, typer.Option("--to", metavar="VERSION", help="Any version that was live before; else the previous.")
    ] = None,
    why: Annotated[str, typer.Option(metavar="WHY", help="Kept in the deployment log.")] = "no reason given",
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
    home: Home = None,
) -> None:
    """Put the previous version live again, at once: one row is added to the deployment log.

    A second rollback goes one version further back, and never to one that was rolled back before.

    \b
    Examples:
      watchkeeper rollback hotel-cancel
      watchkeeper rollback hotel-cancel --to v6 --why "v7 and v8 read the old tariff"
    """
    from watchkeeper.cli.home import home_of
    from watchkeeper.model.clock import clock
    from watchkeeper.model.person import person

    with home_of(home) as at:
        from watchkeeper.release import registry
        from watchkeeper.report.words import duration

        began = time.monotonic()
        before = registry.live(at, model)
        done = registry.rollback(at, model, to, why=why, now=clock(), who=person())
        took = time.monotonic() - began
        if as_json:
            _print(done, took_s=took)
        else:
            instead = f" instead of {before.version}" if before else ""
            typer.echo(f"{done.version} of {model} is live again{instead}, after {duration(took)}.")
            further = registry.previous(at, model)
            typer.echo(f"One further back is {further.version}." if further else "There is nothing further back.")
        _mirror(at, model)


def live(
    model: ModelName,
    at: Annotated[str | None, typer.Option("--at", metavar="T", help="At this time; without it, now.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON; null where nothing is live.")] = False,
    home: Home = None,
) -> None:
    """Print the version that is live, or was at a time; since when, by whom and why goes to standard error.

    T: a day (2014-01-15) or a time with its offset (2014-01-15T12:00Z); without an offset it is UTC.

    \b
    Examples:
      watchkeeper live hotel-cancel
      watchkeeper live hotel-cancel --at 2026-05-01T12:00Z
    """
    from watchkeeper.cli.home import home_of
    from watchkeeper.report.words import inert, moment

    with home_of(home) as where:
        from watchkeeper.state import deployment
        from watchkeeper.watch.period import moment as instant

        where.model(model)
        rows = deployment.log(where.store, model, None if at is None else instant(at))
    if as_json:
        _print(rows[-1] if rows else None)
    elif not rows:
        typer.echo(f"No version of {model} {'is live' if at is None else 'was live then'}.", err=True)
    else:
        last = rows[-1]
        since = f"{moment(last.at)} UTC, by {inert(last.who)} ({last.action}: {inert(last.why, 200)})"
        typer.echo(f"{model}: live since {since}", err=True)
        typer.echo(last.version)


def _warn_of_other(at: Opened, done: Deployment, before: str | None) -> None:
    """A PASS is against what was live then; another version may be live now."""
    from watchkeeper.state import gate

    verdict = gate.latest(at.store, done.model, done.version)
    against = verdict.result.get("live", before) if verdict and done.action == "release" else before
    if against != before:
        typer.echo(
            f"Note: its PASS is against {against or 'no live version'}, not against {before or 'none'}. "
            f"Compare them: watchkeeper compare {done.model} {before} {done.version} --on FILE",
            err=True,
        )


def _mirror(at: Opened, model: str) -> None:
    from watchkeeper.release import mirror

    told = mirror.follow(at, model)
    if told is not None:
        typer.echo(told.sentence, err=True)


def _print(done: Deployment | None, **more: float) -> None:
    import json

    from watchkeeper.release.overview import deployed

    found: dict[str, Any] | None = None if done is None else {"model": done.model, **deployed(done), **more}
    typer.echo(json.dumps(found, indent=2, allow_nan=False))
