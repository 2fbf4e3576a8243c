"""`watchkeeper contract`: what a version takes and gives, who relies on it, and what another version would break."""

from __future__ import annotations

import json
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from watchkeeper.cli.option import Home

if TYPE_CHECKING:
    from collections.abc import Sequence

    from watchkeeper.release.contract.contract import Contract
    from watchkeeper.release.contract.field import Field
    from watchkeeper.watch.home import Home as Opened

BROKEN = 1
"""The exit code where a consumer's contract is not honoured, or a change would break those who call."""


def contract(
    model: Annotated[
        str, typer.Argument(metavar="MODEL|FILE", help="A model's name, or a contract.json.", show_default=False)
    ],
    version: Annotated[
        str | None, typer.Argument(metavar="[VERSION]", help="Else the live one, else the newest.")
    ] = None,
    other: Annotated[
        str | None, typer.Argument(metavar="[OTHER]", help="What changes from VERSION to this one.")
    ] = None,
    check: Annotated[
        Path | None,
        typer.Option("--check", metavar="CONSUMER.yaml", help="Whether this consumer is served by it."),
    ] = None,
    keep: Annotated[
        Path | None, typer.Option("--keep", metavar="CONSUMER.yaml", help="Hold every version against it from now on.")
    ] = None,
    withdraw: Annotated[
        str | None, typer.Option("--withdraw", metavar="CONSUMER", help="Forget a consumer that calls no more.")
    ] = None,
    schema: Annotated[
        Path | None, typer.Option("--schema", metavar="FILE", help="Write the contract as JSON Schema; - prints it.")
    ] = None,
    openapi: Annotated[
        Path | None,
        typer.Option("--openapi", metavar="FILE", help="Write its routes as OpenAPI; - prints it."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
    home: Home = None,
) -> None:
    """Tell what a version takes and gives, and whether those who call it are served by it.

    Consumers state in a YAML of theirs what they send and what they read. Those that are kept are checked by the gate.
    Exit code 1 where a consumer's contract is not honoured, or a change breaks those who call.

    \b
    Examples:
      watchkeeper contract hotel-cancel v8
      watchkeeper contract hotel-cancel v7 v8
      watchkeeper contract hotel-cancel v8 --schema contract.json --openapi openapi.json
      watchkeeper contract hotel-cancel --keep web-shop.yaml
      watchkeeper contract contract.json --check web-shop.yaml
    """
    from watchkeeper.cli.home import home_of
    from watchkeeper.model import WatchkeeperError
    from watchkeeper.release.contract.python import from_file

    is_file = model.endswith(".json")
    if is_file and (version or other or keep or withdraw):
        raise WatchkeeperError("a contract.json is of one version, and has no home: only --check, --schema, --openapi.")
    with nullcontext() if is_file else home_of(home) as at:
        if at is not None and keep is not None:
            _keep(at, model, keep)
        elif at is not None and withdraw is not None:
            _withdraw(at, model, withdraw)
        elif at is not None and version is not None and other is not None:
            _compare(at, model, version, other, as_json)
        else:
            from watchkeeper.release.contract.python import from_home

            found = from_file(model) if at is None else from_home(at, model, version)
            if check is not None:
                _check(found, check, as_json)
            elif schema is None and openapi is None:
                _show(found, at, as_json)
            else:
                _export(found, schema, openapi)


def _keep(at: Opened, model: str, path: Path) -> None:
    from watchkeeper.model import WatchkeeperError
    from watchkeeper.model.clock import clock
    from watchkeeper.model.person import person
    from watchkeeper.release.contract.consumer import keep, load_consumer

    stated = load_consumer(path)
    if stated.model != model:
        raise WatchkeeperError(f"{path} is about the model {stated.model!r}, and not about {model!r}.")
    keep(at, path, now=clock(), who=person())
    typer.echo(f"The contract of {stated.consumer} is kept: the gate refuses versions of {model} that break it.")


def _withdraw(at: Opened, model: str, consumer: str) -> None:
    from watchkeeper.model.clock import clock
    from watchkeeper.model.person import person
    from watchkeeper.release.contract.consumer import withdraw

    withdraw(at, model, consumer, now=clock(), who=person())
    typer.echo(f"The contract of {consumer} is withdrawn.")


def _check(contract: Contract, path: Path, as_json: bool) -> None:
    from watchkeeper.release.contract.consumer import breaches, load_consumer

    consumer = load_consumer(path)
    found = breaches(contract, consumer)
    if as_json:
        said = [{"field": breach.field, "sentence": breach.sentence} for breach in found]
        head = {"model": contract.model, "version": contract.version, "consumer": consumer.consumer}
        typer.echo(json.dumps({**head, "honoured": not found, "breaches": said}, indent=2))
    elif found:
        typer.echo(f"{contract.model} {contract.version} breaks the contract of {consumer.consumer}:")
        _lines([breach.sentence for breach in found])
    else:
        typer.echo(f"{contract.model} {contract.version} honours the contract of {consumer.consumer}.")
    if found:
        raise typer.Exit(BROKEN)


def _compare(at: Opened, model: str, version: str, other: str, as_json: bool) -> None:
    from watchkeeper.release import registry
    from watchkeeper.release.contract.change import changes
    from watchkeeper.release.contract.consumer import breaches, consumers
    from watchkeeper.release.contract.contract import contract_then

    before, after = (contract_then(at, registry.one(at, model, name)) for name in (version, other))
    found = changes(before, after)
    broken = {one.consumer: [b.sentence for b in breaches(after, one)] for one in consumers(at, model)}
    broken = {name: told for name, told in broken.items() if told}
    if as_json:
        said = [{"side": c.side, "field": c.field, "breaking": c.breaking, "sentence": c.sentence} for c in found]
        typer.echo(
            json.dumps({"model": model, "from": version, "to": other, "changes": said, "breaks": broken}, indent=2)
        )
    else:
        typer.echo(f"From {version} to {other} of {model}:" if found else f"{version} and {other} have one contract.")
        _lines([f"{'BREAKS' if c.breaking else 'fine  '}  {c.side} {c.sentence}" for c in found])
        for name, told in broken.items():
            typer.echo(f"{other} breaks {name}:")
            _lines(told)
    if broken or any(change.breaking for change in found):
        raise typer.Exit(BROKEN)


def _show(contract: Contract, at: Opened | None, as_json: bool) -> None:
    from watchkeeper.release.contract.consumer import breaches, consumers
    from watchkeeper.release.contract.schema import schema

    if as_json:
        typer.echo(json.dumps(schema(contract), indent=2))
        return
    typer.echo(f"{contract.model} {contract.version}")
    for title, fields in (("takes", contract.takes), ("may come along", contract.also), ("gives", contract.gives)):
        if fields:
            typer.echo(f"\n{title}")
            _lines([_line(field) for field in fields], most=200)
    known = consumers(at, contract.model) if at is not None else []
    if known:
        typer.echo("\nconsumers")
        told = {one.consumer: breaches(contract, one) for one in known}
        _lines([f"{name}: {'BROKEN, ' + found[0].sentence if found else 'honoured'}" for name, found in told.items()])


def _export(contract: Contract, schema: Path | None, openapi: Path | None) -> None:
    from watchkeeper.release.contract.openapi import openapi as routes
    from watchkeeper.release.contract.schema import schema as as_schema

    if schema is not None:
        _write(as_schema(contract), schema)
    if openapi is not None:
        _write(routes(contract), openapi)


def _write(document: Any, path: Path) -> None:
    from watchkeeper.model import replacing

    text = json.dumps(document, indent=2) + "\n"
    if str(path) == "-":
        typer.echo(text, nl=False)
        return
    with replacing(path) as neighbour:
        neighbour.write_text(text, encoding="utf-8", newline="\n")
    typer.echo(f"{path} is written.", err=True)


def _line(field: Field) -> str:
    from watchkeeper.report.words import inert

    column = field.column
    limits = [f"{word} {held}" for word, held in (("from", column.minimum), ("to", column.maximum)) if held is not None]
    if column.allowed:
        limits.append("one of " + ", ".join(inert(str(value), 30) for value in column.allowed[:6]))
    more = [*limits, *([] if field.nullable else ["never null"]), *([column.format] if column.format else [])]
    return f"{inert(field.name, 40):<24} {field.type:<10} {', '.join(more)}".rstrip()


def _lines(sentences: Sequence[str], most: int = 50) -> None:
    from watchkeeper.report.words import inert

    for sentence in sentences[:most]:
        typer.echo(f"  {inert(sentence, 400)}")
    if len(sentences) > most:
        typer.echo(f"  and {len(sentences) - most:,} more")
