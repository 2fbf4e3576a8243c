"""Field: a column that a version takes, or an output that it gives, and which values of it are right."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from operator import eq
from types import NoneType
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from watchkeeper.model.constraint import Type
from watchkeeper.model.declaration import Column, Role
from watchkeeper.model.mistake import shown
from watchkeeper.model.time_format import EPOCHS
from watchkeeper.model.time_read import EARLIEST, LATEST, read_times

FEW = 16
"""Values up to which a loop in Python is faster than a call of NumPy."""
LARGEST = 2**63
"""Whole numbers are smaller than this; the lake keeps no others."""
HUGE = 2**1023
"""Numbers that are written as whole ones are no larger than this, so that each is a float."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_STATED = ("minimum", "maximum", "allowed", "pattern", "min_length", "max_length")
_NOUNS = {
    Type.INTEGER: "a whole number",
    Type.NUMBER: "a number",
    Type.BOOLEAN: "true or false",
    Type.STRING: "a text",
    Type.TIMESTAMP: "a time",
    Type.OTHER: "a text, a number, true or false",
}


@dataclass(frozen=True)
class Field:
    """A column that a version takes, or an output that it gives, with all that was declared of it."""

    name: str
    column: Column

    @property
    def type(self) -> Type:
        """What its values are."""
        return self.column.type

    @property
    def nullable(self) -> bool:
        """Whether a value may be missing: null, or NaN among numbers."""
        return self.column.nullable is not False

    def first_fault(self, values: Sequence[Any]) -> tuple[int, str] | None:
        """The first row that is wrong, and what is wrong with it, without the column's name. The rule of all rules."""
        column = self.column
        if column.role is Role.IGNORED:
            return None
        moments = _moments(column, values) if column.type is Type.TIMESTAMP else values
        for row, (value, moment) in enumerate(zip(values, moments, strict=True)):
            fault = self._fault(value, moment)
            if fault is not None:
                return row, fault
        return None

    def _fault(self, value: Any, moment: Any) -> str | None:
        if is_missing(value):
            return None if self.nullable else "is missing, and it must not be"
        if _is(self.column, moment):
            fault = _beyond(self.column, moment)
        elif self.type is Type.INTEGER and isinstance(value, int) and not isinstance(value, bool):
            fault = "is a whole number beyond 64 bits"
        else:
            fault = f"is not {_noun(self.column)}"
        return fault if fault is None or self.column.pii else f"{fault}: {shown(value)}"


class Rule:
    """What is right at first sight: most requests are, so this is decided before values are looked at one by one."""

    __slots__ = ("_array_keeps", "_keeps", "_kinds", "_many_keep", "_numbers", "_types", "field", "free")

    def __init__(self, field: Field) -> None:
        self.field = field
        self._kinds, types = _usual(field)
        self._types = types | {NoneType} if field.nullable else types
        self._numbers = _numbers(field)
        self._many_keep = _many_keep(field.column)
        self._keeps = _keeps(field.column, self._many_keep)
        self._array_keeps = _array_keeps(field.column, self._many_keep)
        self.free = self._free()
        """Types of single values of which nothing more is to be asked; NaN is no number where none may be missing."""

    def fits(self, values: Any) -> bool:
        """Whether a column or one value fits; False means that it is to be looked at closely."""
        kind = type(values)
        if kind is list:
            return self._list_fits(values)
        if kind is not np.ndarray:
            return self.takes(values)
        kind = values.dtype.kind
        if kind == "O":
            return self._list_fits(values.tolist())
        if kind not in self._kinds and (kind not in "uf" or self._numbers is None or not self._numbers(values)):
            return False
        return self._array_keeps is None or self._array_keeps(values)

    def takes(self, value: Any) -> bool:
        """Whether one value fits, as `fits` says it of many."""
        if type(value) not in self._types or value != value:
            return False
        return self._keeps is None or value is None or self._keeps(value)

    def keeps(self, values: list[Any] | NDArray[Any]) -> bool:
        """Whether values, none of which is missing, keep to what is declared, whatever their type."""
        many = values if isinstance(values, list) else values.tolist()
        try:
            return self._many_keep is None or not many or self._many_keep(many)
        except TypeError:  # a text is below no limit
            return False

    def _list_fits(self, many: list[Any]) -> bool:
        kinds = {*map(type, many)}
        if not kinds <= self._types:
            return False
        if NoneType in kinds:
            many = [value for value in many if value is not None]
        if float in kinds and (self._many_keep is not None or not self.field.nullable) and not all(map(eq, many, many)):
            return False
        return self._many_keep is None or not many or self._many_keep(many)

    def _free(self) -> frozenset[type]:
        column, missing = self.field.column, self._types & {NoneType}
        if column.type is Type.NUMBER and not _stated(column):
            return missing | {float} if self.field.nullable else missing
        if self._many_keep is not None:
            return missing
        return self._types if self.field.nullable else self._types - {float}


