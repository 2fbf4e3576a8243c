"""Samples add up: whatever the split, the order or the slices, the same rows are kept."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pyarrow as pa
from hypothesis import given, settings
from hypothesis import strategies as st

from watchkeeper.delivery.fingerprint import row_hashes
from watchkeeper.model import Column, Model, Role, Type
from watchkeeper.profiles import Addition, fit
from watchkeeper.profiles.sample import ROWS, Sample, draw

SLICES = 3
COLUMNS = {
    "key": (Type.STRING, Role.ID, pa.string()),
    "x": (Type.NUMBER, Role.FEATURE, pa.float64()),
    "c": (Type.STRING, Role.FEATURE, pa.string()),
    "ok": (Type.BOOLEAN, Role.FEATURE, pa.bool_()),
}


def edges(*, with_id):
    columns = {n: Column(type=t, role=r) for n, (t, r, _) in COLUMNS.items() if with_id or r is not Role.ID}
    return fit(Model(name="m", columns=columns), [])


EDGES = {with_id: edges(with_id=with_id) for with_id in (True, False)}


@st.composite
def tables(draw):
    """Up to 400 rows of few or many ids, some missing, and a slice for each."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    n, ids, values = draw(st.integers(0, 400)), draw(st.sampled_from([1, 5, 40, 10_000])), draw(st.integers(1, 5))
    key = [None if rng.random() < 0.1 else f"id-{i}" for i in rng.integers(0, ids, n)]
    c = [[None, "", "a", "b" * 300, "b" * 300 + "c"][i] for i in rng.integers(0, values, n)]
    x = rng.choice([0.0, -0.0, np.nan, np.inf, 1.5], n) if values > 2 else rng.normal(size=n)
    cells = [key, x, c, rng.random(n) < 0.5]
    table = pa.table({name: pa.array(v, t) for (name, (_, _, t)), v in zip(COLUMNS.items(), cells, strict=True)})
    return table, np.sort(rng.integers(0, SLICES, n))


def drawn(table, at, slices=SLICES, *, with_id=True):
    return draw(EDGES[with_id], table, None, at, slices)


def joined(samples):
    return Sample.summed(samples, Addition.stay(len(samples), SLICES))


def content(sample):
    """All that a sample holds, in words, so that NaN is itself and −0 is not 0."""
    return [sample.at.tolist(), sample.hashes.tolist(), list(map(repr, sample.rows.to_pylist())), sample.rows.schema]


@settings(max_examples=60)
@given(tables(), st.lists(st.integers(0, 400), max_size=4), st.randoms(use_true_random=False), st.booleans())
def test_any_split_of_the_rows_in_any_order_gives_the_same_sample(made, cuts, random, with_id):
    table, at = made
    shuffled = list(range(len(table)))
    random.shuffle(shuffled)
    parts = []
    for begin, end in pairwise([0, *sorted(min(cut, len(table)) for cut in cuts), len(table)]):
        chosen = np.array(sorted(shuffled[begin:end], key=lambda i: at[i]), dtype=np.int64)
        parts.append(drawn(table.take(pa.array(chosen)), at[chosen], with_id=with_id))
    whole = content(drawn(table, at, with_id=with_id))
    assert content(joined(parts)) == whole
    one_by_one = parts[0]
    for part in parts[1:]:
        one_by_one = joined([part, one_by_one])
    assert content(one_by_one) == whole


@settings(max_examples=40)
@given(tables(), st.lists(st.integers(-1, 1), min_size=SLICES, max_size=SLICES))
def test_moving_slices_is_the_same_as_sampling_the_rows_there(made, slot):
    table, at = made
    target = np.array(slot)[at]
    order = np.argsort(target, kind="stable")
    order = order[target[order] >= 0]
    expected = drawn(table.take(pa.array(order)), target[order], 2)
    moved = Sample.summed([drawn(table, at)], Addition([np.array(slot)], 2))
    assert content(moved) == content(expected)
    assert content(draw(EDGES[True], table, order, target[order], 2)) == content(expected)


@settings(max_examples=40)
@given(tables())
def test_the_rows_with_the_smallest_hashes_are_kept_and_each_id_once(made):
    table, at = made
    sample = drawn(table, at)
    hashes = row_hashes([table["key"].combine_chunks()], len(table))
    for place in range(SLICES):
        mine = np.flatnonzero((at == place) & np.asarray(table["key"].is_valid()))
        known = dict(zip(hashes[mine].tolist(), table["key"].take(pa.array(mine)).to_pylist(), strict=True))
        kept = [h for h, row in zip(sample.hashes[sample.at == place], sample.of(place).to_pylist(), strict=True)]
        assert kept == sorted(set(kept))
        assert len(kept) <= ROWS
        limit = kept[-1] if len(kept) == ROWS else 2**64
        found = {row["key"] for row in sample.of(place).to_pylist()} - {None}
        assert found == {key for h, key in known.items() if h <= limit}


@settings(max_examples=20)
@given(tables())
def test_all_parts_commute_and_an_empty_one_changes_nothing(made):
    table, at = made
    sample, empty = drawn(table, at), drawn(table.slice(0, 0), at[:0])
    assert content(joined([sample, empty])) == content(joined([empty, sample])) == content(sample)
    assert content(joined([sample, sample])) == content(sample)
