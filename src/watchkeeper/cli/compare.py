"""`watchkeeper compare`: what changes from one version to another, and for whom."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from watchkeeper.cli.option import Home, ModelName

ON_SCREEN = 5
"""Rows that a terminal shows, whatever is asked for in files."""


def compare(
    model: ModelName,
    old: Annotated[str, typer.Argument(metavar="OLD", help="A version, such as the live one.", show_default=False)],
    new: Annotated[str, typer.Argument(metavar="NEW", help="The version to compare with it.", show_default=False)],
    on: Annotated[
        str,
        typer.Option(metavar="FILE|last:7d", help="Rows that both answer, or the newest events.", show_default=False),
    ],
    rows: Annotated[int, typer.Option(min=0, max=10_000, help="How many of the rows that move most are named.")] = 20,
    html: Annotated[Path | None, typer.Option(metavar="FILE", help="Write the report as one page.")] = None,
    json: Annotated[
        str | None, typer.Option(metavar="FILE|-", help="Write all figures as JSON; - for standard output.")
    ] = None,
    home: Home = None,
) -> None:
    """Tell what changes from one version to another on the same rows, and for whom.

    Both versions answer every row anew, each in a process of its own. Told are decisions that flip (each version by its
    own learned threshold), with labels those that become right and wrong, the shift of scores and of the order, the
    segments that surely differ from the rest, and the rows that move most. Values of `pii` columns are masked.

    Exit code 0 whatever is found.

    \b
    Examples:
      watchkeeper compare hotel-cancel v7 v8 --on latest.parquet --html compare.html
      watchkeeper compare hotel-cancel v7 v8 --on last:7d --rows 50 --json -
    """
    from watchkeeper.cli.home import home_of
    from watchkeeper.cli.option import following, reports
    from watchkeeper.cli.screen import Screen
    from watchkeeper.report.comparison import to_json, write_json
    from watchkeeper.report.comparison_html import write_html
    from watchkeeper.report.comparison_terminal import print_comparison

    text, page = reports(json, html, on)
    with home_of(home) as at, following("Comparing") as told:
        from watchkeeper.release.compare.compare import compared

        found = compared(at, model, old, new, on, rows=rows, told=told)
    if text is not None:
        write_json(found, text)
    if page is not None:
        write_html(found, page)
    if json == "-":
        typer.echo(to_json(found))
    written = [path for path in (text, page) if path is not None]
    print_comparison(found, Screen(stderr=json == "-"), min(rows, ON_SCREEN), written)
