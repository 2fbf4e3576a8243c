"""Reads numbers and truth values from text, a column at a time; a bad cell never fails its column."""

from __future__ import annotations

import math
import re
from collections.abc import Callable

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from watchkeeper.delivery.piece import Bools

_INTEGER = re.compile(r"[+-]?[0-9]+")
_WHOLE = re.compile(r"([+-]?[0-9]+)\.0*")
_NUMBER = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?")
_WORD = re.compile(r"[+-]?(nan|inf|infinity)", re.IGNORECASE)
_PLAIN_INTEGER = r"^-?[0-9]{1,18}$"
_PLAIN_NUMBER = r"^-?([0-9]{1,200}\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]{1,2})?$"
"""What Arrow's own casts read right in every version."""
_LONGEST = 4096
_TRUE, _FALSE = ("true", "1", "yes", "t"), ("false", "0", "no", "f")


def integers(cells: pa.Array) -> tuple[pa.Array, Bools | None]:
    """Texts as int64, null where they are none; and which are written as decimals (`12.0`), None if none is.

    A number beyond 64 bits is none. White space around a number does not count.
    """
    if not _may_be_hexadecimal(cells):
        try:
            return pc.cast(cells, pa.int64()), None
        except pa.ArrowInvalid:
            pass  # some cell is unusual: look at each
    values = _careful(cells, pa.int64(), _PLAIN_INTEGER, _integer)
    decimal = pc.fill_null(pc.and_(pc.is_valid(values), pc.match_substring(cells, ".")), False)
    written = np.asarray(decimal)
    return values, written if written.any() else None


def numbers(cells: pa.Array, decimal: str = ".") -> pa.Array:
    """Texts as doubles, null where they are none; `decimal` is the decimal mark.

    `nan` and `inf` are values. A number too large for a double is none: it is not infinite.
    """
    if decimal == ",":
        foreign = pc.match_substring(cells, ".")
        cells = pc.if_else(foreign, "?", pc.replace_substring(cells, ",", "."))
    try:
        values = pc.cast(cells, pa.float64())
    except pa.ArrowInvalid:
        return _careful(cells, pa.float64(), _PLAIN_NUMBER, _number)
    if (ends := extremes(values)) is not None and not (math.isfinite(ends[0]) and math.isfinite(ends[1])):
        infinite = pc.is_inf(values)
        return pc.if_else(
            infinite, _careful(pc.if_else(infinite, cells, None), pa.float64(), _PLAIN_NUMBER, _number), values
        )
    return values


def extremes(values: pa.Array) -> tuple[float, float] | None:
    """The least and the greatest number other than NaN; None where there is none."""
    numbers = (values.drop_null() if values.null_count else values).to_numpy(zero_copy_only=False)
    if not len(numbers):
        return None
    least, greatest = numbers.min(), numbers.max()
    if np.isnan(least):
        numbers = numbers[~np.isnan(numbers)]
        return (numbers.min().item(), numbers.max().item()) if len(numbers) else None
    return least.item(), greatest.item()


def booleans(cells: pa.Array) -> pa.Array:
    """Texts as truth values, null where they are none: true, false, 1, 0, yes, no, t, f in any case."""
    words = pc.ascii_lower(pc.ascii_trim_whitespace(cells))
    true = pc.is_in(words, value_set=pa.array(_TRUE))
    return pc.if_else(pc.or_(true, pc.is_in(words, value_set=pa.array(_FALSE))), true, None)


def _may_be_hexadecimal(cells: pa.Array) -> bool:
    """Whether any cell holds an x: Arrow reads 0x1F as a number."""
    data = cells.buffers()[2]
    return data is not None and bool((np.frombuffer(data, dtype=np.uint8) | 32 == ord("x")).any())


def _careful(cells: pa.Array, type: pa.DataType, plain: str, read: Callable[[str], int | float | None]) -> pa.Array:
    """Cells of the plain form by Arrow, all others one by one."""
    is_plain = pc.fill_null(pc.match_substring_regex(cells, plain), False)
    values = pc.cast(pc.if_else(is_plain, cells, None), type)
    odd = pc.and_(pc.is_valid(cells), pc.invert(is_plain))
    coded = cells.filter(odd).dictionary_encode()
    known = pa.array([read(text) for text in coded.dictionary.to_pylist()], type)
    return pc.replace_with_mask(values, odd, known.take(coded.indices))


def _integer(text: str) -> int | None:
    text = text.strip(" \t")
    if len(text) > _LONGEST or not (found := _INTEGER.fullmatch(text) or _WHOLE.fullmatch(text)):
        return None
    value = int(found[1] if found.re is _WHOLE else text)
    return value if -(2**63) <= value < 2**63 else None


def _number(text: str) -> float | None:
    text = text.strip(" \t")
    if len(text) > _LONGEST:
        return None
    if _NUMBER.fullmatch(text):
        return value if math.isfinite(value := float(text)) else None
    return float(text) if _WORD.fullmatch(text) else None
