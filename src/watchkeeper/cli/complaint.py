"""How the command line says what went wrong: on standard error, in a sentence."""

from __future__ import annotations

import typer


def complain(text: str) -> None:
    """Say an error. Below a gap are lines to copy, which must begin where they do."""
    typer.secho("error: ", fg="red", bold=True, err=True, nl=False)
    words, gap, lines = text.partition("\n\n")
    typer.echo(words.replace("\n", "\n       ") + gap + lines, err=True)
