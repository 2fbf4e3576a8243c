"""Need: what an artefact needs beside what runs its format: code of the user's, and tables of pandas."""

from __future__ import annotations

from dataclasses import dataclass

from watchkeeper.release import registry
from watchkeeper.runtime import Format, Refused, examine
from watchkeeper.state.version import Version
from watchkeeper.watch.home import Home


@dataclass(frozen=True)
class Need:
    """What an artefact needs beside what runs its format."""

    packages: tuple[str, ...] = ()
    """Packages that an index brings."""
    own: tuple[str, ...] = ()
    """Packages of the user's own types: nobody but the user knows where they come from."""


def need_of(home: Home, version: Version) -> Need:
    """Look into the file as it is kept. Raises `Refused` if this home no longer allows it, and what `fetch` raises."""
    if version.format != Format.SKOPS or version.artifact is None:
        return Need()
    try:
        facts = examine(registry.fetch(home, version), home.config.serving)
    except Refused as refused:
        raise Refused(f"{version.version} of {version.model} can't be packaged: {refused}") from refused
    return Need(("pandas",) if facts.inputs is not None else (), facts.own)
