"""Servable: all that is needed to run a version of a model."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path


class Format(StrEnum):
    """How a version answers."""

    ONNX = "onnx"
    """A file that `onnxruntime` runs."""
    SKOPS = "skops"
    """A scikit-learn estimator, kept by `skops`: only types that the home's configuration lists are made."""
    FUNCTION = "function"
    """A function of the user's, which takes rows and gives answers. The operator must allow it by a flag."""
    REMOTE = "remote"
    """A server of the user's, which speaks the Open Inference Protocol or MLflow's."""


@dataclass(frozen=True)
class Servable:
    """All that is needed to run a version of a model."""

    format: Format
    inputs: tuple[str, ...]
    """The columns it takes, in its own order."""
    path: Path | None = None
    """Its file, of which the SHA-256 was verified."""
    function: str | None = None
    """`pipeline.py:predict`: a function of the user's; given a path, it is called with what it says as its model."""
    url: str | None = None
    """The server that answers."""
