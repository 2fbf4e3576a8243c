"""The process that speaks with an MLflow server: it gets one question on its input, and writes the answer.

MLflow's client is heavy, sets things for the whole process, and waits long; here it can be ended at any time.
Nothing that comes from the server is loaded: files are only downloaded.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Callable, Mapping
from pathlib import Path, PurePosixPath
from typing import Any

SHARED = ("mlflow-artifacts", "http", "https", "s3", "gs", "gcs", "wasbs", "abfss", "dbfs")
"""Kinds of places that may be downloaded from: never a folder of this machine, whatever the server says."""
TAG = "watchkeeper.version"

_NAMED = re.compile(r"models:/(?P<name>[^/@]+)(?:/(?P<version>[0-9]+)|@(?P<alias>[^/@]+))")


class Refused(Exception):
    """Something can't be taken from the server: the text says why, and what to do."""


def main() -> None:
    """Answer the one question on the standard input."""
    out, sys.stdout = sys.stdout, sys.stderr  # the client prints what it likes
    question = json.load(sys.stdin)
    try:
        answer = {"answer": _DO[question.pop("do")](**question)}
    except Refused as refused:
        answer = {"refused": str(refused)}
    json.dump(answer, out)


def fetch(uri: str, named: str, folder: str, most: int) -> dict[str, Any]:
    """Download the file of a registered version, and tell what its run kept."""
    words = _NAMED.fullmatch(named)
    if words is None:
        raise Refused(f"{named} names no version. Write models:/NAME/3, or models:/NAME@ALIAS.")
    client = _client(uri)
    version = _version(client, words)
    location, logged = _location(client, version)
    description = _description(location, folder)
    path = _file(description, named)
    _downloaded(location, path, folder, most)
    run = client.get_run(version.run_id).data if version.run_id else None
    return {
        "file": path,
        "name": version.name,
        "version": str(version.version),
        "run": version.run_id or None,
        "parameters": {**(logged.params if logged else {}), **(run.params if run else {})},
        "metrics": {**_measured(logged), **(run.metrics if run else {})},
        "tags": {**(run.tags if run else {}), **version.tags},
        "inputs": _inputs(description),
        "python": description.get("flavors", {}).get("python_function", {}).get("python_version"),
        "requirements": _requirements(location, folder),
    }


def alias(uri: str, name: str, alias: str, version: str, number: str | None, source: str, tags: dict[str, str]) -> str:
    """Move an alias to a version; one that MLflow does not know is made known first. Returns its number there."""
    from mlflow.exceptions import MlflowException

    client = _client(uri)
    if number is None:
        number = _known(client, name, version)
    if number is None:
        try:
            client.get_registered_model(name)
        except MlflowException as missing:
            if missing.error_code != "RESOURCE_DOES_NOT_EXIST":
                raise
            client.create_registered_model(name)
        number = str(client.create_model_version(name, source, tags={**tags, TAG: version}).version)
    client.set_registered_model_alias(name, alias, number)
    return number


def _client(uri: str) -> Any:
    import mlflow

    mlflow.set_tracking_uri(uri)
    return mlflow.MlflowClient(tracking_uri=uri, registry_uri=uri)


def _version(client: Any, found: re.Match[str]) -> Any:
    if found["alias"]:
        return client.get_model_version_by_alias(found["name"], found["alias"])
    return client.get_model_version(found["name"], found["version"])


def _known(client: Any, name: str, version: str) -> str | None:
    quoted = name.replace("'", "")
    found = client.search_model_versions(f"name='{quoted}'")
    return next((str(one.version) for one in found if one.tags.get(TAG) == version), None)


