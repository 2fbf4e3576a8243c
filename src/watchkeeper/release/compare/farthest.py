"""Farthest: the rows that move most from one version to another, by name and with what the versions saw of them."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from watchkeeper.model import Model, Role, Scalar
from watchkeeper.release.compare.flip import UNKNOWN, Decided
from watchkeeper.report import mask
from watchkeeper.report.comparison import Row
from watchkeeper.stats import agreement

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Places = tuple[Ints, Ints]

MASKED = f"({mask.MASKED})"
SHOWN = (Role.QUERY, Role.FEATURE, Role.SEGMENT, Role.PROTECTED, Role.TIMESTAMP)
"""Roles of the columns that are shown of a row, in this order."""


@dataclass(frozen=True, eq=False)
class Both:
    """What two versions answer to the same rows, made comparable. Arrays of shape (n,)."""

    model: Model
    table: pa.Table
    """The rows as values."""
    inputs: pa.Table
    """The rows as the versions were given them."""
    decided: Decided | None
    scores: tuple[Floats, Floats] | None
    spread: Floats | None
    """How far the probabilities of several classes move, from 0 to 1."""
    label: Floats | None
    """Labels of a regression."""
    query: NDArray[Any] | None
    """The query of each row of a ranking."""


def farthest(both: Both, most: int) -> tuple[Row, ...]:
    """The rows that move most, at most so many; rows that do not move at all are not told.

    A row moves by its score (by its place, in a ranked list; by its probabilities, of several classes), else if its
    decision flips. Of rows that move equally far, flipped ones come first, then those of the lowest id.
    """
    n = both.table.num_rows
    flipped = np.zeros(n, dtype=bool) if both.decided is None else both.decided.flipped
    places = None if both.scores is None else _places(both)
    size = np.nan_to_num(_size(both, flipped, places), nan=0.0, posinf=np.inf)
    moves = np.flatnonzero((size > 0) | flipped)
    if len(moves) > most:
        moves = moves[size[moves] >= -np.partition(-size[moves], most)[most]]
    names = _column(both, both.model.only(Role.ID), moves.tolist())
    ids = {} if names is None else dict(zip(moves.tolist(), names, strict=True))
    keys = sorted((-float(size[i]), not flipped[i], str(ids.get(i, "")), i) for i in moves.tolist())
    chosen = [key[3] for key in keys[:most]]
    shown = _shown(both, chosen)
    return tuple(_row(both, i, ids, places, features) for i, features in zip(chosen, shown, strict=True))


def _size(both: Both, flipped: NDArray[np.bool_], places: Places | None) -> Floats:
    if both.query is not None and places is not None:
        return np.asarray(np.abs(places[1] - places[0]), dtype=np.float64)
    if both.spread is not None:
        return both.spread
    if both.scores is not None:
        with np.errstate(invalid="ignore"):
            return np.asarray(np.abs(both.scores[1] - both.scores[0]))
    return flipped.astype(np.float64)


def _places(both: Both) -> Places:
    """The place of each row by score: of all rows, or of its query's; rows without a score come last.

    Rows that are tied in both versions share the first of their places.
    """
    assert both.scores is not None
    old, new = (np.where(np.isnan(values), -np.inf, values) for values in both.scores)
    if both.query is None:
        return _shared(agreement.places(old, new), np.lexsort((new, old)), old, new)
    one, other = (np.zeros(len(old), dtype=np.int64) for _ in range(2))
    codes = np.unique(both.query, return_inverse=True)[1]
    for rows in np.split(np.argsort(codes, kind="stable"), np.cumsum(np.bincount(codes))[:-1]):
        one[rows], other[rows] = agreement.places(old[rows], new[rows])
    return _shared((one, other), np.lexsort((new, old, codes)), codes, old, new)


def _shared(places: Places, order: Ints, *keys: NDArray[Any]) -> Places:
    """The first place of all rows with the same keys. `order`: of the rows by these keys."""
    if not len(order):
        return places
    new = np.append(True, np.any([key[order][1:] != key[order][:-1] for key in keys], axis=0))
    starts, group = np.flatnonzero(new), np.cumsum(new) - 1
    one, other = (np.empty_like(place) for place in places)
    for shared, place in ((one, places[0]), (other, places[1])):
        shared[order] = np.minimum.reduceat(place[order], starts)[group]
    return one, other


def _row(both: Both, i: int, ids: dict[int, Any], places: Places | None, features: dict[str, Any]) -> Row:
    model, scores = both.model, both.scores
    label = model.only(Role.LABEL)
    return Row(
        row=i + 1,
        id=None if ids.get(i) is None else str(ids[i]),
        before=_said(both, "old", i),
        after=_said(both, "new", i),
        scores=None if scores is None or model.task == "regression" else (float(scores[0][i]), float(scores[1][i])),
        places=None if places is None else (int(places[0][i]), int(places[1][i])),
        label=(_column(both, label, [i]) or [None])[0],
        features=features,
    )


def _said(both: Both, version: str, i: int) -> Scalar | None:
    if both.decided is not None:
        code = int(getattr(both.decided, version)[i])
        return None if code == UNKNOWN else both.decided.classes[code]
    if both.scores is None or both.query is not None:
        return None
    value = float(both.scores[version == "new"][i])
    return None if math.isnan(value) else value


def _column(both: Both, name: str | None, rows: list[int]) -> list[Any] | None:
    """Cells of a column as plain values, masked where they are personal; None where there is no such column."""
    if name is None or name not in both.table.column_names:
        return None
    cells = both.table[name].take(pa.array(rows, pa.int64()))
    if mask.hidden(both.model, [name]):
        return [MASKED] * len(cells)
    return [_plain(value) for value in cells.to_pylist()]


def _shown(both: Both, rows: list[int]) -> list[dict[str, Any]]:
    """What the versions saw of these rows, without personal values."""
    columns = set(both.inputs.column_names)
    names = [name for role in SHOWN for name in both.model.with_role(role) if name in columns]
    hidden = set(mask.hidden(both.model, names))
    taken = both.inputs.select(names).take(pa.array(rows, pa.int64())).to_pylist()
    return [{name: MASKED if name in hidden else _plain(value) for name, value in row.items()} for row in taken]


def _plain(value: Any) -> Any:
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value.isoformat() if isinstance(value, date) else value
