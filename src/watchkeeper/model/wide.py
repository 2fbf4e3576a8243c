"""Whole numbers that may be wider than 64 bits with a sign: which of them fit, and which are identifiers."""

from __future__ import annotations

from decimal import Decimal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import types

from watchkeeper.model.column_name import like_an_id

LOWEST, HIGHEST = -(2**63), 2**63 - 1

_BITS = 3
"""Leading bits that are looked at …"""
_ENOUGH = 50
"""… in no fewer distinct values."""


def is_whole(kind: pa.DataType) -> bool:
    """Whether values of a physical type are whole numbers."""
    return bool(types.is_integer(kind) or (types.is_decimal(kind) and kind.scale == 0))


def is_wide(kind: pa.DataType) -> bool:
    """Whether values are whole numbers and may not fit 64 bits with a sign."""
    return bool(types.is_uint64(kind) or (types.is_decimal(kind) and kind.scale == 0 and kind.precision > 18))


def fits(array: pa.Array) -> pa.Array:
    """Which values of a wide type fit 64 bits with a sign, null where there is none."""
    if types.is_uint64(array.type):
        return pc.less_equal(array, pa.scalar(HIGHEST, array.type))
    low, high = (pa.scalar(Decimal(limit), array.type) for limit in (LOWEST, HIGHEST))
    return pc.and_(pc.greater_equal(array, low), pc.less_equal(array, high))


def names_rows(name: str, array: pa.Array) -> bool:
    """Whether numbers too wide are identifiers or hashes rather than amounts: by name, or spread as hashes are.

    Each leading bit of a hash is a fair coin. Of amounts, however large, few reach the upper half of the range.
    """
    if like_an_id(name):
        return True
    distinct = np.asarray(pc.drop_null(pc.unique(array)))
    if not types.is_uint64(array.type) or len(distinct) < _ENOUGH:
        return False
    ones = ((distinct[:, None] >> np.arange(63, 63 - _BITS, -1, dtype=np.uint64)) & np.uint64(1)).sum(axis=0)
    return bool((np.abs(ones - len(distinct) / 2) < 2 * np.sqrt(len(distinct))).all())