def is_missing(value: Any) -> bool:
    """Whether a value is null; NaN is, as it is no number."""
    return value is None or (type(value) is float and value != value)


def as_list(values: Any) -> list[Any]:
    """The values of a column, or one value, as Python has them."""
    if isinstance(values, np.ndarray):
        if values.dtype.kind == "M":
            values = values.astype("datetime64[us]")  # finer ones would become numbers
        return list(values.reshape(-1).tolist())
    many = values if isinstance(values, list | tuple) else [values]
    return [value.item() if isinstance(value, np.generic) else value for value in many]


# What is right of one value -----------------------------------------------------------------------------------------


def _is(column: Column, value: Any) -> bool:
    """Whether it is of the column's type; a time is given in microseconds since 1970, None where it is none."""
    numeric = isinstance(value, int | float) and not isinstance(value, bool)
    match column.type:
        case Type.INTEGER:
            return numeric and (isinstance(value, int) or value.is_integer()) and -LARGEST <= value < LARGEST
        case Type.NUMBER:
            return numeric and (isinstance(value, float) or abs(value) <= HUGE)
        case Type.BOOLEAN:
            return isinstance(value, bool)
        case Type.STRING:
            return isinstance(value, str)
        case Type.TIMESTAMP:
            return value is not None
        case _:
            return isinstance(value, bool | int | float | str)


def _beyond(column: Column, value: Any) -> str | None:
    """Which declared constraint a value of the right type breaks."""
    for limit, sign, words in ((column.minimum, 1, "below"), (column.maximum, -1, "above")):
        edge = _micro(limit) if isinstance(limit, datetime) else limit
        if edge is not None and sign * value < sign * edge:
            return f"is {words} {limit}"
    if column.allowed is not None and column.type not in (Type.TIMESTAMP, Type.OTHER) and value not in column.allowed:
        if column.pii:
            return f"is none of the {len(column.allowed):,} allowed values"
        choices = ", ".join(map(shown, column.allowed[:6])) + (", …" if len(column.allowed) > 6 else "")
        return f"is none of {choices}"
    if column.min_length is not None and len(value) < column.min_length:
        return f"has fewer than {column.min_length:,} characters"
    if column.max_length is not None and len(value) > column.max_length:
        return f"has more than {column.max_length:,} characters"
    if column.pattern is not None and not _match(column.pattern, [value]):
        return f"does not match {shown(column.pattern)}"
    return None


def _match(pattern: str, values: Sequence[str]) -> bool:
    try:
        texts = pa.array(values, pa.string())
    except (UnicodeError, pa.ArrowException):
        return False  # half of a surrogate pair is no text
    return bool(pc.all(pc.match_substring_regex(texts, pattern=f"^(?:{pattern})$")).as_py())


def _moments(column: Column, values: Sequence[Any]) -> list[Any]:
    """Times in microseconds since 1970, None where a value is none: as the column writes them, or as RFC 3339 does."""
    written = column.format or "iso8601"
    found: list[Any] = [_counted(value, written) for value in values]
    texts = [place for place, value in enumerate(values) if isinstance(value, str)]
    for known in dict.fromkeys((written, "iso8601")):
        texts = [place for place in texts if found[place] is None]
        if not texts:
            break
        read = _read(known, [values[place] for place in texts])
        if read is None:
            break
        for place, moment in zip(texts, read.to_pylist(), strict=True):
            found[place] = moment
    return found


def _read(known: str, texts: Sequence[str]) -> pa.Int64Array | None:
    """Texts as times in microseconds, each that comes again read once; None where one can't be written."""
    try:
        coded = pa.array(texts, pa.string()).dictionary_encode()
    except (UnicodeError, pa.ArrowException):
        return None
    return read_times(coded.dictionary, known).cast(pa.int64()).take(coded.indices)


def _counted(value: Any, written: str) -> int | None:
    if isinstance(value, datetime):
        return _micro(value)
    if isinstance(value, bool) or not isinstance(value, int | float) or written not in EPOCHS:
        return None
    scaled = value * EPOCHS[written]
    return round(scaled) if EARLIEST <= scaled <= LATEST else None


def _micro(moment: datetime) -> int:
    return ((moment if moment.tzinfo else moment.replace(tzinfo=UTC)) - _EPOCH) // timedelta(microseconds=1)


def _noun(column: Column) -> str:
    return f"{_NOUNS[column.type]} as {shown(column.format)} writes it" if column.format else _NOUNS[column.type]


# What is right at first sight ---------------------------------------------------------------------------------------


