"""Basis: the files that a model is to be held against, as profiles; what can't be that is refused before any use."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import Any

from watchkeeper.model import Model, WatchkeeperError
from watchkeeper.profiles import ProfileFile, TimeWindows, parse
from watchkeeper.sdk import Kind, Malformed, decode
from watchkeeper.watch.profiled import BaselineUnreadable, Named, added, expanded, fitted, profiles_among, unfit
from watchkeeper.watch.reference import Told
from watchkeeper.watch.summarize import profile

FIRST = 1 << 20
"""Bytes of a line that are looked at to tell what a file holds."""


def basis(model: Model, files: Sequence[Any], told: Told | None = None) -> ProfileFile:
    """The profiles of a model's data, in its windows; profile files are added up. Raises `BaselineUnreadable`."""
    sources = expanded(list(files))
    made = profiles_among(sources)
    if made:
        return _of_profiles(made, model)
    logged = next((source for source in sources if _is_log(source)), None)
    if logged is not None:
        raise BaselineUnreadable(
            f"the baseline can't be used. {Path(logged).name} holds events as they are logged. Give rows "
            "with the model's columns, as the data have that it was trained or tested with. Once the model is added, "
            f"`watchkeeper ingest {model.name} -` takes such events from its standard input."
        )
    return profile(sources, model=model, by=model.window, told=told)


def _of_profiles(made: Sequence[Named], model: Model) -> ProfileFile:
    """The sum of profile files, if they are of this model, cut like its windows. Raises `BaselineUnreadable`."""
    name, windows = made[0][0], parse(model.window)
    assert isinstance(windows, TimeWindows)
    try:
        file = added(made)
        why = unfit(file, model)
        if why:
            raise BaselineUnreadable(
                f"{name}: {why}. They are of the model {file.model.name}: give profiles that were made with "
                "its YAML (`watchkeeper profile FILES --model M.yaml --by WINDOW -o PROFILES`), or the data."
            )
        cut = fitted(file, windows, 0, None, model.segments, name)
    except WatchkeeperError as wrong:
        raise BaselineUnreadable(f"the baseline can't be used. {wrong}") from wrong
    return replace(file, profiles=cut.profiles, model=model)


def _is_log(source: Any) -> bool:
    """Whether a file's first line is an event as a service logs it."""
    if not isinstance(source, str | Path) or not Path(source).is_file():
        return False
    with Path(source).open("rb") as file:
        line = next(islice(file, 1), b"")[:FIRST] if file.peek(1)[:1] == b"{" else b""
    try:
        records, _ = decode(Kind.EVENT, line)
    except Malformed:
        return False
    return bool(records)
