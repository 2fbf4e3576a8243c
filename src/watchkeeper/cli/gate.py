"""`watchkeeper gate`: may a version go live?"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from watchkeeper.cli.option import Home, ModelName

if TYPE_CHECKING:
    from watchkeeper.release.gate.verdict import Gate


def gate(
    model: ModelName,
    version: Annotated[str, typer.Argument(metavar="VERSION", help="The candidate.", show_default=False)],
    holdout: Annotated[
        str,
        typer.Option(
            metavar="FILE|last:7d", help="Held-out rows with labels, or the newest events.", show_default=False
        ),
    ],
    model_fn: Annotated[
        str | None,
        typer.Option(metavar="F.py:NAME", help="A function of yours that answers for the candidate: its code is run."),
    ] = None,
    train: Annotated[
        list[str] | None,
        typer.Option(metavar="FILES", help="What it was trained on: leaks are looked for; repeatable."),
    ] = None,
    retrain: Annotated[
        str | None,
        typer.Option(metavar="F.py:NAME", help="On PASS, train on everything by this function of yours."),
    ] = None,
    json: Annotated[
        str | None, typer.Option(metavar="FILE|-", help="Write the verdict as JSON; - for standard output.")
    ] = None,
    html: Annotated[Path | None, typer.Option(metavar="FILE", help="Write the report as one page.")] = None,
    home: Home = None,
) -> None:
    """Say whether a version may go live: PASS, FAIL or INCONCLUSIVE, with reasons.

    Candidate, live version and a naive baseline answer the same held-out rows. Margins, needs and bounds stand under
    `gate:` in the model's YAML. The verdict is kept; `release` refuses a version without a PASS.

    Exit codes: 0 PASS; 1 FAIL; 3 INCONCLUSIVE; 2 wrong usage; 4 could not finish.

    \b
    Examples:
      watchkeeper gate hotel-cancel v8 --holdout latest.parquet --html gate.html
      watchkeeper gate hotel-cancel v8 --holdout last:7d --train 'train/*.parquet'
      watchkeeper gate hotel-cancel v8 --holdout latest.parquet --train train.parquet --retrain pipeline.py:train
    """
    from watchkeeper.cli.home import home_of
    from watchkeeper.cli.option import following, reports
    from watchkeeper.model import WatchkeeperError
    from watchkeeper.model.clock import clock
    from watchkeeper.model.person import person

    if retrain is not None and not train:
        raise WatchkeeperError("--retrain needs the files that the candidate was trained on: --train FILES.")
    text, page = reports(json, html, holdout, train or ())
    with home_of(home) as at, following("Gating") as told:
        from watchkeeper.release.gate import gate as gates
        from watchkeeper.release.gate import retrain as again

        who, given = person(), train or []
        found = gates.gate(at, model, version, holdout, model_fn=model_fn, train=given, now=clock(), who=who, told=told)
        anew: Gate | None = None
        if retrain is not None and found.exit_code == 0:
            anew = again.retrain(at, found, holdout, retrain, train=given, model_fn=model_fn, now=clock(), who=who)
    _say(found, anew, json, text, page)
    raise typer.Exit((anew or found).exit_code)


def _say(found: Gate, anew: Gate | None, json: str | None, text: Path | None, page: Path | None) -> None:
    """Print and write the verdict; of a model that was trained anew both verdicts are printed, and its own written."""
    from watchkeeper.cli.screen import Screen
    from watchkeeper.release.gate.verdict import as_dict, write_json
    from watchkeeper.report.gate_terminal import print_gate

    screen, last = Screen(stderr=json == "-"), anew or found
    written = []
    if text is not None:
        write_json(last, text)
        written.append(str(text))
    if page is not None:
        found.to_html(page)
        written.append(str(page))
    if json == "-":
        typer.echo(last.to_json())
    if anew is not None:
        print_gate(as_dict(found), screen)
        typer.echo("", err=json == "-")
    print_gate(as_dict(last), screen, written=written)
