"""The one scan: counts a block of rows into profiles of the slices it touches."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from watchkeeper.profiles import correlation, fourier, kernel_numpy
from watchkeeper.profiles.category import CategoryProfile, canonical
from watchkeeper.profiles.cells import numbers, texts
from watchkeeper.profiles.column import ColumnProfile, NumericProfile
from watchkeeper.profiles.counted import Kernel, Scores
from watchkeeper.profiles.edges import FULL_RANK, CategoryEdges, ColumnEdges, Edges, NumericEdges
from watchkeeper.profiles.profile import Profiles
from watchkeeper.profiles.quality import measure_quality
from watchkeeper.profiles.quality_plan import QualityPlan
from watchkeeper.profiles.rows import Rows, rows_of
from watchkeeper.profiles.sample import drawn, hashed
from watchkeeper.profiles.slice import Slice
from watchkeeper.profiles.text import measure_texts

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]

DENSE = 4
"""Codes are counted in a full table of slices × codes while it has at most so many times the cells of the block."""


def profile(
    edges: Edges,
    table: pa.Table,
    at: Ints,
    slices: Sequence[Slice],
    invalid: Mapping[str, Bools] | None = None,
    kernel: Kernel = kernel_numpy,
) -> Profiles:
    """Profiles of one block.

    `table`: canonical columns (see `delivery`); `at`: the number of the slice that each row belongs to, shape (rows,),
    -1 for none; `slices`: sorted; `invalid`: per column, which cells were bad (they are null in `table`).
    """
    rows, used = rows_of(at)
    scores = np.empty((len(edges.ranked), rows.count), dtype=np.float32)
    place = {name: i for i, name in enumerate(edges.ranked)}
    columns: dict[str, ColumnProfile] = {}
    given = dict(zip(table.column_names, table.columns, strict=True))
    nothing = pa.nulls(len(table))
    for name, column_edges in edges.columns.items():
        bad = (invalid or {}).get(name)
        ranked = scores[place[name]] if name in place else None
        columns[name] = _column(kernel, name, column_edges, given.get(name, nothing), bad, rows, ranked)
    hashes = hashed(edges, table, rows.order)
    return Profiles(
        edges=edges,
        slices=tuple(slices[i] for i in used.tolist()),
        rows=np.diff(rows.borders),
        columns=columns,
        pairs=correlation.measured(edges.ranked, edges.targets, scores, rows.borders),
        quality=None
        if edges.quality is None
        else measure_quality(edges.quality, _read(edges.quality, table, rows), rows.at, rows.slices, kernel),
        texts={name: measure_texts(given.get(name, nothing), rows.order, rows.at, rows.slices) for name in edges.texts},
        sample=drawn(edges, table, rows.order, rows.at, rows.slices, hashes),
        fourier=fourier.measured(edges.share, scores[edges.together], rows.at, rows.slices, hashes),
    )


def _read(plan: QualityPlan, table: pa.Table, rows: Rows) -> pa.Table:
    """The columns that a plan reads, in order; another where all are missing, for Arrow counts rows by columns."""
    names = table.column_names
    table = table.select([name for name in names if name in plan.columns] or names[:1])
    return table if rows.order is None else table.take(pa.array(rows.order))


def _column(
    kernel: Kernel,
    name: str,
    edges: ColumnEdges,
    values: pa.ChunkedArray,
    bad: Bools | None,
    rows: Rows,
    scores: Scores | None,
) -> ColumnProfile:
    present = np.asarray(values.is_valid()) if values.null_count else None
    null = rows.total(None if present is None else ~rows.taken(present))
    plain = ColumnProfile(name, null, rows.total(None if bad is None else rows.taken(bad)))
    if isinstance(edges, NumericEdges):
        return _numeric(kernel, plain, edges, values, present, rows, scores)
    if isinstance(edges, CategoryEdges):
        return _category(kernel, plain, edges, values, present, rows, scores)
    return plain


def _numeric(
    kernel: Kernel,
    plain: ColumnProfile,
    edges: NumericEdges,
    values: pa.ChunkedArray,
    present: Bools | None,
    rows: Rows,
    scores: Scores | None,
) -> NumericProfile:
    x = np.zeros(len(values)) if pa.types.is_null(values.type) else numbers(values)[0]
    counted = kernel.numeric(x, present, rows, edges, scores)
    return NumericProfile(
        name=plain.name,
        null=plain.null,
        invalid=plain.invalid,
        edges=edges,
        nan=counted.nan,
        positive_infinity=counted.positive_infinity,
        negative_infinity=counted.negative_infinity,
        zero=counted.zero,
        negative=counted.negative,
        minimum=counted.minimum,
        maximum=counted.maximum,
        total=counted.total,
        squares=counted.squares,
        counts=counted.counts,
    )


def _category(
    kernel: Kernel,
    plain: ColumnProfile,
    edges: CategoryEdges,
    values: pa.ChunkedArray,
    present: Bools | None,
    rows: Rows,
    scores: Scores | None,
) -> CategoryProfile:
    known = len(edges.values)
    if pa.types.is_null(values.type):
        codes, names = np.zeros(len(values), dtype=np.int64), [""]
    else:
        codes, names, _ = texts(values)
    at, code, count = _crossed(kernel, codes, present, rows, max(1, len(names)))
    in_use = np.unique(code).tolist()
    others = sorted({names[i] for i in in_use} - edges.codes.keys())
    number = {**edges.codes, **{other: known + i for i, other in enumerate(others)}}
    renumber = np.zeros(max(1, len(names)), dtype=np.int64)
    renumber[in_use] = [number[names[i]] for i in in_use]
    code = renumber[code]
    if scores is not None:
        rank = {value: (2.0 * i - 1) * FULL_RANK for i, value in enumerate(sorted(edges.values))}
        scores[:] = rows.taken(np.array([rank.get(name, np.nan) for name in names] or [np.nan])[codes])
        if present is not None:
            scores[~rows.taken(present)] = np.nan
    unseen = code >= known
    return CategoryProfile(
        name=plain.name,
        null=plain.null,
        invalid=plain.invalid,
        edges=edges,
        unseen=np.bincount(at[unseen], weights=count[unseen], minlength=rows.slices).astype(np.int64),
        **canonical(known, others, at, code, count, {}),
    )


def _crossed(kernel: Kernel, codes: Ints, present: Bools | None, rows: Rows, width: int) -> tuple[Ints, Ints, Ints]:
    """Slice, code and count of each pair that occurs (or, of near-unique text, of each row)."""
    if rows.slices * width <= DENSE * max(rows.count, 1_000):
        table = kernel.crossed(codes, present, rows, width)
        at, code = np.nonzero(table)
        return at, code, table[at, code]
    at, code = rows.at, rows.taken(codes)
    if present is not None:
        kept = rows.taken(present)
        at, code = at[kept], code[kept]
    return at, code, np.ones(len(at), dtype=np.int64)
