"""The one scan: counts a block of rows into profiles of the slices it touches (numpy)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from watchkeeper.profiles import correlation, double
from watchkeeper.profiles.category import canonical
from watchkeeper.profiles.cells import numbers, texts
from watchkeeper.profiles.column import CategoryProfile, ColumnProfile, NumericProfile
from watchkeeper.profiles.edges import CategoryEdges, ColumnEdges, Edges, NumericEdges
from watchkeeper.profiles.profile import Profiles
from watchkeeper.profiles.quality import measure_quality
from watchkeeper.profiles.sample import draw
from watchkeeper.profiles.slice import Slice
from watchkeeper.profiles.text import measure_texts

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]


def profile(
    edges: Edges, table: pa.Table, at: Ints, slices: Sequence[Slice], invalid: Mapping[str, Bools] | None = None
) -> Profiles:
    """Profiles of one block.

    `table`: canonical columns (see `delivery`); `at`: the number of the slice that each row belongs to, shape (rows,),
    -1 for none; `slices`: sorted; `invalid`: per column, which cells were bad (they are null in `table`).
    """
    used, at = np.unique(at, return_inverse=True)
    order = None if (np.diff(at) >= 0).all() else np.argsort(at, kind="stable")
    if order is not None:
        at = at[order]
    begin = int(np.searchsorted(used, 0))
    skipped = int(np.searchsorted(at, begin))
    order = np.arange(skipped, len(at)) if order is None and skipped else order if order is None else order[skipped:]
    at, used = at[skipped:] - begin, used[begin:]
    rows_at = _Rows(at, np.flatnonzero(np.diff(at, prepend=-1)), len(used))
    scores: dict[str, tuple[Ints, Bools]] = {}
    columns: dict[str, ColumnProfile] = {}
    given = dict(zip(table.column_names, table.columns, strict=True))
    nothing = pa.nulls(len(table))
    for name, column_edges in edges.columns.items():
        values = given.get(name, nothing)
        bad = (invalid or {}).get(name)
        columns[name] = _column(
            name, column_edges, values, bad, order, rows_at, scores if name in edges.ranked else None
        )
    kept = correlation.pairs(edges.ranked, edges.targets)
    return Profiles(
        edges=edges,
        slices=tuple(slices[i] for i in used.tolist()),
        rows=np.bincount(at, minlength=len(used)),
        columns=columns,
        pairs=_pairs(edges, kept, scores, rows_at) if kept else None,
        quality=None
        if edges.quality is None
        else measure_quality(edges.quality, table if order is None else table.take(order), at, len(used)),
        texts={name: measure_texts(given.get(name, nothing), order, at, len(used)) for name in edges.texts},
        sample=draw(edges, table, order, at, len(used)),
    )


class _Rows:
    """Which slice each row is in, sorted, and where each slice's rows begin."""

    def __init__(self, at: Ints, starts: NDArray[np.intp], slices: int) -> None:
        self.at, self.starts, self.slices = at, starts, slices

    def count(self, rows: Bools) -> Ints:
        return np.bincount(self.at[rows], minlength=self.slices).astype(np.int64)

    def segments(self, rows: Bools) -> tuple[Ints, NDArray[np.intp]]:
        """The slices that have any of `rows`, and where each of them begins among those rows."""
        at = self.at[rows]
        starts = np.flatnonzero(np.diff(at, prepend=-1))
        return at[starts], starts


def _column(
    name: str,
    edges: ColumnEdges,
    values: pa.ChunkedArray,
    bad: Bools | None,
    order: Ints | None,
    rows: _Rows,
    scores: dict[str, tuple[Ints, Bools]] | None,
) -> ColumnProfile:
    invalid = np.zeros(rows.slices, dtype=np.int64) if bad is None else rows.count(bad if order is None else bad[order])
    if isinstance(edges, NumericEdges) and not pa.types.is_null(values.type):
        x, present = numbers(values)
        if order is not None:
            x, present = x[order], present[order]
        return _numeric(name, edges, x, present, invalid, rows, scores)
    if isinstance(edges, CategoryEdges) and not pa.types.is_null(values.type):
        codes, names, present = texts(values)
        if order is not None:
            codes, present = codes[order], present[order]
        return _category(name, edges, codes, names, present, invalid, rows, scores)
    present = np.asarray(values.is_valid())
    if order is not None:
        present = present[order]
    if isinstance(edges, NumericEdges):
        return _numeric(name, edges, np.zeros(len(present)), present, invalid, rows, scores)
    if isinstance(edges, CategoryEdges):
        return _category(name, edges, np.zeros(len(present), dtype=np.int64), [], present, invalid, rows, scores)
    return ColumnProfile(name, rows.count(~present), invalid)


