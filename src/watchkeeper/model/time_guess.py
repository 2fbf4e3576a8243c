"""Guesses the format of times written as text, from the evidence of all values."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from watchkeeper.model.note import Note
from watchkeeper.model.sentinel_time import known
from watchkeeper.model.time_format import EPOCHS
from watchkeeper.model.time_read import read_times

Ints = NDArray[np.int64]

PLAUSIBLE = (-4_417_977_600_000_000, 7_258_118_400_000_000)
"""1830 to 2200 in microseconds: dates outside are rather codes than dates, unless the name says otherwise."""
_RECENT = (631_152_000, 4_102_444_800)
"""1990 to 2100 in seconds: what a count since 1970 must lie in to be taken for a time."""
_LOOKED_AT = 500
_TRIED = 10
"""Texts that are tried one by one before all that are looked at are sorted by shape."""

_DATE = re.compile(r"(\d{1,4})([-/. ])(\d{1,2}|[A-Za-z]{3,9})\2(\d{1,4})(?!\d)")
_WORDY = re.compile(r"([A-Za-z]{3,9}) (\d{1,2})(,?) (\d{4})(?!\d)")
_COMPACT = re.compile(r"(\d{8})(?:(T?)(\d{6}))?(?!\d)")
_MONTH = re.compile(r"\d{4}([-/])\d{2}$")
_CLOCK = re.compile(
    r"(?P<gap>[ T]|, )\d{1,2}(?P<mark>[:.])\d{2}(?P<seconds>(?P=mark)\d{2})?(?P<fraction>[.,]\d{1,9})?"
    r"(?P<half> ?[AaPp][Mm])?(?P<zone> ?(?:[Zz]|[+-]\d{2}:?\d{2}))?$"
)


@dataclass(frozen=True)
class TimeGuess:
    """A format that fits, the times it gives for each distinct text, and how sure it is."""

    format: str
    times: pa.Array
    """timestamp[us], one for each distinct text; null where the text is no such time."""
    share: float
    """Share of the cells that it reads."""
    note: Note


def guess_format(
    distinct: pa.Array, counts: Ints, order: Ints, *, named: bool, least: float = 0.99
) -> TimeGuess | None:
    """The format of the times in `distinct` (strings, no nulls), or None if these are no times.

    `counts` says how often each stands in the column and `order` (indices into `distinct`) where, row by row. `named`
    tells that the column's name speaks of a time; `least` is the share of cells to be read. Day first or month first is
    decided over all values: by any day above 12, else by which reading runs more steadily through the file.
    """
    total = int(counts.sum())
    if not total:
        return None
    found: list[TimeGuess] = []
    for written in candidates(distinct.slice(0, _LOOKED_AT).to_pylist()):
        times = read_times(distinct, written)
        right = np.array(pc.is_valid(times), dtype=bool)
        share = float(counts[right].sum() / total)
        if share >= least and (named or _plausible(times, written)):
            found.append(TimeGuess(written, times, share, Note(None, "")))
    if not found:
        return None
    best = max(guess.share for guess in found)
    rivals = [guess for guess in found if guess.share == best]
    strict = [guess for guess in rivals if guess.format != "iso8601"] or rivals
    wobble = {guess.format: _wobble(guess.times, order) for guess in strict} if len(strict) > 1 else {}
    chosen = min(strict, key=lambda guess: wobble.get(guess.format, (0.0, 0)))
    others = {guess.format: wobble[guess.format][0] for guess in strict if guess is not chosen}
    clear = bool(others) and len(order) >= 20 and min(others.values()) > 3 * wobble[chosen.format][0]
    return TimeGuess(chosen.format, chosen.times, chosen.share, _note(chosen, list(others), total, clear))


def _note(chosen: TimeGuess, others: list[str], rows: int, clear: bool) -> Note:
    sure = chosen.share * rows / (rows + 1)
    if others:
        reason = f"{' and '.join(others)} would fit too, but this one runs more steadily through the file"
        return Note(0.9 * sure, reason) if clear else Note(0.6 * sure, f"{reason}: check it")
    cells = f"all {rows:,} cells are" if chosen.share == 1 else f"{chosen.share:.1%} of {rows:,} cells are"
    return Note(sure, f"{cells} such times")


def candidates(texts: list[str]) -> Iterator[str]:
    """Formats worth trying on texts like these, likelier first; none where they look like no times."""
    if not any(_dates(text, "")[0] for text in texts[:_TRIED]):
        return
    shapes = [re.sub(r"[A-Za-z]+", _letters, re.sub(r"\d", "9", text)) for text in texts]
    example = texts[shapes.index(Counter(shapes).most_common(1)[0][0])]
    long_months = any(len(word) > 4 for text in texts for word in re.findall(r"[A-Za-z]+", text))
    dates, rest = _dates(example, "%B" if long_months else "%b")
    clock = _clock(rest)
    if not dates or clock is None:
        return
    iso = bool(clock) and clock[0] in "T " and bool(re.match(r"\d{4}-\d{2}-\d{2}.\d{2}:\d{2}(?! ?[AaPp])", example))
    if not (iso and (clock[0] == "T" or "%f" in clock or "%z" in clock)):
        yield from (date + clock for date in dates)
    if iso:
        yield "iso8601"


def _letters(match: re.Match[str]) -> str:
    return match[0] if match[0].upper() in ("T", "Z", "AM", "PM") else "a"


def _dates(example: str, month: str) -> tuple[list[str], str]:
    """Formats of the date at the beginning of `example`, and what comes after it."""
    if match := _MONTH.match(example):
        return [f"%Y{match[1]}%m"], ""
    if match := _COMPACT.match(example):
        clock = f"{match[2]}%H%M%S" if match[3] else ""
        return [f"%Y%m%d{clock}"], example[match.end() :]
    if match := _WORDY.match(example):
        return [f"{month} %d{match[3]} %Y"], example[match.end() :]
    if not (match := _DATE.match(example)):
        return [], example
    first, mark, middle, last = match.groups()
    rest = example[match.end() :]
    if not middle.isdigit():
        years = {2: "%y", 4: "%Y"}.get(len(last))
        return ([mark.join(("%d", month, years))] if years and len(first) <= 2 else []), rest
    if len(first) == 4:
        return ([mark.join(("%Y", "%m", "%d"))] if len(last) <= 2 else []), rest
    if len(first) <= 2 and len(last) in (2, 4):
        year = "%Y" if len(last) == 4 else "%y"
        orders = [("%d", "%m", year), ("%m", "%d", year)]
        return [mark.join(order) for order in (orders if year == "%Y" else [*orders, ("%y", "%m", "%d")])], rest
    return [], rest


def _clock(rest: str) -> str | None:
    """The format of the time of day that follows a date; None if what follows is none."""
    if not rest:
        return ""
    if not (match := _CLOCK.match(rest)):
        return None
    mark = match["mark"]
    clock = match["gap"] + ("%I" if match["half"] else "%H") + f"{mark}%M"
    clock += f"{mark}%S" if match["seconds"] else ""
    clock += f"{match['fraction'][0]}%f" if match["fraction"] else ""
    clock += match["half"].replace(match["half"].strip(), "%p") if match["half"] else ""
    return clock + (match["zone"].replace(match["zone"].strip(), "%z") if match["zone"] else "")


def _plausible(times: pa.Array, format: str) -> bool:
    """Whether a date without a name that speaks of one is taken for a date."""
    moments = np.asarray(pc.drop_null(times).cast(pa.int64()))
    moments = moments[~known(moments)]
    digits = not any(letter in format for letter in ("%b", "%B", "%H", "%I"))
    least = 10 if digits and ("%y" in format or "%Y%m" in format) else 2
    within = bool((moments >= PLAUSIBLE[0]).all() and (moments <= PLAUSIBLE[1]).all())
    return within and len(np.unique(moments)) >= least


def _wobble(times: pa.Array, order: Ints) -> tuple[float, int]:
    """How unevenly times run through the file: the way from row to row over the span, and the span."""
    moments = np.asarray(pc.fill_null(times.cast(pa.int64()), 0))[order]
    span = int(moments.max() - moments.min())
    return round(float(np.abs(np.diff(moments.astype(np.float64))).sum()) / max(span, 1), 3), span


def epoch_of(counts: NDArray[np.float64]) -> str | None:
    """`epoch_s` or `epoch_ms` where whole numbers lie in 1990 to 2100 when counted so from 1970; else None."""
    for counted, unit in EPOCHS.items():
        low, high = (limit * 1_000_000 // unit for limit in _RECENT)
        if len(counts) and low <= counts.min() and counts.max() <= high:
            return counted
    return None
