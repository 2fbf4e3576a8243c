"""Block: the bridge between the lake's tables and the model's own columns, in both directions."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from watchkeeper.delivery import Block
from watchkeeper.delivery.convert import is_read, kept_as_codes, missing_texts, without_sentinels
from watchkeeper.lake.cell import json_text, typed
from watchkeeper.lake.event import days, instants, struct
from watchkeeper.lake.lake import Lake
from watchkeeper.lake.naming import TYPES, column_of
from watchkeeper.lake.schema import INSTANT, LABELS, EventColumns, declared
from watchkeeper.lake.text_map import mapped
from watchkeeper.model import Column, Model, Role, Type

Bools = NDArray[np.bool_]

UNVERSIONED = "unversioned"
"""The version of a prediction that was logged without one."""


def of_version(events: pa.RecordBatch, version: str | None) -> pa.RecordBatch:
    """The events that one version of the model answered; all where it is None."""
    return events if version is None else events.filter(pc.equal(events["version"].fill_null(UNVERSIONED), version))


def block_of(events: pa.RecordBatch | pa.Table, labels: pa.Table, model: Model, first: int = 1) -> Block:
    """Events and their labels as a block of the model's own columns, which `engines.scan` counts.

    `labels`: as `Lake.labels_for` gives them. `first`: the number of the first row. Sentinels and texts that stand for
    a missing value are null, as in any block.
    """
    table = pa.table(events).combine_chunks()
    invalid = _invalid(_whole(table["invalid"]), model)
    columns: dict[str, pa.Array] = {}
    for name, column in model.columns.items():
        if not is_read(column):
            continue
        if column.role in (Role.LABEL, Role.LABEL_TIME):
            cells, wrong = _outcome(table, labels, column)
            if wrong is not None:
                invalid[name] = wrong
        else:
            cells = _cells(table, name, column, model)
        columns[name] = _canonical(cells, column)
    return Block(first + np.arange(table.num_rows), pa.table(columns), invalid)


def rows_of(events: pa.RecordBatch | pa.Table, labels: pa.Table, model: Model) -> pa.Table:
    """Events and their labels as rows of the model's own columns, every value as it came.

    What the model has no column for is there too, under the name that it has when it is sent: id, time, version,
    prediction, score, label (JSON), and label_time.
    """
    table = pa.table(events).combine_chunks()
    at = pc.index_in(_whole(table["id"]), value_set=_whole(labels["id"]))
    columns: dict[str, pa.Array] = {}
    for name, column in model.columns.items():
        if column.role is Role.IGNORED or column.type is Type.OTHER:
            continue
        if column.role in (Role.LABEL, Role.LABEL_TIME):
            columns[name] = _outcome(table, labels, column)[0]
        else:
            columns[name] = _cells(table, name, column, model)
    prediction = next(name for name in reversed(table.column_names) if name.split("%")[0] == "prediction")
    plain = {
        Role.ID: ("id", table["id"]),
        Role.TIMESTAMP: ("time", table["time"]),
        Role.VERSION: ("version", table["version"].fill_null(UNVERSIONED)),
        Role.PREDICTION: ("prediction", table[prediction]),
        Role.SCORE: ("score", table["score"]),
        Role.LABEL: ("label", _whole(labels["label"]).take(at)),
        Role.LABEL_TIME: ("label_time", _whole(labels["time"]).take(at)),
    }
    held = {model.columns[name].role for name in columns}
    for role, (name, cells) in plain.items():
        if role not in held:
            columns[name if name not in columns else f"{name}_"] = cells
    return pa.table(columns)


def served(
    lake: Lake, start: int | None = None, end: int | None = None, as_of: int | None = None
) -> Iterator[tuple[pa.RecordBatch, Block]]:
    """The events from `start` to before `end`, with their latency and errors, and as blocks with their labels.

    Labels are joined as they stand now, or as of a time. Memory is bounded by a batch.
    """
    outcomes, first = lake.outcomes(), 1
    for batch in lake.events(start, end):
        yield batch, block_of(batch, outcomes.labels_for(batch.column("id"), as_of), lake.model, first)
        first += len(batch)


@dataclass(frozen=True)
class Delivered:
    """The rows of a file, as tables of the lake."""

    events: pa.Table
    labels: pa.Table
    """The labels that the file holds; without rows where it holds none."""
    skipped: Bools
    """Rows that can't be kept, because they have no id or no time, shape (rows of the block,)."""


