"""Contract: holds what is sent against what a model's columns may be, and names each column that is wrong."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any

import numpy as np
from numpy.typing import NDArray

from watchkeeper.gateway.refusal import MOST_FAULTS, Broken
from watchkeeper.gateway.rows import Rows, Values, listed
from watchkeeper.gateway.tensor import told
from watchkeeper.lake.cell import typed
from watchkeeper.model import Column, Model, Role, Type
from watchkeeper.model.mistake import no_such, shown
from watchkeeper.release.contract.contract import LATER, Misfit, outputs, predicted, wrong
from watchkeeper.release.contract.field import HUGE, LARGEST, Field, Rule, all_whole
from watchkeeper.sdk.value import identifier

FEW = 64
"""Up to so many values Python's own lists are faster than arrays."""
WHAT_COMES_LATER = {
    Role.LABEL: "the label, which becomes known later",
    Role.LABEL_TIME: "the time of the label, which becomes known later",
    Role.PREDICTION: "the prediction, which is what is asked for",
    Role.SCORE: "the score, which is what is asked for",
}
_ANY = Column(type=Type.OTHER)
"""What an input is that is not declared any more: a version that is live still takes it."""


class Contract:
    """What a model's columns may be."""

    def __init__(self, model: Model) -> None:
        self.model = model
        self._rules = {
            name: Rule(Field(name, column))
            for name, column in model.columns.items()
            if column.role not in LATER and column.role is not Role.IGNORED
        }
        self._id = model.only(Role.ID)
        self._time = model.only(Role.TIMESTAMP)
        self._ignored = frozenset(model.with_role(Role.IGNORED))
        self.booleans = frozenset(name for name, column in model.columns.items() if column.type is Type.BOOLEAN)
        self.predicted = predicted(model).type
        """What predictions are told as."""
        said = model.only(Role.PREDICTION)
        self._answers = Rule(next(iter(outputs(model))))
        self._declared = None if said is None else Rule(Field(said, model.columns[said]))

    def rows(self, sent: Mapping[str, Values], number: int, inputs: Collection[str]) -> Rows:
        """What was sent, each column of `number` values; of `inputs`, which a version takes, one may be undeclared.

        Raises `Broken`, which names every column that is wrong.
        """
        rules = self._rules
        columns: dict[str, Values] = {}
        faults: list[str] = []
        for name, values in sent.items():
            rule = rules.get(name)
            if rule is not None and number == 1 and type(values) is list:
                value = values[0]
                if type(value) in rule.free or rule.takes(value):
                    columns[name] = values
                    continue
            elif rule is None and name in inputs and name not in self.model.columns:
                rule = Rule(Field(name, _ANY))
            if rule is not None:
                columns[name], fault = _taken(values, rule)
                if fault is not None:
                    faults.append(f"{fault.sentence}.")
            elif name not in self._ignored:
                faults.append(self._unknown(name) if len(faults) < MOST_FAULTS else name)  # no more than that is told
        faults += [f"{shown(name)} is missing, which the model takes." for name in inputs if name not in sent]
        if faults:
            raise Broken(faults)
        rows = Rows(number, columns)
        if self._id in columns:
            rows.ids = self._ids(listed(columns[self._id]))
        if self._time in columns:
            rows.times = _moments(listed(columns[self._time]), self.model.columns[self._time])
        return rows

    def holds(self, prediction: Values | None) -> bool:
        """Whether predictions, as they are told, are what the contract gives, and keep to what is declared of them."""
        return prediction is None or (
            self._fits(prediction) and (self._declared is None or self._declared.keeps(prediction))
        )

    def _fits(self, prediction: Values) -> bool:
        if self._answers.fits(prediction):
            return True
        as_told = told(listed(prediction), self.predicted)
        return as_told is not None and wrong(self._answers.field, as_told) is None

    def column(self, name: str) -> Column | None:
        """How a column is declared."""
        return self.model.columns.get(name)

    def _unknown(self, name: str) -> str:
        column = self.model.columns.get(name)
        if column is not None:
            return f"{shown(name)} is {WHAT_COMES_LATER[column.role]}: leave it out."
        return f"{shown(name)} is no column of {self.model.name}. {no_such(name, list(self.model.columns))}"

    def _ids(self, values: list[Any]) -> list[str]:
        try:
            return [identifier(value) for value in values]
        except ValueError as error:
            raise Broken([f"{shown(self._id)}: {error}."]) from None


def _taken(values: Values, rule: Rule) -> tuple[Values, Misfit | None]:
    """Values as the model and the log take them, and what is wrong: 2.0 is a whole number, and NaN is missing."""
    kind = rule.field.type
    taken = values if isinstance(values, list) else _of_array(values, kind)
    if rule.fits(taken):
        return taken, None
    if isinstance(taken, list):
        taken = [_as(value, kind) for value in taken]
    return taken, wrong(rule.field, taken)


def _as(value: Any, kind: Type) -> Any:
    if type(value) is float:
        if value != value:
            return None
        return int(value) if kind is Type.INTEGER and value.is_integer() else value
    if kind is Type.NUMBER and type(value) is int and LARGEST <= abs(value) <= HUGE:
        return float(value)  # no more than 64 bits are sent to the model as a whole number
    return value


def _of_array(values: NDArray[Any], kind: Type) -> Values:
    """An array of numbers as the column's type has them; a short one as a list, which is faster."""
    if kind is Type.INTEGER and values.dtype.kind == "f":
        if all_whole(values):
            return _of_array(values.astype(np.int64), kind)
    elif kind in (Type.INTEGER, Type.NUMBER) and values.dtype.kind in "iuf" and len(values) > FEW:
        return values if values.dtype.kind == "f" or kind is Type.INTEGER else values.astype(np.float64)
    found: list[Any] = values.tolist()
    return [None if value != value else value for value in found] if values.dtype.kind == "f" else found


def _moments(values: list[Any], column: Column) -> list[datetime | None]:
    cells, _ = typed(values, column)
    return [None if moment is None else moment for moment in cells.to_pylist()]
