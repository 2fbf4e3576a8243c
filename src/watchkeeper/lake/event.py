"""Events as they were logged become columns of the events table."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from watchkeeper.lake.cell import json_text, micro, typed
from watchkeeper.lake.schema import INSTANT, EventColumns, declared
from watchkeeper.lake.text_map import TextMap, json_maps, mapped
from watchkeeper.model import Column, Model, Role, Type
from watchkeeper.sdk import Event

DAY = 86_400_000_000
_ABSENT = object()
Dicts = Sequence[Mapping[str, Any]]


def events_table(
    events: Sequence[Event], received: NDArray[np.int64] | int, model: Model, columns: EventColumns
) -> pa.Table:
    """The events as rows of the events table, in order. `received`: when, in microseconds since 1970.

    A declared column is looked for in `features` and `context`, first where its role places it. What a model does not
    declare goes to `other`, a declared value of a wrong type to `invalid`, as JSON texts.
    """
    rows = len(events)
    features: Dicts = [event.features for event in events]
    contexts: Dicts = [event.context or {} for event in events]
    invalid = TextMap(rows)
    time = micro([event.time for event in events])
    arrays: dict[str, pa.Array] = {
        "id": pa.array([event.id for event in events], pa.string()),
        "time": instants(time),
        "received": instants(np.broadcast_to(np.asarray(received, dtype=np.int64), (rows,))),
        "version": pa.array([event.version for event in events], pa.string()),
        columns.prediction: _prediction(events, model, invalid),
        "score": pa.array([event.score for event in events], pa.float64(), from_pandas=True),
        "scores": mapped([event.scores for event in events], pa.float64()),
        "latency_ms": pa.array([event.latency_ms for event in events], pa.float64(), from_pandas=True),
        "error": pa.array([event.error for event in events], pa.string()),
        "raw": json_maps([event.raw for event in events]),
        "day": days(time),
    }
    held = {"features": declared(model, "features"), "context": declared(model, "context")}
    sides = {"features": (features, contexts), "context": (contexts, features)}
    for group, names in (("features", columns.features), ("context", columns.context)):
        cells = _struct(*sides[group], held[group], names, invalid)
        if group in columns.schema.names:
            arrays[group] = struct(cells, columns.schema.field(group).type, rows)
    arrays["other"] = _others(features, contexts, held)
    arrays["invalid"] = invalid.array()
    return pa.table([arrays.get(f.name, pa.nulls(rows, f.type)) for f in columns.schema], schema=columns.schema)


def instants(moments: NDArray[np.int64]) -> pa.Array:
    """Microseconds since 1970 as times."""
    return pa.array(np.ascontiguousarray(moments)).cast(INSTANT)


def days(moments: NDArray[np.int64]) -> pa.Array:
    """The UTC day of each moment."""
    return pa.array((moments // DAY).astype(np.int32)).cast(pa.date32())


def struct(cells: Mapping[str, pa.Array], kind: pa.StructType, rows: int) -> pa.Array:
    """A struct of these cells; null in the fields that have none."""
    fields = [kind.field(i) for i in range(kind.num_fields)]
    return pa.StructArray.from_arrays([cells.get(f.name, pa.nulls(rows, f.type)) for f in fields], fields=fields)


def _struct(
    first: Dicts, second: Dicts, held: Mapping[str, Column], names: Mapping[str, str], invalid: TextMap
) -> dict[str, pa.Array]:
    cells = {}
    for name, values in _columns(first, second, list(held)):
        cells[names[name]], wrong = typed(values, held[name])
        for row in wrong:
            invalid.put(row, name, values[row])
    return cells


def _columns(first: Dicts, second: Dicts, names: Sequence[str]) -> Iterable[tuple[str, Sequence[Any]]]:
    """The values of each name, None where there is none: in `first`, else in `second`."""
    shapes = set(map(tuple, first))
    shape = next(iter(shapes)) if len(shapes) == 1 else ()
    if shape and set(names) <= set(shape):  # all rows have the same keys in the same order: turned round at once
        yield from (
            (name, values)
            for name, values in zip(shape, zip(*map(_values, first), strict=True), strict=True)
            if name in set(names)
        )
        return
    beside = any(second)
    for name in names:
        values = [row.get(name, _ABSENT) for row in first]
        if beside:
            pairs = zip(values, second, strict=True)
            values = [other.get(name) if value is _ABSENT else value for value, other in pairs]
        else:
            values = [None if value is _ABSENT else value for value in values]
        yield name, values


def _values(row: Mapping[str, Any]) -> Iterable[Any]:
    return row.values()


def _prediction(events: Sequence[Event], model: Model, invalid: TextMap) -> pa.Array:
    values = [event.prediction for event in events]
    name = model.only(Role.PREDICTION)
    if name is None or model.columns[name].type is Type.OTHER:
        return pa.array(
            [value if value is None or isinstance(value, str) else json_text(value) for value in values], pa.string()
        )
    cells, wrong = typed(values, model.columns[name])
    for row in wrong:
        invalid.put(row, name, values[row])
    return cells


def _others(features: Dicts, contexts: Dicts, held: Mapping[str, Mapping[str, Column]]) -> pa.Array:
    """What no declared column holds; of a value that was sent in both places, the one that was not taken."""
    kept = TextMap(len(features))
    known = {**held["features"], **held["context"]}.keys()
    for row, sent in enumerate(features):
        if not sent.keys() <= known:
            for name, value in sent.items():
                if name not in known:
                    kept.put(row, name, value)
    for row, context in enumerate(contexts):
        for name, value in context.items():
            if name not in known:
                kept.put(row, f"context.{name}", value, beside="context")
            elif name in features[row]:
                loser = features[row][name] if name in held["context"] else value
                kept.put(row, f"context.{name}" if name not in held["context"] else name, loser, beside="context")
    return kept.array()
