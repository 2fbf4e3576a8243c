"""Columns as a model wants them: the values of joined requests, each column of one type, nothing guessed."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain
from typing import Any

import numpy as np
from numpy.typing import NDArray

from watchkeeper.runtime.channel import Column
from watchkeeper.runtime.failure import WrongInput


def joined(parts: Sequence[Column]) -> Column:
    """The values of a column in several requests, one after the other."""
    if len(parts) == 1:
        return parts[0]
    if np.ndarray in set(map(type, parts)):
        return list(chain.from_iterable(part.tolist() if isinstance(part, np.ndarray) else part for part in parts))
    return list(chain.from_iterable(parts))


def floats(column: Column, name: str, type: Any) -> NDArray[Any]:
    """Real numbers; a missing one is NaN."""
    found = _array(column, name)
    if found.dtype.kind == "O" and all(value is None or isinstance(value, int | float) for value in found):
        found = found.astype(np.float64)
    if found.dtype.kind not in "biuf":
        raise WrongInput(f"{name}: takes numbers, but one of the values is none.")
    return found.astype(type, copy=False)


def integers(column: Column, name: str, type: Any) -> NDArray[Any]:
    """Whole numbers. None may be missing, as they have no NaN."""
    found = _array(column, name)
    if found.dtype.kind == "O" and any(value is None for value in found):
        raise WrongInput(f"{name}: a value is missing, but the model takes whole numbers, which can't be missing.")
    if found.dtype.kind == "f" and not bool(np.all(np.isfinite(found))):
        raise WrongInput(f"{name}: a value is missing, but the model takes whole numbers, which can't be missing.")
    if found.dtype.kind not in "biuf":
        raise WrongInput(f"{name}: takes whole numbers, but one of the values is none.")
    limits = np.iinfo(type)
    if found.size and not (limits.min <= found.min() and found.max() <= limits.max):
        raise WrongInput(f"{name}: takes numbers from {limits.min} to {limits.max}, but one is beyond.")
    cast = found.astype(type)
    if found.dtype.kind == "f" and not bool(np.all(cast == found)):
        raise WrongInput(f"{name}: takes whole numbers, but one of the values has a fraction.")
    return cast


def booleans(column: Column, name: str) -> NDArray[np.bool_]:
    """True and false, also as 1 and 0. None may be missing."""
    found = _array(column, name)
    if found.dtype.kind == "b":
        return found
    if found.dtype.kind in "iuf" and bool(np.all((found == 0) | (found == 1))):
        return found.astype(np.bool_)
    raise WrongInput(f"{name}: takes true and false, but one of the values is neither, or is missing.")


def texts(column: Column, name: str) -> NDArray[np.object_]:
    """Texts. None may be missing, as ONNX has no missing text."""
    values = column.tolist() if isinstance(column, np.ndarray) else column
    for value in values:
        if not isinstance(value, str):
            what = "is missing, and ONNX has no missing text: fill it before" if value is None else "is a number"
            raise WrongInput(f"{name}: takes texts, but one of the values {what}.")
    return _objects(values)


def as_come(column: Column) -> NDArray[Any]:
    """A column for Python: numbers as floats or integers, NaN for what is missing; all else as objects, with None."""
    if isinstance(column, np.ndarray):
        return column
    kinds = {type(value) for value in column}
    if kinds <= {float, int, type(None)} and kinds != {type(None)} and kinds != {int}:
        return np.asarray(column, dtype=np.float64)
    if kinds == {int} and all(-(1 << 63) <= value < 1 << 63 for value in column):  # type: ignore[operator]
        return np.asarray(column, dtype=np.int64)
    if kinds == {bool}:
        return np.asarray(column, dtype=np.bool_)
    return _objects(column)


def _array(column: Column, name: str) -> NDArray[Any]:
    """The values as NumPy takes them: one a row."""
    try:
        found = np.asarray(column)
    except ValueError as error:
        raise WrongInput(f"{name}: takes numbers, one a row, but one of the values is a list.") from error
    if found.ndim != 1:
        raise WrongInput(f"{name}: takes numbers, one a row, but has shape {list(found.shape)}.")
    return found


def _objects(values: Sequence[Any]) -> NDArray[np.object_]:
    found = np.empty(len(values), dtype=object)
    found[:] = values
    return found
