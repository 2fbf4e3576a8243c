"""`watchkeeper profile`, `merge` and `show`: profile files."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from watchkeeper.cli.option import By, Files, ModelFile, Segment

Output = Annotated[
    Path,
    typer.Option("-o", "--output", metavar="FILE", help="Where to write the profiles (Parquet).", show_default=False),
]


def profile(
    files: Files,
    output: Output,
    model: ModelFile = None,
    by: By = None,
    segment: Segment = None,
    period: Annotated[
        str | None,
        typer.Option(
            metavar="SPAN",
            help="Only rows of these event times: 2014-01, 2014-01-15 or START/END. What lies outside is left out.",
        ),
    ] = None,
    baseline: Annotated[
        list[str] | None,
        typer.Option(
            metavar="FILES",
            help="Use this baseline's edges (data or a profile file); without it the files become a baseline.",
        ),
    ] = None,
) -> None:
    """Reduce files to profiles: small summaries that add up.

    \b
    Examples:
      watchkeeper profile 'train/*.parquet' --model watchkeeper.yaml --by day -o baseline.parquet
      watchkeeper profile 'lake/*.parquet' --model watchkeeper.yaml --period 2024-06 --by day -o june.parquet
      watchkeeper profile june.parquet --baseline baseline.parquet --by day -o june-profiles.parquet
    """
    from watchkeeper import watch
    from watchkeeper.cli.option import following, sizes
    from watchkeeper.report import words

    with following("Profiling", sizes([*files, *files] if baseline is None else files)) as told:
        made = watch.profile(
            files, model=model, by=by, segment=segment, period=period, baseline=baseline, output=output, told=told
        )
    typer.echo(
        f"{output}: {words.plural(len(made.profiles.slices), 'slice')} of "
        f"{words.plural(len(made.profiles.columns), 'column')}, "
        f"{made.profiles.total:,} rows.",
        err=True,
    )


def merge(
    files: Annotated[
        list[Path],
        typer.Argument(metavar="PROFILES...", help="Profile files counted on the same edges.", show_default=False),
    ],
    output: Output,
) -> None:
    """Add profile files up. Files counted on different edges are refused, by name.

    \b
    Example:
      watchkeeper merge monday.parquet tuesday.parquet -o week.parquet
    """
    from watchkeeper import watch
    from watchkeeper.report import words

    made = watch.merged(files, output=output)
    typer.echo(f"{output}: {words.plural(len(made.profiles.slices), 'slice')}, {made.profiles.total:,} rows.", err=True)


def show(
    file: Annotated[Path, typer.Argument(metavar="PROFILES", help="A profile file.", show_default=False)],
    column: Annotated[
        list[str] | None, typer.Option(metavar="COLUMN", help="Only this column, window by window; repeatable.")
    ] = None,
    rows: Annotated[
        int,
        typer.Option(metavar="N", min=0, help="Also N rows of the sample, 32 at most; personal columns are left out."),
    ] = 0,
    json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Show what a profile file holds.

    \b
    Examples:
      watchkeeper show baseline.parquet
      watchkeeper show baseline.parquet --column age
      watchkeeper show baseline.parquet --rows 5
    """
    from watchkeeper.cli.screen import Screen
    from watchkeeper.profiles import read
    from watchkeeper.report import print_profiles, profiles_json

    made = read(file)
    if json:
        typer.echo(profiles_json(made, column or [], rows))
    else:
        print_profiles(made, column or [], Screen(), rows)
