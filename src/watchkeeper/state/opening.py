"""Opens the state of a home: SQLite in its folder, or the PostgreSQL that its `config.yaml` names."""

from __future__ import annotations

from pathlib import Path

from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError

from watchkeeper.model.config import load_config
from watchkeeper.model.error import WatchkeeperError
from watchkeeper.state import schema
from watchkeeper.state.store import Store

FILE = "state.db"
"""The SQLite database in a home."""


class NoHome(WatchkeeperError):
    """There is no home at the folder that was named: the text says how one is made."""


class UnknownDatabase(WatchkeeperError):
    """The state is to be kept where it can't be: the text says which URLs are known."""


def open_store(home_or_url: str | Path) -> Store:
    """Open the state of a home, or at a URL, and bring its schema up to date; several processes may do so at once.

    Raises `NoHome`, `ModelError` (a mistake in `config.yaml`), `UnknownDatabase`, `StateUnavailable`, `StateIsNewer`.
    """
    url = _url(home_or_url)
    try:
        store = Store(url)
    except ModuleNotFoundError as missing:
        raise UnknownDatabase(
            f"state on PostgreSQL needs {missing.name}. Run: pip install 'watchkeeper[server,postgresql]'"
        ) from missing
    try:
        schema.upgrade(store)
    except BaseException:
        store.close()
        raise
    return store


def _url(home_or_url: str | Path) -> URL:
    if isinstance(home_or_url, str) and "://" in home_or_url:
        return _known(home_or_url, "the URL of the state")
    home = Path(home_or_url)
    if not home.is_dir():
        raise NoHome(f"{home}: there is no such home. `watchkeeper add M.yaml --baseline FILES` makes it.")
    given = load_config(home).state
    if given is not None:
        return _known(given, f"{home / 'config.yaml'}: state")
    return URL.create("sqlite", database=str((home / FILE).absolute()))


def _known(given: str, source: str) -> URL:
    """The URL, spoken by the driver that is ours. Errors never show it: it may hold a password."""
    try:
        url = make_url(given)
    except (ArgumentError, ValueError) as wrong:
        raise UnknownDatabase(
            f"{source} can't be read. Write it as postgresql://USER:PASSWORD@HOST:5432/DATABASE."
        ) from wrong
    kind = url.drivername.partition("+")[0]
    if kind in ("postgresql", "postgres"):
        return url.set(drivername="postgresql+psycopg")
    if kind == "sqlite" and url.database not in (None, "", ":memory:"):
        return url.set(drivername="sqlite")
    raise UnknownDatabase(f"{source} begins with {kind}://, but state is kept in postgresql:// or sqlite:///FILE only.")
