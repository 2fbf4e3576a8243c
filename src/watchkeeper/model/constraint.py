"""What values of a column may be: its type, and the constraints they must keep to."""

from __future__ import annotations

import math
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from enum import StrEnum
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, field_validator
from pydantic_core import PydanticCustomError

from watchkeeper.model.pattern import pattern_fault


class Type(StrEnum):
    """What the values of a column are. A date is a timestamp whose format has no time of day."""

    INTEGER = "integer"
    NUMBER = "number"
    BOOLEAN = "boolean"
    STRING = "string"
    TIMESTAMP = "timestamp"
    OTHER = "other"


Scalar = bool | int | float | str


class Strict(BaseModel):
    """Part of a declaration: unknown fields are mistakes, and nothing changes once it is made."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)


def mistake(text: str, *at: str | int) -> PydanticCustomError:
    """A mistake said in words; `at` is the path to it below the part that is being validated."""
    return PydanticCustomError("mistake", "{text}", {"text": text, "at": at})


class Constraints(Strict):
    """What a column's values must keep to.

    Written at the column they are *declared*: a row that breaks one is set aside. Under `inferred`
    they are what `init` saw: judged by statistics, they never set a row aside.
    """

    nullable: bool | None = None
    """Whether a value may be missing."""
    minimum: int | float | datetime | None = None
    """The smallest value allowed; a time without a zone is UTC."""
    maximum: int | float | datetime | None = None
    """The largest value allowed; a time without a zone is UTC."""
    allowed: list[Scalar] | None = None
    """The only values allowed, written exactly so."""
    pattern: str | None = None
    """A regular expression (RE2) that the whole text must match."""
    min_length: Annotated[int, Field(ge=0)] | None = None
    """The fewest characters of a text."""
    max_length: Annotated[int, Field(ge=0)] | None = None
    """The most characters of a text."""
    unique: bool | None = None
    """Whether no two rows may share a value."""

    @field_validator("minimum", "maximum", mode="before")
    @classmethod
    def _limits_are_limits(cls, limit: object) -> object:
        if fault := _endless(limit):
            raise mistake(f"{fault} is no limit; write a number such as 0.5, or take the line out")
        return limit

    @field_validator("allowed", mode="before")
    @classmethod
    def _values_are_finite(cls, values: object) -> object:
        for place, value in enumerate(values if isinstance(values, list) else ()):
            if not isinstance(value, bool | str) and (fault := _endless(value)):
                raise mistake(f"{fault} is no value that could be told from others; take it out", place)
        return values

    @field_validator("min_length", "max_length", mode="before")
    @classmethod
    def _lengths_are_numbers(cls, length: object) -> object:
        if isinstance(length, bool):
            raise mistake(f"{_endless(length)} is no length; write a whole number such as 10")
        return length

    @field_validator("minimum", "maximum")
    @classmethod
    def _times_are_utc(cls, limit: int | float | datetime | None) -> int | float | datetime | None:
        if isinstance(limit, datetime):
            return limit.astimezone(UTC) if limit.tzinfo else limit.replace(tzinfo=UTC)
        return limit

    @field_validator("pattern")
    @classmethod
    def _pattern_compiles(cls, pattern: str | None) -> str | None:
        if pattern is not None and (fault := pattern_fault(pattern)):
            raise mistake(fault)
        return pattern


def asked(constraints: Constraints) -> Iterator[str]:
    """The fields that ask something of each value: all that are written, but for those that allow everything."""
    return (
        field
        for field in Constraints.model_fields
        if (value := getattr(constraints, field)) is not None and (field, value) not in _FREE
    )


_FREE = (("nullable", True), ("unique", False))


def _endless(limit: object) -> str | None:
    """A value that no number can be compared with, as it would be written; None for any other."""
    if isinstance(limit, bool):
        return str(limit).lower()
    if isinstance(limit, str):
        try:
            return _endless(float(limit))
        except ValueError:
            return None  # a date, or what is no limit at all
    if isinstance(limit, int) and abs(limit) > sys.float_info.max:
        return "a number of more than 300 digits"
    if isinstance(limit, float) and not math.isfinite(limit):
        return "a number too large to be held (or infinity)" if math.isinf(limit) else "nan"
    return None


def misfits(type: Type, constraints: Constraints) -> Iterator[tuple[str, str]]:
    """Constraints that no value of `type` could be held against: the field, and what is wrong with it."""
    numeric = type in (Type.INTEGER, Type.NUMBER)
    for field in ("minimum", "maximum"):
        limit = getattr(constraints, field)
        if limit is None:
            continue
        if type is Type.TIMESTAMP and not isinstance(limit, datetime):
            yield field, "write a date such as 2014-01-31, as the column is of type timestamp"
        elif numeric and isinstance(limit, datetime):
            yield field, f"write a number, as the column is of type {type}"
        elif not numeric and type is not Type.TIMESTAMP:
            yield field, f"a column of type {type} has no {field}; take the line out"
    for field in ("pattern", "min_length", "max_length"):
        if getattr(constraints, field) is not None and type is not Type.STRING:
            yield field, f"only text has a {field}, and this column is of type {type}; take the line out"
    for low, high in (("minimum", "maximum"), ("min_length", "max_length")):
        least, most = getattr(constraints, low), getattr(constraints, high)
        comparable = None not in (least, most) and isinstance(least, datetime) is isinstance(most, datetime)
        if comparable and least > most:
            yield low, f"{low} is above {high}, so no value could be right; correct one of them"
    if constraints.allowed == []:
        yield "allowed", "an empty list allows nothing, so every row would be bad; name the values, or take it out"
    for value in constraints.allowed or ():
        if not _is_of(type, value):
            hint = f"write it in quotes, {str(value)!r}" if type is Type.STRING else "correct it, or the column's type"
            yield "allowed", f"{value!r} is no value of type {type}; {hint}"


def _is_of(type: Type, value: Scalar) -> bool:
    match type:
        case Type.INTEGER:
            return not isinstance(value, bool | str) and float(value).is_integer()
        case Type.NUMBER:
            return not isinstance(value, bool | str)
        case Type.BOOLEAN:
            return isinstance(value, bool)
        case Type.STRING | Type.TIMESTAMP:
            return isinstance(value, str)
        case Type.OTHER:
            return False
