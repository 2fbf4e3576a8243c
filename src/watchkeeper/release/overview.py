"""Overview: all versions of a model, how old each is, and how long it was live."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import pairwise
from typing import Any

from watchkeeper.model.clock import instant
from watchkeeper.state import deletion, deployment
from watchkeeper.state import gate as gates
from watchkeeper.state import version as kept
from watchkeeper.state.deletion import Deletion
from watchkeeper.state.deployment import Deployment, standing
from watchkeeper.state.gate import Gated
from watchkeeper.state.version import Version
from watchkeeper.watch.home import Home

SCHEMA_VERSION = 1
"""Raised when a script that reads the JSON would have to change."""


@dataclass(frozen=True)
class Row:
    """A version as it stands. Spans of time are seconds."""

    version: Version
    back: int | None
    """0 where it is live, 1 for the version before, and so on; None where no rollback leads to it."""
    verdict: Gated | None
    """What the gate said of it last."""
    age: float
    """Since it was registered."""
    data_age: float | None
    """Since the end of the data that it learned from: how stale it is."""
    live: float
    """How long it was live in all."""
    live_since: int | None
    """When it went live, in µs, if it is."""
    deleted: Deletion | None
    """When its file was deleted, and by whom, if it was."""


@dataclass(frozen=True)
class Overview:
    """All versions of a model at a moment."""

    model: str
    now: int
    rows: Sequence[Row]
    """Newest first."""
    log: Sequence[Deployment]
    """Newest first."""

    @property
    def live(self) -> Row | None:
        """What is live."""
        return next((row for row in self.rows if row.back == 0), None)

    @property
    def previous(self) -> Row | None:
        """What a rollback goes to."""
        return next((row for row in self.rows if row.back == 1), None)


def overview(home: Home, model: str, now: int) -> Overview:
    """All versions of a model as they stand now. Raises `NoSuchModel`."""
    home.model(model)
    log = deployment.log(home.store, model)
    stack = standing(log)
    back = {version: len(stack) - 1 - place for place, version in enumerate(stack)}
    spent = _live_for(log, now)
    gone = deletion.deleted(home.store)
    rows = [
        Row(
            version=version,
            back=back.get(version.version),
            verdict=gates.latest(home.store, model, version.version),
            age=(now - version.at) / 1e6,
            data_age=_data_age(version, now),
            live=spent.get(version.version, 0) / 1e6,
            live_since=log[-1].at if back.get(version.version) == 0 else None,
            deleted=gone.get(version.artifact or ""),
        )
        for version in reversed(kept.listing(home.store, model))
    ]
    return Overview(model, now, rows, log[::-1])


def as_dict(found: Overview) -> dict[str, Any]:
    """What `watchkeeper versions --json` prints. Times are RFC 3339, spans seconds."""
    return {
        "schema_version": SCHEMA_VERSION,
        "model": found.model,
        "now": instant(found.now),
        "live": found.live.version.version if found.live else None,
        "previous": found.previous.version.version if found.previous else None,
        "versions": [_row(row) for row in found.rows],
        "deployments": [deployed(one) for one in found.log],
    }


def deployed(one: Deployment) -> dict[str, Any]:
    """A row of the deployment log as JSON holds it."""
    return {
        "id": one.id,
        "version": one.version,
        "action": one.action.value,
        "why": one.why,
        "gate": one.gate,
        "at": instant(one.at),
        "who": one.who,
    }


def described(version: Version) -> dict[str, Any]:
    """A version as JSON holds it."""
    return {
        "version": version.version,
        "format": version.format,
        "file": version.file,
        "artifact": version.artifact,
        "size": version.size,
        "registered": instant(version.at),
        "who": version.who,
        **version.detail,
    }


def _row(row: Row) -> dict[str, Any]:
    return {
        **described(row.version),
        "back": row.back,
        "verdict": row.verdict.outcome if row.verdict else None,
        "gated": instant(row.verdict.at) if row.verdict else None,
        "age_s": row.age,
        "data_age_s": row.data_age,
        "live_s": row.live,
        "live_since": None if row.live_since is None else instant(row.live_since),
        "deleted": None if row.deleted is None else instant(row.deleted.at),
        "deleted_by": None if row.deleted is None else row.deleted.who,
    }


def _live_for(log: Sequence[Deployment], now: int) -> dict[str, int]:
    """µs for which each version was live."""
    spent: dict[str, int] = {}
    ends = [after.at for _, after in pairwise(log)] + [now]
    for one, end in zip(log, ends, strict=True) if log else ():
        spent[one.version] = spent.get(one.version, 0) + max(end - one.at, 0)
    return spent


def _data_age(version: Version, now: int) -> float | None:
    end = version.detail["lineage"].get("data", {}).get("to")
    return None if end is None else now / 1e6 - datetime.fromisoformat(end).astimezone(UTC).timestamp()
