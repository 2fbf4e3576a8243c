"""Brings a contract and the data together: which column it means, and how its cells are read."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from watchkeeper.model.cells import ARROW, Reading
from watchkeeper.model.constraint import Type
from watchkeeper.model.declaration import Role
from watchkeeper.model.mistake import ModelError, shown
from watchkeeper.model.note import Note
from watchkeeper.model.reading import read_as, read_column
from watchkeeper.model.term import Contract

BY_CONTRACT = Note(None, "by the contract")


def stated(contract: Contract | None, present: Collection[str]) -> dict[str, dict[str, Any]]:
    """The fields that a contract states, by the names that columns have in the data."""
    if contract is None:
        return {}
    found = {_actual(contract, name, present): dict(fields) for name, fields in contract.columns.items()}
    if len(contract.primary_key) == 1:  # the key says so already, and sets the same rows aside
        found[_actual(contract, contract.primary_key[0], present)].pop("unique", None)
    return found


def key_of(contract: Contract, present: Collection[str]) -> list[str]:
    """The contract's primary key, by the names that columns have in the data."""
    return [_actual(contract, name, present) for name in contract.primary_key]


def _actual(contract: Contract, name: str, present: Collection[str]) -> str:
    other = contract.physical.get(name)
    return other if other is not None and name not in present and other in present else name


def read_bound(
    column: str,
    cells: pa.Array | None,
    lexical: bool,
    role: Role | None,
    fields: Mapping[str, Any] | None,
    contract: Contract | None,
) -> Reading:
    """Read a column as the contract's `fields` say, or as its cells look where it says nothing; None: it is not there.

    Raises `ModelError` when a column was declared the event time and holds no times.
    """
    if cells is None:
        declared = (fields or {}).get("type") or Type.STRING
        return Reading(declared, pa.nulls(0, ARROW[declared]), notes={"type": BY_CONTRACT})
    event_time = role is Role.TIMESTAMP
    if fields is None or contract is None:
        read = read_column(column, cells, lexical=lexical, event_time=event_time)
    elif "type" in fields:
        read = _read_declared(column, cells, fields, column in contract.decorated)
    else:
        held = without(cells, fields.get("missing") or []) if lexical else cells
        read = read_column(column, held, lexical=lexical, event_time=event_time)
        if "missing" in read.fields:  # the contract knows of no such placeholders, so they are words
            read = Reading(Type.STRING, held, notes={"type": Note(0.9, "numbers and words")})
    if event_time and read.type is not Type.TIMESTAMP:
        example = next((shown(value) for value in cells.drop_null()[:1].to_pylist()), "nothing")
        raise ModelError(
            f"{shown(column)} was declared the event time, but its values, such as {example}, are no times in a format "
            "that is known. Declare another column, or write its `type: timestamp` and `format` into the YAML."
        )
    return read


def _read_declared(column: str, cells: pa.Array, fields: Mapping[str, Any], decorated: bool) -> Reading:
    how = {key: fields[key] for key in ("format", "decimal", "missing") if key in fields}
    read = read_as(column, cells, fields["type"], how)
    if decorated and read.bad > 0.01 * len(cells):
        note = Note(None, "numbers are written with marks or units, which are not read")
        return Reading(Type.STRING, cells.cast(pa.string()), {}, {"type": note})
    return Reading(read.type, read.values, read.fields, {"type": BY_CONTRACT}, read.bad)


def without(values: pa.Array, gone: Sequence[Any]) -> pa.Array:
    """The array with null in place of the values in `gone`: texts of a string array, else numbers."""
    if not gone:
        return values
    like = values if pa.types.is_string(values.type) else values.cast(pa.float64())
    return pc.if_else(pc.is_in(like, value_set=pa.array(gone, like.type)), pa.scalar(None, values.type), values)
