"""Reads labels, predictions and scores: numbers with a mask, classes as codes that agree across columns."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from watchkeeper.profiles.cells import numbers, texts

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]

_WHOLE = re.compile(r"(-?\d+)\.0+")
_BOOLEAN = {"true": "1", "false": "0"}


def class_name(value: object) -> str:
    """A class as text, the same for `1`, `1.0`, `"1"` and `true`: labels and predictions seldom come in one type."""
    text = str(value)
    whole = _WHOLE.fullmatch(text)
    return whole.group(1) if whole else _BOOLEAN.get(text.lower(), text)


def in_order(names: Iterable[str]) -> list[str]:
    """Names sorted as numbers where all are numbers, else as text."""
    listed = sorted(set(names))
    try:
        return sorted(listed, key=float)
    except ValueError:
        return listed


def values(table: pa.Table, name: str | None) -> tuple[Floats, Bools]:
    """Numbers of a column (0 where there is none) and where they are finite, shapes (rows,).

    A column that is absent, or holds no numbers, has none.
    """
    if name is None or name not in table.column_names or not is_numeric(table.schema.field(name).type):
        return np.zeros(len(table)), np.zeros(len(table), dtype=bool)
    x, present = numbers(table[name])
    finite = present & np.isfinite(x)
    return np.where(finite, x, 0.0), finite


def is_numeric(kind: pa.DataType) -> bool:
    """Whether values of this type are numbers (or true and false)."""
    return bool(pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_boolean(kind))


def codes(table: pa.Table, names: Sequence[str | None], classes: Sequence[str]) -> list[tuple[Ints, Bools]]:
    """For each column the number of each row's class, and where there is one; shapes (rows,).

    Values outside `classes` get numbers from len(classes) on, the same value the same number in all columns.
    """
    known = {name: i for i, name in enumerate(classes)}
    return [_codes(table, name, known) for name in names]


def _codes(table: pa.Table, name: str | None, known: dict[str, int]) -> tuple[Ints, Bools]:
    if name is None or name not in table.column_names or pa.types.is_null(table.schema.field(name).type):
        return np.zeros(len(table), dtype=np.int64), np.zeros(len(table), dtype=bool)
    found, spelled, present = texts(table[name])
    nan = [text == "nan" for text in spelled] if pa.types.is_floating(table.schema.field(name).type) else None
    number = np.array([known.setdefault(class_name(text), len(known)) for text in spelled] or [0], dtype=np.int64)
    if nan:
        present = present & ~np.array(nan)[found]
    return number[found], present


def class_counts(table: pa.Table, name: str | None) -> dict[str, int]:
    """How often each class stands in a column."""
    known: dict[str, int] = {}
    if name is not None and name in table.column_names and not pa.types.is_null(table.schema.field(name).type):
        code, present = _codes(table, name, known)
        found = np.bincount(code[present], minlength=len(known)).tolist()
        return {text: found[i] for text, i in known.items() if found[i]}
    return {}
