"""Where results are written: looked at before anything is read, so that no work is lost and no input overwritten."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from watchkeeper.delivery.source import expand, is_table
from watchkeeper.delivery.wording import plain
from watchkeeper.model.error import WatchkeeperError

TABLES = (".csv", ".jsonl", ".parquet")
"""Endings of the tables that are written."""


class BadOutput(WatchkeeperError):
    """Nothing can be written there: the text names the place, why, and what to do."""


def writable(
    outputs: Iterable[tuple[str | Path | None, Sequence[str]]], inputs: Iterable[Any] = ()
) -> list[Path | None]:
    """The outputs as paths, if each can be written; None stays None.

    `outputs`: paths, each with the endings that it may have (none: any). `inputs`: all that is read (see `expand`),
    None for what is not there. Pipes and devices may have any name. Raises `BadOutput`, and `NoSuchFile` for an input.
    """
    read = {
        Path(source).resolve()
        for named in inputs
        if named is not None
        for source in expand(named)
        if not is_table(source) and "://" not in str(source)
    }
    taken: set[Path] = set()
    return [None if output is None else _checked(output, endings, read, taken) for output, endings in outputs]


def _checked(output: str | Path, endings: Sequence[str], read: set[Path], taken: set[Path]) -> Path:
    if not isinstance(output, str | os.PathLike):
        raise BadOutput(f"an output is named by its path, not by a value of type {type(output).__name__}.")
    path = Path(output)
    if str(output) == "-":
        raise BadOutput(
            "- is no file: of all outputs only that of `check --json -` goes to standard output. Write /dev/stdout for "
            "standard output, or ./- for a file of that name."
        )
    name, place = plain(str(output), 200), path.resolve()
    if path.is_dir():
        raise BadOutput(f"{name}: there is a folder of that name. Name a file.")
    if place in read:
        raise BadOutput(f"{name}: this file is read here, and would be overwritten. Give the output another name.")
    if path.exists() and not path.is_file():
        return path
    if place in taken:
        raise BadOutput(f"{name}: two outputs have this name. Give each its own.")
    taken.add(place)
    if endings and path.suffix.lower() not in endings:
        raise BadOutput(f"{name}: the ending decides the format, and this one is not known. Use {', '.join(endings)}.")
    if not place.parent.is_dir():
        raise BadOutput(f"{name} can't be written: there is no folder {place.parent}. Make it first.")
    if not os.access(place.parent, os.W_OK):
        raise BadOutput(f"{name} can't be written: you may not write into {place.parent}. Choose another folder.")
    return path
