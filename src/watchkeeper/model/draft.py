"""Decides what stands in the model about one column."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from watchkeeper.model.binding import without
from watchkeeper.model.cells import Reading
from watchkeeper.model.column_name import like_an_id
from watchkeeper.model.constraint import Constraints, Type
from watchkeeper.model.declaration import Column, Role, Task
from watchkeeper.model.facts import Facts
from watchkeeper.model.integer_code import code_note
from watchkeeper.model.note import Note
from watchkeeper.model.restated import restated
from watchkeeper.model.seen import near_unique, seen
from watchkeeper.model.sentinel import find_sentinels
from watchkeeper.model.sentinel_time import find_times, without_times, written


@dataclass(frozen=True)
class Cleaned:
    """A column's values once sentinels count as missing."""

    values: pa.Array
    sentinels: Sequence[float | str]
    notes: dict[str, Note]
    remarks: tuple[str, ...] = ()


def clean(column: str, reading: Reading, stated: Mapping[str, Any] | None) -> Cleaned:
    """Take sentinels out. In a column of a contract, it alone says what is missing: there they are only a remark."""
    if reading.type is Type.TIMESTAMP:
        return _without_ends_of_time(reading.values, by_contract=stated is not None)
    if reading.type not in (Type.INTEGER, Type.NUMBER):
        return Cleaned(reading.values, [], {})
    named = (stated or {}).get("sentinels") or []
    values = without(reading.values, named)
    found = find_sentinels(Facts(column, reading.type, values).numbers)
    held = sorted(sentinel.value for sentinel in found)
    if stated is not None:
        said = (
            f"{', '.join(f'{value:g}' for value in held)} looks like a missing value, but the contract does not name it"
        )
        return Cleaned(values, named, {}, (said,) if held else ())
    if not held:
        return Cleaned(values, [], {})
    note = Note(min(sentinel.confidence for sentinel in found), found[0].reason)
    return Cleaned(without(values, held), held, {"sentinels": note})


def _without_ends_of_time(values: pa.Array, *, by_contract: bool) -> Cleaned:
    found = find_times(np.asarray(pc.drop_null(values).cast(pa.int64())))
    if not found:
        return Cleaned(values, [], {})
    texts = [written(time) for time, _ in sorted(found)]
    if by_contract:
        said = f"{', '.join(texts)} looks like a missing value, but the contract does not name it"
        return Cleaned(values, [], {}, (said,))
    return Cleaned(without_times(values, [time for time, _ in found]), texts, {"sentinels": Note(0.9, found[0][1])})


@dataclass(frozen=True)
class Draft:
    """A column of the model, and the notes on what was decided last."""

    column: Column
    notes: dict[str, Note]


def draft(
    facts: Facts,
    reading: Reading,
    cleaned: Cleaned,
    role: Role,
    stated: Mapping[str, Any] | None,
    task: Task,
    time: Facts | None,
) -> Draft:
    """Decide a column whose role and task are known; what a contract `stated` is declared and not inferred too.

    `time`: the event time, where there is one.
    """
    notes: dict[str, Note] = {}
    fields: dict[str, Any] = {**reading.fields, "type": reading.type, "role": role, "sentinels": cleaned.sentinels}
    code = Note(0.9, "the classes that are predicted") if _is_class(facts, role, task) else code_note(facts)
    if code is not None and role not in (Role.ID, Role.IGNORED, Role.POSITION, Role.SCORE):
        fields["categorical"], notes["categorical"] = True, code
    if still := _unwatched(facts, role, time):
        fields["drift"], notes["drift"] = False, still
    fields |= _declared(reading, stated or {})
    known = seen(facts, role, bool(fields.get("categorical")))
    open_fields = {name: value for name, value in known or () if value is not None and fields.get(name) is None}
    if "allowed" in fields:
        open_fields = {name: value for name, value in open_fields.items() if name == "nullable"}
    if open_fields:
        fields["inferred"] = Constraints(**open_fields)
    return Draft(Column(**fields), notes)


def _declared(reading: Reading, stated: Mapping[str, Any]) -> dict[str, Any]:
    """What the contract states, less what is of no use where numbers with marks had to be read as text."""
    as_text = reading.type is not stated.get("type", reading.type)
    dropped = ("type", "minimum", "maximum", "decimal", "allowed", "sentinels") if as_text else ()
    return {name: value for name, value in stated.items() if name not in dropped}


def _is_class(facts: Facts, role: Role, task: Task) -> bool:
    return facts.type is Type.INTEGER and task is Task.MULTICLASS and role in (Role.LABEL, Role.PREDICTION)


def _unwatched(facts: Facts, role: Role, time: Facts | None) -> Note | None:
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
    return None if time is None else restated(facts, time)
