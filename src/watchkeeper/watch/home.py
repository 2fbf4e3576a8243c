"""A home: the folder in which a model's inbox, lake and state are, and the models that were added to it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from watchkeeper.lake import Lake, open_lake
from watchkeeper.model import Model, WatchkeeperError
from watchkeeper.model.config import Config, load_config
from watchkeeper.model.mistake import no_such
from watchkeeper.model.yaml_file import parse as read_model
from watchkeeper.sdk import home_folder
from watchkeeper.state import Store, open_store
from watchkeeper.state import model as models


class NoSuchModel(WatchkeeperError):
    """A model is named that was never added: the text names those that were."""


@dataclass(frozen=True)
class Home:
    """An open home."""

    folder: Path
    config: Config
    store: Store

    def model(self, name: str) -> Model:
        """A model as it was declared last. Raises `NoSuchModel`."""
        declared = models.get(self.store, name)
        if declared is None:
            known = models.names(self.store)
            more = no_such(name, known) if known else "None was added yet."
            raise NoSuchModel(
                f"{self.folder} has no model {name!r}. {more} `watchkeeper add M.yaml --baseline FILES` adds one."
            )
        return read_model(declared.yaml, f"{name} (revision {declared.revision})")

    def models(self, only: str | None = None) -> list[Model]:
        """All models in order of their names, or the one. Raises `NoSuchModel`."""
        return [self.model(name) for name in (models.names(self.store) if only is None else [only])]

    def lake(self, model: Model) -> Lake:
        """The model's tables."""
        return open_lake(self.folder, model, self.config.lake, self.config.storage)


@contextmanager
def opened(folder: str | Path | None = None, *, make: bool = False) -> Iterator[Home]:
    """The home at a folder, else at $WATCHKEEPER_HOME, else `.watchkeeper`; `make` it where there is none.

    Raises `NoHome`, `ModelError` (a mistake in its `config.yaml`), `StateUnavailable`.
    """
    at = home_folder(folder)
    if make:
        at.mkdir(parents=True, exist_ok=True)
    config = load_config(at)
    store = open_store(at)
    try:
        yield Home(at, config, store)
    finally:
        store.close()
