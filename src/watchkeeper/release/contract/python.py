"""Contracts from Python: of a version in a home, or of a file that another team was given."""

from __future__ import annotations

import json
from pathlib import Path

from watchkeeper.model import WatchkeeperError
from watchkeeper.model.yaml_file import text_of
from watchkeeper.release.contract.contract import Contract
from watchkeeper.release.contract.schema import NoContract, read


class NothingRegistered(WatchkeeperError):
    """A model has no version yet, so there is no contract of it."""


def contract(model: str | Path, version: str | None = None, *, home: str | Path | None = None) -> Contract:
    """The contract of a model's version, else of the live one, else of the newest; or of a file that ends in `.json`.

    `misfits(contract, columns)` says what in a request does not fit it. `home`: without it $WATCHKEEPER_HOME, else
    `.watchkeeper`; a file needs none. Raises `NoContract`, `NothingRegistered`, and what opening a home raises.
    """
    if isinstance(model, Path) or model.endswith(".json"):
        return from_file(model)
    from watchkeeper.watch.home import opened

    with opened(home) as at:
        return from_home(at, model, version)


def from_file(path: str | Path) -> Contract:
    """The contract that a file holds. Raises `NoContract`, `ModelError`."""
    try:
        document = json.loads(text_of(Path(path)))
    except (json.JSONDecodeError, RecursionError) as broken:
        raise NoContract(f"{path} is no JSON ({broken}).") from broken
    return read(document, str(path))


def from_home(home: object, model: str, version: str | None) -> Contract:
    """The contract of a version, else of the live one, else of the newest. Raises `NothingRegistered`."""
    from watchkeeper.release import registry
    from watchkeeper.release.contract.contract import contract_of
    from watchkeeper.watch.home import Home

    assert isinstance(home, Home)
    if version is not None:
        return contract_of(home, registry.one(home, model, version))
    known = registry.versions(home, model)
    found = registry.live(home, model) or (known[-1] if known else None)
    if found is None:
        raise NothingRegistered(f"{model} has no version yet. `watchkeeper register {model} FILE` adds one.")
    return contract_of(home, found)
