"""Contract: holds what is sent against what a model's columns may be, and names each column that is wrong."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Iterable, Mapping
from datetime import datetime
from types import NoneType
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from watchkeeper.gateway.refusal import MOST_FAULTS, Broken
from watchkeeper.gateway.rows import Rows, Values, listed
from watchkeeper.lake.cell import micro, typed
from watchkeeper.model import Column, Model, Role, Type
from watchkeeper.model.mistake import no_such, shown
from watchkeeper.release.contract.contract import predicted
from watchkeeper.sdk.value import identifier

FEW = 64
"""Up to so many values Python's own lists are faster than arrays."""
KINDS: Mapping[Type, frozenset[type]] = {
    Type.INTEGER: frozenset({int}),
    Type.NUMBER: frozenset({float, int}),
    Type.BOOLEAN: frozenset({bool}),
    Type.STRING: frozenset({str}),
    Type.TIMESTAMP: frozenset({str, int, float}),
    Type.OTHER: frozenset({bool, int, float, str}),
}
NOUNS = {
    Type.INTEGER: "a whole number",
    Type.NUMBER: "a number",
    Type.BOOLEAN: "true or false",
    Type.STRING: "a text",
    Type.TIMESTAMP: "a time",
    Type.OTHER: "a text, a number, true or false",
}
LATER = {
    Role.LABEL: "the label, which becomes known later",
    Role.LABEL_TIME: "the time of the label, which becomes known later",
    Role.PREDICTION: "the prediction, which is what is asked for",
    Role.SCORE: "the score, which is what is asked for",
}
_ANY = Column(type=Type.OTHER)
"""What an input is that is not declared any more: a version that is live still takes it."""
_LARGEST = 2**63


class Contract:
    """What a model's columns may be."""

    def __init__(self, model: Model) -> None:
        self.model = model
        self._fields = {name: _Field(name, column) for name, column in model.columns.items()}
        self._id = model.only(Role.ID)
        self._time = model.only(Role.TIMESTAMP)
        self._ignored = frozenset(model.with_role(Role.IGNORED))
        self.booleans = frozenset(name for name, column in model.columns.items() if column.type is Type.BOOLEAN)
        self.predicted = predicted(model).type
        """What predictions are told as."""
        said = model.only(Role.PREDICTION)
        self._answers = [] if said is None else list(_rules(model.columns[said]))

    def rows(self, sent: Mapping[str, Values], number: int, inputs: Collection[str]) -> Rows:
        """What was sent, each column of `number` values; of `inputs`, which a version takes, one may be undeclared.

        Raises `Broken`, which names every column that is wrong.
        """
        fields = self._fields
        columns: dict[str, Values] = {}
        faults: list[str] = []
        for name, values in sent.items():
            field = fields.get(name) or (_Field(name, _ANY) if name in inputs else None)
            if field is not None and number == 1 and type(values) is list and type(values[0]) in field.free:
                columns[name] = values
            elif field is None:
                faults.append(self._unknown(name) if len(faults) < MOST_FAULTS else name)  # no more than that is told
            elif name not in self._ignored:
                try:
                    columns[name] = field.take(values)
                except _Fault as fault:
                    faults.append(f"{shown(name)} {fault}.")
        faults += [f"{shown(name)} is missing, which the model takes." for name in inputs if name not in sent]
        if faults:
            raise Broken(faults)
        rows = Rows(number, columns)
        if self._id in columns:
            rows.ids = self._ids(listed(columns[self._id]))
        if self._time in columns:
            rows.times = _moments(listed(columns[self._time]), fields[self._time].column)
        return rows

    def holds(self, prediction: Values | None) -> bool:
        """Whether predictions are what the model's own column of them may be."""
        if prediction is None or not self._answers or not len(prediction):
            return True
        try:
            for rule in self._answers:
                rule(prediction)
        except (_Fault, TypeError):  # a text is below no limit
            return False
        return True

    def column(self, name: str) -> Column | None:
        """How a column is declared."""
        field = self._fields.get(name)
        return None if field is None else field.column

    def _unknown(self, name: str) -> str:
        return f"{shown(name)} is no column of {self.model.name}. {no_such(name, list(self._fields))}"

    def _ids(self, values: list[Any]) -> list[str]:
        try:
            return [identifier(value) for value in values]
        except ValueError as wrong:
            raise Broken([f"{shown(self._id)}: {wrong}."]) from None


class _Fault(Exception):  # never leaves this module
    """What is wrong with the values of a column."""


