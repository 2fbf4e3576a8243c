"""Infers a model from a sample of the data: types, roles, keys, ranges and windows, each with its reason."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
from pydantic import ValidationError

from watchkeeper.model.cells import Reading
from watchkeeper.model.column_name import like_an_id
from watchkeeper.model.constraint import Constraints, Type
from watchkeeper.model.declaration import Column, Model, Role, Task, TextFormat
from watchkeeper.model.facts import Facts
from watchkeeper.model.infer_role import infer_roles
from watchkeeper.model.infer_task import infer_key, infer_positive, infer_task, infer_window
from watchkeeper.model.infer_type import TIMES_OF_DAY
from watchkeeper.model.integer_code import code_note
from watchkeeper.model.mistake import ModelError, nearest, shown
from watchkeeper.model.note import ColumnNotes, Note
from watchkeeper.model.reading import read_as, read_column
from watchkeeper.model.seen import near_unique, seen
from watchkeeper.model.sentinel import find_sentinels
from watchkeeper.model.term import Contract
from watchkeeper.model.time_format import has_time_of_day


@dataclass(frozen=True)
class Inference:
    """An inferred model and what can be said for it."""

    model: Model
    notes: dict[str, ColumnNotes]
    """Reasons and confidence of columns' fields, by column."""
    about: dict[str, Note] = field(default_factory=dict)
    """Reasons and confidence of the model's own fields."""


def infer(
    sample: pa.Table,
    *,
    lexical: bool,
    text: TextFormat,
    name: str,
    roles: Mapping[str, Role] | None = None,
    contract: Contract | None = None,
) -> Inference:
    """Infer a model from rows spread over the data.

    `lexical` tells that all columns are texts of CSV or JSON lines, null where a cell is empty; else physical types
    bind. `roles` are declared by the caller, and win. What a `contract` states becomes declared; what it leaves open is
    inferred.
    Raises `ModelError` when there are no rows, or a declared role names no column or can't be its own.
    """
    table = _named(sample)
    declared = dict(roles or {})
    stated = _stated(contract, frozenset(table.column_names))
    names = [*stated, *(column for column in table.column_names if column not in stated)]
    _check(table, names, declared, contract)
    present = {column: table.column(place).combine_chunks() for place, column in enumerate(table.column_names)}
    readings = {
        column: _read(column, present.get(column), lexical, declared.get(column), stated.get(column), contract)
        for column in names
    }
    cleaned = {column: _clean(column, readings[column], stated.get(column)) for column in names}
    facts = {column: Facts(column, readings[column].type, cleaned[column].values) for column in names}
    found, role_notes, remarks = infer_roles(facts, declared)
    task, task_note = infer_task(facts, found)
    columns, notes = {}, {}
    for column in names:
        more = [*cleaned[column].remarks, *([remarks[column]] if column in remarks else [])]
        if column not in present:
            more.append("not in the data that were looked at")
        if (
            found[column] is Role.TIMESTAMP
            and (clock := _clock(readings))
            and not has_time_of_day(readings[column].fields.get("format", "iso8601"))
        ):
            more.append(f"the time of day stands in {shown(clock)}, and is not part of the event time")
        draft = _column(facts[column], readings[column], cleaned[column], found[column], stated.get(column), task)
        columns[column] = draft.column
        noted = {**readings[column].notes, **cleaned[column].notes, **draft.notes}
        if found[column] is not Role.FEATURE:
            noted["role"] = role_notes[column]
        notes[column] = ColumnNotes(noted, tuple(more))
    return _assembled(name, text, columns, notes, facts, found, role_notes, (task, task_note), contract)


