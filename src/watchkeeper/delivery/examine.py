"""Looks at one piece of a delivery: values, bad cells, broken rules. Pure, so that several can be examined at once."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from watchkeeper.delivery.constraint import broken, example_values, time_of, unreadable
from watchkeeper.delivery.content import active_in
from watchkeeper.delivery.convert import Converted, from_text, moments, without_nan
from watchkeeper.delivery.key import Keys, keys_of
from watchkeeper.delivery.number import extremes
from watchkeeper.delivery.physical import from_physical, without_views
from watchkeeper.delivery.piece import Bools, Fault, Ints, Piece
from watchkeeper.delivery.wording import column as named
from watchkeeper.delivery.wording import columns as all_named
from watchkeeper.delivery.wording import count
from watchkeeper.model.declaration import Column, Type

_DAY = 86_400_000_000
_CENTURY = 36_525 * _DAY
EARLIEST = -2_208_988_800_000_000
"""The year 1900."""


@dataclass(frozen=True)
class Plan:
    """What to look for."""

    columns: Mapping[str, Column]
    """The columns that are read, in the file's order."""
    lexical: bool
    empty_is_null: bool
    strict: bool = True
    """Whether rows are held against declared constraints, keys and the period."""
    keys: tuple[tuple[str, ...], ...] = ()
    """The primary key first, if there is one; then columns declared unique."""
    primary: bool = False
    time: str | None = None
    """The column of the event time."""
    period: tuple[int, int] | None = None
    now: int = 0
    cell_limit: int = 65_536
    latin_1: bool = False
    """Whether the text is declared to be latin-1, which is seldom what it is."""


@dataclass(frozen=True)
class Examined:
    """What is known of one piece."""

    piece: Piece
    table: pa.Table
    """Canonical columns of the rows that are not broken."""
    invalid: dict[str, Bools]
    faults: list[Fault]
    """Places are those of the piece."""
    keys: list[Keys] = field(default_factory=list)
    decimals: Mapping[str, int] = field(default_factory=dict)
    """Whole numbers that came as decimal ones."""
    nulls: Mapping[str, int] = field(default_factory=dict)


def examine(plan: Plan, task: Callable[[], Piece]) -> Examined:
    """Read and look at one piece."""
    piece = task()
    values: dict[str, pa.Array] = {}
    invalid: dict[str, Bools] = {}
    faults: list[Fault] = []
    decimals: dict[str, int] = {}
    for name, column in plan.columns.items():
        converted = _converted(plan, piece, name, column)
        values[name] = converted.values
        if converted.invalid is not None:
            invalid[name] = converted.invalid
        if converted.decimals is not None:
            decimals[name] = int(converted.decimals.sum())
        faults += unreadable(name, column, converted)
        if piece.originals is None:
            faults += _large(name, column, converted, plan.cell_limit)
        if plan.strict:
            faults += broken(name, column, converted)
    if plan.strict:
        faults += _active(plan, values)
        faults += _untimely(plan, values)
        faults += _controls(plan, values)
    keys = [keys_of([values[name] for name in key]) for key in plan.keys] if plan.strict else []
    if plan.primary and keys:
        faults += _keyless(plan, keys[0], values, invalid)
    read = {name: array for name, array in values.items() if plan.columns[name].type is not Type.OTHER}
    return Examined(
        piece=piece,
        table=pa.table(read) if read else piece.cells.select([]),
        invalid=invalid,
        faults=piece.faults + [replace(fault, rows=piece.places[fault.rows]) for fault in faults],
        keys=keys,
        decimals=decimals,
        nulls={name: array.null_count for name, array in values.items()},
    )


def cells_of(piece: Piece, column: str | int) -> pa.Array:
    """One column of a piece, by name or place, as one array; null where these rows have no such column."""
    at = piece.cells.schema.get_field_index(column) if isinstance(column, str) else column
    if at < 0:
        return pa.nulls(piece.cells.num_rows, pa.string())
    cells = piece.cells.column(at)
    if cells.num_chunks == 1:
        return without_views(cells.chunk(0))
    parts = [without_views(chunk) for chunk in cells.unify_dictionaries().chunks]
    return pa.concat_arrays(parts) if parts else pa.array([], cells.type)


def values_of(plan: Plan, piece: Piece, name: str) -> pa.Array:
    """The values of one column of the model."""
    return _converted(plan, piece, name, plan.columns[name]).values


