"""What a column's cells break: its type, and the constraints that a person declared. Never what was merely inferred."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from functools import partial

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import types

from watchkeeper.delivery.convert import Converted, moments, without_nan
from watchkeeper.delivery.number import extremes
from watchkeeper.delivery.piece import KEPT_VALUES, Bools, Fault, Ints
from watchkeeper.delivery.time_text import times
from watchkeeper.delivery.wording import column as named
from watchkeeper.delivery.wording import count, listed, plain
from watchkeeper.model.declaration import Column, Type

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_NOUN = {Type.INTEGER: "an integer", Type.NUMBER: "a number", Type.BOOLEAN: "true or false", Type.STRING: "text"}
_LONGEST_VALUE = 200
_LARGEST = 2**63


def unreadable(name: str, column: Column, converted: Converted) -> Iterator[Fault]:
    """The cells that are no value of the column's type."""
    if converted.invalid is None or not converted.invalid.any():
        return
    if column.type is Type.TIMESTAMP:
        form = column.format or "iso8601"
        rule = f"{named(name)} is no time " + ("in ISO 8601" if form == "iso8601" else f"of the form {plain(form)}")
        check = "date_format"
    else:
        rule, check = f"{named(name)} is not {_NOUN[column.type]}", "parse"
    yield _fault(check, rule, name, column, converted.invalid, converted.texts)


def broken(name: str, column: Column, converted: Converted) -> Iterator[Fault]:
    """The cells that break a declared constraint, one fault for each."""
    values, label = without_nan(converted.values), named(name)
    if column.nullable is False and values.null_count:
        absent = np.asarray(values.is_null())
        if converted.invalid is not None:
            absent = absent & ~converted.invalid
        yield from _faults(f"{label} is missing", name, column, absent, None)
    if column.minimum is not None or column.maximum is not None:
        yield from _outside(name, column, values)
    if column.allowed is not None:
        wrong = _each(values, lambda distinct: pc.invert(pc.is_in(distinct, value_set=_allowed(column, distinct.type))))
        yield from _faults(f"{label} is none of {_choice(column)}", name, column, wrong, values)
    if column.pattern is not None:
        wrong = _each(values, lambda distinct: pc.invert(pc.match_substring_regex(distinct, f"^(?:{column.pattern})$")))
        yield from _faults(f"{label} does not match {plain(column.pattern)}", name, column, wrong, values)
    for limit, compare, words in ((column.min_length, pc.less, "fewer"), (column.max_length, pc.greater, "more")):
        if limit is not None:
            wrong = _each(values, partial(_length_compares, compare, min(limit, _LARGEST - 1)))
            yield from _faults(f"{label} has {words} than {count(limit, 'character')}", name, column, wrong, values)


def _choice(column: Column) -> str:
    """The allowed values in words; of a personal column how many they are."""
    allowed = column.allowed or ()
    if column.pii:
        return f"the {count(len(allowed), 'allowed value')}"
    return listed([plain(str(value), 20) for value in allowed], 6)


def example_values(values: pa.Array | None, rows: Ints, column: Column | None) -> tuple[str, ...]:
    """The first of the values at `rows`, as text; none of a personal column."""
    if values is None or (column is not None and column.pii):
        return ()
    return texts(values.take(pa.array(rows[:KEPT_VALUES])))


def texts(values: pa.Array) -> tuple[str, ...]:
    """Canonical values as a person would write them, cut short; empty for null."""
    if types.is_timestamp(values.type):
        return tuple(time_of(at) for at in moments(values).to_pylist())
    if types.is_dictionary(values.type):
        values = values.dictionary_decode()
    return tuple(
        "" if v is None else str(v).lower() if isinstance(v, bool) else _written(v)[:_LONGEST_VALUE]
        for v in values.to_pylist()
    )


def _written(value: object) -> str:
    return value.hex() if isinstance(value, bytes) else str(value)