class _Field:
    """One column, with all that its values are held against."""

    def __init__(self, name: str, column: Column) -> None:
        self.name = name
        self.column = column
        self._kinds = KINDS[column.type]
        self._rules = list(_rules(column))
        self.free = self._free()

    def take(self, values: Values) -> Values:
        """The values as the model and the log take them. Raises `_Fault`."""
        if not isinstance(values, list):
            values = _of_array(values, self.column.type)
        if not isinstance(values, list):
            present: Values = values[~np.isnan(values)] if values.dtype.kind == "f" else values
            some_missing = len(present) < len(values)
        else:
            kinds = set(map(type, values))
            if not kinds <= self._kinds:
                values = self._repaired(values, kinds - self._kinds)
                kinds = set(map(type, values))
            present = [value for value in values if value is not None] if NoneType in kinds else values
            some_missing = len(present) < len(values)
        if self.column.role in LATER:
            raise _Fault(f"is {LATER[self.column.role]}: leave it out")
        if some_missing and self.column.nullable is False:
            raise _Fault("is missing in a row, and it must not be")
        if len(present):
            for rule in self._rules:
                rule(present)
        return values

    def _free(self) -> frozenset[type]:
        """Types of values that nothing more is asked of."""
        if self.column.role in LATER or self.column.role is Role.IGNORED:
            return frozenset()
        if self.column.type is Type.NUMBER and self._rules == [_fits]:
            return frozenset({float})
        return frozenset() if self._rules else self._kinds

    def _repaired(self, values: list[Any], wrong: set[type]) -> list[Any]:
        """NaN is a missing number, and 2.0 a whole one; anything else is a fault."""
        if float in wrong and self.column.type is Type.INTEGER:
            values = [_whole(value) if type(value) is float else value for value in values]
            wrong = set(map(type, values)) - self._kinds
        wrong.discard(NoneType)
        if wrong:
            row, value = next((row, value) for row, value in enumerate(values) if type(value) in wrong)
            told = "" if self.column.pii else f": {shown(value)} in row {row}"
            raise _Fault(f"is not {NOUNS[self.column.type]}{told}")
        return values


def _whole(value: float) -> Any:
    if math.isnan(value):
        return None
    return int(value) if value.is_integer() else value


def _of_array(values: NDArray[Any], type: Type) -> Values:
    """An array of numbers as the column's type has them; a short one as a list, which is faster."""
    if type is Type.INTEGER and values.dtype.kind == "f":
        there = values[~np.isnan(values)]
        if len(there) == len(values) and bool((there == np.floor(there)).all()) and bool((abs(there) < _LARGEST).all()):
            return _of_array(values.astype(np.int64), type)
    elif type in (Type.INTEGER, Type.NUMBER) and values.dtype.kind in "iuf" and len(values) > FEW:
        if values.dtype == np.uint64 and bool((values >= _LARGEST).any()):
            raise _Fault("has a number beyond 64 bits")
        return values if values.dtype.kind == "f" or type is Type.INTEGER else values.astype(np.float64)
    found: list[Any] = values.tolist()
    return [None if value != value else value for value in found] if values.dtype.kind == "f" else found


def _rules(column: Column) -> Iterable[Callable[[Values], None]]:
    if column.type in (Type.INTEGER, Type.NUMBER):
        yield _fits
    elif column.type is Type.TIMESTAMP:
        yield lambda values: _are_times(listed(values), column)
    if column.type in (Type.INTEGER, Type.NUMBER) and (column.minimum is not None or column.maximum is not None):
        yield lambda values: _within(values, column)
    if column.allowed is not None and column.type is not Type.OTHER:
        allowed = frozenset(column.allowed)
        yield lambda values: _are_allowed(values, allowed, column)
    if column.min_length is not None or column.max_length is not None:
        yield lambda values: _have_length(values, column)
    if column.pattern is not None:
        yield lambda values: _match(values, column)


def _fits(values: Values) -> None:
    """Whole numbers of 64 bits are what the model's process and the log hold."""
    if isinstance(values, list) and any(type(value) is int and not -_LARGEST <= value < _LARGEST for value in values):
        raise _Fault("has a whole number beyond 64 bits")


def _within(values: Values, column: Column) -> None:
    least, most = min(values), max(values)
    for limit, words in ((column.minimum, "below"), (column.maximum, "above")):
        if isinstance(limit, datetime) or limit is None:
            continue
        end = least if words == "below" else most
        if end < limit if words == "below" else end > limit:
            told = "" if column.pii else f" ({shown(end.item() if isinstance(end, np.generic) else end)})"
            raise _Fault(f"is {words} {limit:,}{told}")


def _are_allowed(values: Values, allowed: frozenset[Any], column: Column) -> None:
    other = set(listed(values)) - allowed
    if other:
        if column.pii:
            raise _Fault(f"is none of the {len(allowed):,} allowed values")
        choices = ", ".join(map(shown, list(column.allowed or ())[:6])) + (", …" if len(allowed) > 6 else "")
        raise _Fault(f"is none of {choices}: {shown(min(other, key=str))}")


def _have_length(values: Values, column: Column) -> None:
    lengths = [len(value) for value in values]
    if column.min_length is not None and min(lengths) < column.min_length:
        raise _Fault(f"has fewer than {column.min_length:,} characters")
    if column.max_length is not None and max(lengths) > column.max_length:
        raise _Fault(f"has more than {column.max_length:,} characters")


def _match(values: Values, column: Column) -> None:
    if not pc.all(pc.match_substring_regex(pa.array(values, pa.string()), f"^(?:{column.pattern})$")).as_py():
        raise _Fault(f"does not match {shown(column.pattern)}")


def _are_times(values: list[Any], column: Column) -> None:
    cells, wrong = typed(values, column)
    if wrong:
        told = "" if column.pii else f": {shown(values[wrong[0]])} in row {wrong[0]}"
        raise _Fault(f"is no time as {shown(column.format or 'iso8601')} writes it{told}")
    for limit, words in ((column.minimum, "before"), (column.maximum, "after")):
        if isinstance(limit, datetime):
            edge = int(micro([limit])[0])
            ends = pc.min_max(cells.cast(pa.int64()))
            if ends["min"].as_py() < edge if words == "before" else ends["max"].as_py() > edge:
                raise _Fault(f"is {words} {limit.isoformat()}")


def _moments(values: list[Any], column: Column) -> list[datetime | None]:
    cells, _ = typed(values, column)
    return [None if moment is None else moment for moment in cells.to_pylist()]