def _location(client: Any, version: Any) -> tuple[str, Any]:
    """Where the files lie, and MLflow's own entry of the model where it has one."""
    source, logged = version.source, None
    if source.startswith("models:/"):
        logged = client.get_logged_model(source.removeprefix("models:/").strip("/"))
        source = logged.artifact_location
    elif source.startswith("runs:/"):
        run, _, path = source.removeprefix("runs:/").partition("/")
        source = f"{client.get_run(run).info.artifact_uri.rstrip('/')}/{path}"
    scheme, colon, _ = source.partition(":")
    if scheme == "watchkeeper":
        raise Refused(f"version {version.version} of {version.name} came from a registry like this one: {source}.")
    if not colon or scheme not in SHARED:
        raise Refused(
            f"the server keeps the version's files at {source}, which is no place that other machines reach. Start the "
            "MLflow server with --artifacts-destination, or register the file itself: watchkeeper register MODEL FILE."
        )
    return source.rstrip("/"), logged


def _description(location: str, folder: str) -> dict[str, Any]:
    import mlflow
    from ruamel.yaml import YAML

    path = mlflow.artifacts.download_artifacts(artifact_uri=f"{location}/MLmodel", dst_path=folder)
    found = YAML(typ="safe", pure=True).load(Path(path).read_text(encoding="utf-8"))
    return found if isinstance(found, dict) else {}


def _file(description: Mapping[str, Any], named: str) -> str:
    """Which of the version's files can be served: an ONNX file, or an estimator kept by skops; never a pickle."""
    flavours = description.get("flavors", {})
    onnx, sklearn = flavours.get("onnx", {}), flavours.get("sklearn", {})
    path = onnx.get("data")
    if path is None and sklearn.get("serialization_format") == "skops":
        path = sklearn.get("pickled_model")
    if path is None:
        kept = sklearn.get("serialization_format", "") if sklearn else ""
        how = f"is kept as {kept}, which runs code when it is opened" if kept else "is neither ONNX nor skops"
        raise Refused(
            f"{named} ({', '.join(sorted(flavours)) or 'no flavour'}) {how}, so it is not taken. Log it with "
            "serialization_format='skops' or as ONNX (mlflow.onnx.log_model), and import that version; or serve it by "
            "MLflow and register its address: watchkeeper register MODEL --url http://HOST:PORT."
        )
    parts = PurePosixPath(str(path)).parts
    if not parts or ".." in parts or parts[0].startswith("/") or ":" in str(path) or "\\" in str(path):
        raise Refused(f"{named} says that its file is {path!a}, which is no path below it.")
    return str(path)


def _downloaded(location: str, path: str, folder: str, most: int) -> None:
    import mlflow

    above = f"/{PurePosixPath(path).parent}" if "/" in path else ""
    listed = mlflow.artifacts.list_artifacts(artifact_uri=f"{location}{above}")
    found = next((one for one in listed if PurePosixPath(one.path).name == PurePosixPath(path).name), None)
    if found is None or found.is_dir:
        raise Refused(f"{path} is no file of the version. A model has to be one file: log it without external data.")
    if (found.file_size or 0) > most:
        raise Refused(
            f"{path} has {found.file_size:,} bytes, and {most:,} are allowed: see `file_bytes` under `serving:` in "
            "config.yaml."
        )
    got = Path(mlflow.artifacts.download_artifacts(artifact_uri=f"{location}/{path}", dst_path=folder))
    got.rename(Path(folder) / "downloaded")


def _requirements(location: str, folder: str) -> str:
    """The packages that the model was logged with; empty where none were."""
    import mlflow

    if not any(one.path.endswith("requirements.txt") for one in mlflow.artifacts.list_artifacts(artifact_uri=location)):
        return ""
    path = mlflow.artifacts.download_artifacts(artifact_uri=f"{location}/requirements.txt", dst_path=folder)
    return Path(path).read_text(encoding="utf-8")[:100_000]


def _inputs(description: Mapping[str, Any]) -> list[str] | None:
    """The columns of the model's signature, where they have names."""
    text = (description.get("signature") or {}).get("inputs")
    names = [field.get("name") for field in json.loads(text)] if isinstance(text, str) else []
    return [str(name) for name in names] if names and all(names) else None


def _measured(logged: Any) -> dict[str, float]:
    return {one.key: one.value for one in (logged.metrics or ())} if logged else {}


_DO: dict[str, Callable[..., Any]] = {"fetch": fetch, "alias": alias}

if __name__ == "__main__":
    main()
