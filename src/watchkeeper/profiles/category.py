"""Counting values exactly, within a cap that does not depend on the order in which they come."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from watchkeeper.profiles.addition import Addition
from watchkeeper.profiles.chosen import Bools, Chosen
from watchkeeper.profiles.column import ColumnProfile
from watchkeeper.profiles.edges import CategoryEdges

Ints = NDArray[np.int64]

OTHERS = 10_000
"""How many values outside the baseline's are kept by name in a slice; past it, those with the smallest hashes."""
_SKETCH_SIZE = 12


@dataclass(frozen=True)
class CategoryProfile(ColumnProfile):
    """Exact counts of values, sparse: entry i says that value `code[i]` stands `count[i]` times in slice `at[i]`.

    Entries are sorted by slice and code, so equal contents are equal arrays.
    """

    edges: CategoryEdges
    others: tuple[str, ...]
    """Values outside the edges, sorted. Codes count on from the edges' values: `edges.values + others`."""
    at: Ints
    code: Ints
    count: Ints
    unseen: Ints
    """Rows with a value outside the edges, shape (slices,); exact also where `others` is capped."""
    sketches: dict[int, bytes]
    """HyperLogLog of the values outside the edges, for the slices that have more than the cap."""

    @classmethod
    def summed(cls, parts: Sequence[Self], adding: Addition) -> Self:
        """See `ColumnProfile.summed`."""
        return replace(super().summed(parts, adding), **_joined(parts, adding.slots))

    def over(self, chosen: Chosen, kept: Bools) -> Self:
        """See `ColumnProfile.over`; sketches are left out."""
        table = chosen.total(np.where(kept[:, None], self.dense(len(self.edges.values) + len(self.others)), 0))
        at, code = np.nonzero(table)
        return replace(super().over(chosen, kept), at=at, code=code, count=table[at, code], sketches={})

    @property
    def valid(self) -> Ints:
        """Rows with a value, shape (slices,)."""
        return np.asarray(self.dense(len(self.edges.values)).sum(axis=1) + self.unseen)

    @property
    def distinct(self) -> Ints:
        """Distinct values, shape (slices,); estimated (HyperLogLog, about 2 %) where there are more than the cap."""
        return _distinct(self)

    def dense(self, codes: int) -> Ints:
        """Counts of the first `codes` values, shape (slices, codes)."""
        table = np.zeros((len(self.null), codes), dtype=np.int64)
        kept = self.code < codes
        table[self.at[kept], self.code[kept]] = self.count[kept]
        return table


def _joined(parts: Sequence[CategoryProfile], slots: Sequence[Ints]) -> dict[str, Any]:
    """The sparse counts of several profiles, each moved to the slices of its slot, added up in canonical form."""
    known = len(parts[0].edges.values)
    others = sorted(set().union(*(profile.others for profile in parts)))
    number = {value: known + i for i, value in enumerate(others)}
    at, code, count = [], [], []
    sketches: dict[int, list[bytes]] = {}
    for profile, slot in zip(parts, slots, strict=True):
        moved = np.array([*range(known), *(number[value] for value in profile.others)], dtype=np.int64)
        kept = slot[profile.at] >= 0
        at.append(slot[profile.at][kept])
        code.append(moved[profile.code[kept]])
        count.append(profile.count[kept])
        for place, sketch in profile.sketches.items():
            if slot[place] >= 0:
                sketches.setdefault(int(slot[place]), []).append(sketch)
    return canonical(known, others, np.concatenate(at), np.concatenate(code), np.concatenate(count), sketches)


def canonical(
    known: int, others: Sequence[str], at: Ints, code: Ints, count: Ints, sketches: dict[int, list[bytes]]
) -> dict[str, Any]:
    """Add up entries that meet, apply the cap, drop unused names; the same whatever the order of the input."""
    width = known + len(others)
    key, total = _added_up(at * width + code, count)
    at, code = np.divmod(key, width) if width else (key, key)
    is_other = code >= known
    crowded = np.flatnonzero(np.bincount(at[is_other], minlength=1) > OTHERS)
    united: dict[int, bytes] = {}
    if len(crowded) or sketches:
        kept = np.ones(len(key), dtype=bool)
        for place in sorted({*crowded.tolist(), *sketches}):
            mine = np.flatnonzero(is_other & (at == place))
            names = [others[i] for i in code[mine] - known]
            united[place] = _united(sketches.get(place, []), names)
            ranked = np.argsort(np.array([_hash(name) for name in names], dtype=np.uint64), kind="stable")
            kept[mine[ranked[OTHERS:]]] = False
        at, code, total = at[kept], code[kept], total[kept]
    used = np.unique(code[code >= known])
    code = np.where(code >= known, known + np.searchsorted(used, code), code)
    names_used = tuple(others[i] for i in (used - known).tolist())
    return {"others": names_used, "at": at, "code": code, "count": total, "sketches": united}


def _added_up(key: Ints, count: Ints) -> tuple[Ints, Ints]:
    """The distinct keys, sorted, and the sum of their counts."""
    if len(key) and int(key.max()) < 4 * len(key) + 100_000:
        total = np.bincount(key, weights=count).astype(np.int64) if (count != 1).any() else np.bincount(key)
        found = np.flatnonzero(total)
        return found, total[found]
    found, where = np.unique(key, return_inverse=True)
    total = np.zeros(len(found), dtype=np.int64)
    np.add.at(total, where, count)
    return found, total


def _distinct(profile: CategoryProfile) -> Ints:
    """Distinct values of each slice, shape (slices,)."""
    from datasketches import hll_sketch

    found = np.bincount(profile.at, minlength=len(profile.null)).astype(np.int64)
    for place, sketch in profile.sketches.items():
        named = int(np.sum((profile.at == place) & (profile.code >= len(profile.edges.values))))
        found[place] += round(hll_sketch.deserialize(sketch).get_estimate()) - named
    return found


def _united(sketches: Iterable[bytes], names: Iterable[str]) -> bytes:
    from datasketches import hll_sketch, hll_union, tgt_hll_type

    union = hll_union(_SKETCH_SIZE)
    for sketch in sketches:
        union.update(hll_sketch.deserialize(sketch))
    for name in names:
        union.update(name)
    return bytes(union.get_result(tgt_hll_type.HLL_8).serialize_compact())


def _hash(value: str) -> int:
    return int.from_bytes(hashlib.blake2b(value.encode("utf-8", "surrogatepass"), digest_size=8).digest(), "big")