def from_delivery(block: Block, model: Model, columns: EventColumns, received: int, name: str) -> Delivered:
    """The rows of a block as events, and its labels, where it has any.

    An event's id is that of the id column, else the primary key, else `name` and the number of the row; its time is
    that of the timestamp column, else `received`. Of an invalid cell the text is no longer known: `invalid` says null.
    """
    ids, times = _ids(block, model, name), _times(block, model, received)
    kept = np.asarray(pc.and_(ids.is_valid(), times.is_valid()))
    table = block.table.append_column("", ids).append_column("", times)  # so that they are cut alike
    table, rows = table.filter(pa.array(kept)), int(kept.sum())
    ids, times = _whole(table.column(-2)), _whole(table.column(-1))
    cells = {n: _plain(_whole(table.column(i)), model.columns[n]) for i, n in enumerate(block.table.column_names)}
    arrays: dict[str, pa.Array] = {
        "id": ids,
        "time": times,
        "received": instants(np.full(rows, received)),
        "day": days(np.asarray(times.cast(pa.int64()))),
        "scores": _scores(cells, model, rows),
        "invalid": _nulls_of(block, kept, rows),
    }
    for role, target in ((Role.VERSION, "version"), (Role.PREDICTION, columns.prediction)):
        column = model.only(role)
        if column in cells:
            arrays[target] = cells[column].cast(columns.schema.field(target).type)
    only = list(model.with_role(Role.SCORE))
    if len(only) == 1 and only[0] in cells:
        arrays["score"] = cells[only[0]].cast(pa.float64())
    for group, names in (("features", columns.features), ("context", columns.context)):
        if group in columns.schema.names:
            held = {names[n]: cells[n] for n in declared(model, group) if n in cells}
            arrays[group] = struct(held, columns.schema.field(group).type, rows)
    events = pa.table([arrays.get(f.name, pa.nulls(rows, f.type)) for f in columns.schema], schema=columns.schema)
    return Delivered(events, _labels(cells, model, ids, times, received), ~kept)


def labels_of(block: Block, model: Model, received: int) -> tuple[pa.Table, Bools]:
    """The labels of a file that holds ids and labels, and which of its rows hold none or no id.

    A label's time is that of the label time, else of the timestamp column, else `received`.
    """
    ids, times = _ids(block, model, ""), _times(block, model, received)
    label = model.only(Role.LABEL)
    kept: Bools = np.asarray(pc.and_(ids.is_valid(), times.is_valid()))
    if label is None or label not in block.table.column_names:
        kept &= False
    else:
        kept &= np.asarray(_whole(block.table[label]).is_valid())
    mask = pa.array(kept)
    cells = {n: _plain(_whole(block.table[n]), model.columns[n]).filter(mask) for n in block.table.column_names}
    return _labels(cells, model, ids.filter(mask), times.filter(mask), received), ~kept


def _cells(table: pa.Table, name: str, column: Column, model: Model) -> pa.Array:
    """The values of one of the model's columns, as they stand in the events table."""
    if column.role is Role.TIMESTAMP:
        return _whole(table["time"])
    if column.role is Role.ID and name == model.only(Role.ID):
        return _as(_whole(table["id"]), column)
    if column.role is Role.VERSION:
        return _as(_whole(table["version"]).fill_null(UNVERSIONED), column)
    if column.role is Role.PREDICTION:
        held = [_whole(table[n]) for n in table.column_names if n.split("%")[0] == "prediction"]
        return _coalesced(held if name == model.only(Role.PREDICTION) else [], column, table.num_rows)
    if column.role is Role.SCORE:
        return _as(_score(table, name, list(model.with_role(Role.SCORE))), column)
    return _coalesced(list(_fields(table, name)), column, table.num_rows)


def _fields(table: pa.Table, name: str) -> Iterator[pa.Array]:
    """All that is stored of a column: it may have changed its type or its role."""
    for group in ("features", "context"):
        if group in table.column_names:
            cells = _whole(table[group])
            for place in range(cells.type.num_fields):
                if column_of(cells.type.field(place).name) == name:
                    yield cells.flatten()[place]


def _coalesced(parts: Sequence[pa.Array], column: Column, rows: int) -> pa.Array:
    own = [part for part in parts if part.type == TYPES[column.type]]
    others = [_as(part, column) for part in parts if part.type != TYPES[column.type]]
    if not parts:
        return pa.nulls(rows, TYPES[column.type])
    return pc.coalesce(*own, *others)


def _as(cells: pa.Array, column: Column) -> pa.Array:
    """Values of another type as the column's, null where one has no like."""
    kind = TYPES[column.type]
    if cells.type == kind:
        return cells
    if column.type is Type.STRING:
        return cells.cast(pa.string())
    try:
        return cells.cast(kind)
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
        return pa.array([_read(value, column) for value in cells.to_pylist()], kind)


def _read(value: Any, column: Column) -> Any:
    if isinstance(value, str) and column.type is not Type.TIMESTAMP:
        try:
            value = json.loads(value)
        except ValueError:
            return None
    return typed([value], column)[0][0].as_py()


def _score(table: pa.Table, name: str, names: Sequence[str]) -> pa.Array:
    """A score column: the one score, else that of the class in which the column's name ends."""
    maps, single = _whole(table["scores"]), _whole(table["score"])
    keys = [] if maps.null_count == len(maps) else pc.unique(maps.keys).to_pylist()
    ends = [name] if name in keys else sorted((k for k in keys if _ends_in(name, k)), key=len)
    of_class = pa.nulls(len(maps), pa.float64())
    if ends:
        of_class = pc.map_lookup(maps, pa.scalar(ends[-1]), "first")
    return pc.coalesce(of_class, single) if name == names[0] else of_class


