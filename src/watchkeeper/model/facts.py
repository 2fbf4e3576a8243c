"""What is known of a column once it has been read: how often, how many, how far, in which order."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from watchkeeper.model import column_name
from watchkeeper.model.constraint import Scalar, Type

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Facts:
    """A column's values without missing and bad ones; `values` has null in their place."""

    name: str
    type: Type
    values: pa.Array

    @property
    def rows(self) -> int:
        """Rows of the sample."""
        return len(self.values)

    @cached_property
    def present(self) -> int:
        """Rows that have a value."""
        return len(self.values) - int(self.values.null_count)

    @cached_property
    def words(self) -> tuple[str, ...]:
        """The words of the name."""
        return column_name.words(self.name)

    @cached_property
    def folded(self) -> str:
        """The name in lower case with underscores."""
        return column_name.folded(self.name)

    @cached_property
    def common(self) -> list[tuple[Scalar, int]]:
        """Values and their rows, most frequent first; ties in the values' order."""
        if self.type in (Type.OTHER, Type.TIMESTAMP):
            return []
        pairs = [(pair["values"], pair["counts"]) for pair in pc.value_counts(pc.drop_null(self.values)).to_pylist()]
        return sorted(pairs, key=lambda pair: (-pair[1], str(pair[0])))

    @cached_property
    def distinct(self) -> int:
        """How many different values there are."""
        return 0 if self.type is Type.OTHER else int(pc.count_distinct(self.values, mode="only_valid").as_py())

    @property
    def unique(self) -> bool:
        """Whether every row has a value and no two the same."""
        return self.rows >= 2 and self.distinct == self.rows

    @cached_property
    def numbers(self) -> Floats:
        """The values of a number, boolean or time (microseconds), finite, in file order; empty for other types."""
        if self.type in (Type.STRING, Type.OTHER):
            return np.empty(0)
        held = pc.drop_null(self.values)
        if self.type is Type.TIMESTAMP:
            held = held.cast(pa.int64())
        found: Floats = np.asarray(held.cast(pa.float64(), safe=False))
        finite: Floats = found[np.isfinite(found)]
        return finite

    @property
    def least(self) -> float:
        """The smallest number, NaN where there is none."""
        return float(self.numbers.min()) if len(self.numbers) else np.nan

    @property
    def most(self) -> float:
        """The largest number, NaN where there is none."""
        return float(self.numbers.max()) if len(self.numbers) else np.nan

    @cached_property
    def onward(self) -> float:
        """Share of the steps from row to row that do not go back."""
        return float((np.diff(self.numbers) >= 0).mean()) if len(self.numbers) > 1 else 0.0

    @property
    def consecutive(self) -> bool:
        """Whether the values are whole numbers that follow one another without gap or repetition, in some order."""
        return self.type is Type.INTEGER and self.unique and self.most - self.least == self.rows - 1

    def within(self, low: float, high: float) -> bool:
        """Whether there are numbers, and all lie in [low, high]."""
        return bool(len(self.numbers)) and low <= self.least and self.most <= high


def scalar(value: Any) -> Any:
    """A value as it is written in the model: whole floats as integers."""
    return int(value) if isinstance(value, float) and value.is_integer() and abs(value) < 1e15 else value
