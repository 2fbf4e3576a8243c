"""Frozen edges: how a baseline's columns are counted, so that every later profile can be compared with it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from watchkeeper.model import Model, Role, Type
from watchkeeper.profiles.quality_plan import QualityPlan, quality_plan_from_dict

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

EVERY = 2**32
"""`Edges.share` where all rows are looked at."""
FULL_RANK = 127
"""Rank scores lie between this and its negative: so small that products of two of them add up exactly in single
precision over a thousand rows."""


@dataclass(frozen=True)
class NumericEdges:
    """Bins of a numeric or timestamp column.

    `cuts` has shape (k,), ascending; bin i holds `cuts[i-1] <= x < cuts[i]`, so there are k + 1 bins and
    the first and last are open. Timestamps are microseconds since 1970.
    """

    cuts: Floats
    ranks: Ints
    """A rank score per bin, shape (k + 1,), within ±2^15: what rank correlation adds up."""
    shift: float
    """What is taken off a value before it is squared: near the baseline's mean."""
    low: float
    """The baseline's smallest finite value; NaN where it has none."""
    high: float
    """The baseline's largest finite value."""
    whole: bool = False
    """Whether the values are whole numbers, so that a bin one wide holds a single value."""
    temporal: bool = False
    """Whether the values are times."""

    def __eq__(self, other: object) -> bool:
        return isinstance(other, NumericEdges) and self.to_dict() == other.to_dict()

    __hash__ = None  # type: ignore[assignment]

    @property
    def bins(self) -> int:
        """How many bins there are."""
        return len(self.cuts) + 1

    def to_dict(self) -> dict[str, Any]:
        """As JSON-safe values; floats survive to the last bit (NaN as null)."""
        low, high = (None if np.isnan(x) else float(x) for x in (self.low, self.high))
        return {
            "kind": "numeric",
            "cuts": self.cuts.tolist(),
            "ranks": self.ranks.tolist(),
            "shift": float(self.shift),
            "low": low,
            "high": high,
            "whole": self.whole,
            "temporal": self.temporal,
        }


@dataclass(frozen=True)
class CategoryEdges:
    """Values of a categorical or boolean column that the baseline holds, most frequent first (ties by text)."""

    values: tuple[str, ...]
    complete: bool = True
    """Whether these are all of the baseline's values; past a cap they are not."""

    @cached_property
    def codes(self) -> dict[str, int]:
        """The number of each value."""
        return {value: code for code, value in enumerate(self.values)}

    def to_dict(self) -> dict[str, Any]:
        """As JSON-safe values."""
        return {"kind": "category", "values": list(self.values), "complete": self.complete}


@dataclass(frozen=True)
class PlainEdges:
    """A column of which only missing and bad cells are counted: identifiers and near-unique text."""

    def to_dict(self) -> dict[str, Any]:
        """As JSON-safe values."""
        return {"kind": "plain"}


ColumnEdges = NumericEdges | CategoryEdges | PlainEdges


@dataclass(frozen=True)
class Edges:
    """The frozen edges of all columns of a baseline."""

    columns: Mapping[str, ColumnEdges]
    roles: Mapping[str, Role]
    ranked: tuple[str, ...] = ()
    """Columns of the rank correlations: numeric features and the target."""
    targets: tuple[str, ...] = ()
    """Those of `ranked` that are labels, predictions or scores; in wide tables only pairs with these are kept."""
    quality: QualityPlan | None = None
    share: int = EVERY
    """Of `EVERY` rows so many are looked at by all columns together (see `fourier`)."""
    types: Mapping[str, Type] = field(default_factory=dict)
    """What is declared of the columns. It and `personal` decide what else is kept, not how values are counted, and are
    no part of `id`."""
    personal: tuple[str, ...] = ()
    """Columns marked `pii: true`, whose values no sample keeps."""

    @cached_property
    def id(self) -> str:
        """A digest of all that decides how values are counted: profiles merge only where it agrees."""
        counting = {name: value for name, value in self.to_dict().items() if name not in ("types", "personal")}
        return hashlib.sha256(json.dumps(counting, sort_keys=True).encode()).hexdigest()[:16]

    @property
    def together(self) -> list[int]:
        """The places of those `ranked` columns that are looked at together: all but labels, which may come later."""
        return [i for i, name in enumerate(self.ranked) if self.roles.get(name) is not Role.LABEL]

    @property
    def texts(self) -> list[str]:
        """Columns whose lengths and formats are counted."""
        return [name for name, kind in self.types.items() if kind is Type.STRING]

    def declared(self, model: Model) -> Edges:
        """The same edges, with types and personal columns as `model` has them."""
        columns = {name: column for name, column in model.columns.items() if name in self.columns}
        types = {name: column.type for name, column in columns.items()}
        personal = tuple(name for name, column in columns.items() if column.pii)
        if (types, personal) == (self.types, self.personal):
            return self
        return replace(self, types=types, personal=personal)

    def to_dict(self) -> dict[str, Any]:
        """As JSON-safe values."""
        return {
            "columns": {name: edges.to_dict() for name, edges in self.columns.items()},
            "roles": {name: str(role) for name, role in self.roles.items()},
            "ranked": list(self.ranked),
            "targets": list(self.targets),
            "quality": None if self.quality is None else self.quality.to_dict(),
            "share": self.share,
            "types": {name: str(kind) for name, kind in self.types.items()},
            "personal": list(self.personal),
        }

    @staticmethod
    def from_dict(data: Mapping[str, Any]) -> Edges:
        """The inverse of `to_dict`."""
        return Edges(
            columns={name: _column_from_dict(column) for name, column in data["columns"].items()},
            roles={name: Role(role) for name, role in data["roles"].items()},
            ranked=tuple(data["ranked"]),
            targets=tuple(data["targets"]),
            quality=None if data["quality"] is None else quality_plan_from_dict(data["quality"]),
            share=data["share"],
            types={name: Type(kind) for name, kind in data["types"].items()},
            personal=tuple(data["personal"]),
        )


def _column_from_dict(data: Mapping[str, Any]) -> ColumnEdges:
    if data["kind"] == "numeric":
        low, high = (np.nan if data[end] is None else data[end] for end in ("low", "high"))
        cuts, ranks = np.array(data["cuts"], dtype=np.float64), np.array(data["ranks"], dtype=np.int64)
        return NumericEdges(cuts, ranks, data["shift"], low, high, data["whole"], data["temporal"])
    if data["kind"] == "category":
        return CategoryEdges(tuple(data["values"]), data["complete"])
    return PlainEdges()
