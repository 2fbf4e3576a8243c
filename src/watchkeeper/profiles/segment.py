"""Splits windows further: by the value of a segment column and by model version."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from watchkeeper.model import WatchkeeperError
from watchkeeper.profiles.cells import texts
from watchkeeper.profiles.slice import Slice

Ints = NDArray[np.int64]

MOST_VALUES = 1_000
UNVERSIONED = "unversioned"
NO_VALUE = "(none)"


class TooManySegments(WatchkeeperError):
    """A column with very many values can't be watched value by value."""


def split(
    table: pa.Table, at: Ints, windows: Sequence[Slice], segment: str | None, version: str | None
) -> tuple[Ints, list[Slice]]:
    """Slices of window × segment × version for each row (-1 stays -1), sorted.

    `segment` and `version` are column names, or None where that does not split anything.
    """
    key = at.copy()
    names: list[tuple[object, ...]] = [(place,) for place in range(len(windows))]
    for column, missing in ((segment, NO_VALUE), (version, UNVERSIONED)):
        if column is None:
            continue
        codes, values, present = texts(table[column]) if column in table.column_names else _absent(len(table))
        if len(values) > MOST_VALUES:
            raise TooManySegments(
                f"column {column!r} has more than {MOST_VALUES:,} values, and each would be watched by itself. Choose "
                "a column with fewer, or put the values into groups."
            )
        values = [*values, missing]
        codes = np.where(present, codes, len(values) - 1)
        key = np.where(key < 0, -1, key * len(values) + codes)
        names = [(*name, value) for name in names for value in values]
    used = np.unique(key[key >= 0])
    slices = [_named(windows, names[i], segment, version) for i in used.tolist()]
    order = sorted(range(len(slices)), key=lambda i: slices[i].key)
    rank = np.empty(len(order), dtype=np.int64)
    rank[order] = np.arange(len(order))
    found = np.searchsorted(used, key)
    return np.where(key < 0, -1, rank[np.minimum(found, len(rank) - 1)] if len(rank) else -1), [
        slices[i] for i in order
    ]


def _absent(rows: int) -> tuple[Ints, list[str], NDArray[np.bool_]]:
    return np.zeros(rows, dtype=np.int64), [], np.zeros(rows, dtype=bool)


def _named(windows: Sequence[Slice], name: tuple[object, ...], segment: str | None, version: str | None) -> Slice:
    at, *values = name
    window = windows[at] if isinstance(at, int) else windows[0]
    if segment is not None:
        window = replace(window, segment=f"{segment}={values.pop(0)}")
    return window if version is None else replace(window, version=str(values.pop(0)))
