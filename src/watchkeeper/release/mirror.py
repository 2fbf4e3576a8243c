"""Mirror: an MLflow server is told what is live. Whether it hears does not matter for what is live."""

from __future__ import annotations

from dataclasses import dataclass

from watchkeeper.model import WatchkeeperError
from watchkeeper.model.mlflow import Mlflow
from watchkeeper.model.replacing import replacing
from watchkeeper.release import registry
from watchkeeper.release.mlflow_server import ask
from watchkeeper.state import deployment
from watchkeeper.state.version import Version
from watchkeeper.watch.home import Home

PATIENCE = 20.0
"""Seconds that the server gets to hear it; what it did not hear is told again next time."""


@dataclass(frozen=True)
class Mirrored:
    """What became of telling the server."""

    heard: bool
    sentence: str


def follow(home: Home, model: str) -> Mirrored | None:
    """Tell the server what is live, unless it was told so; None where there is nothing to tell. It never raises."""
    said = home.config.mlflow
    rows = deployment.log(home.store, model) if said is not None else []
    if said is None or not rows:
        return None
    told = home.folder / "cache" / "mlflow" / model
    mark = f"{said.uri} {_name(said, model)} {said.alias} {rows[-1].id}"
    if told.is_file() and told.read_text(encoding="utf-8") == mark:
        return None
    try:
        number = _moved(said, registry.one(home, model, rows[-1].version))
        told.parent.mkdir(parents=True, exist_ok=True)
        with replacing(told) as neighbour:
            neighbour.write_text(mark, encoding="utf-8")
    except (WatchkeeperError, OSError) as failed:
        again = "What is live is not touched by that, and the next run, release or rollback tells it again."
        return Mirrored(False, f"MLflow was not told that {rows[-1].version} of {model} is live: {failed} {again}")
    sentence = f"MLflow's alias {said.alias!r} of {_name(said, model)} is at its version {number}."
    return Mirrored(True, sentence)


def _moved(said: Mlflow, live: Version) -> str:
    """Move the alias; returns MLflow's own number of the version."""
    origin = live.detail["lineage"].get("mlflow") or {}
    name = _name(said, live.model)
    tags = {"watchkeeper.model": live.model, "watchkeeper.format": live.format}
    if live.artifact is not None:
        tags["watchkeeper.sha256"] = live.artifact
    number = ask(
        said.uri,
        PATIENCE,
        do="alias",
        name=name,
        alias=said.alias,
        version=live.version,
        number=origin.get("version") if origin.get("name") == name else None,
        source=f"watchkeeper:/{live.model}/{live.version}",
        tags=tags,
    )
    return str(number)


def _name(said: Mlflow, model: str) -> str:
    return said.names.get(model, model)
