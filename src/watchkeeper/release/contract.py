"""Contract: what a version of a model takes and what it gives, and which fields of a request do not fit."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property
from itertools import islice
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from watchkeeper.model.constraint import Constraints, Scalar, Type, asked
from watchkeeper.model.declaration import Column, Model, Role, Task
from watchkeeper.model.mistake import nearest, shown
from watchkeeper.release.field import Field, Rule, as_array, null, plain, wrong

if TYPE_CHECKING:
    from watchkeeper.runtime import Answers
    from watchkeeper.state.version import Version
    from watchkeeper.watch.home import Home

PREDICTION, SCORE = "prediction", "score"
"""What the outputs are called."""

COMES_ALONG = frozenset(
    {
        Role.FEATURE,
        Role.SEGMENT,
        Role.ID,
        Role.TIMESTAMP,
        Role.PROTECTED,
        Role.POSITION,
        Role.QUERY,
        Role.PROPENSITY,
        Role.WEIGHT,
    }
)
"""Roles of columns that a request may hold although the version does not take them: they are logged with the answer."""

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

    @cached_property
    def rules(self) -> dict[str, Rule]:
        """How each field is checked, by name."""
        return {held.name: Rule(held) for held in (*self.takes, *self.also)}

    @cached_property
    def required(self) -> frozenset[str]:
        """Names that every request must hold."""
        return frozenset(held.name for held in self.takes)


class Kind(StrEnum):
    """What is wrong with a field."""

    UNKNOWN = "unknown"
    MISSING = "missing"
    TYPE = "type"
    NULL = "null"


@dataclass(frozen=True)
class Misfit:
    """A field of a request that does not fit."""

    field: str
    kind: Kind
    sentence: str
    """Names the field and the first row; holds nothing that a terminal obeys."""


def misfits(contract: Contract, columns: Mapping[str, Any]) -> list[Misfit]:
    """What in a request does not fit: unknown, missing, wrong-typed and null fields, the first 20; empty if all fits.

    A column is an array of shape (n,) or a list, or one plain value, which is a request of one row. Nothing is changed
    or converted. Whole numbers may come as floats and NaN is null, so a matrix of floats may hold integers; 0 and 1 are
    booleans too. A second or less is a few microseconds: what is usual is decided by the array's type alone.
    """
    rules = contract.rules
    found: list[Misfit] = []
    for name, values in columns.items():
        rule = rules.get(name)
        if rule is None:
            found.append(_unknown(contract, name, guess=len(found) < 5))
        elif not rule.fits(values) and (fault := _fault(rule.field, values)) is not None:
            found.append(fault)
        if len(found) >= MOST_TOLD:
            return found
    if not columns.keys() >= contract.required:
        absent = (held for held in contract.takes if held.name not in columns)
        found += (_missing(held) for held in islice(absent, MOST_TOLD - len(found)))
    return found


def said(found: Sequence[Misfit]) -> str:
    """One text of all that does not fit."""
    return "; ".join(misfit.sentence for misfit in found) + ("; and perhaps more" if len(found) >= MOST_TOLD else "")


def invalid(contract: Contract, answers: Answers) -> NDArray[np.bool_]:
    """Which answers break the prediction contract, shape (n,): null, of another type, no known class, no probability.

    All of them where there is no prediction at all.
    """
    given = {held.name: held for held in contract.gives}
    prediction = answers.prediction
    if prediction is None:
        return np.ones(0 if answers.scores is None else len(answers.scores), bool)
    bad = wrong(given[PREDICTION], prediction)
    allowed = given[PREDICTION].allowed
    if allowed is not None:
        bad |= ~np.isin(prediction.astype(str) if prediction.dtype.kind == "O" else prediction, np.array(allowed))
    if prediction.dtype.kind == "f":
        bad |= ~np.isfinite(prediction)
    if answers.scores is not None:
        bad |= ~((answers.scores >= 0) & (answers.scores <= 1)).all(axis=1)
    elif SCORE in given:
        bad[:] = True
    return bad


def contract_of(home: Home, version: Version) -> Contract:
    """The contract of a registered version: its types are those that the YAML had when it was registered.

    So a contract changes by a release, and never by the way. Raises `NoSuchModel`.
    """
    from watchkeeper.model.yaml_file import parse
    from watchkeeper.state import model as models

    newest = home.model(version.model)
    declared = models.standing(home.store, version.model, version.at)
    assert declared is not None  # or `home.model` had raised
    return of(parse(declared.yaml, f"{declared.name} (revision {declared.revision})"), version, newest)


def of(declared: Model, version: Version, newest: Model | None = None) -> Contract:
    """The contract of a version, by the declaration that stood when it was registered.

    `newest` is the model as it is declared now: columns that came since may come along with a request, so that nobody
    who sends them is refused when an earlier version is live again.
    """
    inputs: Sequence[str] = version.detail["inputs"]
    takes = tuple(_field(name, declared.columns.get(name)) for name in inputs)
    known = {**(newest.columns if newest else {}), **declared.columns}
    also = (_field(name, column) for name, column in known.items() if column.role in COMES_ALONG and name not in inputs)
    return Contract(declared.name, version.version, takes, tuple(also), tuple(_outputs(declared)))


def _field(name: str, column: Column | None) -> Field:
    if column is None:
        return Field(name, Type.OTHER)
    plain = Constraints(**{each: getattr(column, each) for each in Constraints.model_fields})
    declared = {each: getattr(plain, each) for each in asked(plain) if each not in ("nullable", "unique")}
    return Field(name, column.type, column.nullable is not False, column.format, None, declared)


def _outputs(model: Model) -> Iterable[Field]:
    said_by = model.only(Role.PREDICTION) or model.only(Role.LABEL)
    column = model.columns[said_by] if said_by else None
    label = model.only(Role.LABEL)
    if model.task in (Task.REGRESSION, Task.RANKING) or column is None:
        kind = Type.OTHER if model.task not in (Task.REGRESSION, Task.RANKING) else Type.NUMBER
        yield Field(PREDICTION, kind, nullable=False)
    else:
        held = [column, model.columns[label]] if label else [column]
        classes = next((known for each in held if (known := _values(each)) is not None), None)
        classified = model.task in (Task.BINARY, Task.MULTICLASS)
        yield Field(PREDICTION, column.type, False, column.format, classes if classified else None)
    if model.task is Task.BINARY and model.only(Role.SCORE) is not None:
        yield Field(SCORE, Type.NUMBER, nullable=False, declared={"minimum": 0, "maximum": 1})


def _values(column: Column) -> tuple[Scalar, ...] | None:
    """The classes that a column of labels has: those declared, else those that were seen."""
    known = column.allowed or (column.inferred.allowed if column.inferred else None)
    return tuple(known) if known else None


def _unknown(contract: Contract, name: str, *, guess: bool) -> Misfit:
    known = [*islice(contract.rules, MOST_GUESSED)] if guess and len(name) <= 100 else []
    meant = nearest(name, known) if known else None
    hint = f" (did you mean {shown(meant)}?)" if meant else ""
    return Misfit(name, Kind.UNKNOWN, f"{shown(name)} is no field of {contract.model}{hint}")


def _missing(held: Field) -> Misfit:
    return Misfit(held.name, Kind.MISSING, f"{shown(held.name)} ({held.type}) is missing")


def _fault(held: Field, values: Any) -> Misfit | None:
    array = as_array(values)
    amiss = wrong(held, array)
    if amiss.any():
        row = int(amiss.argmax())
        text = f"{shown(held.name)} is of type {held.spoken}, and row {row + 1} holds {shown(plain(array[row]))}"
        return Misfit(held.name, Kind.TYPE, text)
    if not held.nullable and (missing := null(array)).any():
        row = int(missing.argmax())
        return Misfit(held.name, Kind.NULL, f"{shown(held.name)} may not be null, and row {row + 1} is")
    return None
