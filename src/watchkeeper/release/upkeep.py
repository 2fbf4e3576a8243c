"""Upkeep: files of versions that nobody goes back to any more are deleted, where `keep_versions` says so."""

from __future__ import annotations

from functools import partial

from watchkeeper.model import WatchkeeperError
from watchkeeper.model.clock import clock
from watchkeeper.release import artifact
from watchkeeper.release.registry import READY
from watchkeeper.state import deletion, deployment
from watchkeeper.state import model as models
from watchkeeper.state import version as kept
from watchkeeper.state.deployment import standing
from watchkeeper.watch.home import Home
from watchkeeper.watch.log import open_log

WHO = "upkeep"


def tidy(home: Home) -> None:
    """Delete what is spare. What goes wrong is logged, and tried again the next time."""
    try:
        for sha256 in delete_spare(home, clock()):
            open_log().info("artefact deleted", sha256=sha256)
    except WatchkeeperError as failed:
        open_log().error("artefacts not deleted", error=str(failed))


def delete_spare(home: Home, now: int) -> list[str]:
    """Delete the files that no model needs; returns their SHA-256. Raises `StoreUnavailable`."""
    if home.config.keep_versions is None:
        return []
    return [
        sha256
        for sha256 in sorted(spare(home))
        if deletion.delete(
            home.store, sha256, partial(_is_spare, home, sha256), partial(artifact.delete, home, sha256), now, WHO
        )
    ]


def spare(home: Home) -> set[str]:
    """Files that no model of the home needs: neither a live version's, nor of one kept ready, nor of a newest one."""
    most = home.config.keep_versions
    if most is None:
        return set()
    every, needed = set(), set(deletion.deleted(home.store))
    for model in models.names(home.store):
        registered = kept.listing(home.store, model)
        ready = standing(deployment.log(home.store, model))[-(READY + 1) :]
        stay = {*ready, *(one.version for one in registered[-most:])}
        every |= {one.artifact for one in registered if one.artifact is not None}
        needed |= {one.artifact for one in registered if one.artifact is not None and one.version in stay}
    return every - needed


def _is_spare(home: Home, sha256: str) -> bool:
    return sha256 in spare(home)