def _assembled(
    name: str,
    text: TextFormat,
    columns: dict[str, Column],
    notes: dict[str, ColumnNotes],
    facts: Mapping[str, Facts],
    roles: Mapping[str, Role],
    role_notes: Mapping[str, Note],
    task: tuple[Task, Note | None],
    contract: Contract | None,
) -> Inference:
    about: dict[str, Note | None] = {"task": task[1]}
    window, positive = "day", None
    key, about["primary_key"] = infer_key(facts, roles, role_notes)
    if contract is not None and contract.primary_key:
        key, about["primary_key"] = _keys_of(contract, list(columns)), Note(None, "by the contract")
    time = next((column for column, role in roles.items() if role is Role.TIMESTAMP), None)
    if time is not None:
        window, about["window"] = infer_window(facts[time])
    label = next((column for column, role in roles.items() if role is Role.LABEL), None)
    if task[0] is Task.BINARY and label is not None:
        positive, about["positive"] = infer_positive(facts[label])
    try:
        model = Model(
            name=name,
            task=task[0],
            columns=columns,
            primary_key=key,
            window=window,
            segments=[column for column, role in roles.items() if role is Role.SEGMENT],
            positive=positive,
            text=text.model_copy(update=dict(contract.text)) if contract else text,
        )
    except ValidationError as invalid:
        raise ModelError(
            "; ".join(f"{fault['loc'][0]} {shown(name)}: {fault['msg']}" for fault in invalid.errors())
        ) from invalid
    return Inference(model, notes, {field: note for field, note in about.items() if note is not None})


def _named(sample: pa.Table) -> pa.Table:
    """The sample without columns that have neither a name nor a value, as a delimiter at each line's end makes them."""
    kept = [
        place
        for place, column in enumerate(sample.column_names)
        if column.strip() or sample.column(place).null_count < sample.num_rows
    ]
    return sample.select(kept)


def _stated(contract: Contract | None, present: frozenset[str]) -> dict[str, dict[str, Any]]:
    """What the contract states, by the names that the columns have in the data."""
    if contract is None:
        return {}
    stated = {_actual(contract, name, present): dict(fields) for name, fields in contract.columns.items()}
    if len(contract.primary_key) == 1:  # the key says so already, and sets the same rows aside
        stated[_actual(contract, contract.primary_key[0], present)].pop("unique", None)
    return stated


def _actual(contract: Contract, name: str, present: frozenset[str]) -> str:
    other = contract.physical.get(name)
    return other if other is not None and name not in present and other in present else name


def _keys_of(contract: Contract, present: list[str]) -> list[str]:
    return [name if name in present else contract.physical[name] for name in contract.primary_key]


def _check(table: pa.Table, names: list[str], declared: Mapping[str, Role], contract: Contract | None) -> None:
    doubled = [column for column, times in Counter(table.column_names).items() if times > 1]
    if doubled:
        raise ModelError(f"two columns are called {shown(doubled[0])}. Rename one, so that it is clear which is meant.")
    for column in declared:
        if column not in names:
            guess = nearest(column, names)
            hint = f"Did you mean {shown(guess)}?" if guess else f"There are {', '.join(map(shown, names[:20]))}."
            raise ModelError(f"there is no column {shown(column)}. {hint}")
    if not names or (not table.num_rows and contract is None):
        raise ModelError("there are no rows to infer a model from. Give a file with data, or a contract.")


def _read(
    column: str,
    cells: pa.Array | None,
    lexical: bool,
    role: Role | None,
    stated: Mapping[str, Any] | None,
    contract: Contract | None,
) -> Reading:
    if cells is None:
        stated_type = (stated or {}).get("type") or Type.STRING
        return Reading(stated_type, pa.nulls(0), notes={"type": Note(None, "by the contract")})
    event_time = role is Role.TIMESTAMP
    if stated is None or "type" not in stated:
        held = _without(cells, stated.get("missing", [])) if stated and lexical else cells
        read = read_column(column, held, lexical=lexical, event_time=event_time)
    else:
        how = {key: stated[key] for key in ("format", "decimal", "missing") if key in stated}
        read = read_as(column, cells, stated["type"], how)
        if contract is not None and column in contract.decorated and read.bad > 0.01 * len(cells):
            note = Note(None, "numbers are written with marks or units, which are not read")
            return Reading(Type.STRING, cells.cast(pa.string()), {}, {"type": note})
        read = Reading(read.type, read.values, read.fields, {"type": Note(None, "by the contract")}, read.bad)
    if event_time and read.type is not Type.TIMESTAMP:
        example = next((shown(value) for value in cells.drop_null()[:1].to_pylist()), "nothing")
        raise ModelError(
            f"{shown(column)} was declared the event time, but its values, such as {example}, are no times in a format "
            "that is known. Declare another column, or write its `type: timestamp` and `format` into the YAML."
        )
    return read


