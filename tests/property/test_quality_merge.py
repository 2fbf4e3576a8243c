"""Quality adds up: whatever the split, the order or the slices, the same profile comes out."""

from __future__ import annotations

from functools import reduce
from itertools import pairwise

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from watchkeeper.model import Column, Model, Role, Task, Type
from watchkeeper.profiles import Addition
from watchkeeper.profiles.quality import empty_quality, measure_quality, plan_quality, quality_from_arrow

SLICES = 3
TASKS = (Task.BINARY, Task.MULTICLASS, Task.REGRESSION, Task.RANKING)
COLUMNS = {
    "label": (Type.INTEGER, Role.LABEL),
    "prediction": (Type.INTEGER, Role.PREDICTION),
    "p_1": (Type.NUMBER, Role.SCORE),
    "p_2": (Type.NUMBER, Role.SCORE),
    "query": (Type.STRING, Role.QUERY),
}

cells = st.tuples(
    st.one_of(st.none(), st.integers(0, 3)),
    st.one_of(st.none(), st.integers(0, 3)),
    st.one_of(st.none(), st.floats(0, 1), st.sampled_from([0.0, 0.5, 1.0, float("nan"), float("inf"), -3.0])),
    st.one_of(st.none(), st.floats(0, 1)),
    st.one_of(st.none(), st.sampled_from(["a", "b", "c"])),
    st.integers(0, SLICES - 1),
)


def frame(rows):
    columns = list(zip(*rows, strict=True)) if rows else [()] * 6
    types = [pa.int64(), pa.int64(), pa.float64(), pa.float64(), pa.string()]
    table = pa.table({n: pa.array(c, t) for n, c, t in zip(COLUMNS, columns[:5], types, strict=True)})
    return table, np.array(columns[5], dtype=np.int64)


def planned(task):
    rng = np.random.default_rng(0)
    baseline = [(i % 3, (i // 2) % 3, s, 1 - s, "abc"[i % 3], 0) for i, s in enumerate(rng.random(400).tolist())]
    columns = {name: Column(type=type_, role=role) for name, (type_, role) in COLUMNS.items()}
    return plan_quality(Model(name="m", task=task, columns=columns, positive=1), frame(baseline)[0])


PLANS = {task: planned(task) for task in TASKS}


def counted(plan, rows):
    table, at = frame(rows)
    return measure_quality(plan, table, at, SLICES)


def same(a, b):
    for name in vars(a).keys() - {"plan"}:
        x, y = getattr(a, name), getattr(b, name)
        if x.dtype == np.float64 and name not in a.entries:
            np.testing.assert_allclose(x.sum(axis=-1), y.sum(axis=-1), rtol=1e-15, atol=1e-300)
        else:
            np.testing.assert_array_equal(x, y)


@pytest.mark.parametrize("task", TASKS)
@settings(max_examples=40)
@given(rows=st.lists(cells, max_size=40), cuts=st.lists(st.integers(0, 40), max_size=3), seed=st.randoms())
def test_any_split_and_any_order_of_the_rows_give_the_same_profile(task, rows, cuts, seed):
    plan = PLANS[task]
    shuffled = list(rows)
    seed.shuffle(shuffled)
    ends = [0, *sorted(cuts), len(rows)]
    parts = [counted(plan, shuffled[begin:end]) for begin, end in pairwise(ends)]
    empty = empty_quality(plan, SLICES)
    same(empty.summed([empty, *parts], Addition.stay(len(parts) + 1, SLICES)), counted(plan, rows))
    one_by_one = reduce(lambda a, b: a.summed([b, a], Addition.stay(2, SLICES)), parts, empty)
    same(one_by_one, counted(plan, rows))


@pytest.mark.parametrize("task", TASKS)
@settings(max_examples=40)
@given(rows=st.lists(cells, max_size=40), slot=st.lists(st.integers(-1, 4), min_size=SLICES, max_size=SLICES))
def test_moving_slices_is_the_same_as_counting_the_rows_there(task, rows, slot):
    plan = PLANS[task]
    whole = counted(plan, rows)
    moved = whole.summed([whole], Addition([np.array(slot)], 5))
    table, at = frame([(*row[:5], slot[row[5]]) for row in rows if slot[row[5]] >= 0])
    same(moved, measure_quality(plan, table, at, 5))


@pytest.mark.parametrize("task", TASKS)
@settings(max_examples=20)
@given(rows=st.lists(cells, max_size=40))
def test_a_written_profile_is_read_back_to_the_last_bit(task, rows):
    quality = counted(PLANS[task], rows)
    again = quality_from_arrow(PLANS[task], quality.to_arrow())
    for name in vars(quality).keys() - {"plan"}:
        np.testing.assert_array_equal(getattr(again, name), getattr(quality, name))
