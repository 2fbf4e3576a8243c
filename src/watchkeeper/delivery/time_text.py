"""Times in text: the usual forms of fixed width by plain arithmetic on bytes, all others by `read_times`."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from watchkeeper.delivery.piece import Ints
from watchkeeper.model.time_format import format_fault
from watchkeeper.model.time_read import read_times

CANONICAL = pa.timestamp("us", tz="UTC")
_WIDTHS = {"Y": 4, "m": 2, "d": 2, "H": 2, "M": 2, "S": 2}
_ISO = (
    "%Y-%m-%d",
    "%Y-%m-%dT%H:%M",
    "%Y-%m-%dT%H:%M:%S",
    "%Y-%m-%dT%H:%M:%SZ",
    "%Y-%m-%dT%H:%M:%S.%f",
    "%Y-%m-%dT%H:%M:%S.%fZ",
)
_OTHERS = (
    *(
        "iso8601",
        "%d-%m-%Y",
        "%m-%d-%Y",
        "%d/%m/%Y",
        "%m/%d/%Y",
        "%d.%m.%Y",
        "%Y/%m/%d",
        "%Y%m%d",
        "%d-%m-%y",
        "%m/%d/%y",
        "%d/%m/%y",
    ),
    *(
        "%d %b %Y",
        "%d-%b-%Y",
        "%b %d, %Y",
        "%B %d, %Y",
        "%d-%m-%Y %H:%M:%S",
        "%m-%d-%Y %H:%M:%S",
        "%d/%m/%Y %H:%M",
        "%m/%d/%Y %H:%M",
    ),
    *(
        "%d/%m/%Y %H:%M:%S",
        "%m/%d/%Y %H:%M:%S",
        "%d.%m.%Y %H:%M",
        "%d.%m.%Y %H:%M:%S",
        "%Y/%m/%d %H:%M:%S",
        "epoch_s",
        "epoch_ms",
    ),
)
Part = tuple[str, int, str]
"""A letter or "" for literal text; where it begins; the characters it may be, if literal."""


def times(cells: pa.Array, format: str) -> pa.Array:
    """Texts as times (microseconds, UTC), null where one is not a time in `format` or does not exist."""
    values, read = _by_layout(cells, format)
    left = np.asarray(pc.is_valid(cells)) & ~read
    if not left.any():
        return pa.array(values, mask=~read).cast(CANONICAL)
    at = np.flatnonzero(left)
    coded = cells.take(pa.array(at)).dictionary_encode()  # dates repeat
    slow = read_times(coded.dictionary.cast(pa.string()), format).cast(pa.int64()).take(coded.indices)
    values[at] = np.asarray(slow.fill_null(0))
    read[at] = np.asarray(slow.is_valid())
    return pa.array(values, mask=~read).cast(CANONICAL)


def likely_format(texts: Sequence[str], format: str) -> tuple[str, int] | None:
    """Another format that fits at least half of `texts`, and how many; day and month exchanged is tried first."""
    swapped = format.replace("%d", "%\0").replace("%m", "%d").replace("%\0", "%m")
    array = pa.array(texts, pa.string())
    best: tuple[str, int] | None = None
    for other in dict.fromkeys((swapped, *_OTHERS)):
        if other == format or format_fault(other):
            continue
        fitting = len(array) - read_times(array, other).null_count
        if fitting * 2 >= len(array) and fitting > (best[1] if best else 0):
            best = other, fitting
    return best


@lru_cache(maxsize=64)
def _layouts(format: str) -> dict[int, list[Part]]:
    """The fixed-width forms of a format, by length."""
    layouts: dict[int, list[Part]] = {}
    for form in _ISO if format == "iso8601" else (format,):
        tokens = re.findall(r"%(.)|([^%])", form, flags=re.DOTALL)
        for digits in (6, 3) if "%f" in form else (0,):
            at, parts = 0, []
            for letter, literal in tokens:
                if letter and letter not in _WIDTHS and letter not in "f%":
                    return layouts
                signs = (
                    "%"
                    if letter == "%"
                    else {"T": "Tt ", "Z": "Zz", ".": ".,"}.get(literal, literal)
                    if format == "iso8601"
                    else literal
                )
                parts.append(("f" + str(digits) if letter == "f" else "" if letter == "%" else letter, at, signs))
                at += digits if letter == "f" else _WIDTHS.get(letter, 1)
                if not signs.isascii():
                    return layouts
            layouts[at] = parts
    return layouts


def _by_layout(cells: pa.Array, format: str) -> tuple[Ints, NDArray[np.bool_]]:
    """Microseconds of the cells that have one of the fixed-width forms, and which have."""
    values, read = np.zeros(len(cells), dtype=np.int64), np.zeros(len(cells), dtype=bool)
    layouts = _layouts(format) if format not in ("epoch_s", "epoch_ms") else {}
    if not layouts or not len(cells):
        return values, read
    _, offset_buffer, data = cells.buffers()
    offsets = np.frombuffer(offset_buffer, dtype=np.int32)[cells.offset : cells.offset + len(cells) + 1].astype(
        np.int64
    )
    lengths = np.diff(offsets)
    if cells.null_count:
        lengths = np.where(np.asarray(cells.is_valid()), lengths, -1)
    text = np.frombuffer(data, dtype=np.uint8) if data is not None else np.empty(0, dtype=np.uint8)
    for length, parts in layouts.items():
        chosen = np.flatnonzero(lengths == length)
        if not len(chosen):
            continue
        begin = int(offsets[chosen[0]])
        together = len(chosen) == chosen[-1] - chosen[0] + 1
        lines = (
            text[begin : begin + len(chosen) * length].reshape(-1, length)
            if together
            else text[offsets[chosen][:, None] + np.arange(length)]
        )
        moments, right = _moments(lines, parts)
        values[chosen[right]] = moments[right]
        read[chosen[right]] = True
    return values, read


def _moments(lines: NDArray[np.uint8], parts: list[Part]) -> tuple[Ints, NDArray[np.bool_]]:
    """Microseconds since 1970 of texts of one length, shape (rows, length), and which of them are right."""
    right = np.ones(len(lines), dtype=bool)
    field = {
        letter: np.full(len(lines), least)
        for letter, least in (("Y", 1970), ("m", 1), ("d", 1), *((k, 0) for k in "HMSf"))
    }
    for letter, at, signs in parts:
        if not letter:
            right &= (
                np.isin(lines[:, at], [ord(sign) for sign in signs]) if len(signs) > 1 else lines[:, at] == ord(signs)
            )
            continue
        width = int(letter[1:]) if letter[0] == "f" else _WIDTHS[letter]
        number = np.zeros(len(lines), dtype=np.int64)
        for place in range(at, at + width):
            digit = lines[:, place] - np.uint8(48)  # wraps round below "0"
            right &= digit <= 9
            number = number * 10 + digit
        field[letter[0]] = number * 10 ** (6 - width) if letter[0] == "f" else number
    year, month, day = field["Y"], field["m"], field["d"]
    right &= (year >= 1) & (month >= 1) & (month <= 12) & (day >= 1)
    right &= (field["H"] <= 23) & (field["M"] <= 59) & (field["S"] <= 59)
    months = np.where(right, (year - 1970) * 12 + month - 1, 0)
    first = months.astype("datetime64[M]").astype("datetime64[D]").astype(np.int64)
    following = (months + 1).astype("datetime64[M]").astype("datetime64[D]").astype(np.int64)
    right &= day <= following - first
    seconds = ((first + day - 1) * 24 + field["H"]) * 3600 + field["M"] * 60 + field["S"]
    return seconds * 1_000_000 + field["f"], right
