"""The terms of a contract, in our words: constraints of columns, and what could not be taken over."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import pyarrow as pa
from pydantic import ValidationError

from watchkeeper.model.constraint import Scalar, Type
from watchkeeper.model.declaration import Column, TextFormat
from watchkeeper.model.mistake import Mistake, Path, error, no_such, shown, spelled
from watchkeeper.model.pattern import pattern_fault
from watchkeeper.model.time_format import has_time_of_day
from watchkeeper.model.time_read import read_times

Limit = int | float | datetime


@dataclass(frozen=True)
class Contract:
    """What a contract says about one table."""

    source: str
    """The file it was read from."""
    standard: str
    """The standard it follows, with its version."""
    table: str | None
    """The table's name in the contract."""
    columns: Mapping[str, Mapping[str, Any]]
    """Fields of `Column` that it states, by column; without `type` where it leaves the type open."""
    primary_key: tuple[str, ...] = ()
    text: Mapping[str, Any] = field(default_factory=dict)
    """Fields of `TextFormat` that it states."""
    physical: Mapping[str, str] = field(default_factory=dict)
    """Names that columns may have in the data instead, by their names in the contract."""
    decorated: frozenset[str] = frozenset()
    """Columns whose numbers may be written with marks between digits or units, which are not read as numbers."""
    ignored: tuple[str, ...] = ()
    """What it asks for and is not checked, each with its path and the reason: to be told to the user."""


@dataclass
class Terms:
    """What is gathered while a contract is read: mistakes in it, and what can't be honoured."""

    source: str
    lines: Mapping[Path, int]
    mistakes: list[Mistake] = field(default_factory=list)
    ignored: list[str] = field(default_factory=list)

    def wrong(self, path: Path, text: str) -> None:
        """Note a mistake at `path`."""
        self.mistakes.append(Mistake(path, f"{spelled(path)}: {text}"))

    def ignore(self, path: Path, why: str) -> None:
        """Note what is not taken over."""
        self.ignored.append(f"{spelled(path)}: {why}")

    def settle(self) -> None:
        """Raise `ModelError` with all mistakes, if there are any."""
        if self.mistakes:
            raise error(self.mistakes, self.source, self.lines)

    def leftover(self, path: Path, held: Mapping[str, Any], known: frozenset[str], what: str) -> None:
        """Note every key of `held` that is not known."""
        for key in held:
            if key not in known and not key.startswith("$"):
                self.ignore((*path, key), f"unknown to {what}, and not checked")

    def mapping(self, path: Path, value: Any) -> Mapping[str, Any]:
        """`value` if it is a mapping, else an empty one and a mistake."""
        if isinstance(value, dict):
            return value
        if value is not None:
            self.wrong(path, f"{shown(value)} should be an object with keys and values")
        return {}

    def items(self, path: Path, value: Any) -> list[Any]:
        """`value` if it is a list, else an empty one and a mistake."""
        if isinstance(value, list):
            return value
        if value is not None:
            self.wrong(path, f"{shown(value)} should be a list")
        return []

    def flag(self, path: Path, value: Any) -> bool:
        """`value` if it is true or false, else false and a mistake."""
        if value is not None and not isinstance(value, bool):
            self.wrong(path, f"write true or false, not {shown(value)}")
        return value is True

    def length(self, path: Path, value: Any) -> int | None:
        """`value` if it is a number of characters."""
        if isinstance(value, int) and not isinstance(value, bool) and value >= 0:
            return value
        self.wrong(path, f"{shown(value)} is no length; write a whole number")
        return None

    def limit(self, path: Path, value: Any, type: Type, format: str | None) -> Limit | None:
        """A smallest or largest value, as the column's type; a time as the column's format or ISO 8601 has it."""
        if type is Type.TIMESTAMP and isinstance(value, str | int) and not isinstance(value, bool):
            for known in (format, "iso8601", "%Y", "%Y-%m"):
                found = _moment(str(value), known)
                if found:
                    return found
            self.wrong(
                path,
                f"{shown(value)} is no time; write it as the column's format says, {shown(format or '2014-01-31')}",
            )
        elif type in (Type.INTEGER, Type.NUMBER):
            found_number = number(value)
            if found_number is not None:
                return found_number
            self.wrong(path, f"{shown(value)} is no number; the column is of type {type}")
        else:
            self.ignore(path, f"a column of type {type} has no smallest or largest value here")
        return None

    def limits(self, path: Path, held: Mapping[str, Any], type: Type, format: str | None) -> dict[str, Any]:
        """`minimum` and `maximum` from inclusive and exclusive limits in `held`, the tighter where there are both."""
        found: dict[str, Any] = {}
        for name, exclusive, sign, tighter in (
            ("minimum", "exclusiveMinimum", 1, max),
            ("maximum", "exclusiveMaximum", -1, min),
        ):
            stated = [self.limit((*path, name), held[name], type, format)] if held.get(name) is not None else []
            if held.get(exclusive) is not None:
                edge = self.limit((*path, exclusive), held[exclusive], type, format)
                stated.append(None if edge is None else beyond(edge, sign, type, format))
            known = [limit for limit in stated if limit is not None]
            if known:
                found[name] = tighter(known)
        return found

    def pattern(self, path: Path, value: Any) -> str | None:
        """A regular expression, if it can be checked."""
        if not isinstance(value, str):
            self.wrong(path, f"{shown(value)} is no regular expression")
        elif fault := pattern_fault(value):
            self.ignore(path, f"{fault}; so it is not checked")
        else:
            return value
        return None

    def allowed(self, path: Path, values: Any, type: Type) -> list[Scalar] | None:
        """The values allowed, as the column's type. Null among them says nothing: `required` decides that."""
        kept: list[Scalar] = []
        for place, value in enumerate(self.items(path, values)):
            if value is None:
                continue
            cast = _cast(value, type)
            if cast is None:
                self.wrong((*path, place), f"{shown(value)} is no value of type {type}")
            elif cast not in kept:
                kept.append(cast)
        if type in (Type.TIMESTAMP, Type.OTHER) and kept:
            self.ignore(path, f"the values of a column of type {type} are not held against a list")
            return None
        return kept or None

    def column(self, path: Path, fields: Mapping[str, Any]) -> dict[str, Any]:
        """`fields` once `Column` has accepted them; what it refuses is a mistake."""
        stated = {name: value for name, value in fields.items() if value is not None}
        try:
            Column.model_validate({"type": Type.STRING, **stated})
        except ValidationError as invalid:
            for fault in invalid.errors(include_url=False):
                self.wrong(path, fault["msg"])
        return stated

    def text(self, path: Path, fields: Mapping[str, Any]) -> dict[str, Any]:
        """Fields of `TextFormat` that it accepts; what it refuses is listed and not taken over."""
        kept = {}
        for name, value in fields.items():
            try:
                TextFormat.model_validate({name: value})
            except ValidationError as invalid:
                self.ignore((*path, name), f"{shown(value)} can't be honoured: {invalid.errors()[0]['msg']}")
            else:
                kept[name] = value
        return kept

    def chosen(self, path: Path, tables: Mapping[str, Any], table: str | None) -> str | None:
        """The one table that is meant; a mistake where that is not clear."""
        if table in tables:
            return table
        if table is not None:
            self.wrong(path, f"there is no table {shown(table)}. {no_such(table, list(tables))}")
        elif len(tables) == 1:
            return next(iter(tables))
        elif tables:
            names = ", ".join(tables)
            self.wrong(path, f"there are {len(tables)} tables, {names}: say which is meant with table=")
        else:
            self.wrong(path, "no table with columns is described here")
        return None


