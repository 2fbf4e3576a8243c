"""Faults that are planted into a copy of the data, so that it can be counted how many of them are found."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from difflib import get_close_matches
from enum import StrEnum

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from watchkeeper.model import WatchkeeperError

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

NEVER_SEEN, NEVER_SEEN_CODE = "never seen before", 987_654_321
"""What a new category is called, as text and as a code."""
_LARGEST = 2.0**62
"""Whole numbers are kept below, far within 64 bits."""


class UnknownFault(WatchkeeperError):
    """A fault is asked for that can't be planted: the text says why, and which can."""


class On(StrEnum):
    """What a fault is planted in."""

    CELLS = "any column"
    NUMBERS = "numeric columns"
    PAIRS = "pairs of numeric columns of one type"
    VALUES = "columns of values"
    TEXTS = "columns of values, flags apart"
    ROWS = "rows"
    FEATURES = "numeric features beside a label"


@dataclass(frozen=True)
class Setting:
    """What a fault knows beside the rows that it spoils."""

    whole: pa.Table
    """All rows, as they came: their spread and their values are the measure."""
    time: str | None = None
    """The column of event times."""
    label: str | None = None
    end: int | None = None
    """The end of the rows' window, in microseconds since 1970."""


Plant = Callable[["Fault", pa.Table, Sequence[str], Setting, np.random.Generator], pa.Table]


@dataclass(frozen=True)
class Fault:
    """Something that goes wrong with data. Planting gives a spoiled copy; the rows given are never changed."""

    name: str
    on: On
    says: str
    """What happens, in words, with places for size and share."""
    plant_in: Plant
    share: float = 1.0
    """The share of rows it befalls."""
    size: float | None = None
    """How large it is, in the unit that `says` names; None where only the share can differ."""

    def plant(
        self, rows: pa.Table, columns: Sequence[str], setting: Setting, generator: np.random.Generator
    ) -> pa.Table:
        """A copy of one window's rows with the fault in these columns, of the same column types."""
        return self.plant_in(self, rows, columns, setting, generator)

    @property
    def told(self) -> str:
        """What happens, in words."""
        share = f"{100 * self.share:.3g} %"
        said = self.says.format(size=f"{self.size:g}" if self.size is not None else "", share=share)
        return said if self.share == 1 or "{share}" in self.says else f"{said}, in {share} of the rows"

    @property
    def wanted(self) -> str:
        """How it is asked for: name, size, and share where that is not all rows."""
        if self.size is None:
            return f"{self.name}={self.share:.3g}" if self.share < 1 else self.name
        size = f"{self.size:g}".replace("e+0", "e").replace("e+", "e")
        return f"{self.name}={size}" + (f"@{self.share:g}" if self.share < 1 else "")


def faults(asked: Sequence[str]) -> list[Fault]:
    """The faults asked for: `default` for all, a name, `name=size`, or `name=size@share`. Raises `UnknownFault`."""
    found: dict[str, Fault] = {}
    for text in asked:
        for fault in FAULTS if text == "default" else (_fault(text),):
            found.setdefault(fault.wanted, fault)
    return list(found.values())


def _fault(text: str) -> Fault:
    name, equals, rest = text.partition("=")
    fault = next((one for one in FAULTS if one.name == name.replace("-", "_")), None)
    if fault is None:
        near = get_close_matches(name, [one.name for one in FAULTS], 1)
        known = ", ".join(one.name for one in FAULTS)
        hint = f"Did you mean {near[0]}?" if near else f"There are default (all of them), {known}."
        raise UnknownFault(f"--inject {text}: there is no such fault. {hint}")
    if not equals:
        return fault
    size, at, share = rest.partition("@")
    if fault.size is None:
        if at:
            raise UnknownFault(
                f"--inject {text}: {name} has no size but a share alone; write {name}={fault.share:.3g}."
            )
        return replace(fault, share=_share(text, size))
    return replace(fault, size=_size(text, size), share=_share(text, share) if at else fault.share)


