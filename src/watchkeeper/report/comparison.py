"""The outcome of a comparison of two versions on the same rows: what changes, and for whom."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass, field, fields, is_dataclass
from enum import Enum
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from watchkeeper.model import Model, Scalar
from watchkeeper.report import mask

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

SCHEMA_VERSION = 1
"""Raised when a script that reads the JSON would have to change."""
SURE = 0.05
"""Segments are told whose difference, corrected for how many were looked at, is rarer by chance."""


@dataclass(frozen=True)
class Estimate:
    """A figure with its 95 % interval."""

    value: float
    low: float
    high: float


@dataclass(frozen=True)
class Part:
    """So many of so many rows, with Wilson's 95 % interval of the share."""

    count: int
    of: int
    low: float
    high: float

    @property
    def share(self) -> float:
        """The share; NaN of no rows."""
        return self.count / self.of if self.of else math.nan


@dataclass(frozen=True)
class Turn:
    """Rows that one version decides this way, and the other that way."""

    before: Scalar
    after: Scalar
    rows: Part


@dataclass(frozen=True)
class Decisions:
    """What is decided about rows."""

    flipped: Part
    turns: tuple[Turn, ...]
    """By direction, most rows first."""
    classes: tuple[Scalar, ...]
    matrix: tuple[tuple[int, ...], ...]
    """Rows by the old decision (down) and the new one (across), in the order of `classes`."""
    thresholds: tuple[float | None, float | None]
    """The learned thresholds of the old and the new version; None where its predictions were taken as they come."""


@dataclass(frozen=True)
class Churn:
    """What the labels say of changed decisions."""

    good: Part
    """Wrong before, right now."""
    bad: Part
    """Right before, wrong now: the negative-flip rate."""
    both_right: int
    both_wrong: int
    net: Estimate
    """Accuracy now less accuracy before, with the interval of paired rows."""
    p: float
    """McNemar's exact p that as many become right as wrong."""

    @property
    def accuracy(self) -> tuple[float, float]:
        """Of the old and of the new version."""
        rows = self.good.of
        kept = self.both_right
        return ((kept + self.bad.count) / rows, (kept + self.good.count) / rows) if rows else (math.nan, math.nan)

    @property
    def lost(self) -> float:
        """Share of what was right before that is wrong now."""
        right = self.both_right + self.bad.count
        return self.bad.count / right if right else math.nan


@dataclass(frozen=True)
class Errors:
    """What the labels say of changed values."""

    before: float
    """Mean absolute error of the old version."""
    after: float
    change: Estimate
    """The new one's less the old one's, with the interval of paired rows."""
    nearer: Part
    """Rows whose value comes nearer to the label."""
    farther: Part


@dataclass(frozen=True)
class Moved:
    """Rows whose score moves by more than `by`."""

    by: float
    rows: Part


@dataclass(frozen=True)
class Scores:
    """How scores (or predicted values) shift."""

    what: Literal["probability", "confidence", "value"]
    """Of the positive class, of the likeliest class, or the predicted value itself."""
    of: Scalar | None
    """The positive class."""
    rows: int
    before: float
    """Mean of the old version."""
    after: float
    change: Estimate
    """Mean of new less old, with the interval of paired rows."""
    quantiles: dict[str, float]
    """Of new less old."""
    mean_absolute: float
    """Mean size of the difference; of values the MAE between the versions."""
    moved: tuple[Moved, ...]
    wasserstein: float
    ks: float


@dataclass(frozen=True)
class Head:
    """How many of the highest rows stay among the highest."""

    k: int
    stay: int


@dataclass(frozen=True)
class Order:
    """How the order of all rows changes."""

    spearman: float
    kendall: float
    heads: tuple[Head, ...]


@dataclass(frozen=True)
class Lists:
    """How ranked lists change, as means over queries."""

    queries: int
    changed: Part
    """Queries whose order changes."""
    overlap: dict[str, Estimate]
    """Overlap of the first k, by k; of lists with more than k rows."""
    rank_biased_overlap: Estimate


@dataclass(frozen=True)
class Row:
    """A row that moved far."""

    row: int
    """Its number among the rows compared, from 1."""
    id: str | None
    before: Scalar | None
    """Old decision, or value."""
    after: Scalar | None
    scores: tuple[float, float] | None
    places: tuple[int, int] | None
    """Of all rows (of its query's rows) by score, the highest first."""
    label: Scalar | None
    features: dict[str, Any]


