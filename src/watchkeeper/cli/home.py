"""The home that a command works in."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from watchkeeper.model.error import NotInstalled

if TYPE_CHECKING:
    from watchkeeper.state import Store
    from watchkeeper.watch.home import Home

PARTS = ("inbox", "config.yaml", "state.db")
"""What a home has at least one of."""


@contextmanager
def needs_server(extra: str = "server") -> Iterator[None]:
    """For imports that a plain installation lacks and an extra brings. Raises `NotInstalled`."""
    try:
        yield
    except ModuleNotFoundError as missing:
        if (missing.name or "").startswith("watchkeeper"):
            raise
        raise NotInstalled(f"this command needs {missing.name}. Run: pip install 'watchkeeper[{extra}]'") from missing


@contextmanager
def home_of(given: Path | None, *, make: bool = False) -> Iterator[Home]:
    """A home that was made before, or is made now. Raises `NotInstalled`, `NoHome`, and what `opened` raises."""
    with needs_server():
        from watchkeeper.watch.home import opened
    from watchkeeper.sdk.home import home_folder

    with opened(home_folder(given) if make else made_before(given), make=make) as found:
        yield found


def made_before(given: Path | None) -> Path:
    """The folder of a home that was made before. Raises `NotInstalled`, `NoHome`."""
    with needs_server():
        from watchkeeper.state import NoHome
    from watchkeeper.sdk.home import home_folder

    home = home_folder(given)
    if not any((home / part).exists() for part in PARTS):
        raise NoHome(
            f"{home}: no home was made here. `watchkeeper add M.yaml --baseline FILES` makes one; "
            "--home or $WATCHKEEPER_HOME names one that was made elsewhere."
        )
    return home


@contextmanager
def state_of(given: Path | None) -> Iterator[Store]:
    """The state of a home that was made before. Raises what `home_of` raises."""
    with home_of(given) as home:
        yield home.store
