"""`watchkeeper card`: what is known of a version, as a model card."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from watchkeeper.cli.option import Home, ModelName


def card(
    model: ModelName,
    version: Annotated[str, typer.Argument(metavar="VERSION", help="A registered version.", show_default=False)],
    output: Annotated[
        Path | None,
        typer.Option("-o", "--output", metavar="FILE", help="Write Markdown, or a page where it ends in .html."),
    ] = None,
    html: Annotated[Path | None, typer.Option(metavar="FILE", help="Write one self-contained page.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the facts as JSON.")] = False,
    at: Annotated[str | None, typer.Option("--at", metavar="T", help="As things stood then; without it, now.")] = None,
    home: Home = None,
) -> None:
    """Write the model card of a version from what was logged: nothing is made up, and what is not known is said.

    Charter, lineage, training data, metrics with intervals, segments and thresholds from the newest verdict of the
    gate, deployments, alarms while it was live, inputs and outputs. Without a file, Markdown is printed. The same state
    and --at give the same card. T: a day (2026-05-01) or a time (2026-05-01T12:00Z), UTC.

    \b
    Examples:
      watchkeeper card hotel-cancel v8
      watchkeeper card hotel-cancel v8 -o card.md --html card.html
      watchkeeper card hotel-cancel v8 --at 2026-05-01 --json
    """
    from watchkeeper.cli.home import home_of
    from watchkeeper.delivery import writable
    from watchkeeper.model.clock import clock
    from watchkeeper.report import words

    text, page = writable([(output, ()), (html, ())], [])
    with home_of(home) as where:
        from watchkeeper.people.card import carded
        from watchkeeper.watch.period import moment

        found = carded(where, model, version, now=clock() if at is None else moment(at))
    if as_json:
        typer.echo(found.to_json())
    elif text is None and page is None:
        typer.echo(found.to_markdown(), nl=False)
    if text is not None:
        write = found.to_html if text.suffix.lower() in (".html", ".htm") else found.to_markdown
        write(text)
    if page is not None:
        found.to_html(page)
    for path in (text, page):
        if path is not None:
            typer.echo(f"Written: {words.inert(str(path), 200)}", err=as_json)