def _without(values: pa.Array, gone: Sequence[Any]) -> pa.Array:
    """The array with null in place of the values in `gone`."""
    if not gone:
        return values
    like = values if pa.types.is_string(values.type) else values.cast(pa.float64())
    return pc.if_else(pc.is_in(like, value_set=pa.array(gone, like.type)), pa.scalar(None, values.type), values)


def _clock(readings: Mapping[str, Reading]) -> str | None:
    """A column that holds nothing but times of day, as text."""
    return next(
        (column for column, read in readings.items() if read.notes.get("type", Note(None, "")).reason == TIMES_OF_DAY),
        None,
    )


@dataclass(frozen=True)
class _Clean:
    """A column's values once sentinels count as missing."""

    values: pa.Array
    sentinels: list[float]
    notes: dict[str, Note]
    remarks: tuple[str, ...] = ()


def _clean(column: str, reading: Reading, stated: Mapping[str, Any] | None) -> _Clean:
    """Take sentinels out. In a column of a contract, it alone says what is missing: there they are only a remark."""
    if reading.type not in (Type.INTEGER, Type.NUMBER):
        return _Clean(reading.values, [], {})
    named = (stated or {}).get("sentinels") or []
    values = _without(reading.values, named)
    found = find_sentinels(Facts(column, reading.type, values).numbers)
    held = sorted(sentinel.value for sentinel in found)
    if stated is not None:
        said = (
            f"{', '.join(f'{value:g}' for value in held)} looks like a missing value, but the contract does not name it"
        )
        return _Clean(values, named, {}, (said,) if held else ())
    if not held:
        return _Clean(values, [], {})
    note = Note(min(sentinel.confidence for sentinel in found), found[0].reason)
    return _Clean(_without(values, held), held, {"sentinels": note})


@dataclass(frozen=True)
class _Draft:
    column: Column
    notes: dict[str, Note]


def _column(
    facts: Facts, reading: Reading, cleaned: _Clean, role: Role, stated: Mapping[str, Any] | None, task: Task
) -> _Draft:
    notes: dict[str, Note] = {}
    fields: dict[str, Any] = {**reading.fields, "type": reading.type, "role": role, "sentinels": cleaned.sentinels}
    code = Note(0.9, "the classes that are predicted") if _is_class(facts, role, task) else code_note(facts)
    if code is not None and role not in (Role.ID, Role.IGNORED, Role.POSITION, Role.SCORE):
        fields["categorical"], notes["categorical"] = True, code
    if still := _unwatched(facts, role):
        fields["drift"], notes["drift"] = False, still
    if stated is not None:
        fields |= {key: value for key, value in stated.items() if key != "type" or reading.type is value}
        if reading.type is not stated.get("type", reading.type):  # numbers with marks, read as text
            fields = {
                key: value for key, value in fields.items() if key not in ("minimum", "maximum", "decimal", "allowed")
            }
    known = seen(facts, role, bool(fields.get("categorical")))
    if known is not None:
        open_ = {key: value for key, value in known if value is not None and fields.get(key) is None}
        closed = "allowed" in fields
        fields["inferred"] = Constraints(
            **{k: v for k, v in open_.items() if not (closed and k in ("minimum", "maximum", "max_length"))}
        )
        if not fields["inferred"].model_fields_set:
            del fields["inferred"]
    return _Draft(Column(**fields), notes)


def _is_class(facts: Facts, role: Role, task: Task) -> bool:
    return facts.type is Type.INTEGER and task is Task.MULTICLASS and role in (Role.LABEL, Role.PREDICTION)


def _unwatched(facts: Facts, role: Role) -> Note | None:
    """Why a column's distribution is not watched, or None where it is."""
    if role is Role.ID:
        return Note(None, "identifiers never repeat")
    if role is not Role.FEATURE:
        return None
    if near_unique(facts):
        return Note(0.9, f"{facts.distinct:,} different texts in {facts.present:,} cells")
    if (
        like_an_id(facts.name)
        and facts.type in (Type.INTEGER, Type.STRING)
        and facts.distinct > max(100, 0.1 * facts.present)
    ):
        return Note(0.85, f"an identifier with {facts.distinct:,} values")
    if facts.type is Type.TIMESTAMP:
        return Note(0.8, "times move on by themselves")
    return None
