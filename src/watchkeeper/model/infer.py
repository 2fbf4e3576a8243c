"""Infers a model from a sample of the data: types, roles, keys, ranges and windows, each with its reason."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa
from pydantic import ValidationError

from watchkeeper.model.binding import BY_CONTRACT, key_of, read_bound, stated
from watchkeeper.model.cells import Reading
from watchkeeper.model.constraint import Constraints, Type, asked
from watchkeeper.model.declaration import ONLY_ONE, Column, Model, Role, Task, TextFormat
from watchkeeper.model.draft import clean, draft
from watchkeeper.model.facts import Facts
from watchkeeper.model.infer_role import infer_roles
from watchkeeper.model.infer_task import infer_key, infer_positive, infer_task, infer_window
from watchkeeper.model.infer_type import TIMES_OF_DAY
from watchkeeper.model.mistake import ModelError, nearest, shown
from watchkeeper.model.note import ColumnNotes, Note
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
    ignored: tuple[str, ...] = ()
    """What the contract asks for and is not checked, to be told to the user."""
    doubts: tuple[str, ...] = ()
    """What makes one doubt that the data were read as they were meant, as sentences."""


def infer(
    sample: pa.Table,
    *,
    lexical: bool,
    text: TextFormat,
    name: str,
    roles: Mapping[str, Role] | None = None,
    contract: Contract | None = None,
    foldered: Collection[str] = (),
) -> Inference:
    """Infer a model from rows spread over the data.

    `lexical` tells that all columns are texts of CSV or JSON lines, null where a cell is empty; else physical types
    bind. `roles` are declared by the caller, and win. What a `contract` states becomes declared; what it leaves open is
    inferred. `foldered`: columns that stand in the names of folders.
    Raises `ModelError` when there are no rows, or a declared role names no column or can't be its own.
    """
    table = _named(sample)
    declared = dict(roles or {})
    said = stated(contract, frozenset(table.column_names))
    names = [*said, *(column for column in table.column_names if column not in said)]
    _check(table, names, declared, contract)
    present = {column: table.column(place).combine_chunks() for place, column in enumerate(table.column_names)}
    readings = {
        column: read_bound(column, present.get(column), lexical, declared.get(column), said.get(column), contract)
        for column in names
    }
    cleaned = {column: clean(column, readings[column], said.get(column)) for column in names}
    facts = {column: Facts(column, readings[column].type, cleaned[column].values) for column in names}
    found, role_notes, remarks = infer_roles(facts, declared)
    found, unchecked = _read_what_is_asked(found, declared, said, contract)
    task, task_note = infer_task(facts, found)
    time = next((facts[column] for column in names if found[column] is Role.TIMESTAMP), None)
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
        drafted = draft(facts[column], readings[column], cleaned[column], found[column], said.get(column), task, time)
        columns[column] = drafted.column
        noted = {**readings[column].notes, **cleaned[column].notes, **drafted.notes}
        if column in foldered:
            columns[column] = drafted.column.model_copy(update={"drift": False})
            noted["drift"] = Note(None, "in the names of folders, so each file holds one value")
        if found[column] is not Role.FEATURE:
            noted["role"] = role_notes[column]
        notes[column] = ColumnNotes(noted, tuple(more))
    doubts = tuple(_names_no_row(facts[column]) for column in names if _repeats(facts[column], declared.get(column)))
    return _assembled(
        name, text, columns, notes, facts, found, role_notes, (task, task_note), contract, unchecked, doubts
    )


def _repeats(column: Facts, role: Role | None) -> bool:
    """Whether a column that was declared to name rows has so few values that it can't."""
    return role is Role.ID and column.type is not Type.OTHER and 2 * column.distinct < column.present


def _names_no_row(column: Facts) -> str:
    return (
        f"{shown(column.name)} was declared the id, and has {column.distinct:,} different values in "
        f"{column.present:,} rows, so it names no row. If it names something else, take `role: id` out of the model."
    )


