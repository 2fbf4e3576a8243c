"""Parts of the held-out rows: those of each value of a column that are enough to be judged, and the rest together."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from watchkeeper.release.gate.held import Values
from watchkeeper.report.words import number

Ints = NDArray[np.int64]

MOST = 50
"""The most values of a column that are judged one by one: the commonest."""
MANY = 20
"""Numbers with more distinct values than that are cut at their quartiles."""
REST = "(all others)"
MISSING = "(missing)"


@dataclass(frozen=True, eq=False)
class Part:
    """Rows that share a value."""

    name: str
    rows: Ints


def parts(values: Values, least: int) -> Iterator[Part]:
    """The values with at least so many rows, the commonest first; then all other rows together, if any has so many."""
    code, names = _coded(values)
    count = np.bincount(code, minlength=len(names))
    order = np.argsort(code, kind="stable")
    ends = np.cumsum(count)
    common = [int(i) for i in np.argsort(-count, kind="stable")[:MOST] if count[i] >= max(least, 1)]
    for i in common:
        yield Part(names[i], order[ends[i] - count[i] : ends[i]])
    rest = np.flatnonzero(~np.isin(code, common))
    if common and len(rest):
        yield Part(REST, rest)


def _coded(values: Values) -> tuple[Ints, list[str]]:
    """A number for each row, and what each number stands for."""
    column = pa.array(values, from_pandas=True)
    encoded = column.dictionary_encode()
    known = encoded.dictionary
    numeric = pa.types.is_integer(known.type) or pa.types.is_floating(known.type)
    if numeric and len(known) > MANY:
        return _quartiles(column)
    names = [str(value) for value in known.to_pylist()]
    code = encoded.indices.fill_null(len(names)).to_numpy(zero_copy_only=False).astype(np.int64)
    return code, [*names, MISSING]


def _quartiles(column: pa.Array) -> tuple[Ints, list[str]]:
    x = column.cast(pa.float64()).to_numpy(zero_copy_only=False)
    here = x[np.isfinite(x)]
    cuts = np.unique(np.quantile(here, [0.25, 0.5, 0.75], method="lower"))
    code = np.where(np.isfinite(x), np.searchsorted(cuts, x, side="left"), len(cuts) + 1)
    ends = [number(float(cut)) for cut in cuts]
    between = [f"above {low} to {high}" for low, high in pairwise(ends)]
    return code.astype(np.int64), [f"to {ends[0]}", *between, f"above {ends[-1]}", MISSING]
