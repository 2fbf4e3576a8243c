"""Made data for benchmarks of alarms: days of rows in which nothing changes, and faults to plant in them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from scipy import special

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]
Values = Floats | Ints

START = np.datetime64("2024-01-01", "us")
"""A Monday."""
DAY = 86_400_000_000
NEW = "never seen before"


@dataclass(frozen=True)
class Setting:
    """How the rows of a day are drawn; every row starts from normal numbers, one a column."""

    rows: int = 500
    numbers: int = 20
    words: int = 0
    """Categorical columns."""
    values: int = 0
    """What a categorical column can hold; 0 gives the columns 3, 10, 100 and 1,000 in turn."""
    even: bool = False
    """Whether all values are equally frequent; else the k-th is with 1/k."""
    correlation: float = 0.0
    """Of any two columns."""
    differ: float = 0.0
    """Standard deviation of a column's mean over days, half of its variance common to all columns."""
    weekend: float = 0.0
    """How much higher all columns lie on Saturdays and Sundays, in standard deviations."""
    tail: str = "normal"
    """`normal`, `cauchy`, `pareto` (1.5), `atom` (half of the values are zero), or `mixed`: all but Cauchy in turn."""
    before: int = 60
    """Days of the baseline."""
    days: int = 300
    """Days that are judged."""

    @property
    def name(self) -> str:
        """What differs from day to day and from setting to setting, in words."""
        columns = [f"{self.numbers} {self.tail}"] if self.numbers else []
        how_many = f"{self.values:,} {'even ' if self.even else ''}values" if self.values else "3–1,000 values"
        columns += [f"{self.words} of {how_many}"] if self.words else []
        told = [f"{self.rows:,} rows", " + ".join(columns)]
        told += [f"correlated {self.correlation}"] if self.correlation else []
        told += [f"days differ {self.differ} sd"] if self.differ else []
        told += [f"weekend +{self.weekend} sd"] if self.weekend else []
        return ", ".join(told)


@dataclass(frozen=True)
class Rows:
    """Rows of several days; a missing number is NaN, a missing word -1."""

    columns: dict[str, Values]
    day: Ints
    time: NDArray[np.datetime64]

    def table(self, kept: Bools | None = None) -> pa.Table:
        """As Arrow; `kept` rows alone."""
        at = slice(None) if kept is None else kept
        made = {name: _arrow(values[at]) for name, values in self.columns.items()}
        return pa.table(made | {"ts": pa.array(self.time[at])})


def draw(setting: Setting, rng: np.random.Generator, first: int, days: int) -> Rows:
    """Rows of `days` days from day `first` on."""
    day = np.repeat(np.arange(first, first + days), setting.rows)
    time = START + (day * DAY + rng.integers(0, DAY, len(day))).astype("timedelta64[us]")
    together = rng.standard_normal(len(day)) * np.sqrt(setting.correlation)
    common = rng.standard_normal(days)
    lift = setting.weekend * (np.arange(first, first + days) % 7 >= 5)
    columns: dict[str, Values] = {}
    for i in range(setting.numbers + setting.words):
        moved = setting.differ * np.sqrt(0.5) * (common + rng.standard_normal(days)) + lift
        z = rng.standard_normal(len(day)) * np.sqrt(1 - setting.correlation) + together
        z += np.repeat(moved, setting.rows)
        word = i - setting.numbers
        columns[f"x{i}" if word < 0 else f"w{word}"] = _number(z, setting, i) if word < 0 else _word(z, setting, word)
    return Rows(columns, day, time)


def _number(z: Floats, setting: Setting, i: int) -> Floats:
    tail = ("normal", "normal", "pareto", "atom")[i % 4] if setting.tail == "mixed" else setting.tail
    if tail == "cauchy":
        return np.asarray(np.tan(np.pi * (special.ndtr(z) - 0.5)))
    if tail == "pareto":
        return np.asarray(special.ndtr(-z) ** (-1 / 1.5))
    return np.where(z < 0, 0.0, z) if tail == "atom" else z


def _word(z: Floats, setting: Setting, i: int) -> Ints:
    values = setting.values or (3, 10, 100, 1000)[i % 4]
    weights = np.ones(values) if setting.even else 1 / np.arange(1, values + 1)
    upto = np.cumsum(weights / weights.sum())[:-1]
    return np.searchsorted(upto, special.ndtr(z)).astype(np.int64)


def _arrow(values: Values) -> pa.Array:
    if values.dtype.kind == "f":
        return pa.array(values, from_pandas=True)
    names = [f"v{i}" for i in range(max(0, int(values.max(initial=0))) + 1)]
    names = [NEW if i >= _NEW else name for i, name in enumerate(names)]
    codes = pa.array(values, mask=values < 0)
    return pa.DictionaryArray.from_arrays(codes.cast(pa.int32()), pa.array(names)).dictionary_decode()


_NEW = 20_000
"""The code of a value that no column holds by itself."""


@dataclass(frozen=True)
class Fault:
    """What is done to a share of a column's rows."""

    share: float
    change: Callable[[Values, Values], Values | float]
    """From the values, and those of the baseline, to what stands there instead."""
    words: bool | None
    """Whether it befalls words alone, numbers alone (False), or both (None)."""


FAULTS = {
    "nulls 30 %": Fault(0.3, lambda now, _: np.nan if now.dtype.kind == "f" else -1, None),
    "unit × 1000": Fault(1.0, lambda now, _: now * 1000, False),
    "mean + 0.5 sd": Fault(1.0, lambda now, before: now + 0.5 * before.std(), False),
    "frozen": Fault(1.0, lambda _, before: float(np.median(before)), False),
    "1 % at 10⁶ sd": Fault(0.01, lambda _, before: 1e6 * float(before.std()), False),
    "new value 10 %": Fault(0.1, lambda _, __: _NEW, True),
    "most common gone": Fault(1.0, lambda now, _: np.where(now == 0, 1, now), True),
}


def plant(values: Values, before: Values, fault: Fault, on: Bools, rng: np.random.Generator) -> Values:
    """The values with the fault in some of the rows `on`, in one at least."""
    chosen = on & (rng.random(len(values)) < fault.share)
    if not chosen.any():
        chosen[rng.choice(np.flatnonzero(on))] = True
    return np.where(chosen, fault.change(values, before), values)