def _usual(field: Field) -> tuple[str, frozenset[type]]:
    """Kinds of arrays, and types of single values, of which every value is of the column's type."""
    if field.column.role is Role.IGNORED:
        return "biufcUSTOM", frozenset({bool, int, float, str})
    some = "f" if field.nullable else ""
    match field.type:
        case Type.INTEGER:
            return "i", frozenset({int})
        case Type.NUMBER:
            return "iu" + some, frozenset({int, float})
        case Type.BOOLEAN:
            return "b", frozenset({bool})
        case Type.STRING:
            return "UT", frozenset({str})
        case Type.TIMESTAMP:
            return "", frozenset({str, int, float})
        case _:
            return "biuUT" + some, frozenset({bool, int, float, str})


def _numbers(field: Field) -> Callable[[NDArray[Any]], bool] | None:
    """How an array of numbers is looked at that are not all right by their type."""
    if field.type is Type.INTEGER:
        return _all_whole_or_missing if field.nullable else all_whole
    return _none_missing if field.type in (Type.NUMBER, Type.OTHER) else None


def all_whole(array: NDArray[Any]) -> bool:
    """Whether all numbers are whole ones of 64 bits."""
    if array.dtype.kind == "f":
        array = array.astype(np.promote_types(array.dtype, np.float32), copy=False)  # half a float has no such limits
    if len(array) <= FEW and array.dtype.itemsize <= 8:
        return all(value.is_integer() and -LARGEST <= value < LARGEST for value in map(float, array.tolist()))
    return bool(((array == np.floor(array)) & (array >= -LARGEST) & (array < LARGEST)).all())


def _all_whole_or_missing(array: NDArray[Any]) -> bool:
    return all_whole(array) or (array.dtype.kind == "f" and all_whole(array[~np.isnan(array)]))


def _none_missing(array: NDArray[Any]) -> bool:
    return not np.isnan(array).any()


def _many_keep(column: Column) -> Callable[[Sequence[Any]], bool] | None:
    """How values of the right type are held against what is declared, all at once; None where nothing is."""
    rules: list[Callable[[Sequence[Any]], bool]] = []
    if column.role is Role.IGNORED or column.type is Type.OTHER:
        return None
    if column.type is Type.TIMESTAMP:
        return lambda many: _are_times(column, many)
    if column.type in (Type.INTEGER, Type.NUMBER):
        least, most = _limits(column)
        rules.append(lambda many: bool(least <= min(many) and max(many) <= most))
    if column.allowed is not None:
        rules.append(frozenset(column.allowed).issuperset)
    if column.min_length is not None or column.max_length is not None:
        shortest, longest = column.min_length or 0, column.max_length if column.max_length is not None else LARGEST
        rules.append(lambda many: shortest <= min(map(len, many)) and max(map(len, many)) <= longest)
    if column.pattern is not None:
        pattern = column.pattern
        rules.append(lambda many: _match(pattern, many))
    return (lambda many: all(rule(many) for rule in rules)) if len(rules) > 1 else rules[0] if rules else None


def _are_times(column: Column, many: Sequence[Any]) -> bool:
    moments = _read(column.format or "iso8601", many) if {*map(type, many)} == {str} else None
    if moments is None or moments.null_count:
        moments = pa.array(_moments(column, many), pa.int64())
    ends = pc.min_max(moments)
    return not moments.null_count and all(_beyond(column, ends[end].as_py()) is None for end in ("min", "max"))


def _keeps(column: Column, many_keep: Callable[[Sequence[Any]], bool] | None) -> Callable[[Any], bool] | None:
    """The same of one value."""
    if many_keep is None:
        return None
    if column.type in (Type.INTEGER, Type.NUMBER) and column.allowed is None:
        least, most = _limits(column)
        return lambda value: least <= value <= most
    if _stated(column) == {"allowed"}:
        return frozenset(column.allowed or ()).__contains__
    return lambda value: many_keep([value])


def _array_keeps(
    column: Column, many_keep: Callable[[Sequence[Any]], bool] | None
) -> Callable[[NDArray[Any]], bool] | None:
    """The same of an array, whose type has its limits already."""
    if many_keep is None or not _stated(column):
        return None
    if column.type not in (Type.INTEGER, Type.NUMBER) or column.allowed is not None:
        return lambda array: not len(array) or many_keep(array.tolist())
    least, most = _limits(column)

    def between(array: NDArray[Any]) -> bool:
        if len(array) <= FEW:
            return all(value != value or least <= value <= most for value in array.tolist())
        return bool(least <= np.fmin.reduce(array).item() and np.fmax.reduce(array).item() <= most)

    return between


def _stated(column: Column) -> set[str]:
    return {name for name in _STATED if getattr(column, name) is not None}


def _limits(column: Column) -> tuple[Any, Any]:
    """What is right at first sight; whole numbers beyond 64 bits are looked at closely."""
    least, most = column.minimum, column.maximum
    return 1 - LARGEST if least is None else least, LARGEST - 1 if most is None else most