def _number(text: str, given: str) -> float:
    try:
        value = float(given)
    except ValueError as wrong:
        raise UnknownFault(
            f"--inject {text}: {given!r} is no number. Write NAME=SIZE or NAME=SIZE@SHARE, such as mean_shift=0.25@0.5."
        ) from wrong
    return value


def _share(text: str, given: str) -> float:
    value = _number(text, given)
    if not 0 < value <= 1:
        raise UnknownFault(f"--inject {text}: {given} is no share of rows. Write a number above 0, at most 1.")
    return value


def _size(text: str, given: str) -> float:
    value = _number(text, given)
    if not math.isfinite(value) or value == 0 or (value < 0 and not text.startswith(("mean", "unit"))):
        raise UnknownFault(f"--inject {text}: a fault of size {given} can't be planted. Write a number above 0.")
    return value


def is_numeric(type: pa.DataType) -> bool:
    """Whether values are numbers."""
    return bool(pa.types.is_integer(type) or pa.types.is_floating(type))


def numbers(column: pa.ChunkedArray) -> Floats:
    """Values as floats, NaN where missing: flags as 0 and 1, texts by their place in the alphabet."""
    if pa.types.is_string(column.type):
        known = pc.unique(column.drop_null())
        known = known.take(pc.array_sort_indices(known))
        column = pc.index_in(column, value_set=known, skip_nulls=True)
    return np.asarray(column.cast(pa.float64(), safe=False).fill_null(math.nan).to_numpy(), dtype=np.float64)


def common(column: pa.ChunkedArray) -> list[tuple[pa.Scalar, float]]:
    """Values other than null, the most frequent first, with their shares of all rows."""
    counted = pc.value_counts(column.drop_null().combine_chunks()).to_pylist()
    ordered = sorted(counted, key=lambda one: (-one["counts"], str(one["values"])))
    return [(pa.scalar(one["values"], column.type), one["counts"] / len(column)) for one in ordered]


def lost_value(column: pa.ChunkedArray) -> tuple[pa.Scalar, float] | None:
    """The segment that gets lost: the most frequent value that at most half of the rows have, and its share."""
    return next((one for one in common(column) if one[1] <= 0.5), None)


def _some(share: float, among: Bools, generator: np.random.Generator) -> Bools:
    """A share of the rows `among` which to choose, drawn by lot; at least one, if there is any."""
    chosen = among & (generator.random(len(among)) < share)
    if not chosen.any() and among.any():
        chosen[generator.choice(np.flatnonzero(among))] = True
    return np.asarray(chosen)


def _present(rows: pa.Table, name: str) -> Bools:
    return np.asarray(rows[name].combine_chunks().is_valid())


def _with(rows: pa.Table, name: str, hit: Bools, new: pa.Scalar | pa.Array) -> pa.Table:
    """The table with other values in one column where `hit`."""
    place = rows.schema.get_field_index(name)
    old = rows[name].combine_chunks()
    return rows.set_column(place, rows.schema.field(place), pc.if_else(pa.array(hit), new, old))


def _with_numbers(rows: pa.Table, name: str, hit: Bools, new: Floats, generator: np.random.Generator) -> pa.Table:
    """The same with numbers; for whole ones each is rounded up or down by lot, so that their mean is kept."""
    kind = rows.schema.field(name).type
    if pa.types.is_integer(kind):
        least, most = np.iinfo(kind.to_pandas_dtype()).min, np.iinfo(kind.to_pandas_dtype()).max
        rounded = np.floor(new + generator.random(len(new)))
        new = np.clip(rounded, max(float(least), -_LARGEST), min(float(most), _LARGEST))
    values = pa.array(np.where(np.isfinite(new), new, 0.0), mask=~np.isfinite(new)).cast(kind, safe=False)
    return _with(rows, name, hit, values)


def _spread(setting: Setting, name: str) -> float:
    """The column's standard deviation over all finite values."""
    values = numbers(setting.whole[name])
    values = values[np.isfinite(values)]
    return float(values.std()) if len(values) else 0.0


