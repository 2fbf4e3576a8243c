"""Reads times from text, strictly: a date that does not exist is no date."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from watchkeeper.model.time_format import EPOCHS, LONG_MONTHS, MONTHS, regex

Ints = NDArray[np.int64]

_MINUTE = 60_000_000
EARLIEST, LATEST = -62_135_596_800_000_000, 253_402_300_799_999_999
"""The first and last microsecond of the years 1 to 9999."""
_LIMITS = {"m": (1, 12), "d": (1, 31), "H": (0, 23), "I": (1, 12), "M": (0, 59), "S": (0, 59)}


def read_times(texts: pa.Array, format: str) -> pa.Array:
    """Times in microseconds since 1970, UTC, of a string array; null where a text is not a time in `format`.

    The whole text must match and the date must exist. A time without a zone is UTC. Fractions beyond a microsecond are
    cut off. Raises ValueError when the format itself can't be read (`time_format.format_fault` says so beforehand).
    """
    if format in EPOCHS:
        return _since_1970(texts, EPOCHS[format])
    parts = pc.extract_regex(texts, pattern=f"^(?:{regex(format)})$")
    right = np.array(pc.is_valid(parts), dtype=bool)
    letters = [child.name for child in parts.type]

    def number(letter: str, missing: int) -> Ints:
        if letter not in letters:
            return np.full(len(texts), missing, dtype=np.int64)
        digits = pc.struct_field(parts, letter)
        filled = pc.if_else(pc.equal(pc.fill_null(digits, ""), ""), str(missing), digits)
        return np.asarray(pc.cast(filled, pa.int64()))

    for letter, (least, most) in _LIMITS.items():
        if letter in letters:
            values = number(letter, least)
            right &= (values >= least) & (values <= most)
    year = number("Y", 0) if "Y" in letters else _century(number("y", 0))
    month = number("m", 1)
    for letter, names in (("b", MONTHS), ("B", LONG_MONTHS)):
        if letter in letters:
            named = pc.index_in(pc.utf8_lower(pc.struct_field(parts, letter)), value_set=pa.array(names))
            month = np.asarray(pc.fill_null(named, 0)).astype(np.int64) + 1
    right &= year >= 1
    day = number("d", 1)
    first = (np.where(right, year, 1970) - 1970) * 12 + np.where(right, month, 1) - 1
    days = first.astype("datetime64[M]").astype("datetime64[D]").astype(np.int64)
    following = (first + 1).astype("datetime64[M]").astype("datetime64[D]").astype(np.int64)
    right &= day <= following - days
    hour = number("H", 0)
    if "I" in letters:
        late = np.asarray(pc.fill_null(pc.equal(pc.utf8_lower(pc.struct_field(parts, "p")), "pm"), False))
        hour = number("I", 12) % 12 + 12 * late if "p" in letters else number("I", 12) % 12
    minutes = ((days + day - 1) * 24 + hour) * 60 + number("M", 0)
    moments = minutes * _MINUTE + number("S", 0) * 1_000_000
    if "f" in letters:
        moments += _fraction(pc.struct_field(parts, "f"))
    if "z" in letters:
        moments -= _offset(pc.struct_field(parts, "z")) * _MINUTE
    right &= (moments >= EARLIEST) & (moments <= LATEST)
    return pa.array(moments, mask=~right).cast(pa.timestamp("us"))


def _since_1970(texts: pa.Array, unit: int) -> pa.Array:
    whole = pc.match_substring_regex(texts, pattern=r"^-?\d{1,15}$")
    counts = pc.cast(pc.if_else(whole, texts, None), pa.int64())
    within = pc.and_(pc.less_equal(counts, LATEST // unit), pc.greater_equal(counts, EARLIEST // unit))
    return pc.multiply(pc.if_else(within, counts, None), unit).cast(pa.timestamp("us"))


def _century(two_digits: Ints) -> Ints:
    """The year that POSIX means by two digits: 69 to 99 are of the last century."""
    return two_digits + np.where(two_digits < 69, 2000, 1900)


def _fraction(digits: Any) -> Ints:
    padded = pc.utf8_slice_codeunits(pc.utf8_rpad(pc.fill_null(digits, ""), 6, padding="0"), 0, 6)
    return np.asarray(pc.cast(padded, pa.int64()))


def _offset(zones: Any) -> Ints:
    """Minutes east of Greenwich of `Z`, `+0100` or `+01:00`; 0 where there is none."""
    numeric = pc.match_substring_regex(pc.fill_null(zones, ""), pattern=r"^[+-]")
    digits = pc.if_else(numeric, pc.replace_substring(pc.fill_null(zones, ""), ":", ""), "+0000")
    hours = np.asarray(pc.cast(pc.utf8_slice_codeunits(digits, 1, 3), pa.int64()))
    minutes = np.asarray(pc.cast(pc.utf8_slice_codeunits(digits, 3, 5), pa.int64()))
    west = np.asarray(pc.starts_with(digits, pattern="-"))
    offset: Ints = np.where(west, -1, 1) * (hours * 60 + minutes)
    return offset
