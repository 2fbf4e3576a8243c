"""`watchkeeper check`: judge files against a baseline."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from watchkeeper.cli.option import Baseline, By, Files, ModelFile, Segment

if TYPE_CHECKING:
    from watchkeeper.report import Result


class FailOn(StrEnum):
    """The severity from which a finding makes the command fail."""

    WARNING = "warning"
    ALARM = "alarm"
    NEVER = "never"


def check(
    files: Files,
    baseline: Baseline,
    model: ModelFile = None,
    by: By = None,
    segment: Segment = None,
    period: Annotated[
        str | None,
        typer.Option(
            metavar="SPAN",
            help="Event times the files may hold: 2014-01, 2014-01-15 or START/END. Rows outside are set aside.",
        ),
    ] = None,
    html: Annotated[Path | None, typer.Option(help="Write a report: one self-contained HTML file.")] = None,
    json: Annotated[
        str | None, typer.Option(metavar="FILE|-", help="Write the result as JSON; - for standard output.")
    ] = None,
    measurements: Annotated[
        Path | None, typer.Option(help="Write all measurements, loud or not (.parquet, .csv, .jsonl).")
    ] = None,
    quarantine: Annotated[
        Path | None, typer.Option(help="Write the bad rows, with reasons and their original text.")
    ] = None,
    accepted: Annotated[Path | None, typer.Option(help="Write the good rows, every value as it came.")] = None,
    manifest: Annotated[
        Path | None, typer.Option(help="Delivery manifest with SHA-256 (and HMAC) of each file.")
    ] = None,
    hmac_key_file: Annotated[
        Path | None, typer.Option(help="File whose bytes are the key of the manifest's HMAC.")
    ] = None,
    fail_on: Annotated[
        FailOn, typer.Option(help="Exit with 1 from this severity on. Bad rows and rejected files always do.")
    ] = FailOn.ALARM,
) -> None:
    """Check files against a baseline: what is broken, what has changed, how sure, and what to do.

    Exit codes: 0 fine; 1 rows set aside, file rejected, or a finding at --fail-on; 2 wrong usage; 4 could not finish.

    \b
    Examples:
      watchkeeper check new.csv --baseline 'train/*.csv'
      watchkeeper check june.parquet --baseline train.parquet --model watchkeeper.yaml --by day --html report.html
      watchkeeper check new.csv --baseline baseline.parquet --period 2014-01 --accepted good.csv --quarantine bad.jsonl
    """
    from watchkeeper import watch
    from watchkeeper.cli.option import following, sizes
    from watchkeeper.cli.screen import Screen
    from watchkeeper.report import print_result, to_json

    with following("Checking", sizes([*files, *baseline, *baseline])) as told:
        result = watch.check(
            files,
            baseline,
            model=model,
            by=by,
            segment=segment,
            period=period,
            manifest=manifest,
            hmac_key_file=hmac_key_file,
            quarantine=quarantine,
            accepted=accepted,
            measurements=measurements,
            html=html,
            json=None if json == "-" else json,
            told=told,
        )
    if json == "-":
        typer.echo(to_json(result))
    print_result(result, Screen(stderr=json == "-"))
    raise typer.Exit(_exit_code(result, fail_on))


def _exit_code(result: Result, fail_on: FailOn) -> int:
    if result.verdict in ("quarantine_rows", "reject_file"):
        return 1
    loud = {FailOn.NEVER: (), FailOn.ALARM: ("alarm",), FailOn.WARNING: ("alarm", "warning")}[fail_on]
    return int(any(finding.severity in loud for finding in result.findings))