def _centre(setting: Setting, name: str) -> float:
    values = numbers(setting.whole[name])
    values = values[np.isfinite(values)]
    return float(values.mean()) if len(values) else 0.0


def _nulls(
    fault: Fault, rows: pa.Table, columns: Sequence[str], _: Setting, generator: np.random.Generator
) -> pa.Table:
    (name,) = columns
    hit = _some(fault.share, _present(rows, name), generator)
    return _with(rows, name, hit, pa.scalar(None, rows.schema.field(name).type))


def _moved_numbers(
    change: Callable[[Floats, float, float, float], Floats],
) -> Plant:
    """A fault that turns numbers into others: `change` gets values, size, and the column's mean and spread."""

    def plant(
        fault: Fault, rows: pa.Table, columns: Sequence[str], setting: Setting, generator: np.random.Generator
    ) -> pa.Table:
        (name,) = columns
        hit = _some(fault.share, _present(rows, name), generator)
        size = 1.0 if fault.size is None else fault.size
        new = change(numbers(rows[name]), size, _centre(setting, name), _spread(setting, name))
        return _with_numbers(rows, name, hit, new, generator)

    return plant


def _swapped(
    fault: Fault, rows: pa.Table, columns: Sequence[str], _: Setting, generator: np.random.Generator
) -> pa.Table:
    one, other = columns
    hit = _some(fault.share, np.ones(len(rows), dtype=bool), generator)
    first, second = rows[one].combine_chunks(), rows[other].combine_chunks()
    return _with(_with(rows, one, hit, second), other, hit, first)


def _frozen(
    fault: Fault, rows: pa.Table, columns: Sequence[str], setting: Setting, generator: np.random.Generator
) -> pa.Table:
    (name,) = columns
    hit = _some(fault.share, np.ones(len(rows), dtype=bool), generator)
    median = pc.quantile(setting.whole[name], 0.5, interpolation="nearest")[0].cast(rows.schema.field(name).type)
    return _with(rows, name, hit, median)


def _new_category(
    fault: Fault, rows: pa.Table, columns: Sequence[str], _: Setting, generator: np.random.Generator
) -> pa.Table:
    (name,) = columns
    kind = rows.schema.field(name).type
    hit = _some(fault.share, _present(rows, name), generator)
    return _with(rows, name, hit, pa.scalar(NEVER_SEEN_CODE if is_numeric(kind) else NEVER_SEEN, kind))


def _lost_category(
    fault: Fault, rows: pa.Table, columns: Sequence[str], setting: Setting, generator: np.random.Generator
) -> pa.Table:
    (name,) = columns
    (most, _), (second, _) = common(setting.whole[name])[:2]
    has_it = np.asarray(pc.fill_null(pc.equal(rows[name].combine_chunks(), most), fill_value=False))
    return _with(rows, name, _some(fault.share, has_it, generator), second)


def _lost_segment(
    fault: Fault, rows: pa.Table, columns: Sequence[str], setting: Setting, generator: np.random.Generator
) -> pa.Table:
    (name,) = columns
    lost = lost_value(setting.whole[name])
    if lost is None:
        return rows
    has_it = np.asarray(pc.fill_null(pc.equal(rows[name].combine_chunks(), lost[0]), fill_value=False))
    return rows.filter(pa.array(~_some(fault.share, has_it, generator)))


def _lost_rows(fault: Fault, rows: pa.Table, _: Sequence[str], __: Setting, generator: np.random.Generator) -> pa.Table:
    lost = generator.permutation(len(rows))[: round(fault.share * len(rows))]
    return rows.take(pa.array(np.setdiff1d(np.arange(len(rows)), lost)))


def _duplicates(
    fault: Fault, rows: pa.Table, _: Sequence[str], __: Setting, generator: np.random.Generator
) -> pa.Table:
    again = np.sort(generator.permutation(len(rows))[: round(fault.share * len(rows))])
    return pa.concat_tables([rows, rows.take(pa.array(again))])


