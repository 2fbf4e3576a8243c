"""The home in an image: one model, one version, live; and whom the gateway lets in."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

from sqlalchemy import insert, or_, select

from watchkeeper.release import registry
from watchkeeper.state import Role, Store, deployment, gate, open_store
from watchkeeper.state import model as models
from watchkeeper.state import version as versions
from watchkeeper.state.deployment import Action
from watchkeeper.state.table import tokens
from watchkeeper.state.version import Version
from watchkeeper.watch.home import Home


def build(home: Home, version: Version, folder: Path, *, ungated: str | None) -> None:
    """Make it. Each moment in it is one of the home's own, so the same home gives the same bytes."""
    folder.mkdir(parents=True)
    (folder / "config.yaml").write_text(_config(home), encoding="utf-8", newline="\n")
    if version.artifact is not None:
        kept = folder / "artifacts" / version.artifact[:2] / version.artifact
        kept.parent.mkdir(parents=True)
        shutil.copyfile(registry.fetch(home, version), kept)
    store = open_store(folder)
    try:
        _fill(home, store, version, ungated)
    finally:
        store.close()
    _settle(folder / "state.db")


ASKS, SCRAPES = (Role.PREDICT, Role.ADMIN), (Role.VIEWER, Role.OPERATOR)
"""Roles of those who ask for predictions, and of those who read the metrics alone."""


def door(store: Store, model: str, now: int, roles: tuple[Role, ...] = ASKS) -> list[int]:
    """Numbers of the tokens of these roles that are good for this model."""
    query = (
        select(tokens.c.id)
        .where(tokens.c.role.in_([role.value for role in roles]), tokens.c.revoked.is_(None))
        .where(or_(tokens.c.model.is_(None), tokens.c.model == model))
        .where(or_(tokens.c.expires.is_(None), tokens.c.expires > now))
        .order_by(tokens.c.id)
    )
    with store.reading() as connection:
        return list(connection.execute(query).scalars())


def _fill(home: Home, store: Store, version: Version, ungated: str | None) -> None:
    name = version.model
    declared = models.get(home.store, name)
    assert declared is not None
    models.put(store, name, declared.yaml, declared.at, declared.who)
    detail, told = version.detail, (version.at, version.who)
    file = (version.artifact, version.file, version.size)
    versions.add(store, name, version.version, version.format, *file, detail, *told)
    verdict = gate.latest(home.store, name, version.version)
    number = None
    if verdict is not None:
        told = (verdict.at, verdict.who)
        number = gate.add(store, name, version.version, verdict.outcome, verdict.result, *told)
    action, why = (Action.RELEASE, "the gate said PASS") if ungated is None else (Action.FORCE, ungated)
    deployment.add(store, name, version.version, action, why, number, *told, after=None)


def let_in(home: Home, folder: Path, numbers: list[int]) -> None:
    """Take tokens along by their SHA-256, which opens nothing by itself; not when they were used last."""
    with home.store.reading() as connection:
        rows = connection.execute(select(tokens).where(tokens.c.id.in_(numbers)).order_by(tokens.c.id)).mappings()
        kept = [{**row, "used": None} for row in rows]
    store = open_store(folder)
    try:
        with store.writing() as connection:
            connection.execute(insert(tokens), kept)
    finally:
        store.close()
    _settle(folder / "state.db")


def _settle(database: Path) -> None:
    """Leave one file, written in the order of its content, whatever order it came about in."""
    import sqlite3

    fresh = database.with_suffix(".new")
    with sqlite3.connect(database) as connection:
        connection.execute("VACUUM INTO ?", (str(fresh),))
    connection.close()
    fresh.replace(database)
    for ending in ("-wal", "-shm"):
        Path(f"{database}{ending}").unlink(missing_ok=True)


def _config(home: Home) -> str:
    """What this home allows and bounds; nothing of databases, stores, hosts or secrets. JSON is YAML."""
    serving = home.config.serving.model_dump(mode="json", include={"skops_types", "file_bytes", "memory_bytes"})
    bounds = home.config.gateway.model_dump(mode="json", exclude_defaults=True)
    return json.dumps({"serving": serving, "gateway": bounds}, indent=2) + "\n"
