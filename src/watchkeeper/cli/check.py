"""`watchkeeper check`: judge files against a baseline."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from watchkeeper.cli.option import Baseline, By, Files, ModelFile, Segment


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
        str | None, typer.Option(metavar="SPAN", help="Event times the files may hold: 2014-01, 2014-01-15 or START/END. Rows outside are set aside.")
    ] = None,
    html: Annotated[Path | None, typer.Option(help="Write a report: one self-contained HTML file.")] = None,
    json: Annotated[str | None, typer.Option(metavar="FILE|-", help="Write the result as JSON; - for standard output.")] = None,
    measurements: Annotated[Path | None, typer.Option(help="Write all measurements, loud or not (.parquet, .csv, .jsonl).")] = None,
    quarantine: Annotated[Path | None, typer.Option(help="Write the bad rows, with reasons and their original text.")] = None,
    accepted: Annotated[Path | None, typer.Option(help="Write the good rows, every value as it came.")] = None,
    manifest: Annotated[Path | None, typer.Option(help="Delivery manifest with SHA-256 (and HMAC) of each file.")] = None,
    hmac_key_file: Annotated[Path | None, typer.Option(help="File whose bytes are the key of the manifest's HMAC.")] = None,
    fail_on: Annotated[FailOn, typer.Option(help="Exit with 1 from this severity on. Bad rows and rejected files always do.")] = FailOn.ALARM,
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
    from watchkeeper.cli.option import finished, following, sizes
    from watchkeeper.report import to_json, write_html, write_measurements

    with following("Checking", sizes([*files, *baseline])) as told:
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
            told=told,
        )
    if html:
        write_html(result, html)
    if measurements:
        write_measurements(result, measurements)
    if json and json != "-":
        finished(Path(json), to_json(result))
    result = result.with_written([p for p in (html, measurements, Path(json) if json and json != "-" else None) if p])
    if json == "-":
        typer.echo(to_json(result))
    result.show(err=json == "-")
    raise typer.Exit(1 if result.fails(fail_on.value) else 0)
