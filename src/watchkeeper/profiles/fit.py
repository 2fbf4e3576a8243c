"""Fits frozen edges to a baseline in one pass of bounded memory."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from watchkeeper.delivery.fingerprint import mixed
from watchkeeper.model import Column, Model, Role, Type
from watchkeeper.profiles import fourier
from watchkeeper.profiles.cells import numbers, texts
from watchkeeper.profiles.edges import EVERY, FULL_RANK, CategoryEdges, ColumnEdges, Edges, NumericEdges, PlainEdges
from watchkeeper.profiles.quality import plan_quality

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

SAMPLE_ROWS = 200_000
SAMPLE_CELLS = 20_000_000
QUANTILES = 200
ATOM = 0.005
"""The share of rows from which a value gets a bin of its own."""
FEW = 64
"""Up to so many different values, each of which comes four times on average, all have a bin of their own."""
MOST_CUTS = 227
"""Cuts inside the baseline's range; 26 more reach out to both sides."""
KNOWN = 10_000
"""The most values of a column that are told apart."""
COUNTED = 200_000
"""Distinct values beyond which a text is taken as near-unique and not counted."""
INNER_TAIL = 12
"""Geometric cuts between the outermost quantile and the baseline's extreme, on each side, as far as there is room."""
TAIL = (0.02, 0.05, 0.1, 0.2, 0.35, 0.5, 0.75, 1.0, 2.0, 4.0, 10.0, 1e2, 1e4)
"""Cuts beyond the baseline's range, in spans of that range."""

_TARGETS = (Role.LABEL, Role.PREDICTION, Role.SCORE)
_WATCHED = (
    Role.FEATURE,
    Role.SEGMENT,
    Role.PROTECTED,
    Role.POSITION,
    Role.PROPENSITY,
    Role.WEIGHT,
    *_TARGETS,
)
"""Roles whose distribution is counted, and so watched."""


