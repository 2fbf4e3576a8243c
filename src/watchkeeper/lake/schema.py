"""The tables of the lake and their columns."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import pyarrow as pa

from watchkeeper.lake.naming import TYPES, stored
from watchkeeper.model import Column, Model, Role, Type

INSTANT = TYPES["timestamp"]
TEXTS = pa.map_(pa.string(), pa.string())
CONTEXT = (Role.POSITION, Role.QUERY, Role.PROPENSITY, Role.WEIGHT, Role.PROTECTED, Role.SEGMENT)
"""Roles of columns that say under what circumstances a prediction was made."""

TABLES = ("events", "labels", "points", "jobs", "profiles", "findings", "coverage")
WINDOWED = frozenset({"profiles", "findings", "coverage"})
"""Tables whose rows are of a window, and not of a moment."""

LABELS = pa.schema(
    [
        ("id", pa.string()),
        ("label", pa.string()),
        ("time", INSTANT),
        ("received", INSTANT),
        ("event_time", INSTANT),
        ("day", pa.date32()),
    ]
)
POINTS = pa.schema(
    [
        ("name", pa.string()),
        ("time", INSTANT),
        ("value", pa.float64()),
        ("tags", TEXTS),
        ("source", pa.string()),
        ("received", INSTANT),
        ("day", pa.date32()),
    ]
)
JOBS = pa.schema(
    [
        ("job", pa.string()),
        ("run", pa.string()),
        ("status", pa.string()),
        ("time", INSTANT),
        ("duration_s", pa.float64()),
        ("rows", pa.int64()),
        ("inputs", pa.string()),
        ("versions", TEXTS),
        ("received", INSTANT),
        ("day", pa.date32()),
    ]
)
PROFILES = pa.schema(
    [
        ("window_start", INSTANT),
        ("window_end", INSTANT),
        ("revision", pa.int64()),
        ("edges", pa.string()),
        ("version", pa.string()),
        ("made", INSTANT),
        ("profile", pa.binary()),
        ("day", pa.date32()),
    ]
)
FINDINGS = pa.schema(
    [
        ("window_start", INSTANT),
        ("window_end", INSTANT),
        ("revision", pa.int64()),
        ("finding", pa.string()),
        ("severity", pa.string()),
        ("check", pa.string()),
        ("metric", pa.string()),
        ("columns", pa.list_(pa.string())),
        ("made", INSTANT),
        ("day", pa.date32()),
    ]
)
COVERAGE = pa.schema(
    [
        ("window_start", INSTANT),
        ("window_end", INSTANT),
        ("revision", pa.int64()),
        ("events", pa.int64()),
        ("labels", pa.int64()),
        ("delays", pa.string()),
        ("withheld", pa.int64()),
        ("made", INSTANT),
        ("day", pa.date32()),
    ]
)
FIXED = {
    "labels": LABELS,
    "points": POINTS,
    "jobs": JOBS,
    "profiles": PROFILES,
    "findings": FINDINGS,
    "coverage": COVERAGE,
}


@dataclass(frozen=True)
class EventColumns:
    """Which columns of a model the events table has, and what they are called there."""

    schema: pa.Schema
    features: Mapping[str, str]
    """Column -> stored name in the struct `features`."""
    context: Mapping[str, str]
    """Column -> stored name in the struct `context`."""
    prediction: str
    """The stored name of the prediction."""


def event_columns(model: Model, known: pa.Schema | None = None) -> EventColumns:
    """The events table of a model. `known`: the columns that the table has already, which stay."""
    groups: dict[str, dict[str, str]] = {}
    structs: dict[str, pa.Field] = {}
    for group in ("features", "context"):
        old = list(_children(known, group))
        names = stored({name: str(model.columns[name].type) for name in declared(model, group)}, old)
        fields = {field.name: field for field in old}
        for name, alias in names.items():
            fields.setdefault(alias, pa.field(alias, TYPES[str(model.columns[name].type)]))
        groups[group] = names
        if fields:  # a struct without fields can't be written
            structs[group] = pa.field(group, pa.struct(list(fields.values())))
    held = [field for field in known or () if field.name.split("%")[0] == "prediction"]
    prediction = stored({"prediction": str(prediction_type(model))}, held)["prediction"]
    kinds = {field.name: field.type for field in held} | {prediction: TYPES[str(prediction_type(model))]}
    fixed = [
        ("id", pa.string()),
        ("time", INSTANT),
        ("received", INSTANT),
        ("version", pa.string()),
        *kinds.items(),
        ("score", pa.float64()),
        ("scores", pa.map_(pa.string(), pa.float64())),
        ("latency_ms", pa.float64()),
        ("error", pa.string()),
        *structs.values(),
        ("raw", TEXTS),
        ("other", TEXTS),
        ("invalid", TEXTS),
        ("digest", pa.int64()),
        ("day", pa.date32()),
    ]
    return EventColumns(pa.schema(fixed), groups["features"], groups["context"], prediction)


def declared(model: Model, group: str) -> dict[str, Column]:
    """The columns of a model that stand in the struct `features` or `context`."""
    roles = (Role.FEATURE,) if group == "features" else CONTEXT
    return {n: c for n, c in model.columns.items() if c.role in roles and c.type is not Type.OTHER}


def prediction_type(model: Model) -> Type:
    """What a prediction is: as declared, else text."""
    name = model.only(Role.PREDICTION)
    kind = model.columns[name].type if name else Type.STRING
    return Type.STRING if kind is Type.OTHER else kind


def _children(schema: pa.Schema | None, group: str) -> list[pa.Field]:
    if schema is None or group not in schema.names:
        return []
    kind = schema.field(group).type
    return [kind.field(i) for i in range(kind.num_fields)]
