"""Sums of waves add up: whatever the split, the order, the slices or the kernel, to the last integer."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from watchkeeper.model import Column, Model, Role, Type
from watchkeeper.profiles import Slice, fit, fourier, kernel_numpy, merge, profile
from watchkeeper.profiles.edges import EVERY, FULL_RANK

SLICES = tuple(Slice(label=name) for name in "abc")
MODEL = Model(
    name="m",
    columns={
        "key": Column(type=Type.STRING, role=Role.ID),
        "x": Column(type=Type.NUMBER),
        "y": Column(type=Type.NUMBER),
        "n": Column(type=Type.INTEGER),
    },
)


@st.composite
def tables(draw):
    """Up to 700 rows with gaps, and a slice for each; -1 for none."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    n = draw(st.integers(0, 700))
    x = np.where(rng.random(n) < 0.1, rng.choice([np.nan, np.inf, -np.inf, 1e300], n), rng.normal(size=n))
    gone = rng.random(n) < 0.2
    cells = {
        "key": [f"id-{i}" for i in rng.integers(0, 2 * n + 1, n)],
        "x": x,
        "y": pa.array(rng.normal(size=n), mask=gone),
        "n": rng.poisson(3, n),
    }
    return pa.table(cells), rng.integers(-1, len(SLICES), n)


REFERENCE = pa.table(
    {"key": ["a"] * 300, "x": np.linspace(-3, 3, 300), "y": np.linspace(-2, 2, 300), "n": np.arange(300) % 9}
)
EDGES = {"all": fit(MODEL, [REFERENCE])}
EDGES["a third"] = replace(EDGES["all"], share=EVERY // 3)


def sums(edges, table, at, kernel=kernel_numpy):
    """The sums by slice, those of slices without rows left out."""
    made = profile(edges, table, at, SLICES, kernel=kernel)
    return content(made)


def content(made):
    return {at.label: row for at, row in zip(made.slices, made.fourier.sums.tolist(), strict=True)}


@settings(max_examples=60, deadline=None)
@given(
    tables(),
    st.lists(st.integers(0, 700), max_size=4),
    st.randoms(use_true_random=False),
    st.sampled_from(sorted(EDGES)),
)
def test_any_split_of_the_rows_in_any_order_gives_the_same_sums(made, cuts, random, share):
    table, at = made
    shuffled = list(range(len(table)))
    random.shuffle(shuffled)
    parts = []
    for begin, end in pairwise([0, *sorted(min(cut, len(table)) for cut in cuts), len(table)]):
        chosen = np.array(shuffled[begin:end], dtype=np.int64)
        parts.append(profile(EDGES[share], table.take(pa.array(chosen)), at[chosen], SLICES))
    whole = sums(EDGES[share], table, at)
    assert content(merge(parts)) == content(merge(parts[::-1])) == whole
    one_by_one = parts[0]
    for part in parts[1:]:
        one_by_one = merge([part, one_by_one])
    assert content(one_by_one) == whole


@settings(max_examples=30, deadline=None)
@given(tables())
def test_moving_slices_is_the_same_as_counting_the_rows_there(made):
    table, at = made
    moved = profile(EDGES["all"], table, at, SLICES).whole
    there = sums(EDGES["all"], table, np.where(at < 0, -1, 0))
    assert [row for row in moved.fourier.sums.tolist() if row[0]] == list(there.values())


@settings(max_examples=30, deadline=None)
@given(tables())
def test_both_kernels_give_the_same_sums(made):
    numba = pytest.importorskip("watchkeeper.profiles.kernel_numba", reason="numba (extra `fast`) is not installed")
    table, at = made
    assert sums(EDGES["all"], table, at) == sums(EDGES["all"], table, at, numba)


def test_thinned_rows_are_as_many_as_asked_for_and_the_same_whatever_the_block():
    rng = np.random.default_rng(0)
    n = 30_000
    table = pa.table(
        {"key": [f"id-{i}" for i in range(n)], "x": rng.normal(size=n), "y": rng.normal(size=n), "n": [1] * n}
    )
    looked_at = profile(EDGES["a third"], table, np.zeros(n, dtype=np.int64), SLICES).fourier.rows[0]
    assert abs(looked_at - n / 3) < 4 * np.sqrt(n * 2 / 9)


def test_phases_are_exact_in_a_double_up_to_ten_thousand_columns():
    frequencies = fourier._frequencies(10_000)
    assert FULL_RANK * np.abs(frequencies).sum(axis=1).max() < 2**53


def test_frequencies_never_change():
    # A profile file holds sums of these waves; another stream of random numbers would make them incomparable.
    assert fourier._frequencies(3)[:2].tolist() == [[-99973019, -24014723, 269636165], [65788788, 35746392, -110729240]]