def _converted(plan: Plan, piece: Piece, name: str, column: Column) -> Converted:
    cells = cells_of(piece, name)
    if not plan.lexical:
        return from_physical(cells, column)
    if column.type is not Type.STRING or name not in piece.nested:
        return from_text(cells, column, empty_is_null=plan.empty_is_null)
    nested = piece.nested[name]  # as text an object would pass for any other value
    held = from_text(pc.if_else(pa.array(nested), None, cells), column, empty_is_null=plan.empty_is_null)
    return Converted(held.values, nested, texts=cells)


def _large(name: str, column: Column, converted: Converted, limit: int) -> Iterator[Fault]:
    """Texts of typed formats beyond the limit; those of text formats are found with their rows."""
    if column.type is not Type.STRING:
        return
    values = converted.values
    distinct = values.dictionary if pa.types.is_dictionary(values.type) else values
    sizes = pc.binary_length(distinct)
    if not (pc.max(sizes).as_py() or 0) > limit:
        return
    if distinct is not values:
        sizes = sizes.take(values.indices)
    rows = np.flatnonzero(np.asarray(pc.fill_null(pc.greater(sizes, limit), False)))
    shown = tuple(count(size, "byte") for size in sizes.take(pa.array(rows[:5])).to_pylist())
    yield Fault("cell_limit", f"a cell of more than {count(limit, 'byte')} in {named(name)}", rows, (name,), shown)


def _active(plan: Plan, values: Mapping[str, pa.Array]) -> Iterator[Fault]:
    """Text that something else would obey."""
    names = [name for name, column in plan.columns.items() if column.type is Type.STRING]
    for name, active in zip(names, active_in([values[name] for name in names]), strict=True):
        if active.any():
            rows = np.flatnonzero(active)
            rule = f"{named(name)} holds text that a spreadsheet, browser or terminal would obey"
            yield Fault("active_content", rule, rows, (name,), example_values(values[name], rows, plan.columns[name]))


def _controls(plan: Plan, values: Mapping[str, pa.Array]) -> Iterator[Fault]:
    """Text in which latin-1 has control signs: in cp1252 they are the euro, dashes and typographic quotes."""
    if not plan.latin_1:
        return
    for name, column in plan.columns.items():
        texts = values[name] if column.type is Type.STRING else None
        if texts is None:
            continue
        coded = pa.types.is_dictionary(texts.type)
        held = pc.match_substring_regex(texts.dictionary if coded else texts, "[\\x{80}-\\x{9f}]")
        if not pc.any(held).as_py():
            continue
        rows = np.flatnonzero(np.asarray(pc.fill_null(held.take(texts.indices) if coded else held, False)))
        rule = f"{named(name)} holds control signs of latin-1 (in cp1252 they are the euro, dashes and quotes)"
        yield Fault("other_encoding", rule, rows, (name,), example_values(texts, rows, column))


def _untimely(plan: Plan, values: Mapping[str, pa.Array]) -> Iterator[Fault]:
    """Times outside of what can be, and event times outside the period where there is one."""
    for name, cells in values.items():
        if plan.columns[name].type is not Type.TIMESTAMP:
            continue
        event = name == plan.time
        low, high = EARLIEST, plan.now + (_DAY if event else _CENTURY)
        check, rule = "implausible_time", f"{named(name)} is before 1900 or {'' if event else 'far '}in the future"
        if event and plan.period is not None:
            low, high = plan.period
            check = "outside_period"
            rule = f"{named(name)} is outside the period from {time_of(low)} to (not including) {time_of(high)}"
        at = moments(cells)
        ends = extremes(at)
        if ends is None or (low <= ends[0] and ends[1] < high):
            continue
        outside = pc.or_(pc.less(at, low), pc.greater_equal(at, high))
        rows = np.flatnonzero(np.asarray(pc.fill_null(outside, False)))
        yield Fault(check, rule, rows, (name,), example_values(cells, rows, plan.columns[name]))


def _keyless(plan: Plan, keys: Keys, values: Mapping[str, pa.Array], invalid: Mapping[str, Bools]) -> Iterator[Fault]:
    """Rows without a whole key, unless that was told already: a bad cell, or a column that is not nullable."""
    rows: Ints = keys.missing
    for name in plan.keys[0]:
        if name in invalid:
            rows = rows[~invalid[name][rows]]
        if plan.columns[name].nullable is False and len(rows):
            rows = rows[np.asarray(without_nan(values[name]).is_valid())[rows]]
    if len(rows):
        yield Fault("null_key", f"the key {all_named(plan.keys[0])} is missing", rows, plan.keys[0])
