"""Laws of a comparison: turning it round turns its directions, and the order of rows says nothing."""

from __future__ import annotations

import dataclasses

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from watchkeeper.model import Model
from watchkeeper.release.compare.difference import difference
from watchkeeper.report.comparison import as_dict
from watchkeeper.runtime import Answers

MODEL = Model.model_validate(
    {
        "name": "m",
        "task": "binary",
        "positive": 1,
        "columns": {
            "key": {"type": "string", "role": "id"},
            "city": {"type": "string", "role": "segment"},
            "out": {"type": "integer", "role": "label"},
        },
    }
)


@st.composite
def cases(draw):
    n = draw(st.integers(1, 150))
    seed = draw(st.integers(0, 2**32 - 1))
    digits = draw(st.sampled_from([1, 2, 12]))  # one digit makes ties
    rng = np.random.default_rng(seed)
    table = pa.table(
        {
            "key": [f"k{i}" for i in rng.permutation(n)],
            "city": rng.choice(["a", "b"], n),
            "out": pa.array(rng.integers(0, 2, n), mask=rng.random(n) < 0.2),
        }
    )
    old = np.round(rng.random(n), digits)
    new = np.round(np.clip(old + rng.normal(0, draw(st.sampled_from([0.0, 0.1, 0.5])), n), 0, 1), digits)
    return table, answers(old), answers(new), rng.permutation(n)


def answers(score):
    return Answers((score >= 0.5).astype(np.int64), np.column_stack([1 - score, score]), (0, 1))


def compared(table, old, new, most=10):
    return difference(MODEL, table, ("old", old), ("new", new), most=most)


@settings(max_examples=60)
@given(cases())
def test_turned_round_all_directions_turn(case):
    table, old, new, _ = case
    there, back = compared(table, old, new), compared(table, new, old)
    turned = {(one.after, one.before): one.rows for one in back.decisions.turns}
    assert {(one.before, one.after): one.rows for one in there.decisions.turns} == turned
    assert np.array(there.decisions.matrix).T.tolist() == np.array(back.decisions.matrix).tolist()
    if there.churn:
        assert (there.churn.good, there.churn.bad) == (back.churn.bad, back.churn.good)
        assert there.churn.net.value == pytest.approx(-back.churn.net.value)
        assert there.churn.net.low == pytest.approx(-back.churn.net.high)
        assert there.churn.p == back.churn.p
    assert there.scores.change.value == pytest.approx(-back.scores.change.value)
    assert there.scores.wasserstein == pytest.approx(back.scores.wasserstein)
    if there.order and not np.isnan(there.order.kendall):
        assert there.order.kendall == pytest.approx(back.order.kendall)
        assert there.order.heads == back.order.heads
    assert [row.id for row in there.moved] == [row.id for row in back.moved]
    assert [row.places for row in there.moved] == [(b, a) for a, b in (row.places for row in back.moved)]


@settings(max_examples=60)
@given(cases())
def test_the_order_of_rows_says_nothing(case):
    table, old, new, order = case

    def moved(one):
        return Answers(one.prediction[order], one.scores[order], one.classes)

    there, again = compared(table, old, new), compared(table.take(pa.array(order)), moved(old), moved(new))
    kept = [
        dataclasses.replace(one, moved=tuple(dataclasses.replace(row, row=0) for row in one.moved))
        for one in (there, again)
    ]
    assert_alike(as_dict(kept[0]), as_dict(kept[1]))


@settings(max_examples=30)
@given(cases())
def test_a_version_does_not_differ_from_itself(case):
    table, old, _, _ = case
    found = compared(table, old, old)
    assert found.decisions.flipped.count == 0
    assert found.moved == ()
    assert found.told == []
    assert all(head.stay == head.k for head in (found.order.heads if found.order else ()))


def assert_alike(a, b):
    """The same but for rounding."""
    assert type(a) is type(b)
    if isinstance(a, dict):
        assert a.keys() == b.keys()
        for name in a:
            assert_alike(a[name], b[name])
    elif isinstance(a, list):
        assert len(a) == len(b)
        for one, other in zip(a, b, strict=True):
            assert_alike(one, other)
    elif isinstance(a, float):
        assert a == pytest.approx(b, abs=1e-9)
    else:
        assert a == b