@dataclass
class Gathering:
    """What one pass over the baseline keeps: a sample of rows, counts of values, and extremes."""

    model: Model
    rows: int = 0
    sample: list[pa.Table] = field(default_factory=list)
    keys: list[NDArray[np.uint64]] = field(default_factory=list)
    counted: dict[str, Counter[str] | None] = field(default_factory=dict)
    extremes: dict[str, tuple[float, float]] = field(default_factory=dict)

    def take(self, table: pa.Table) -> None:
        """Look at one block of the baseline."""
        keys = mixed(np.arange(self.rows, self.rows + len(table), dtype=np.uint64))
        self.rows += len(table)
        self.sample.append(table)
        self.keys.append(keys)
        self._thin()
        given = dict(zip(table.column_names, table.columns, strict=True))
        for name, column in self.model.columns.items():
            if name not in given:
                continue
            if kind(column) == "category":
                self._count(name, given[name])
            elif kind(column) == "numeric":
                self._stretch(name, given[name])

    def _thin(self) -> None:
        most = max(1_000, min(SAMPLE_ROWS, SAMPLE_CELLS // max(1, len(self.model.columns))))
        if sum(map(len, self.keys)) <= 2 * most:
            return
        keys = np.concatenate(self.keys)
        kept = np.sort(np.argpartition(keys, most)[:most])
        self.sample = [pa.concat_tables(self.sample).take(pa.array(kept)).combine_chunks()]
        self.keys = [keys[kept]]

    def _count(self, name: str, values: pa.ChunkedArray) -> None:
        counter = self.counted.setdefault(name, Counter())
        if counter is None:
            return
        for value, n in zip(*_value_counts(values), strict=True):
            counter[value] += n
        if len(counter) > COUNTED:
            self.counted[name] = None

    def _stretch(self, name: str, values: pa.ChunkedArray) -> None:
        x, present = numbers(values)
        x = x[present & np.isfinite(x)]
        if len(x):
            low, high = self.extremes.get(name, (np.inf, -np.inf))
            self.extremes[name] = (min(low, float(x.min())), max(high, float(x.max())))

    def edges(self) -> Edges:
        """Freeze what was seen."""
        sample = pa.concat_tables(self.sample) if self.sample else pa.table({})
        given = dict(zip(sample.column_names, sample.columns, strict=True))
        watched = {name: column for name, column in self.model.columns.items() if kind(column) != "none"}
        columns = {name: self._fit(name, column, given.get(name)) for name, column in watched.items()}
        ranked = tuple(name for name, column in watched.items() if _ranks(column, columns[name]))
        edges = Edges(
            columns=columns,
            roles={name: column.role for name, column in watched.items()},
            ranked=ranked,
            targets=tuple(name for name in ranked if watched[name].role in _TARGETS),
            quality=plan_quality(self.model, sample) if sample.num_columns else None,
            share=EVERY if self.rows <= fourier.ROWS else EVERY * fourier.ROWS // self.rows,
        )
        return edges.declared(self.model)

    def _fit(self, name: str, column: Column, values: pa.ChunkedArray | None) -> ColumnEdges:
        if kind(column) == "numeric":
            x = np.empty(0)
            if values is not None:
                x, present = numbers(values)
                x = x[present & np.isfinite(x)]
            whole = column.type is Type.INTEGER
            return fit_numeric(
                x, *self.extremes.get(name, (np.nan, np.nan)), whole=whole, temporal=column.type is Type.TIMESTAMP
            )
        counter = self.counted.get(name, Counter())
        if kind(column) == "category" and counter is not None:
            ranked = sorted(counter.items(), key=lambda pair: (-pair[1], pair[0]))
            return CategoryEdges(tuple(value for value, _ in ranked[:KNOWN]), complete=len(ranked) <= KNOWN)
        return PlainEdges()


def kind(column: Column) -> str:
    """How a column is counted: `numeric`, `category`, `plain` (missing and bad cells only) or `none`."""
    if column.role is Role.IGNORED or column.type is Type.OTHER:
        return "none"
    if column.type is Type.TIMESTAMP and (column.drift or column.role is Role.TIMESTAMP):
        return "numeric"
    if not column.drift or column.role not in _WATCHED:
        return "plain"
    if column.type in (Type.INTEGER, Type.NUMBER) and not column.categorical:
        return "numeric"
    return "category"


def fit_numeric(x: Floats, low: float, high: float, *, whole: bool = False, temporal: bool = False) -> NumericEdges:
    """Bins for values like `x` (finite, shape (n,)) in a column that runs from `low` to `high`.

    A value with more than 0.5 % of the mass gets a bin of its own ([v, v + 1) where values are whole numbers, else one
    ulp wide), and so does each where 64 or fewer return often; the rest is cut at up to 199 quantiles; towards the
    range's ends and beyond it the bins widen geometrically. At most 255 cuts.
    """
    if not len(x):
        return NumericEdges(
            np.empty(0), np.zeros(1, dtype=np.int64), 0.0, np.nan, np.nan, whole=whole, temporal=temporal
        )
    with np.errstate(over="ignore", invalid="ignore"):
        return _fitted(x, low, high, whole, temporal)


def _fitted(x: Floats, low: float, high: float, whole: bool, temporal: bool) -> NumericEdges:
    ordered = np.sort(x)
    begins = np.flatnonzero(np.append(True, ordered[1:] != ordered[:-1]))
    values, counts = ordered[begins], np.diff(begins, append=len(ordered))
    heavy = np.flatnonzero((counts > ATOM * len(x)) | (len(values) <= min(FEW, len(x) / 4)))
    heavy = heavy[np.argsort(-counts[heavy], kind="stable")]
    atoms = values[heavy]
    after = atoms + 1 if whole else np.nextafter(atoms, np.inf)
    quantiles = ordered[(np.arange(1, QUANTILES) * len(x)) // QUANTILES]
    inside = np.unique(quantiles)
    for i in range(len(atoms)):
        grown = np.union1d(inside, [atoms[i], after[i]])
        if len(grown) > MOST_CUTS:
            break
        inside = grown
    for tail in (_tail(ordered, -1, low), _tail(ordered, 1, high)):
        room = MOST_CUTS - len(inside)
        inside = np.union1d(inside, (np.ceil(tail) if whole else tail)[: max(0, room)])
    end = high + 1 if whole else np.nextafter(high, np.inf)
    span = high - low or abs(high) or 1.0
    outer = np.array(TAIL) * span
    cuts = np.unique(np.concatenate([inside, [low, end], low - outer, end + outer]))
    cuts = cuts[np.isfinite(cuts)]
    mass = np.diff(np.searchsorted(ordered, cuts, side="left"), prepend=0, append=len(x))
    middle = (np.cumsum(mass) - mass / 2) / len(x)
    ranks = np.rint((middle - 0.5) * 2 * FULL_RANK).astype(np.int64)
    mean = float(ordered.mean())
    return NumericEdges(cuts, ranks, mean if np.isfinite(mean) else 0.0, low, high, whole=whole, temporal=temporal)


def _tail(ordered: Floats, sign: int, end: float) -> Floats:
    """Geometric cuts between the outermost quantile and the baseline's extreme, where one bin would be far too wide."""
    first, middle = (
        ordered[len(ordered) // QUANTILES if sign < 0 else -1 - len(ordered) // QUANTILES],
        ordered[len(ordered) // 2],
    )
    step, reach = abs(first - middle) / 8, abs(end - first)
    if not 0 < step < reach:
        return np.empty(0)
    return np.asarray(first + sign * np.geomspace(step, reach, INNER_TAIL + 1)[:-1])


def fit(model: Model, tables: Iterable[pa.Table]) -> Edges:
    """Edges of a baseline given as canonical tables (see `delivery`)."""
    gathering = Gathering(model)
    for table in tables:
        gathering.take(table)
    return gathering.edges()


def _ranks(column: Column, edges: ColumnEdges) -> bool:
    if column.role not in (Role.FEATURE, Role.PROTECTED, Role.POSITION, *_TARGETS) or column.type is Type.TIMESTAMP:
        return False
    if isinstance(edges, NumericEdges):
        return not np.isnan(edges.low)
    return isinstance(edges, CategoryEdges) and column.role in _TARGETS and len(edges.values) == 2


def _value_counts(values: pa.ChunkedArray) -> tuple[Sequence[str], Sequence[int]]:
    codes, names, present = texts(values)
    counts = np.bincount(codes[present], minlength=len(names))
    return names, counts.tolist()
