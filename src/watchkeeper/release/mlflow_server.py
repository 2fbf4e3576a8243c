"""An MLflow server: what is asked of it, in a process that can be ended."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from watchkeeper.model import WatchkeeperError
from watchkeeper.model.error import NotInstalled
from watchkeeper.release.lineage import finite, recorded
from watchkeeper.report.words import inert

DOWNLOAD = 900.0
"""Seconds that a download may take."""
SHORT = {
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "10",
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "1",
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
}
"""What MLflow's client is told, where the environment says nothing else."""

_ADDRESS = re.compile(r"https?://[^\s/]+\S*")
_PINNED = re.compile(r"([A-Za-z0-9][A-Za-z0-9._-]*)(?:\[[^\]]*\])?==([^\s;#]+)")


class MlflowFailed(WatchkeeperError):
    """An MLflow server did not answer, or answered that something went wrong: the text holds what it said."""

    exit_code = 4


class NotTaken(WatchkeeperError):
    """A version of an MLflow server can't be taken over: the text says why, and what to do."""


@dataclass(frozen=True)
class Taken:
    """What a version of an MLflow server is made of."""

    path: Path
    name: str
    """What its file was called."""
    inputs: list[str] | None
    lineage: dict[str, Any]


def take(uri: str, named: str, folder: Path, most: int) -> Taken:
    """Download `models:/NAME/3` into a folder, with what its run kept. Raises `MlflowFailed`, `NotTaken`."""
    found = ask(uri, DOWNLOAD, do="fetch", named=named, folder=str(folder), most=most)
    tags = found["tags"]
    pins = {name.lower().replace("_", "-"): pin for name, pin in _PINNED.findall(found["requirements"])}
    lineage = {
        "commit": tags.get("mlflow.source.git.commit"),
        "dirty": None,
        "environment": {"python": found["python"], "packages": pins},
        "parameters": recorded(found["parameters"]),
        "metrics": finite(found["metrics"]),
        "mlflow": {
            "name": found["name"],
            "version": found["version"],
            "run": found["run"],
            "tags": recorded({name: text for name, text in tags.items() if not name.startswith("mlflow.")}),
        },
    }
    return Taken(folder / "downloaded", found["file"].rpartition("/")[2], found["inputs"], lineage)


def ask(uri: str, seconds: float, **question: Any) -> Any:
    """Ask in a process of its own. Raises `NotInstalled`, `MlflowFailed`, `NotTaken`."""
    if not _ADDRESS.fullmatch(uri):
        raise NotTaken(f"{inert(uri)} is no address of an MLflow server. Write http://HOST:PORT or https://HOST.")
    if find_spec("mlflow") is None:
        raise NotInstalled("this needs mlflow-skinny. Run: pip install 'watchkeeper[mlflow]'")
    where = re.sub(r"(?<=://)[^/@]*@", "", uri)
    try:
        done = subprocess.run(
            [sys.executable, "-P", "-m", "watchkeeper.release.mlflow_process"],
            input=json.dumps({"uri": uri, **question}).encode(),
            env={**SHORT, **os.environ},
            capture_output=True,
            timeout=seconds,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise MlflowFailed(f"the MLflow server at {where} did not answer within {seconds:.0f} seconds.") from None
    if done.returncode:
        lines = done.stderr.decode("utf-8", "replace").strip().splitlines() or ["it said nothing"]
        said = re.sub(r"^[A-Za-z_.]+: ", "", lines[-1])  # the name of the error's class
        raise MlflowFailed(f"asking the MLflow server at {where} failed: {inert(said, 240).rstrip('.')}.")
    answer = json.loads(done.stdout)
    if "refused" in answer:
        raise NotTaken(inert(answer["refused"], 1000))
    return answer["answer"]
