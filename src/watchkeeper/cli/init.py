"""`watchkeeper init`: infer a model from data."""

from __future__ import annotations

import json
import shlex
from pathlib import Path
from typing import Annotated

import typer

from watchkeeper.cli.option import Files


def init(
    files: Files,
    output: Annotated[Path, typer.Option("-o", "--output", metavar="M.yaml", help="Where to write the model.")] = Path(
        "watchkeeper.yaml"
    ),
    name: Annotated[
        str | None, typer.Option(help="The model's name; without it, the folder of a glob, else the file's stem.")
    ] = None,
    id: Annotated[str | None, typer.Option("--id", metavar="COLUMN", help="The column that names a row.")] = None,
    timestamp: Annotated[str | None, typer.Option(metavar="COLUMN", help="The event time.")] = None,
    target: Annotated[
        str | None, typer.Option(metavar="COLUMN", help="The label; short for --role COLUMN=label.")
    ] = None,
    role: Annotated[list[str] | None, typer.Option(metavar="COLUMN=ROLE", help="A column's role; repeatable.")] = None,
    contract: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="A Frictionless Data Package v2 or Open Data Contract Standard v3: its constraints become declared.",
        ),
    ] = None,
    table: Annotated[
        str | None, typer.Option(metavar="NAME", help="The table that is meant, where the contract holds several.")
    ] = None,
    schema: Annotated[
        bool, typer.Option("--schema", help="Also write watchkeeper.schema.json beside it, for editors.")
    ] = False,
    force: Annotated[bool, typer.Option("--force", help="Replace an existing file.")] = False,
) -> None:
    """Infer a model: roles, types, formats, keys, ranges, known values, windows.

    The file is commented and meant to be edited.

    \b
    Examples:
      watchkeeper init 'train/*.parquet' -o watchkeeper.yaml
      watchkeeper init sales.csv --timestamp sold_at --target churned --role region=segment
      watchkeeper init 'deliveries/*.csv' --contract datapackage.json
    """
    from watchkeeper import watch
    from watchkeeper.delivery import writable
    from watchkeeper.delivery.wording import count
    from watchkeeper.model import Type, WatchkeeperError, dump, json_schema, replacing

    beside = output.with_name("watchkeeper.schema.json")
    writable([(output, ()), (beside if schema else None, ())], [*files, contract])
    if output.is_file() and not force:
        raise WatchkeeperError(
            f"{output}: the file exists and may hold your edits. Pass --force to replace it, or -o with another name."
        )
    short = [(column, what) for column, what in ((id, "id"), (timestamp, "timestamp"), (target, "label")) if column]
    roles = _one_each([*(_role(text) for text in role or []), *short])
    made = watch.infer_model(files, name=name, roles=roles, contract=contract, table=table)
    dump(made.model, output, notes=made.notes, about=made.about)
    if schema:
        with replacing(beside) as temporary:
            temporary.write_text(json.dumps(json_schema(), indent=1), encoding="utf-8")
    typer.echo(f"{output}: {count(len(made.model.columns), 'column')}. Read it and correct what is wrong.", err=True)
    for doubt in made.doubts:
        typer.secho("warning: ", fg="yellow", bold=True, err=True, nl=False)
        typer.echo(doubt, err=True)
    for term in made.ignored:
        typer.echo(f"  not checked, though the contract asks for it: {term}", err=True)
    for column, notes in made.notes.items():
        left_out = [notes.fields["type"].reason] if made.model.columns[column].type is Type.OTHER else []
        for remark in [*left_out, *notes.remarks]:
            typer.echo(f"  {column}: {remark}", err=True)
    given, yaml = shlex.join(files) if len(files) <= 2 else "FILES", shlex.quote(str(output))
    typer.echo(f"Next: watchkeeper check NEW --baseline {given} --model {yaml}", err=True)
    typer.echo(f"or, to watch it all the time: watchkeeper add {yaml} --baseline {given}", err=True)


def _one_each(pairs: list[tuple[str, str]]) -> dict[str, str]:
    """Roles by column. Raises `BadParameter` where a column is given two."""
    roles: dict[str, str] = {}
    for column, role in pairs:
        if roles.setdefault(column, role) != role:
            both = f"{column!r} is declared to be both {roles[column]} and {role}"
            raise typer.BadParameter(f"{both}, and a column has one role; leave one out", param_hint="--role")
    return roles


def _role(text: str) -> tuple[str, str]:
    column, equals, role = text.rpartition("=")
    if not equals:
        raise typer.BadParameter(f"{text!r}: write COLUMN=ROLE, such as region=segment", param_hint="--role")
    return column, role
