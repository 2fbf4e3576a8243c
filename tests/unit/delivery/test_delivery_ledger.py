"""The ledger: rows are counted and found again whatever the order of rules and the size of blocks."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from watchkeeper.delivery.ledger import Ledger, RowSet
from watchkeeper.delivery.piece import Fault

pieces = st.lists(
    st.tuples(
        st.integers(1, 200_000),
        st.integers(0, 2**32 - 1),
        st.sampled_from([0.0, 0.00001, 0.01, 0.5, 1.0]),
        st.sampled_from([0.0, 0.001, 0.2]),
    ),
    min_size=1,
    max_size=4,
)


@given(pieces, st.data())
def test_rows_are_found_again_in_any_window(parts: list[tuple[int, int, float, float]], data: st.DataObject) -> None:
    rows, ledger, first, truth = RowSet(), Ledger(), 1, []
    for span, seed, share, other in parts:
        drawn = np.random.default_rng(seed)
        places, more = np.flatnonzero(drawn.random(span) < share), np.flatnonzero(drawn.random(span) < other)
        rows.add(first, span, places)
        ledger.add(first, span, Fault("parse", "a", places, ("x",)))
        ledger.add(first, span, Fault("constraint", "b", more, ("y",)))
        truth.append(np.isin(np.arange(span), np.concatenate([places, more])))
        first += span
    bad = np.concatenate(truth)
    low = data.draw(st.integers(1, len(bad)))
    high = data.draw(st.integers(low, len(bad) + 1))
    assert np.array_equal(ledger.bad(low, high - low), bad[low - 1 : high - 1])
    assert ledger.count(len(bad)) == bad.sum()
    assert np.array_equal(rows.within(1, first), np.unique(rows.within(1, first)))
    assert len(rows.within(1, first)) == rows.size
    found = ledger.bad_rows(len(bad))
    assert [next(found).row for _ in range(min(int(bad.sum()), 20))] == (np.flatnonzero(bad)[:20] + 1).tolist()
