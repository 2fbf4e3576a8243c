"""`watchkeeper register`: keep a version of a model, with all that is known of where it came from."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from watchkeeper.cli.option import Home, ModelName

if TYPE_CHECKING:
    from watchkeeper.model import Allowed, Model
    from watchkeeper.state.version import Version
    from watchkeeper.watch.home import Home as Opened


def register(
    model: ModelName,
    file: Annotated[
        Path | None,
        typer.Argument(metavar="[FILE]", help="What the training wrote: ONNX, or an estimator kept by skops."),
    ] = None,
    version: Annotated[
        str | None, typer.Option("--version", metavar="V", help="What to call it; without it v1, v2, …")
    ] = None,
    config: Annotated[
        Path | None, typer.Option(metavar="FILE", help="The training's settings, YAML or JSON: kept with it.")
    ] = None,
    data: Annotated[
        list[str] | None,
        typer.Option(metavar="FILES", help="What it learned from: rows, period and SHA-256 are kept; repeatable."),
    ] = None,
    data_from: Annotated[
        str | None, typer.Option("--data-from", metavar="T", help="Where its data begin; else the first of --data.")
    ] = None,
    data_to: Annotated[
        str | None, typer.Option("--data-to", metavar="T", help="Where its data end; else the last of --data.")
    ] = None,
    metrics: Annotated[
        Path | None, typer.Option(metavar="FILE", help="What the training measured, JSON or YAML: names and numbers.")
    ] = None,
    thresholds: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Thresholds that it decides by: names and numbers.")
    ] = None,
    inputs: Annotated[
        list[str] | None,
        typer.Option("--input", metavar="COLUMN", help="A column that it takes, in its order; repeatable. Else found."),
    ] = None,
    function: Annotated[
        str | None,
        typer.Option(metavar="FILE.py:NAME", help="A function of yours answers; FILE, if given, is what it loads."),
    ] = None,
    url: Annotated[str | None, typer.Option(metavar="URL", help="A server of yours answers, at this address.")] = None,
    from_mlflow: Annotated[
        str | None,
        typer.Option("--from-mlflow", metavar="models:/NAME/3", help="Take a version over from an MLflow server."),
    ] = None,
    tracking_uri: Annotated[
        str | None,
        typer.Option("--tracking-uri", metavar="URL", help="That server; else the home's, else $MLFLOW_TRACKING_URI."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
    home: Home = None,
) -> None:
    """Keep a version of a model: its file under its SHA-256, and where it came from. It never changes afterwards.

    The commit of the working folder, whether files differ from it, Python and the installed packages are taken by
    themselves, so run it where the training ran; nothing is taken of the environment's variables, and what looks like
    a secret is masked. T: a day (2014-01-15) or a time (2014-01-15T12:00), UTC. Nothing goes live by it.

    \b
    Examples:
      watchkeeper register hotel-cancel model.onnx
      watchkeeper register hotel-cancel model.skops --data train.parquet --config train.yaml --metrics m.json
      watchkeeper register hotel-cancel --from-mlflow models:/hotel/3 --tracking-uri http://mlflow:5000
      watchkeeper register hotel-cancel --url http://10.0.0.7:8080/v2/models/hotel
    """
    from watchkeeper.cli.home import home_of
    from watchkeeper.model.clock import clock
    from watchkeeper.model.person import person

    with home_of(home) as at:
        from watchkeeper.release import registry
        from watchkeeper.release.lineage import lineage
        from watchkeeper.release.overview import described
        from watchkeeper.watch.period import moment

        known = at.model(model)
        span = [None if text is None else moment(text) for text in (data_from, data_to)]
        given: dict[str, Any] = {"config": config, "data": data, "metrics": metrics, "thresholds": thresholds}
        came = lineage(known, data_from=span[0], data_to=span[1], **given)
        more: dict[str, Any] = {"version": version, "inputs": inputs, "function": function, "url": url}
        if from_mlflow is not None:
            new = _taken(at, known, from_mlflow, tracking_uri, file, came, more)
        else:
            new = registry.register(at, model, file, lineage=came, **more, now=clock(), who=person())
        if as_json:
            import json

            typer.echo(json.dumps(described(new), indent=2, allow_nan=False))
        else:
            _say(new, at.config.serving)


def _taken(
    at: Opened,
    model: Model,
    named: str,
    tracking_uri: str | None,
    file: Path | None,
    lineage: dict[str, Any],
    more: dict[str, Any],
) -> Version:
    """Register what an MLflow server has."""
    import tempfile

    from watchkeeper.model import WatchkeeperError
    from watchkeeper.model.clock import clock
    from watchkeeper.model.person import person
    from watchkeeper.release import mlflow_server, registry

    of_home = None if at.config.mlflow is None else at.config.mlflow.uri
    uri = tracking_uri or of_home or os.environ.get("MLFLOW_TRACKING_URI")
    if uri is None:
        raise WatchkeeperError("--from-mlflow: which server? Name it with --tracking-uri http://HOST:PORT.")
    if file is not None or more["function"] is not None or more["url"] is not None:
        raise WatchkeeperError("--from-mlflow brings the file: leave FILE, --function and --url out.")
    with tempfile.TemporaryDirectory(prefix="watchkeeper-") as folder:
        taken = mlflow_server.take(uri, named, Path(folder), at.config.serving.file_bytes)
        came = {**lineage, **taken.lineage, "metrics": {**taken.lineage["metrics"], **lineage["metrics"]}}
        takes = {**more, "inputs": more["inputs"] or taken.inputs, "called": taken.name}
        return registry.register(at, model.name, taken.path, lineage=came, **takes, now=clock(), who=person())


def _say(new: Version, allowed: Allowed) -> None:
    from watchkeeper.report.words import inert, join, plural, size

    of = new.detail["url"] or new.detail["function"] or f"{new.file} ({size(new.size or 0)})"
    typer.echo(f"{new.version} of {new.model} is registered: {inert(str(of), 200)}, {new.format}.")
    takes = new.detail["inputs"]
    typer.echo(f"It takes {plural(len(takes), 'column')}: {join([inert(name, 40) for name in takes], 12)}.")
    came = new.detail["lineage"]
    commit = f"commit {inert(came['commit'], 40)[:12]}" if came["commit"] else "no git commit"
    dirty = ", with changes that were not committed" if came["dirty"] else ""
    packages = plural(len(came["environment"]["packages"]), "package")
    typer.echo(f"Code: {commit}{dirty}. Python {came['environment']['python']}, {packages}.")
    data = came["data"]
    if data["from"] or data["to"]:
        typer.echo(f"Data: {data['from'] or '…'} to {data['to'] or '…'}{_rows(data['rows'])}.")
    _say_unless_allowed(new, allowed)
    typer.echo(f"Next: watchkeeper gate {new.model} {new.version} --holdout FILE")


def _say_unless_allowed(new: Version, allowed: Allowed) -> None:
    """Code and servers of the user's answer only where the operator allowed them: better known before the gate."""
    from watchkeeper.model.mistake import shown
    from watchkeeper.runtime import CannotLoad, Format
    from watchkeeper.runtime.remote import checked_url

    if new.format == Format.FUNCTION and not allowed.functions:
        what = shown(new.detail["function"].rpartition(":")[2])
        typer.echo(
            f"Before it answers: this home does not allow functions such as {what} yet. "
            "If you trust it, write `functions: true` under `serving:` in config.yaml."
        )
    if new.format == Format.REMOTE:
        try:
            checked_url(new.detail["url"], allowed)
        except CannotLoad as refused:
            typer.echo(f"Before it answers: {refused}")


def _rows(rows: int | None) -> str:
    return "" if rows is None else f", {rows:,} rows"
