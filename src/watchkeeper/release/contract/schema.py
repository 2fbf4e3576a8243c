"""Contracts as JSON Schema (draft 2020-12), which any consumer can check its requests with, and back again."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from pydantic import ValidationError

from watchkeeper.model import WatchkeeperError
from watchkeeper.model.constraint import Type
from watchkeeper.model.declaration import Column, Role
from watchkeeper.model.time_format import EPOCHS
from watchkeeper.release.contract.contract import Contract
from watchkeeper.release.contract.field import Field

COLUMN = "x-column"
"""The keyword under which a property holds its column as the YAML has it: JSON Schema leaves unknown ones alone."""
DIALECT = "https://json-schema.org/draft/2020-12/schema"

_KEPT = {"type", "role", "format", "nullable", "minimum", "maximum", "allowed", "pattern", "min_length", "max_length"}
_TYPES: Mapping[Type, list[str]] = {
    Type.INTEGER: ["integer"],
    Type.NUMBER: ["number"],
    Type.BOOLEAN: ["boolean"],
    Type.STRING: ["string"],
    Type.TIMESTAMP: ["string"],
    Type.OTHER: ["boolean", "number", "string"],
}


class NoContract(WatchkeeperError):
    """A file holds no contract that `watchkeeper contract --schema` wrote: the text says what is wrong with it."""


def schema(contract: Contract) -> dict[str, Any]:
    """The contract as one document: a request's row is held against `$defs.input`, an answer's against the other."""
    about = f"{contract.model} {contract.version}"
    return {
        "$schema": DIALECT,
        "$id": f"urn:watchkeeper:contract:{contract.model}:{contract.version}",
        "title": about,
        "description": f"What {about} takes and what it gives, row by row.",
        "type": "object",
        "properties": {"input": {"$ref": "#/$defs/input"}, "prediction": {"$ref": "#/$defs/prediction"}},
        "$defs": {"input": input_schema(contract), "prediction": prediction_schema(contract)},
    }


def input_schema(contract: Contract) -> dict[str, Any]:
    """One row of a request."""
    return _object(contract, (*contract.takes, *contract.also), contract.takes, open_to_more=False)


def prediction_schema(contract: Contract) -> dict[str, Any]:
    """One row of an answer; it may hold more."""
    return _object(contract, contract.gives, contract.gives, open_to_more=True)


def value_schema(field: Field) -> dict[str, Any]:
    """One value of a column. What only RE2 or a calendar can tell is left to the gateway."""
    column = field.column
    if column.role is Role.IGNORED:
        return {"description": "Not read."}
    counted = ["number"] if column.format in EPOCHS else []
    types = [*_TYPES[column.type], *counted, *(["null"] if field.nullable else [])]
    said: dict[str, Any] = {"type": types if len(types) > 1 else types[0]}
    if column.type in (Type.INTEGER, Type.NUMBER):
        said |= _stated(minimum=column.minimum, maximum=column.maximum)
    if column.type is Type.INTEGER:
        said["format"] = "int64"
    if column.type is Type.STRING:
        said |= _stated(minLength=column.min_length, maxLength=column.max_length)
        said |= _stated(pattern=None if column.pattern is None else f"^(?:{column.pattern})$")
    if column.allowed is not None and column.type not in (Type.TIMESTAMP, Type.OTHER):
        said["enum"] = [*column.allowed, *([None] if field.nullable else [])]
    if column.type is Type.BOOLEAN and column.role is Role.PREDICTION:  # many artefacts know true as 1
        said = {"enum": [True, False, 0, 1], "description": "True may be told as 1, and false as 0."}
    if column.type is Type.TIMESTAMP:
        said["description"] = f"A time as {column.format or 'iso8601'} writes it."
    return said


def read(document: Any, source: str) -> Contract:
    """The contract that `schema` wrote. Raises `NoContract`, which names `source`."""
    try:
        model, _, version = document["title"].partition(" ")
        inputs, outputs = document["$defs"]["input"], document["$defs"]["prediction"]
        fields = {name: _field(name, said) for name, said in inputs["properties"].items()}
        takes = tuple(fields[name] for name in inputs["required"])
        also = tuple(field for name, field in fields.items() if name not in inputs["required"])
        gives = tuple(_field(name, said) for name, said in outputs["properties"].items())
    except (KeyError, TypeError, AttributeError, ValidationError) as broken:
        raise NoContract(
            f"{source} holds no contract of a version ({type(broken).__name__}: {str(broken)[:200]}). "
            "Write one with: watchkeeper contract MODEL VERSION --schema FILE"
        ) from broken
    return Contract(model, version, takes, also, gives)


def _object(
    contract: Contract, fields: Iterable[Field], required: Iterable[Field], *, open_to_more: bool
) -> dict[str, Any]:
    return {
        "title": contract.model,
        "type": "object",
        "properties": {field.name: {**value_schema(field), COLUMN: _column(field)} for field in fields},
        "required": [field.name for field in required],
        "additionalProperties": open_to_more,
    }


def _column(field: Field) -> dict[str, Any]:
    return field.column.model_dump(mode="json", include=_KEPT | {"pii"}, exclude_defaults=True)


def _field(name: str, said: Mapping[str, Any]) -> Field:
    return Field(name, Column.model_validate(said[COLUMN]))


def _stated(**constraints: Any) -> dict[str, Any]:
    return {name: value for name, value in constraints.items() if value is not None}
