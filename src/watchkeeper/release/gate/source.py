"""Source: where held-out rows come from, as the user names it: a file, or the newest events of the lake."""

from __future__ import annotations

import re

from watchkeeper.model import Model, Role
from watchkeeper.release.gate.held_events import labelled_events, newest_events
from watchkeeper.release.gate.held_file import good_rows, labelled_rows
from watchkeeper.release.gate.holdout import CannotGate, Holdout, Told
from watchkeeper.watch.home import Home

_LAST = re.compile(r"last:([1-9]\d{0,4})([hdw])")
_UNITS = {"h": 3_600_000_000, "d": 86_400_000_000, "w": 7 * 86_400_000_000}


def held_out(home: Home, model: Model, asked: str, *, now: int, told: Told | None = None) -> Holdout:
    """The rows of a file, or those of `last:7d` (`h`, `d`, `w`). Raises `CannotGate`, `NoSuchFile`, `NoBaseline`."""
    if model.only(Role.LABEL) is None:
        raise CannotGate(
            f"{model.name} has no column with the role `label`, so nothing tells a good candidate from a bad one. "
            "Declare it in the YAML and run `watchkeeper add` again."
        )
    length = _length(asked, "--holdout")
    if length is None:
        return labelled_rows(home, model, asked, told)
    return labelled_events(home, model, asked, length, now=now, told=told)


def rows_to_compare(home: Home, model: Model, asked: str, *, told: Told | None = None) -> Holdout:
    """The good rows of a file, or the events of `last:7d`, with or without labels; no verdict on them is made.

    Columns that the file lacks are left out. Raises `CannotGate`, `NoSuchFile`.
    """
    length = _length(asked, "--on")
    return (
        good_rows(model, asked, told) if length is None else newest_events(home.lake(model), model, asked, length, told)
    )


def _length(asked: str, option: str) -> int | None:
    """The microseconds of `last:7d`; None of a file. Raises `CannotGate`."""
    if found := _LAST.fullmatch(asked):
        return int(found[1]) * _UNITS[found[2]]
    if asked.startswith("last:"):
        raise CannotGate(f"{option} {asked}: write a number and h, d or w, such as last:7d, or the path of a file.")
    return None
