"""The MLflow server that is told what is live, as `config.yaml` names it."""

from __future__ import annotations

import re

from pydantic import Field, field_validator

from watchkeeper.model.constraint import Strict, mistake
from watchkeeper.model.mistake import shown

_URL = re.compile(r"https?://[^\s/]+\S*")


class Mlflow(Strict):
    """An MLflow server that is told what is live. Its user and password or token come from MLflow's own variables."""

    uri: str
    """Where it answers, such as http://mlflow:5000."""
    alias: str = "live"
    """The alias that is moved to what is live."""
    names: dict[str, str] = Field(default_factory=dict)
    """What models are called there, where it is something else than here."""

    @field_validator("uri")
    @classmethod
    def _is_reached_by_http(cls, uri: str) -> str:
        if not _URL.fullmatch(uri):
            raise mistake(
                f"{shown(uri)} is no address of an MLflow server. Write http://HOST:PORT or https://HOST", "uri"
            )
        return uri