def _delayed(fault: Fault, rows: pa.Table, _: Sequence[str], setting: Setting, __: np.random.Generator) -> pa.Table:
    if setting.time is None or setting.end is None or not len(rows):
        return rows
    field = rows.schema.field(setting.time)
    times = rows[setting.time].combine_chunks().cast(pa.int64()).fill_null(0).to_numpy(zero_copy_only=False)
    late = np.argsort(times, kind="stable")[len(rows) - round(fault.share * len(rows)) :]
    if not len(late):
        return rows
    hit = np.zeros(len(rows), dtype=bool)
    hit[late] = True
    moved = np.where(hit, times - times[late].min() + setting.end, times)
    return _with(rows, setting.time, hit, pa.array(moved).cast(field.type))


def _leak(
    fault: Fault, rows: pa.Table, columns: Sequence[str], setting: Setting, generator: np.random.Generator
) -> pa.Table:
    (name,) = columns
    if setting.label is None:
        return rows
    every = numbers(setting.whole[setting.label])
    label = numbers(_as_in(setting.whole, rows, setting.label))
    known = every[np.isfinite(every)]
    spread = float(known.std()) if len(known) else 0.0
    if not spread:
        return rows
    size = 1.0 if fault.size is None else fault.size
    noisy = (label - known.mean()) / spread + size * generator.standard_normal(len(label))
    new = _centre(setting, name) + _spread(setting, name) * noisy
    hit = _some(fault.share, np.isfinite(new) & _present(rows, name), generator)
    return _with_numbers(rows, name, hit, new, generator)


def _as_in(whole: pa.Table, rows: pa.Table, name: str) -> pa.ChunkedArray:
    """A column whose texts have the places that they have among all rows' texts."""
    if not pa.types.is_string(rows[name].type):
        return rows[name]
    known = pc.unique(whole[name].drop_null())
    known = known.take(pc.array_sort_indices(known))
    return pc.index_in(rows[name], value_set=known, skip_nulls=True)


FAULTS = (
    Fault("nulls", On.CELLS, "{share} of the values are missing", _nulls, 0.3),
    Fault(
        "unit",
        On.NUMBERS,
        "values are {size} times as large, as in another unit",
        _moved_numbers(lambda x, size, *_: x * size),
        size=1000.0,
    ),
    Fault("swapped", On.PAIRS, "two columns are exchanged in {share} of the rows", _swapped),
    Fault("frozen", On.NUMBERS, "{share} of the rows hold one value, the median", _frozen),
    Fault("new_category", On.TEXTS, "{share} of the values are one never seen before", _new_category, 0.1),
    Fault("lost_category", On.VALUES, "the most frequent value becomes the second", _lost_category),
    Fault(
        "mean_shift",
        On.NUMBERS,
        "values are higher by {size} standard deviations",
        _moved_numbers(lambda x, size, mean, spread: x + size * spread),
        size=0.5,
    ),
    Fault(
        "variance",
        On.NUMBERS,
        "values have {size} times their variance",
        _moved_numbers(lambda x, size, mean, spread: mean + math.sqrt(size) * (x - mean)),
        size=2.0,
    ),
    Fault(
        "outliers",
        On.NUMBERS,
        "{share} of the values lie at {size} standard deviations",
        _moved_numbers(lambda x, size, mean, spread: np.full(len(x), mean + size * spread)),
        0.01,
        1e6,
    ),
    Fault("lost_segment", On.VALUES, "{share} of the rows of one value are gone", _lost_segment),
    Fault("lost_rows", On.ROWS, "{share} of the rows are gone", _lost_rows, 0.5),
    Fault("duplicates", On.ROWS, "{share} of the rows come twice", _duplicates, 0.5),
    Fault("delayed", On.ROWS, "the last {share} of the rows come in the next window", _delayed, 1 / 3),
    Fault(
        "leak",
        On.FEATURES,
        "a feature is the label with noise of {size} standard deviations",
        _leak,
        size=0.1,
    ),
)
"""All that can be planted, in their default sizes."""
