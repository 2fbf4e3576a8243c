"""`watchkeeper package`: a version as a folder that `docker build` makes an image of."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from watchkeeper.cli.option import Home, ModelName


def package(
    model: ModelName,
    version: Annotated[str, typer.Argument(metavar="VERSION", help="Which one, such as v8.", show_default=False)],
    output: Annotated[Path, typer.Option("--output", "-o", metavar="DIR", help="The folder to write.")] = Path("image"),
    base: Annotated[
        str | None,
        typer.Option(
            "--base", metavar="IMAGE", help="The image to build on; else Python's slim one.", show_default=False
        ),
    ] = None,
    wheels: Annotated[
        Path | None,
        typer.Option("--wheels", metavar="DIR", help="Wheels to take along: the build needs no network then."),
    ] = None,
    ungated: Annotated[
        str | None, typer.Option("--ungated", metavar="WHY", help="Although the gate did not let it through.")
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace a folder that was made before.")] = False,
    home: Home = None,
) -> None:
    """Write a folder with a Dockerfile, pinned packages, the artefact and a home in which the version is live.

    The image runs the gateway as a user without rights, and fetches nothing while it runs. The same version gives the
    same folder, byte for byte.

    \b
    Examples:
      watchkeeper package hotel-cancel v8 -o ./image
      watchkeeper package hotel-cancel v8 -o ./image --base python:3.13.5-slim
    """
    from watchkeeper.cli.home import home_of, needs_server
    from watchkeeper.model.clock import clock
    from watchkeeper.model.person import person

    with home_of(home) as at, needs_server("gateway"):
        from watchkeeper.release.package.folder import package as packaged
        from watchkeeper.report.words import inert, plural

        more = {"base": base, "ungated": ungated}
        done = packaged(at, model, version, output, wheels=wheels, force=force, now=clock(), who=person(), **more)
    typer.echo(f"{done.folder} holds {model} {version} in {plural(len(done.files), 'file')}.")
    for remark in done.remarks:
        typer.echo(f"  {inert(remark, 200)}")
    typer.echo(f"Next: docker build --tag {model}:{version.replace('+', '_')} {done.folder}")
