"""Inputs: the columns that a version takes, held against what the model declares."""

from __future__ import annotations

from collections.abc import Sequence

from watchkeeper.model import Model, Role, WatchkeeperError
from watchkeeper.model.mistake import no_such, shown
from watchkeeper.runtime import Facts

UNKNOWN_WHEN_PREDICTING = (Role.LABEL, Role.LABEL_TIME, Role.PREDICTION, Role.SCORE)


class WrongInputs(WatchkeeperError):
    """A version takes columns that the model does not declare, or that nobody knows when a prediction is made."""


def inputs_of(model: Model, given: Sequence[str] | None, facts: Facts | None) -> list[str]:
    """The columns that a version takes, in its order: as its file names them, else as given, else the model's.

    Raises `WrongInputs`.
    """
    named = facts.inputs if facts else None
    if named is not None and len(named) == 1 and named[0] not in model.columns:
        named = None  # one matrix, whatever it is called, of one column
    usual = [name for name, column in model.columns.items() if column.role in (Role.FEATURE, Role.SEGMENT)]
    takes = list(named or given or usual)
    if named is not None and given is not None and set(given) != set(named):
        raise WrongInputs(f"the file names its inputs itself: {', '.join(named)}. Leave them out, or name the same.")
    for name in takes:
        _known(model, name)
    if len(set(takes)) != len(takes):
        raise WrongInputs(f"an input is named twice: {', '.join(takes)}. Name each column once.")
    if facts is not None and facts.width not in (None, len(takes)):
        raise WrongInputs(
            f"the file takes {facts.width} columns, and {model.name} would give it {len(takes)}: {', '.join(takes)}. "
            "Name those it was trained on, in their order: --input COLUMN --input COLUMN …, from Python inputs=[…]."
        )
    return takes


def _known(model: Model, name: str) -> None:
    """Raises `WrongInputs`."""
    if name not in model.columns:
        raise WrongInputs(
            f"{shown(name)} is an input of the version, but no column of {model.name}. "
            f"{no_such(name, list(model.columns))}"
        )
    role = model.columns[name].role
    if role in UNKNOWN_WHEN_PREDICTING:
        raise WrongInputs(
            f"{shown(name)} has the role `{role}` in {model.name}, so nobody knows it when a prediction is made. "
            "Train without it, or give the column another role."
        )
