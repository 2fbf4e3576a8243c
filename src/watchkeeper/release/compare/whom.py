"""For whom: segments in which something changes more, or less, than in all other rows."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from watchkeeper.model import Model, Role, Type
from watchkeeper.report.comparison import Estimate, Segment
from watchkeeper.stats import evidence, interval, paired

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

SUPPORT = 30
"""Rows that a segment, and the rest, must have: below it intervals hardly tell anything."""
MOST_VALUES = 50
"""Values of one column that are looked at, the most frequent ones."""
ROLES = (Role.SEGMENT, Role.PROTECTED)


@dataclass(frozen=True, eq=False)
class Measure:
    """One number for each row, whose mean is compared between segments; NaN where a row has none."""

    name: str
    values: Floats
    is_share: bool = False
    """Whether rows are 0 or 1, so that exact laws of shares hold."""


def columns_of(model: Model, table: pa.Table) -> dict[str, pa.Array]:
    """The columns whose values are looked at one by one: the declared segments, and those of a segment's role."""
    names = dict.fromkeys([*model.segments, *(name for role in ROLES for name in model.with_role(role))])
    few = (Type.STRING, Type.BOOLEAN, Type.INTEGER)
    held = (name for name in names if name in table.column_names and model.columns[name].type in few)
    return {name: table[name].combine_chunks() for name in held}


def by_segment(measures: list[Measure], columns: Mapping[str, pa.Array]) -> tuple[tuple[Segment, ...], int]:
    """All segments with enough rows, surest first, and the number of those with too few.

    Shares are compared with those of all other rows by the conditional test, means by Welch's t; p is corrected for all
    that was looked at (Holm), so a segment that is told by mistake is as rare as one comparison in twenty.
    """
    found: list[Segment] = []
    small: set[tuple[str, Any]] = set()
    for column, cells in columns.items():
        for value, here in _values(cells):
            for measure in measures:
                known = ~np.isnan(measure.values)
                if min(int((known & here).sum()), int((known & ~here).sum())) < SUPPORT:
                    small.add((column, value))
                else:
                    found.append(_compared(measure, column, value, here & known, ~here & known))
    corrected = paired.holm(np.array([segment.p for segment in found])).tolist()
    told = [replace(segment, p=p) for segment, p in zip(found, corrected, strict=True)]
    told.sort(key=lambda one: (one.p, -abs(one.here.value - one.rest.value), one.measure, one.name))
    return tuple(told), len(small - {(segment.column, segment.value) for segment in told})


def _values(cells: pa.Array) -> Iterator[tuple[Any, Bools]]:
    """Values of a column, most frequent first, and the rows that have each."""
    plain = cells.cast(cells.type.value_type) if pa.types.is_dictionary(cells.type) else cells
    coded = plain.dictionary_encode()
    codes = np.asarray(coded.indices.fill_null(-1))
    names = coded.dictionary.to_pylist()
    count = np.bincount(codes[codes >= 0], minlength=len(names))
    order = sorted(range(len(names)), key=lambda i: (-int(count[i]), str(names[i])))
    for i in order[:MOST_VALUES]:
        yield names[i], codes == i
    if pc.any(plain.is_null()).as_py():
        yield None, codes < 0


def _compared(measure: Measure, column: str, value: Any, here: Bools, rest: Bools) -> Segment:
    estimate, law = (_share, _shares_differ) if measure.is_share else (_mean, _means_differ)
    a, b = measure.values[here], measure.values[rest]
    return Segment(measure.name, column, value, len(a), estimate(a), estimate(b), math.exp(-law(a, b)))


def _share(values: Floats) -> Estimate:
    low, high = interval.wilson(values.sum(), len(values))
    return Estimate(float(values.mean()), float(low), float(high))


def _mean(values: Floats) -> Estimate:
    low, high = interval.mean(values.mean(), values.var(ddof=1), len(values))
    return Estimate(float(values.mean()), float(low), float(high))


def _shares_differ(a: Floats, b: Floats) -> float:
    return float(evidence.share(a.sum(), len(a), b.sum(), len(b)))


def _means_differ(a: Floats, b: Floats) -> float:
    """Evidence in nats by Welch's t; none where no row differs from its mean, as then nothing tells what chance does.

    Source: Welch (1947), Biometrika 34, 28-35; degrees of freedom by Satterthwaite.
    """
    parts = np.array([a.var(ddof=1) / len(a), b.var(ddof=1) / len(b)])
    total = float(parts.sum())
    if not total > 0:
        return 0.0
    df = total**2 / float((parts**2 / (np.array([len(a), len(b)]) - 1)).sum())
    return float(evidence.student((a.mean() - b.mean()) / math.sqrt(total), np.array(df)))
