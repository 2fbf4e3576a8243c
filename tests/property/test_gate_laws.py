"""Laws of the gate's statistics: rows in any order, models changed round, scores read through any rising function."""

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst

from held_out import BINARY, NUMBERS, held, outcomes, scored
from watchkeeper.release.outcome import Outcome
from watchkeeper.runtime import Answers
from watchkeeper.stats.influence_binary import DECIDED, SCORED, BinaryRows
from watchkeeper.stats.trial import Trial

SIZES = st.integers(40, 400)
TIED = {"metrics": {name: {"margin": 0.02} for name in ("roc_auc", "pr_auc", "brier", "log_loss", "f1", "precision")}}


@st.composite
def pairs(draw):
    """Labels, and probabilities of two models with many ties."""
    n, seed = draw(SIZES), draw(st.integers(0, 2**32 - 1))
    rng, steps = np.random.default_rng(seed), draw(st.integers(1, 50))
    one, other = (np.round(rng.random((2, n)) * steps) / steps).clip(0, 1)
    return (rng.random(n) < draw(st.floats(0.05, 0.95))).astype(np.int64), one, other


@settings(deadline=None, max_examples=30)
@given(pairs(), st.randoms(use_true_random=False))
def test_the_order_of_rows_says_nothing(made, random):
    label, one, other = made
    order = list(range(len(label)))
    random.shuffle(order)
    need = TIED | {"min_rows": 20, "min_segment_rows": 20}
    segment = np.arange(len(label)) % 2
    first, by = outcomes(BINARY, held(label, segments={"s": segment}), scored(one), scored(other), **need)
    rows = held(label[order], segments={"s": segment[order]})
    again, by_again = outcomes(BINARY, rows, scored(one[order]), scored(other[order]), **need)
    assert by == by_again
    for name, told in first.metrics.items():
        for key in ("value", "low", "high", "difference_low"):
            if told.get(key) is not None:
                assert again.metrics[name][key] == pytest.approx(told[key], abs=1e-9)


@settings(deadline=None, max_examples=30)
@given(pairs())
def test_changing_the_models_round_turns_the_difference(made):
    label, one, other = made
    need = TIED | {"min_rows": 20}
    there = outcomes(BINARY, held(label), scored(one), scored(other), **need)[0].metrics
    back = outcomes(BINARY, held(label), scored(other), scored(one), **need)[0].metrics
    for name in TIED["metrics"]:
        if there[name]["difference"] is not None:
            turned = [-back[name][key] for key in ("difference", "difference_high", "difference_low")]
            assert [there[name][key] for key in ("difference", "difference_low", "difference_high")] == pytest.approx(
                turned, abs=1e-12
            )


@settings(deadline=None, max_examples=50)
@given(pairs())
def test_areas_are_the_same_through_any_rising_function(made):
    label, score, _ = made
    rows, bent = (BinaryRows(label == 1, s, s > 0.5) for s in (score, score**3 / 2))
    for name in ("roc_auc", "pr_auc"):
        one, other = SCORED[name](rows), SCORED[name](bent)
        assert one.value == pytest.approx(other.value, nan_ok=True)
        assert one.influence == pytest.approx(other.influence)


@settings(deadline=None, max_examples=50)
@given(pairs())
def test_influences_are_centred_and_of_a_row_each(made):
    label, score, _ = made
    rows = BinaryRows(label == 1, score, score > 0.5)
    for measure in (SCORED | DECIDED).values():
        found = measure(rows)
        assert found.influence.shape == label.shape
        assert abs(found.influence.sum()) < 1e-6 * max(1.0, np.abs(found.influence).sum())


@example(0.0, 0.0, 1.0, 0.5, 5e-324, 0.75)
@settings(deadline=None, max_examples=200)
@given(st.floats(-1, 1), st.floats(0, 1), st.floats(1, 1e6), st.floats(0, 0.5), st.floats(-1, 1), st.floats(0.6, 0.999))
def test_an_interval_and_a_p_value_agree(value, error, degrees, grain, bound, confidence):
    law = Trial(value, error, degrees, grain)
    low, high = law.low(confidence), law.high(confidence)
    assert low <= value <= high
    if abs(low - bound) > 1e-6:
        assert (law.above(bound) < 1 - confidence) == (low > bound)
    if abs(high - bound) > 1e-6:
        assert (law.below(bound) < 1 - confidence) == (high < bound)


@settings(deadline=None, max_examples=30)
@given(pairs(), st.floats(0.001, 0.2))
def test_a_wider_margin_is_never_harder(made, margin):
    label, one, other = made
    order = [Outcome.FAIL, Outcome.INCONCLUSIVE, Outcome.PASS]
    found = [
        outcomes(BINARY, held(label), scored(one), scored(other), min_rows=20, metrics={"accuracy": {"margin": size}})
        for size in (margin, 2 * margin)
    ]
    ranks = [order.index(Outcome(by["non_inferiority"])) for _, by in found]
    assert ranks[0] <= ranks[1]


@settings(deadline=None, max_examples=40)
@given(npst.arrays(np.float64, st.integers(0, 60), elements=st.floats(width=32)), st.integers(0, 2**32 - 1))
def test_any_numbers_are_judged_without_a_crash(predicted, seed):
    label = np.random.default_rng(seed).normal(size=len(predicted))
    found, by = outcomes(NUMBERS, held(label), Answers(predicted), Answers(label), min_rows=20)
    assert by["answers"] == ("FAIL" if not np.isfinite(predicted).all() else "PASS" if len(label) else "INCONCLUSIVE")
    assert len(found.checks) == 3
