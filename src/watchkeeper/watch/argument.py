"""What a caller gives, looked at before anything is read."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from watchkeeper.delivery import is_table, read_key, read_manifest
from watchkeeper.model import Inference, Model, WatchkeeperError, load


class WrongArgument(WatchkeeperError):
    """An argument is of a kind that is not taken, or does not go with another: the text says what is."""


def text(name: str, given: object) -> str | None:
    """A text, or None where nothing was given. Raises `WrongArgument`."""
    if given is None or isinstance(given, str):
        return given
    raise WrongArgument(f"{name} is given as text, not as a value of type {type(given).__name__}.")


def place(name: str, given: object) -> Path | None:
    """A path, or None where nothing was given. Raises `WrongArgument`."""
    if given is None:
        return None
    if isinstance(given, str | os.PathLike) and str(given):
        return Path(given)
    what = f"a value of type {type(given).__name__}" if given != "" else "an empty text"
    raise WrongArgument(f"{name} is given by its path, not by {what}.")


def model(given: object) -> Model | None:
    """The model itself, or the one in the file it names. Raises `WrongArgument`, `ModelError`."""
    if given is None or isinstance(given, Model):
        return given
    if isinstance(given, Inference):
        raise WrongArgument("this is what was inferred, with notes: its .model is the model. Give that.")
    if isinstance(given, str | os.PathLike):
        path = place("a model", given)
        assert path is not None
        return load(path)
    kind = f"the class {given.__name__}" if isinstance(given, type) else f"a value of type {type(given).__name__}"
    hint = " Model.model_validate(…) makes one of a dict." if isinstance(given, dict) else ""
    raise WrongArgument(
        f"{kind} is no model. Give a watchkeeper.Model, or the path of a watchkeeper.yaml (`watchkeeper init`).{hint}"
    )


def signature(manifest: object, key_file: object, sources: Sequence[Any]) -> tuple[Path | None, bytes | None]:
    """The manifest's path and the bytes of the key. Raises `WrongArgument`, `BadManifest`, `Unreadable`."""
    path, key = place("the manifest", manifest), place("the HMAC's key", key_file)
    if path is None and key is not None:
        raise WrongArgument("the key is for the HMACs in a manifest, and no manifest was given. Give both, or neither.")
    if path is not None:
        read_manifest(path)
        if any(is_table(source) for source in sources):
            raise WrongArgument("a manifest tells of files, and a table in memory is none. Give the path of the file.")
    return path, read_key(key)
