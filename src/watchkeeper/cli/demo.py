"""`watchkeeper demo`: the main job on real data that the package brings along."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def demo(
    html: Annotated[Path, typer.Option(help="Where to write the report.")] = Path("report.html"),
) -> None:
    """Check six weeks of real data against the days before them, and say what went wrong and when."""
    from watchkeeper import watch
    from watchkeeper.cli.option import following
    from watchkeeper.cli.screen import Screen
    from watchkeeper.demo import files
    from watchkeeper.report import print_result

    story = files()
    typer.echo(f"{story.title}.\nSource: {story.source} ({story.licence}).\n")
    with following("Checking") as told:
        result = watch.check(story.current, story.baseline, model=story.model, by=story.by, html=html, told=told)
    print_result(result, Screen(), brief=True)
    typer.echo("\nOpen the report to see when, what else, and what to do.")