def number(value: Any) -> int | float | None:
    """A number, or a text that is one."""
    if isinstance(value, bool):
        return None
    if isinstance(value, int | float):
        return value
    try:
        found = float(value)
    except (TypeError, ValueError):
        return None
    return int(found) if found.is_integer() else found


def beyond(limit: Limit, sign: int, type: Type, format: str | None) -> Limit:
    """The next value above (`sign` 1) or below (-1) an exclusive limit, which can be stated as an inclusive one."""
    if isinstance(limit, datetime):
        return limit + sign * (timedelta(microseconds=1) if has_time_of_day(format or "iso8601") else timedelta(days=1))
    if type is Type.INTEGER:
        return math.floor(limit) + 1 if sign > 0 else math.ceil(limit) - 1
    return math.nextafter(limit, sign * math.inf)


def _moment(text: str, format: str | None) -> datetime | None:
    if format is None:
        return None
    year = format == "%Y"
    found = read_times(pa.array([f"{text}-01" if year else text]), "%Y-%m" if year else format)[0].as_py()
    return None if found is None else found.replace(tzinfo=UTC)


def _cast(value: Any, type: Type) -> Scalar | None:
    if type in (Type.INTEGER, Type.NUMBER):
        found = number(value)
        return found if type is Type.NUMBER or (found is not None and float(found).is_integer()) else None
    if type is Type.BOOLEAN:
        return {"true": True, "1": True, "false": False, "0": False}.get(str(value).lower())
    if isinstance(value, dict | list):
        return None
    return str(value).lower() if isinstance(value, bool) else str(value)
