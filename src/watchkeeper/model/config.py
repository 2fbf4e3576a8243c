"""`config.yaml` of a home: where state and lake are kept, how much is taken at once, and how alarms are told."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field, SecretStr, ValidationError, field_validator

from watchkeeper.model import yaml_tree
from watchkeeper.model.constraint import Strict
from watchkeeper.model.gateway import Gateway
from watchkeeper.model.mistake import Mistake, ModelError, error, said, shown, spelled
from watchkeeper.model.mistake import Path as At
from watchkeeper.model.mlflow import Mlflow
from watchkeeper.model.serving import Allowed
from watchkeeper.model.yaml_file import text_of

FILE = "config.yaml"
MIB = 1 << 20


class Intake(Strict):
    """How much the server takes at once; what goes beyond is refused with a clear answer."""

    body_bytes: Annotated[int, Field(ge=1)] = 16 * MIB
    """The most bytes of one request as it comes."""
    decoded_bytes: Annotated[int, Field(ge=1)] = 64 * MIB
    """The most bytes of one request once it is decompressed."""
    waiting_bytes: Annotated[int, Field(ge=1)] = 256 * MIB
    """The most bytes of all requests that are not on disk yet."""
    connections: Annotated[int, Field(ge=1)] = 1_000
    """The most connections at a time."""


class Notify(Strict):
    """How webhooks are told of alarms."""

    secret: SecretStr | None = None
    """What posts are signed with, best as `${NAME}`; without it they are not signed."""
    allow: list[str] = Field(default_factory=list)
    """Hosts that may be reached although they are on this machine or in a private network, as in the URL."""


class Config(Strict):
    """What a home's `config.yaml` says; without the file, everything is kept in the home's folder."""

    state: str | None = None
    """Where state is kept: postgresql://USER:PASSWORD@HOST/DATABASE; without it, SQLite in the home."""
    lake: str | None = None
    """Where events, labels and profiles are kept: s3://bucket/prefix, or a folder; without it, the home."""
    storage: dict[str, str] = Field(default_factory=dict)
    """Options of the object store, such as AWS_ENDPOINT_URL."""
    keep_days: Annotated[int, Field(ge=1)] | None = None
    """Days after which events, labels, metric points and job runs are deleted; without it, never."""
    limits: Intake = Intake()
    """How much the server takes at once."""
    notify: Notify = Notify()
    """How webhooks are told of alarms."""
    gateway: Gateway = Gateway()
    """How predictions are served."""
    artifacts: str | None = None
    """Where the files of registered versions are kept: s3://bucket/prefix, or a folder; without it, the home."""
    keep_versions: Annotated[int, Field(ge=1)] | None = None
    """How many of each model's newest versions keep their files, beside the live one and those that are kept ready."""
    mlflow: Mlflow | None = None
    """An MLflow server that is told what is live."""
    serving: Allowed = Allowed()
    """What models may be and reach."""

    @field_validator("storage", mode="before")
    @classmethod
    def _options_are_texts(cls, storage: object) -> object:
        """Object stores want texts; `true` and `8` may be written plainly."""
        if not isinstance(storage, dict):
            return storage
        return {name: _as_text(option) for name, option in storage.items()}


_FIELDS = {
    "": tuple(Config.model_fields),
    "limits": tuple(Intake.model_fields),
    "notify": tuple(Notify.model_fields),
    "gateway": tuple(Gateway.model_fields),
    "mlflow": tuple(Mlflow.model_fields),
    "serving": tuple(Allowed.model_fields),
}
_VARIABLE = re.compile(r"\$\{([^}]*)\}")


def load_config(home: str | Path) -> Config:
    """Read the `config.yaml` of a home, where there is one; `${NAME}` in a text stands for that variable's value.

    Raises `ModelError` with every mistake in the file: its line, its field, and the fix.
    """
    path = Path(home) / FILE
    if not path.exists():
        return Config()
    document = yaml_tree.read(text_of(path), str(path))
    data = {} if document.data is None else document.data
    if not isinstance(data, dict):
        raise ModelError(f"{path}: write lines of the form `field: value`. Known are {', '.join(Config.model_fields)}.")
    mistakes = [*document.mistakes, *_unset(data, ())]
    try:
        config = Config.model_validate(_filled(data))
    except ValidationError as invalid:
        placed = {found.path for found in mistakes}
        mistakes += (found for found in said(invalid, data, _FIELDS, "config.yaml") if found.path not in placed)
    else:
        if not mistakes:
            return config
    raise error(mistakes, str(path), document.lines)


def _as_text(option: object) -> object:
    if isinstance(option, bool):
        return str(option).lower()
    return str(option) if isinstance(option, int | float) else option


def _unset(value: Any, path: At) -> Iterator[Mistake]:
    """Variables that the environment does not hold."""
    if isinstance(value, dict):
        for name, below in value.items():
            yield from _unset(below, (*path, name))
    for name in _VARIABLE.findall(value) if isinstance(value, str) else ():
        if name not in os.environ:
            text = f"{spelled(path)}: the environment has no variable {shown(name)}. Set it, and try again"
            yield Mistake(path, text)


def _filled(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _filled(below) for name, below in value.items()}
    if isinstance(value, str):
        return _VARIABLE.sub(lambda found: os.environ.get(found[1], ""), value)
    return value
