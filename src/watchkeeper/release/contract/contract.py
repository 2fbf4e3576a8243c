"""Contract: what a version of a model takes and what it gives, and which fields of a request do not fit."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property
from itertools import islice
from typing import TYPE_CHECKING, Any

import numpy as np

from watchkeeper.model.constraint import Scalar, Type
from watchkeeper.model.declaration import Column, Model, Role, Task
from watchkeeper.model.mistake import nearest, shown
from watchkeeper.release.contract.field import Field, Rule, as_list

if TYPE_CHECKING:
    from watchkeeper.state.version import Version
    from watchkeeper.watch.home import Home

PREDICTION, SCORE = "prediction", "score"
"""What the outputs are called."""

LATER = frozenset({Role.LABEL, Role.LABEL_TIME, Role.PREDICTION, Role.SCORE})
"""Roles of columns that no request holds: they are what is asked for, or become known later."""

MOST_TOLD = 20
"""Fields that do not fit which are told; a request may hold a million of them."""
MOST_GUESSED = 100
"""Known names up to which one is looked for that was probably meant."""


@dataclass(frozen=True)
class Contract:
    """What a version of a model takes and what it gives."""

    model: str
    version: str
    takes: tuple[Field, ...]
    """What every request must hold, in the version's own order."""
    also: tuple[Field, ...]
    """What a request may hold beside it: other columns of the model, which are logged with the answer."""
    gives: tuple[Field, ...]
    """What every answer holds for each row."""

    @cached_property
    def rules(self) -> dict[str, Rule]:
        """How each field is checked, by name."""
        return {field.name: Rule(field) for field in (*self.takes, *self.also)}

    @cached_property
    def required(self) -> frozenset[str]:
        """Names that every request must hold."""
        return frozenset(field.name for field in self.takes)


class Kind(StrEnum):
    """What is wrong with a field."""

    UNKNOWN = "unknown"
    MISSING = "missing"
    WRONG = "wrong"
    """A value is of another type, is null where none may be, or breaks what is declared."""


@dataclass(frozen=True)
class Misfit:
    """A field of a request that does not fit."""

    field: str
    kind: Kind
    sentence: str
    """Names the field and the first row; holds nothing that a terminal obeys."""


def misfits(contract: Contract, columns: Mapping[str, Any]) -> list[Misfit]:
    """What in a request does not fit: fields that are unknown, missing or wrong, the first 20; empty if all fits.

    A column is an array of shape (n,) or a list, or one plain value where the request is one row. Nothing is changed or
    converted. Whole numbers may come as floats, and NaN is null, so a matrix of floats may hold integers.
    """
    rules = contract.rules
    found: list[Misfit] = []
    for name, values in columns.items():
        rule = rules.get(name)
        if rule is None:
            found.append(_unknown(contract, name, guess=len(found) < 5))
        elif not rule.fits(values) and (fault := wrong(rule.field, values)) is not None:
            found.append(fault)
        if len(found) >= MOST_TOLD:
            return found
    if not columns.keys() >= contract.required:
        absent = (field for field in contract.takes if field.name not in columns)
        found += (_missing(field) for field in islice(absent, MOST_TOLD - len(found)))
    return found


def said(found: Sequence[Misfit]) -> str:
    """One text of all that does not fit."""
    return "; ".join(misfit.sentence for misfit in found) + ("; and perhaps more" if len(found) >= MOST_TOLD else "")


def contract_of(home: Home, version: Version) -> Contract:
    """The contract of a registered version, by the model as it is declared now. Raises `NoSuchModel`."""
    return of(home.model(version.model), version)


def contract_then(home: Home, version: Version) -> Contract:
    """The contract that the version had when it was registered, by the model as it was declared then."""
    from watchkeeper.model.yaml_file import parse
    from watchkeeper.state import model as models

    declared = models.standing(home.store, version.model, version.at)
    if declared is None:
        return contract_of(home, version)
    return of(parse(declared.yaml, f"{declared.name} (revision {declared.revision})"), version)


def of(model: Model, version: Version) -> Contract:
    """The contract of a version of a model.

    All columns of the model may come with a request, also those that only other versions take: so nobody is refused
    when an earlier version is live again.
    """
    inputs: Sequence[str] = version.detail["inputs"]
    takes = tuple(Field(name, model.columns.get(name) or Column(type=Type.OTHER)) for name in inputs)
    also = tuple(
        Field(name, column) for name, column in model.columns.items() if column.role not in LATER and name not in inputs
    )
    return Contract(model.name, version.version, takes, also, tuple(outputs(model)))


def predicted(model: Model) -> Column:
    """What predictions are told as: numbers where one regresses or ranks, else as they or labels are declared."""
    named = model.only(Role.PREDICTION) or model.only(Role.LABEL)
    if model.task in (Task.REGRESSION, Task.RANKING):
        return Column(type=Type.NUMBER)
    return model.columns[named] if named else Column(type=Type.OTHER)


def outputs(model: Model) -> Iterable[Field]:
    """What every answer of the model holds: the prediction first, then the score where there is one."""
    column = predicted(model)
    given = {"type": column.type, "format": column.format, "allowed": _classes(model)}
    yield Field(PREDICTION, Column.model_validate({**given, "role": Role.PREDICTION, "nullable": False}))
    if model.task is Task.BINARY and model.only(Role.SCORE) is not None:
        yield Field(SCORE, Column(type=Type.NUMBER, role=Role.SCORE, nullable=False, minimum=0, maximum=1))


def _classes(model: Model) -> list[Scalar] | None:
    """The classes that a model tells apart: as declared, else as they were seen among the labels."""
    if model.task not in (Task.BINARY, Task.MULTICLASS):
        return None
    columns = [model.columns[name] for role in (Role.PREDICTION, Role.LABEL) for name in model.with_role(role)]
    known = (column.allowed or (column.inferred.allowed if column.inferred else None) for column in columns)
    return next((values for values in known if values), None)


def _unknown(contract: Contract, name: str, *, guess: bool) -> Misfit:
    known = [*islice(contract.rules, MOST_GUESSED)] if guess and len(name) <= 100 else []
    meant = nearest(name, known) if known else None
    hint = f" (did you mean {shown(meant)}?)" if meant else ""
    return Misfit(name, Kind.UNKNOWN, f"{shown(name)} is no field of {contract.model}{hint}")


def _missing(field: Field) -> Misfit:
    return Misfit(field.name, Kind.MISSING, f"{shown(field.name)} ({field.type}) is missing")


def wrong(field: Field, values: Any) -> Misfit | None:
    """What is wrong with a column, looked at closely; None where nothing is."""
    found = field.first_fault(as_list(values))
    if found is None:
        return None
    row, fault = found
    where = f" (row {row})" if isinstance(values, np.ndarray | list | tuple) else ""
    return Misfit(field.name, Kind.WRONG, f"{shown(field.name)} {fault}{where}")