def _ends_in(column: str, name: str) -> bool:
    folded, ending = (re.sub(r"[^0-9a-z]+", "_", text.casefold()).strip("_") for text in (column, name))
    return bool(ending) and (folded == ending or folded.endswith(f"_{ending}"))


def _outcome(table: pa.Table, labels: pa.Table, column: Column) -> tuple[pa.Array, Bools | None]:
    """The label of each event, or its time, and where a label is no value of the column's type."""
    at = pc.index_in(_whole(table["id"]), value_set=_whole(labels["id"]))
    if column.role is Role.LABEL_TIME:
        return _as(_whole(labels["time"]).take(at), column), None
    coded = _whole(labels["label"]).dictionary_encode()  # labels repeat
    values = [json.loads(text) for text in coded.dictionary.to_pylist()]
    cells, wrong = typed(values, column)
    taken = coded.indices.take(at)
    bad = np.isin(np.asarray(taken.fill_null(-1)), wrong) if wrong else None
    return cells.take(taken), bad if bad is not None and bad.any() else None


def _canonical(cells: pa.Array, column: Column) -> pa.Array:
    if column.type is not Type.STRING:
        return without_sentinels(cells, column)
    empty = [""] if column.missing is None or "" in column.missing else []
    words = pa.array([*missing_texts(column), *empty], pa.string())
    if len(words):
        cells = pc.if_else(pc.is_in(cells, value_set=words), None, cells)
    return cells.dictionary_encode() if kept_as_codes(column) else cells


def _invalid(maps: pa.MapArray, model: Model) -> dict[str, Bools]:
    masks: dict[str, Bools] = {}
    if maps.null_count == len(maps):
        return masks
    offsets = np.asarray(maps.offsets)
    rows = np.repeat(np.arange(len(maps)), np.diff(offsets))
    coded = maps.keys[int(offsets[0]) : int(offsets[-1])].dictionary_encode()
    codes = np.asarray(coded.indices)
    for code, name in enumerate(coded.dictionary.to_pylist()):
        if name in model.columns:
            masks[name] = np.zeros(len(maps), dtype=bool)
            masks[name][rows[codes == code]] = True
    return masks


def _ids(block: Block, model: Model, name: str) -> pa.Array:
    table = block.table
    key = [model.only(Role.ID)] if model.only(Role.ID) in table.column_names else model.primary_key
    if key and set(key) <= set(table.column_names):
        parts = [_plain(_whole(table[n]), model.columns[n or ""]).cast(pa.string()) for n in key]
        return parts[0] if len(parts) == 1 else pc.binary_join_element_wise(*parts, "|")
    return pa.array([f"{name}:{row}" for row in block.rows.tolist()], pa.string())


def _times(block: Block, model: Model, received: int) -> pa.Array:
    time = model.only(Role.TIMESTAMP)
    if time is not None and time in block.table.column_names and model.columns[time].type is Type.TIMESTAMP:
        return _whole(block.table[time]).cast(INSTANT)
    return instants(np.full(len(block.rows), received))


def _scores(cells: dict[str, pa.Array], model: Model, rows: int) -> pa.Array:
    names = [name for name in model.with_role(Role.SCORE) if name in cells]
    if len(names) < 2:
        return mapped([None] * rows, pa.float64())
    listed = zip(*(cells[name].cast(pa.float64()).to_pylist() for name in names), strict=True)
    pairs = [dict(zip(names, row, strict=True)) for row in listed]
    return mapped([{n: v for n, v in row.items() if v is not None} for row in pairs], pa.float64())


def _nulls_of(block: Block, kept: Bools, rows: int) -> pa.Array:
    """The names of invalid cells, without their texts."""
    held: list[dict[str, str]] = [{} for _ in range(rows)] if block.invalid else []
    for name, bad in block.invalid.items():
        for row in np.flatnonzero(bad[kept]).tolist():
            held[row][name] = "null"
    return mapped(held or [None] * rows)


def _labels(cells: dict[str, pa.Array], model: Model, ids: pa.Array, times: pa.Array, received: int) -> pa.Table:
    label, moment = model.only(Role.LABEL), model.only(Role.LABEL_TIME)
    if label is None or label not in cells:
        return LABELS.empty_table()
    present = cells[label].is_valid()
    coded = cells[label].filter(present).dictionary_encode()
    texts = pa.array([json_text(value) for value in coded.dictionary.to_pylist()], pa.string()).take(coded.indices)
    if moment is not None and moment in cells and pa.types.is_timestamp(cells[moment].type):
        times = pc.coalesce(cells[moment], times)
    times, count = times.filter(present), len(coded)
    arrays = [ids.filter(present), texts, times, instants(np.full(count, received)), pa.nulls(count, INSTANT)]
    return pa.table([*arrays, days(np.asarray(times.cast(pa.int64())))], schema=LABELS)


def _plain(cells: pa.Array, column: Column) -> pa.Array:
    return cells.cast(pa.string()) if column.type is Type.STRING else cells


def _whole(column: pa.ChunkedArray) -> pa.Array:
    return column.chunk(0) if column.num_chunks == 1 else column.combine_chunks()
