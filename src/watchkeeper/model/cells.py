"""The cells of one column: its texts, each once, and what they were read as."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from watchkeeper.model.constraint import Type
from watchkeeper.model.note import Note

Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]

ARROW = {
    Type.INTEGER: pa.int64(),
    Type.NUMBER: pa.float64(),
    Type.BOOLEAN: pa.bool_(),
    Type.STRING: pa.string(),
    Type.TIMESTAMP: pa.timestamp("us"),
    Type.OTHER: pa.null(),
}
"""What the values of a type are held in."""


@dataclass(frozen=True)
class Reading:
    """A column as it was read."""

    type: Type
    values: pa.Array
    """Row by row int64, float64, bool, string or timestamp[us]; null where a cell is missing or bad."""
    fields: dict[str, Any] = field(default_factory=dict)
    """Fields of `Column` that tell how to read it: `format`, `decimal`, `missing`."""
    notes: dict[str, Note] = field(default_factory=dict)
    bad: int = 0
    """Cells that are no value of the type."""


@dataclass(frozen=True)
class Cells:
    """A column of texts, each distinct text once."""

    name: str
    distinct: pa.Array
    counts: Ints
    codes: pa.Array
    """Row by row an index into `distinct`; null where the cell is empty."""

    @classmethod
    def of(cls, name: str, texts: pa.Array) -> Cells:
        """The distinct texts of a string array, as they first appear."""
        coded = texts.dictionary_encode()
        codes = np.asarray(pc.drop_null(coded.indices)).astype(np.int64)
        return cls(name, coded.dictionary, np.bincount(codes, minlength=len(coded.dictionary)), coded.indices)

    def matching(self, pattern: str) -> Bools:
        """Which of the distinct texts match a regular expression."""
        return np.array(pc.match_substring_regex(self.distinct, pattern=pattern), dtype=bool)

    def rows(self, of: Bools) -> int:
        """How many rows hold one of these texts."""
        return int(self.counts[of].sum())

    def spread(self, values: pa.Array) -> pa.Array:
        """Values of the distinct texts, row by row."""
        return values.take(self.codes)

    @property
    def lower(self) -> list[str]:
        """The distinct texts in lower case, without the white space around them."""
        return [text.strip(" \t").lower() for text in self.distinct.to_pylist()]

    @property
    def trimmed(self) -> Cells:
        """The same cells without white space around their texts, which does not count around a number."""
        return replace(self, distinct=pc.utf8_trim(self.distinct, characters=" \t"))