@dataclass(frozen=True)
class Segment:
    """What changes in one segment, and in all other rows."""

    measure: str
    """`flipped`, `accuracy`, `score`, `error` or `overlap`."""
    column: str
    value: Scalar | None
    rows: int
    here: Estimate
    rest: Estimate
    p: float
    """That chance makes them differ so, corrected for all that was looked at."""

    @property
    def name(self) -> str:
        """As `column=value`; not inert, not masked."""
        shown = str(self.value).lower() if isinstance(self.value, bool) else self.value
        return f"{self.column}={shown}"

    @property
    def is_sure(self) -> bool:
        """Whether it surely differs from the rest."""
        return self.p < SURE


@dataclass(frozen=True, eq=False)
class Picture:
    """Old against new scores, counted in squares, for drawing."""

    edges: Floats
    """Shape (bins + 1,)."""
    counts: Ints
    """Shape (bins, bins): old down, new across."""


@dataclass(frozen=True)
class Comparison:
    """What changes from one version of a model to another."""

    model: Model
    old: str
    new: str
    source: str
    """What the rows are called."""
    rows: int
    labelled: int
    decisions: Decisions | None = None
    churn: Churn | None = None
    errors: Errors | None = None
    scores: Scores | None = None
    order: Order | None = None
    lists: Lists | None = None
    moved: tuple[Row, ...] = ()
    """Farthest first."""
    segments: tuple[Segment, ...] = ()
    """All that were looked at, surest first."""
    small: int = 0
    """Segments with too few rows to be looked at."""
    notes: tuple[str, ...] = ()
    picture: Picture | None = field(default=None, repr=False, compare=False)

    @property
    def told(self) -> list[Segment]:
        """Segments that surely differ from the rest."""
        return [segment for segment in self.segments if segment.is_sure]

    @cached_property
    def names(self) -> dict[str, str]:
        """What stands for each segment where its values are personal, else its own name; not inert."""
        known = [segment.name for segment in self.segments]
        return {name: name for name in known} | mask.masked_segments(self.model, known)

    def hidden(self, column: str | None) -> bool:
        """Whether a column's values must not be shown."""
        return column is not None and bool(mask.hidden(self.model, [column]))


def as_dict(comparison: Comparison) -> dict[str, Any]:
    """All of it as JSON holds it; values of personal columns are masked, infinite and unknown numbers are null."""
    kept = [one.name for one in fields(comparison) if one.name not in ("model", "picture", "segments")]
    told: dict[str, Any] = {"schema_version": SCHEMA_VERSION, "model": comparison.model.name}
    told |= {name: _plain(getattr(comparison, name)) for name in kept}
    told["segments"] = [
        {**_plain(one), "value": None if comparison.hidden(one.column) else _plain(one.value), "sure": one.is_sure}
        | {"segment": comparison.names[one.name]}
        for one in comparison.segments
    ]
    if comparison.churn:
        before, after = comparison.churn.accuracy
        told["churn"] = {**told["churn"], "accuracy_before": _plain(before), "accuracy_after": _plain(after)}
    return told


def to_json(comparison: Comparison) -> str:
    """The same as text."""
    return json.dumps(as_dict(comparison), indent=2, ensure_ascii=False, default=str)


def write_json(comparison: Comparison, path: str | Path) -> None:
    """Write the JSON, whole or not at all."""
    from watchkeeper.delivery import replacing

    with replacing(Path(path)) as temporary:
        temporary.write_text(to_json(comparison) + "\n", encoding="utf-8", errors="backslashreplace")


def _plain(value: Any) -> Any:
    if isinstance(value, Part):
        return {"count": value.count, "of": value.of, "share": _plain(value.share)} | _ends(value.low, value.high)
    if is_dataclass(value) and not isinstance(value, type):
        return _fields(value)
    if isinstance(value, dict):
        return {key: _plain(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(one) for one in value]
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    return value.value if isinstance(value, Enum) else value


def _fields(value: Any) -> dict[str, Any]:
    return {one.name: _plain(getattr(value, one.name)) for one in fields(value)}


def _ends(low: float, high: float) -> dict[str, Any]:
    return {"low": _plain(low), "high": _plain(high)}
