"""Laws of the gate: which rows were seen in training does not depend on how these are cut or written."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from watchkeeper.release.gate.training import hashed, seen_by
from watchkeeper.release.outcome import Checked, Outcome, together
from watchkeeper.stats.influence_binary import BinaryRows, roc_auc

ROWS = st.lists(
    st.tuples(
        st.none() | st.integers(-3, 3),
        st.none() | st.sampled_from([0.0, -0.0, 0.5, 1e300]),
        st.none() | st.text(max_size=2),
    ),
    max_size=30,
)


def table(rows, whole):
    """The rows; whole numbers as integers or as numbers with a point, texts as they are or coded."""
    columns = list(zip(*rows, strict=True)) or [(), (), ()]
    texts = pa.array(columns[2], pa.string())
    return pa.table(
        {
            "a": pa.array(columns[0], pa.int64() if whole else pa.float64()),
            "b": pa.array(columns[1], pa.float64()),
            "c": texts if whole else texts.dictionary_encode(),
        }
    )


@given(ROWS, ROWS, st.booleans())
def test_a_row_is_seen_if_and_only_if_training_holds_an_equal_one(trained, held, whole):
    known = np.sort(hashed(table(trained, True), ["a", "b", "c"]))
    found = seen_by(known, hashed(table(held, whole), ["a", "b", "c"]))
    assert found.tolist() == [row in set(trained) for row in held]


@given(st.lists(st.tuples(st.integers(0, 5), st.booleans()), min_size=2, max_size=40))
def test_an_area_is_the_share_of_pairs_in_their_right_order_and_turns_round_with_the_score(pairs):
    score, positive = np.array([float(s) for s, _ in pairs]), np.array([p for _, p in pairs])
    above, below = score[positive], score[~positive]
    value = roc_auc(BinaryRows(positive, score, positive)).value
    if len(above) and len(below):
        wins = (above[:, None] > below).mean() + (above[:, None] == below).mean() / 2
        assert np.isclose(value, wins)
        assert np.isclose(roc_auc(BinaryRows(positive, -score, positive)).value, 1 - wins)


@given(st.lists(st.sampled_from(list(Outcome))))
def test_no_verdict_is_a_pass_unless_every_check_is_and_there_is_one(outcomes):
    verdict = together([Checked("x", outcome, "") for outcome in outcomes])
    assert (verdict is Outcome.PASS) == (bool(outcomes) and set(outcomes) == {Outcome.PASS})
    assert (verdict is Outcome.FAIL) == (not outcomes or Outcome.FAIL in outcomes)
