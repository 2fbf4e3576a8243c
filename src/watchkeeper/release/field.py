"""Field: a column that a version takes, or an output that it gives, and which values of it are right."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from operator import eq
from typing import Any

import numpy as np
from numpy.typing import NDArray

from watchkeeper.model.constraint import Scalar, Type

FEW = 16
"""Values up to which a loop in Python is faster than a call of NumPy."""

_NUMERIC = "iuf"
_TEXT = "UST"
_BITS = frozenset({0, 1})


@dataclass(frozen=True)
class Field:
    """A column that a version takes, or an output that it gives."""

    name: str
    type: Type
    nullable: bool = True
    """Whether a value may be missing: null, or NaN among numbers."""
    format: str | None = None
    """How a time is written as text."""
    allowed: tuple[Scalar, ...] | None = None
    """Of an output: the only values that it has."""
    declared: Mapping[str, Any] = field(default_factory=dict)
    """What the YAML declares beside the type. A request is not refused for it: what breaks it is told by the watch."""

    @property
    def counts(self) -> bool:
        """Whether its values are whole numbers: so are times that are counted since 1970."""
        return self.type is Type.INTEGER or (self.type is Type.TIMESTAMP and (self.format or "").startswith("epoch"))

    @property
    def spoken(self) -> str:
        """Its type, as a sentence has it."""
        return f"{self.type}, written as {self.format}" if self.format else self.type.value


class Rule:
    """What is right at first sight: most requests are, so this is decided before values are looked at closely."""

    __slots__ = ("field", "kinds", "numbers", "types")

    def __init__(self, held: Field) -> None:
        kinds, types = _usual(held)
        self.field = held
        self.kinds = kinds
        self.types = types | {type(None)} if held.nullable else types
        self.numbers = _numbers(held)

    def fits(self, values: Any) -> bool:
        """Whether a column or one value fits; False means that it is to be looked at closely."""
        if type(values) is not np.ndarray:
            return type(values) in self.types and bool(values == values)  # NaN does not equal itself
        kind = values.dtype.kind
        if kind in self.kinds:
            return True
        if kind == "O":
            many = values.tolist()
            return {*map(type, many)} <= self.types and (self.field.nullable or all(map(eq, many, many)))
        return kind in _NUMERIC and self.numbers(values)


def wrong(held: Field, array: NDArray[Any]) -> NDArray[np.bool_]:
    """Which values are of another type, shape (n,); those that are null are not."""
    kind = array.dtype.kind
    fine: Any
    if kind == "O" or (kind in _TEXT and held.type is Type.TIMESTAMP):
        fine = np.fromiter((_is(held, value) for value in array.tolist()), bool, len(array))
    elif held.counts:
        fine = np.isfinite(array) & (array == np.floor(array)) if kind == "f" else kind in "iu"
    elif held.type is Type.BOOLEAN:
        fine = (array == 0) | (array == 1) if kind in _NUMERIC else kind == "b"
    else:
        fine = kind in {Type.NUMBER: _NUMERIC, Type.STRING: _TEXT, Type.TIMESTAMP: "M"}.get(held.type, kind)
    return ~np.broadcast_to(np.asarray(fine, bool), array.shape) & ~null(array)


def null(array: NDArray[Any]) -> NDArray[np.bool_]:
    """Which values are missing, shape (n,)."""
    kind = array.dtype.kind
    if kind == "O":
        many = array.tolist()
        return np.fromiter((value is None or value != value for value in many), bool, len(many))
    found = np.isnan(array) if kind == "f" else np.isnat(array) if kind == "M" else np.zeros(array.shape, bool)
    return np.asarray(found, bool)


def as_array(values: Any) -> NDArray[Any]:
    """Values as an array of shape (n,); what is no array yet becomes one of objects, as nothing is converted."""
    if isinstance(values, np.ndarray):
        return values.reshape(-1)
    many = values if isinstance(values, list | tuple) else [values]
    array = np.empty(len(many), object)
    for place, value in enumerate(many):
        array[place] = plain(value)
    return array


def plain(value: Any) -> Any:
    """A value as Python has it."""
    return value.item() if isinstance(value, np.generic) else value


def _usual(held: Field) -> tuple[str, frozenset[type]]:
    """Kinds of arrays, and types of single values, of which every value is right."""
    if held.counts:
        return "iu", frozenset({int})
    match held.type:
        case Type.NUMBER:
            return _NUMERIC if held.nullable else "iu", frozenset({int, float})
        case Type.BOOLEAN:
            return "b", frozenset({bool})
        case Type.STRING:
            return _TEXT, frozenset({str, bytes})
        case Type.TIMESTAMP:
            return "M" if held.nullable else "", frozenset({datetime, date})
        case _:
            return "biuUST" + ("fM" if held.nullable else ""), frozenset({bool, int, float, str, bytes})


def _numbers(held: Field) -> Callable[[NDArray[Any]], bool]:
    """How numbers are looked at that are not all right by their type."""
    if held.counts:
        return _all_whole
    if held.type is Type.BOOLEAN:
        return _all_bits
    return _none_missing if held.type in (Type.NUMBER, Type.OTHER) else _never


def _all_whole(array: NDArray[Any]) -> bool:
    if len(array) <= FEW and array.dtype.itemsize <= 8:
        return all(map(float.is_integer, array.tolist()))
    return bool((np.isfinite(array) & (array == np.floor(array))).all())


def _all_bits(array: NDArray[Any]) -> bool:
    return {*array.tolist()} <= _BITS if len(array) <= FEW else bool(((array == 0) | (array == 1)).all())


def _none_missing(array: NDArray[Any]) -> bool:
    return not np.isnan(array).any()


def _never(_array: NDArray[Any]) -> bool:
    return False


def _is(held: Field, value: Any) -> bool:
    """Whether one plain value is of the type."""
    numeric = isinstance(value, int | float) and not isinstance(value, bool)
    if held.counts:
        return numeric and float(value).is_integer()
    match held.type:
        case Type.NUMBER:
            return numeric
        case Type.BOOLEAN:
            return isinstance(value, bool) or (numeric and value in _BITS)
        case Type.STRING:
            return isinstance(value, str | bytes)
        case Type.TIMESTAMP:
            return isinstance(value, date) or (isinstance(value, str | bytes) and _reads(held, value))
        case _:
            return True


def _reads(held: Field, value: str | bytes) -> bool:
    """Whether a text is a time as the column writes it."""
    import pyarrow as pa

    from watchkeeper.model.time_read import read_times

    try:
        text = value.decode() if isinstance(value, bytes) else value
        return bool(read_times(pa.array([text], pa.string()), held.format or "iso8601")[0].is_valid)
    except (UnicodeError, pa.ArrowException):
        return False
