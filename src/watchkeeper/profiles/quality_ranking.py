"""Ranked lists: a bounded sample of complete queries, the same whatever the order in which rows come."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Self

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from watchkeeper.delivery.fingerprint import scattered
from watchkeeper.model import Model, Role, Task
from watchkeeper.profiles.counted import Kernel
from watchkeeper.profiles.quality_cells import values
from watchkeeper.profiles.quality_plan import QualityPlan
from watchkeeper.profiles.quality_profile import QualityProfile, rows_in

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Hashes = NDArray[np.uint64]

ROWS = 65_536
"""The most rows a slice keeps; all of them as long as they fit."""
ALL = np.iinfo(np.uint64).max
_FACTOR = np.uint64(0x9E3779B97F4A7C15)
_INVERSE = np.uint64(pow(0x9E3779B97F4A7C15, -1, 2**64))


@dataclass(frozen=True, eq=False)
class RankingQuality(QualityProfile):
    """Rows of queries, sorted by slice, query, descending order and relevance, so that equal contents are equal arrays.

    A slice keeps the queries whose hash is below its limit. The limit is the hash of the first query, by hash, with
    which more than 65,536 rows would be kept: more rows only ever lower it, so any split of the rows gives the same
    sample, and queries in it are complete.
    """

    limit: Hashes
    """Queries from this hash on are left out, shape (slices,); the largest number where none is."""
    query: Hashes
    """The hash of each kept row's query, shape (entries,)."""
    order: Floats
    """What it is ranked by, the highest first: score, or minus position."""
    relevance: Floats
    """Its label."""

    entries: ClassVar[tuple[str, ...]] = ("query", "order", "relevance")

    def settled(self) -> Self:
        """The queries that fit, in canonical order, and the limits that follow."""
        below = np.flatnonzero(self.query < self.limit[self.at])
        keys = (-self.relevance[below], -self.order[below], self.query[below], self.at[below])
        below = below[np.lexsort(keys)]
        at, query, limit = self.at[below], self.query[below], self.limit
        starts = np.searchsorted(at, np.arange(len(limit) + 1))
        if np.diff(starts).max(initial=0) > ROWS:
            new = (np.diff(query, prepend=query[0]) != 0) | (np.diff(at, prepend=at[0]) != 0)
            ends = np.append(np.flatnonzero(new), len(at))[np.cumsum(new)]
            over = np.flatnonzero(ends - starts[at] > ROWS)
            limit = limit.copy()
            np.minimum.at(limit, at[over], query[over])
            below = below[query < limit[at]]
        kept = {name: value[below] for name, value in self._arrays(("at", *self.entries))}
        return self._with(kept | {"limit": limit})


def plan_ranking(model: Model, sample: pa.Table, label: str) -> QualityPlan | None:
    """Query and order of a model's lists."""
    query = model.only(Role.QUERY)
    score = model.only(Role.SCORE) or model.only(Role.PREDICTION)
    order = score or model.only(Role.POSITION)
    if query is None or order is None:
        return None
    return QualityPlan(Task.RANKING, label, None, (order,), query, by_position=score is None, k=(5, 10))


def empty_ranking(plan: QualityPlan, slices: int) -> RankingQuality:
    """No rows at all."""
    none, nothing = np.zeros(slices, dtype=np.int64), np.empty(0)
    hashes = np.empty(0, dtype=np.uint64)
    return RankingQuality(plan, none, none, np.empty(0, dtype=np.int64), np.full(slices, ALL), hashes, nothing, nothing)


def measure_ranking(plan: QualityPlan, table: pa.Table, at: Ints, slices: int, kernel: Kernel) -> RankingQuality:
    """Keep one block's queries; rows without label, order or query are left out. `at` is the slice of each row."""
    relevance, labelled = values(table, plan.label)
    order, ordered = values(table, plan.scores[0])
    query, known = hashed(table, plan.query)
    used = labelled & ordered & known
    return RankingQuality(
        plan=plan,
        labelled=rows_in(at[labelled], slices),
        unlabelled=rows_in(at[~labelled], slices),
        at=at[used],
        limit=np.full(slices, ALL),
        query=query[used],
        order=(-order if plan.by_position else order)[used] + 0.0,
        relevance=relevance[used],
    ).settled()


def hashed(table: pa.Table, name: str | None) -> tuple[Hashes, NDArray[np.bool_]]:
    """A 64-bit hash of each row's text, and where there is one: a polynomial of its bytes modulo 2^64, scrambled."""
    if name is None or name not in table.column_names or pa.types.is_null(table.schema.field(name).type):
        return np.zeros(len(table), dtype=np.uint64), np.zeros(len(table), dtype=bool)
    column = table[name].combine_chunks()
    encoded = column if pa.types.is_dictionary(column.type) else column.dictionary_encode()
    present = np.asarray(encoded.is_valid())
    words = _hashed_words(encoded.dictionary.cast(pa.large_string()))
    return np.append(words, np.uint64(0))[encoded.indices.fill_null(len(words)).to_numpy(zero_copy_only=False)], present


def _hashed_words(words: pa.LargeStringArray) -> Hashes:
    """Sum of (byte + 1) factor^i over a word's bytes i = 0, 1, …, by differences of one running sum over all words."""
    _, offsets, data = words.buffers()
    if data is None or not len(words):
        return np.zeros(len(words), dtype=np.uint64)
    ends = np.frombuffer(offsets, dtype=np.int64)[words.offset : words.offset + len(words) + 1]
    text = np.frombuffer(data, dtype=np.uint8)[ends[0] : ends[-1]].astype(np.uint64) + np.uint64(1)
    terms = text * _powers(_FACTOR, len(text))
    upto = np.concatenate([np.zeros(1, dtype=np.uint64), np.cumsum(terms, dtype=np.uint64)])[ends - ends[0]]
    back = _powers(_INVERSE, len(text) + 1)[ends[:-1] - ends[0]]
    return scattered((upto[1:] - upto[:-1]) * back)


def _powers(factor: np.uint64, n: int) -> Hashes:
    """1, factor, factor², … modulo 2^64."""
    powers = np.full(n, factor)
    powers[:1] = 1
    return np.multiply.accumulate(powers)
