"""Infers a model from files or tables, with a contract where a team has one."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from glob import has_magic
from pathlib import Path
from typing import Any

from watchkeeper.delivery import expand, raw_sample, shown
from watchkeeper.delivery.wording import listed
from watchkeeper.model import Inference, Role, WatchkeeperError, infer, read_contract


class UnknownRole(WatchkeeperError):
    """A role was named that there is not."""


class NoRows(WatchkeeperError):
    """There is nothing to infer from; the text names the files."""


def infer_model(
    data: Any,
    *,
    name: str | None = None,
    roles: Mapping[str, str] | None = None,
    contract: str | Path | None = None,
    table: str | None = None,
) -> Inference:
    """Infer a model from data: roles, types, formats, keys, ranges, known values, windows.

    `data`: as for `check`. `roles`: column to role, declared by you. `contract`: a Frictionless Data Package v2 or an
    Open Data Contract Standard v3, whose constraints become declared; `table` names the one that is meant where it
    holds several. Raises `WatchkeeperError`.
    """
    sources = expand(data)
    sample = raw_sample(sources)
    if contract is None and not sample.table.num_rows:
        raise NoRows(
            f"{_called(sources)}: there is no row of data, so there is nothing to infer a model from. "
            "Give a file with data, or a contract."
        )
    inferred = infer(
        sample.table,
        lexical=sample.lexical,
        text=sample.text,
        name=name or _name(data, sources),
        roles={column: _role(role) for column, role in (roles or {}).items()},
        foldered=sample.foldered,
        contract=None if contract is None else read_contract(Path(contract), table),
    )
    return replace(inferred, doubts=(*sample.doubts, *inferred.doubts))


def _role(role: str) -> Role:
    try:
        return Role(role)
    except ValueError as wrong:
        raise UnknownRole(f"{role!r} is no role. Roles are {', '.join(Role)}.") from wrong


def _called(sources: Sequence[Any]) -> str:
    """The first files by name."""
    return listed([shown(str(s)) if isinstance(s, str | Path) else "a table" for s in sources], 3)


def _folder(given: Path, first: Path) -> Path:
    """The folder that was named, or the one that a glob begins in; of files by name, that of the first."""
    if has_magic(str(given)):
        return next(parent for parent in given.parents if not has_magic(str(parent)))
    return given if given.is_dir() else first.parent


def _name(data: Any, sources: Sequence[Any]) -> str:
    """The folder of a glob, else the file's stem, in the letters that a name may have."""
    first = sources[0]
    if not isinstance(first, str | Path):
        return "data"
    given = Path(data[0] if isinstance(data, list | tuple) else data)
    if len(sources) > 1 or given.is_dir() or has_magic(str(given)):
        stem = _folder(given, Path(first)).resolve().name
    else:
        stem = Path(first).name.split(".")[0]
    return re.sub(r"[^a-z0-9-]+", "-", stem.lower()).strip("-")[:63].strip("-") or "data"
