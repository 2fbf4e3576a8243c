"""Mergeable summaries of how texts are written: how long they are, and in which formats."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from watchkeeper.profiles.addition import Addition
from watchkeeper.profiles.cells import whole
from watchkeeper.profiles.text_format import FORMATS, formats

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

_NONE = 2**64 - 1
"""-1 as an unsigned number: larger than every length, so the smaller of two lengths is right also where one is -1."""


@dataclass(frozen=True, eq=False)
class TextProfile:
    """Lengths and formats of a text column's values. All integers, so merging is exact."""

    shortest: Ints
    """Characters of the shortest text, shape (slices,); -1 in a slice without any."""
    longest: Ints
    """Characters of the longest, likewise."""
    characters: Ints
    """Characters of all texts together, shape (slices,)."""
    formats: Ints
    """Texts in each class of `FORMATS`, shape (slices, classes)."""

    @staticmethod
    def summed(parts: Sequence[TextProfile], adding: Addition) -> TextProfile:
        """The sum of profiles of one column."""
        shortest = adding.met([part.shortest.view(np.uint64) for part in parts], np.minimum, _NONE)
        return TextProfile(
            shortest=shortest.view(np.int64),
            longest=adding.met([part.longest for part in parts], np.maximum, -1),
            characters=adding.counts([part.characters for part in parts]),
            formats=adding.counts([part.formats for part in parts]),
        )

    @property
    def texts(self) -> Ints:
        """Rows with a text, shape (slices,)."""
        return np.asarray(self.formats.sum(axis=1))

    @property
    def mean(self) -> Floats:
        """Characters of a text on average, shape (slices,); NaN without any."""
        with np.errstate(invalid="ignore"):
            return np.asarray(self.characters / self.texts)

    def most_common(self, place: int) -> list[tuple[str, float]]:
        """The formats in one slice and their shares of its texts, most frequent first."""
        counts = self.formats[place]
        order = np.argsort(-counts, kind="stable")
        return [(FORMATS[i], float(counts[i] / counts.sum())) for i in order.tolist() if counts[i]]


def empty_texts(slices: int) -> TextProfile:
    """A profile of no texts."""
    return TextProfile(
        shortest=np.full(slices, -1, dtype=np.int64),
        longest=np.full(slices, -1, dtype=np.int64),
        characters=np.zeros(slices, dtype=np.int64),
        formats=np.zeros((slices, len(FORMATS)), dtype=np.int64),
    )


def measure_texts(values: pa.ChunkedArray, order: Ints | None, at: Ints, slices: int) -> TextProfile:
    """Count one block. `order`: the rows that count, sorted by slice, None for all as they are; `at`: their slices.

    A text that stands in the dictionary of a coded column is looked at once, however many rows have it.
    """
    array = whole(values)
    if pa.types.is_dictionary(array.type) and len(array.dictionary) > len(array):
        array = array.dictionary_decode()
    if pa.types.is_null(array.type):
        return empty_texts(slices)
    present = np.asarray(array.is_valid()) if array.null_count else None
    if pa.types.is_dictionary(array.type):
        texts, codes = array.dictionary, np.asarray(array.indices.fill_null(0) if array.null_count else array.indices)
    else:
        texts, codes = array, np.arange(len(array))
    if order is not None:
        codes, present = codes[order], None if present is None else present[order]
    if present is not None:
        codes, at = codes[present], at[present]
    texts = texts if pa.types.is_string(texts.type) else texts.cast(pa.string())
    lengths = np.asarray(pc.utf8_length(texts).fill_null(0)).astype(np.int64)
    return _counted(lengths, formats(texts, lengths), codes, at, slices)


def _counted(lengths: Ints, classes: NDArray[np.uint8], codes: Ints, at: Ints, slices: int) -> TextProfile:
    """`codes`: which text each row has; `at`: the slice it is in, sorted."""
    made = empty_texts(slices)
    if not len(codes):
        return made
    count: Ints | None = None
    if slices * len(lengths) <= len(codes):  # texts repeat: from here on their counts stand for the rows
        table = np.bincount(at * len(lengths) + codes, minlength=slices * len(lengths))
        filled = np.flatnonzero(table)
        at, codes, count = filled // len(lengths), filled % len(lengths), table[filled]
    starts = np.flatnonzero(np.diff(at, prepend=-1))
    touched, length = at[starts], lengths[codes]
    made.shortest[touched] = np.minimum.reduceat(length, starts)
    made.longest[touched] = np.maximum.reduceat(length, starts)
    made.characters[touched] = np.add.reduceat(length if count is None else length * count, starts)
    cell = at * len(FORMATS) + classes[codes]
    counted = np.bincount(cell, weights=count, minlength=slices * len(FORMATS))  # exact: below 2^53 rows in a block
    return replace(made, formats=counted.astype(np.int64).reshape(slices, len(FORMATS)))