def time_of(micro: int | None) -> str:
    """An instant in microseconds since 1970, UTC; the day alone at midnight."""
    if micro is None:
        return ""
    return (_EPOCH + timedelta(microseconds=micro)).replace(tzinfo=None).isoformat(" ").removesuffix(" 00:00:00")


def _outside(name: str, column: Column, values: pa.Array) -> Iterator[Fault]:
    """Values below the minimum or above the maximum; NaN is within no range."""
    comparable = moments(values) if types.is_timestamp(values.type) else values
    ends = extremes(comparable)
    for limit, end, compare, words in (
        (column.minimum, 0, pc.less, "below"),
        (column.maximum, 1, pc.greater, "above"),
    ):
        if limit is None or ends is None:
            continue
        extreme = ends[end]
        bound = micro_of(limit) if isinstance(limit, datetime) else limit
        if bound <= extreme if words == "below" else extreme <= bound:
            continue  # the usual case costs one look at the extremes
        said = f"{words} {time_of(int(bound))}" if isinstance(limit, datetime) else _said(bound, words)
        wrong = np.asarray(pc.fill_null(compare(*_alike(comparable, bound, words == "below")), False))
        yield from _faults(f"{named(name)} is {said}", name, column, wrong, values)


def _said(bound: int | float, words: str) -> str:
    """A bound in words; the last number before a round one, as a contract's exclusive bound is kept, as that one."""
    beside = math.nextafter(bound, -math.inf if words == "below" else math.inf)
    if not isinstance(bound, float) or (beside and len(repr(beside)) + 8 > len(repr(bound))):
        return f"{words} {bound:,}"
    other = {"below": "above", "above": "below"}[words]
    return f"not {other} {int(beside) if beside.is_integer() else beside:,}"


def _alike(values: pa.Array, bound: float, is_least: bool) -> tuple[pa.Array, float]:
    """Values and a bound that Arrow can compare: no integer beyond 64 bits, and no fraction with large ones."""
    if not types.is_integer(values.type):
        return values, float(bound)
    whole = math.ceil(bound) if is_least else math.floor(bound)
    return (values, whole) if -_LARGEST <= whole < _LARGEST else (values.cast(pa.float64(), safe=False), float(whole))


def micro_of(instant: datetime) -> int:
    """Microseconds since 1970."""
    return (instant - _EPOCH) // timedelta(microseconds=1)


def _length_compares(compare: Callable[[pa.Array, int], pa.Array], limit: int, texts: pa.Array) -> pa.Array:
    return compare(pc.utf8_length(texts), limit)


def _allowed(column: Column, type: pa.DataType) -> pa.Array:
    if column.type is Type.TIMESTAMP:
        return times(pa.array([str(value) for value in column.allowed or ()], pa.string()), column.format or "iso8601")
    if column.type is Type.STRING:
        return pa.array([str(value) for value in column.allowed or ()], pa.string())
    return pa.array([value for value in column.allowed or () if not isinstance(value, str)], type=type)


def _each(values: pa.Array, wrong: Callable[[pa.Array], pa.Array]) -> Bools:
    """Which rows hold a wrong value; of a dictionary each distinct value is asked once. No missing value is wrong."""
    if types.is_dictionary(values.type):
        of_distinct = wrong(values.dictionary)
        return np.asarray(pc.fill_null(of_distinct.take(values.indices), False))
    return np.asarray(pc.fill_null(pc.if_else(pc.is_valid(values), wrong(values), False), False))


def _faults(rule: str, name: str, column: Column, wrong: Bools, values: pa.Array | None) -> Iterator[Fault]:
    if wrong.any():
        yield _fault("constraint", rule, name, column, wrong, values)


def _fault(check: str, rule: str, name: str, column: Column, wrong: Bools, values: pa.Array | None) -> Fault:
    rows = np.flatnonzero(wrong)
    return Fault(check, rule, rows, (name,), example_values(values, rows, column))