def _read_what_is_asked(
    roles: Mapping[str, Role],
    declared: Mapping[str, Role],
    said: dict[str, dict[str, Any]],
    contract: Contract | None,
) -> tuple[dict[str, Role], tuple[str, ...]]:
    """The roles, where no column is ignored of which a contract asks something, unless the caller says so.

    What is then not checked is taken out of `said`, and told. Raises `ModelError` for an ignored key.
    """
    found, unchecked = dict(roles), []
    key = key_of(contract, list(roles)) if contract else []
    for column in (column for column, role in roles.items() if role is Role.IGNORED):
        fields = said.get(column, {})
        terms = list(asked(Constraints(**{name: fields[name] for name in fields if name in Constraints.model_fields})))
        if declared.get(column) is not Role.IGNORED:
            found[column] = Role.FEATURE if terms or column in key else Role.IGNORED
        elif column in key:
            words = f"{shown(column)} was declared ignored, and it is part of the contract's key"
            raise ModelError(f"{words}, which must be read. Give it the role id.")
        elif terms:
            said[column] = {name: value for name, value in fields.items() if name not in terms}
            unchecked.append(f"{shown(column)}: {', '.join(terms)} (the column is ignored)")
    return found, tuple(unchecked)


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
    unchecked: tuple[str, ...],
    doubts: tuple[str, ...],
) -> Inference:
    about: dict[str, Note | None] = {"task": task[1]}
    window, positive = "day", None
    key, about["primary_key"] = infer_key(facts, roles, role_notes)
    if contract is not None and contract.primary_key:
        key, about["primary_key"] = key_of(contract, list(columns)), BY_CONTRACT
    time = next((column for column, role in roles.items() if role is Role.TIMESTAMP), None)
    if time is not None:
        window, about["window"] = infer_window(facts[time])
    label = next((column for column, role in roles.items() if role is Role.LABEL), None)
    if task[0] is Task.BINARY and label is not None:
        score = next((column for column, role in roles.items() if role is Role.SCORE), None)
        positive, about["positive"] = infer_positive(facts[label], None if score is None else facts[score])
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
            "; ".join(f"{(fault['loc'] or ('model',))[0]} {shown(name)}: {fault['msg']}" for fault in invalid.errors())
        ) from invalid
    noted = {field: note for field, note in about.items() if note is not None}
    return Inference(model, notes, noted, (*(contract.ignored if contract else ()), *unchecked), doubts)


def _named(sample: pa.Table) -> pa.Table:
    """The sample without columns that have neither a name nor a value, as a delimiter at each line's end makes them."""
    kept = [
        place
        for place, column in enumerate(sample.column_names)
        if column.strip() or sample.column(place).null_count < sample.num_rows
    ]
    return sample.select(kept)


def _check(table: pa.Table, names: list[str], declared: Mapping[str, Role], contract: Contract | None) -> None:
    doubled = [column for column, times in Counter(table.column_names).items() if times > 1]
    if doubled:
        raise ModelError(f"two columns are called {shown(doubled[0])}. Rename one, so that it is clear which is meant.")
    for column in declared:
        if column not in names:
            guess = nearest(column, names)
            hint = f"Did you mean {shown(guess)}?" if guess else f"There are {', '.join(map(shown, names[:20]))}."
            raise ModelError(f"there is no column {shown(column)}. {hint}")
    for role in ONLY_ONE:
        several = [column for column, given in declared.items() if given is role]
        if len(several) > 1:
            both = f"{shown(several[0])} and {shown(several[1])} are both declared to be the {role}"
            raise ModelError(f"{both}, and there is but one. Give one of them another role.")
    if not names or (not table.num_rows and contract is None):
        raise ModelError("there are no rows to infer a model from. Give a file with data, or a contract.")


def _clock(readings: Mapping[str, Reading]) -> str | None:
    """A column that holds nothing but times of day, as text."""
    return next(
        (column for column, read in readings.items() if read.notes.get("type", Note(None, "")).reason == TIMES_OF_DAY),
        None,
    )