def _numeric(
    name: str,
    edges: NumericEdges,
    x: Floats,
    present: Bools,
    invalid: Ints,
    rows: _Rows,
    scores: dict[str, tuple[Ints, Bools]] | None,
) -> NumericProfile:
    finite = present & np.isfinite(x)
    touched, starts = rows.segments(finite)
    y = x[finite]
    bins = np.searchsorted(edges.cuts, y, side="right")
    counts = np.bincount(rows.at[finite] * edges.bins + bins, minlength=rows.slices * edges.bins).reshape(
        rows.slices, edges.bins
    )
    minimum, maximum = np.full(rows.slices, np.nan), np.full(rows.slices, np.nan)
    total, squares = np.zeros((rows.slices, 2)), np.zeros((rows.slices, 2))
    if len(y):
        minimum[touched], maximum[touched] = np.minimum.reduceat(y, starts), np.maximum.reduceat(y, starts)
        total[touched] = double.segment_sums(y, starts)
        with np.errstate(over="ignore"):
            squares[touched] = double.segment_sums((y - edges.shift) ** 2, starts)
    if scores is not None:
        score = np.zeros(len(x), dtype=np.int64)
        score[finite] = edges.ranks[bins]
        scores[name] = (score, finite)
    odd = present & ~finite if len(y) < len(x) else np.zeros(len(x), dtype=bool)
    return NumericProfile(
        name=name,
        null=rows.count(~present),
        invalid=invalid,
        edges=edges,
        nan=rows.count(odd & np.isnan(x)),
        positive_infinity=rows.count(odd & (x == np.inf)),
        negative_infinity=rows.count(odd & (x == -np.inf)),
        zero=rows.count(finite & (x == 0)),
        negative=rows.count(finite & (x < 0)),
        minimum=minimum,
        maximum=maximum,
        total=total,
        squares=squares,
        counts=counts.astype(np.int64),
    )


def _category(
    name: str,
    edges: CategoryEdges,
    codes: Ints,
    names: list[str],
    present: Bools,
    invalid: Ints,
    rows: _Rows,
    scores: dict[str, tuple[Ints, Bools]] | None,
) -> CategoryProfile:
    known = len(edges.values)
    in_use = np.unique(codes[present]).tolist()
    others = sorted({names[i] for i in in_use} - edges.codes.keys())
    number = {**edges.codes, **{other: known + i for i, other in enumerate(others)}}
    renumber = np.zeros(max(1, len(names)), dtype=np.int64)
    renumber[in_use] = [number[names[i]] for i in in_use]
    code = renumber[codes]
    at, counted = rows.at[present], code[present]
    if scores is not None:
        rank = np.zeros(len(code), dtype=np.int64)
        ordered = {value: i for i, value in enumerate(sorted(edges.values))}
        values = np.array([ordered[value] * 2 - 1 for value in edges.values] + [0] * len(others), dtype=np.int64)
        rank[present] = values[counted] * 32_767
        scores[name] = (rank, present & (code < known))
    return CategoryProfile(
        name=name,
        null=rows.count(~present),
        invalid=invalid,
        edges=edges,
        unseen=np.bincount(at[counted >= known], minlength=rows.slices).astype(np.int64),
        **canonical(known, others, at, counted, np.ones(len(at), dtype=np.int64), {}),
    )


def _pairs(
    edges: Edges, kept: list[tuple[int, int]], scores: Mapping[str, tuple[Ints, Bools]], rows: _Rows
) -> correlation.PairProfile:
    matrix = np.stack([scores[name][0] for name in edges.ranked], axis=1)
    present = np.stack([scores[name][1] for name in edges.ranked], axis=1)
    return correlation.measured(edges.ranked, kept, matrix, present, rows.starts)
