"""Statistics of past windows, for each slice over windows of its own: always those of a loop over plain numpy."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as some
from scipy import stats

from watchkeeper.profiles.chosen import apart, before
from watchkeeper.stats import prediction
from watchkeeper.stats.prediction import Moments

numbers = some.lists(some.one_of(some.just(np.nan), some.floats(-50, 50)), min_size=1, max_size=40).map(np.array)


def members(chosen):
    return [np.flatnonzero(row) for row in chosen.total(np.eye(len(chosen.order), dtype=np.int64))]


@given(numbers, some.integers(1, 12), some.booleans())
def test_moments_are_count_mean_and_variance_of_the_known_windows(y, most, apart_too):
    chosen = apart(len(y)) if apart_too else before(len(y), most)
    found = Moments.of(y, chosen.total)
    for i, at in enumerate(members(chosen)):
        known = y[at][~np.isnan(y[at])]
        assert found.windows[i] == len(known)
        np.testing.assert_allclose(found.mean[i], known.mean() if len(known) else np.nan, rtol=1e-9, atol=1e-9)
        variance = known.var(ddof=1) if len(known) > 1 else np.nan
        np.testing.assert_allclose(found.variance[i], variance, rtol=1e-6, atol=1e-9)


def test_moments_of_values_that_lie_far_from_zero_keep_their_variance():
    y = 1e9 + np.array([0.0, 1.0, 2.0, 3.0, 4.0, 5.0])
    assert Moments.of(y).variance == pytest.approx(3.5)
    assert Moments.of(y, before(6, 3).total).variance[3:] == pytest.approx(1.0)


def test_moments_of_nothing_are_unknown():
    found = Moments.of(np.array([np.nan, np.nan]))
    assert found.windows.tolist() == [0.0]
    assert np.isnan([found.mean, found.variance]).all()


@given(numbers, some.integers(2, 12), some.sampled_from(["two", "up", "down"]))
def test_each_slice_is_held_against_its_own_past(y, most, side):
    chosen = before(len(y), most)
    now, sampling = np.nan_to_num(y), np.full(len(y), 0.25)
    found = prediction.predictive_t(now, Moments.of(y, chosen.total), sampling, side)
    for i, at in enumerate(members(chosen)):
        known = y[at][~np.isnan(y[at])]
        if len(known) < 2:
            assert np.isnan(found[i])
            continue
        t = (now[i] - known.mean()) / np.sqrt(max(known.var(ddof=1), 0.25) * (1 + 1 / len(known)))
        p = {"two": 2 * stats.t.sf(abs(t), len(known) - 1), "up": stats.t.sf(t, len(known) - 1)}
        p["down"] = 1 - p["up"]
        assert np.exp(-found[i]) == pytest.approx(min(1.0, p[side]), rel=1e-5, abs=1e-12)


@given(numbers, some.sampled_from(["two", "up", "down"]), some.floats(0.01, 4))
def test_a_window_left_out_is_held_against_all_the_others(y, side, sampling):
    found = prediction.left_out(y, np.full(len(y), sampling), side)
    for i in range(len(y)):
        others = np.delete(y, i)
        alone = prediction.predictive_t(y[i], others[~np.isnan(others)], sampling, side)[0]
        np.testing.assert_allclose(found[i], alone, rtol=1e-6, atol=1e-9)


def test_a_window_unlike_the_others_stands_out_only_where_it_is_left_out():
    y = np.append(np.random.default_rng(0).normal(size=12), 60.0)
    nats = prediction.left_out(y, np.full(13, 0.01))
    assert nats.argmax() == 12
    assert nats[12] > 20
    assert nats[:12].max() < 1


@given(some.lists(some.one_of(some.just(np.nan), some.floats(-5, 500)), min_size=1, max_size=40).map(np.array))
def test_each_slice_has_the_tail_index_of_its_own_windows(maxima):
    chosen = apart(len(maxima))
    found = prediction.tail_index(maxima, 1.0, chosen.total)
    for i, at in enumerate(members(chosen)):
        known = maxima[at][~np.isnan(maxima[at])]
        if len(known) < 3:
            assert np.isnan(found[i])
            continue
        logs = np.log(known[known > 1.0] - 1.0)
        spread = logs.std(ddof=1) if len(logs) > 1 else 0.0
        if 0 < spread < 1e-6:
            continue  # rounding decides whether it is 0
        index = min(2.0, 1.28 / spread * (1 - 1.2 / np.sqrt(len(known)))) if spread else 2.0
        assert found[i] == pytest.approx(min(1.0, len(known) / 10) * index, rel=1e-6)


def test_the_tail_index_of_pareto_maxima_is_found_from_the_windows_of_each_slice():
    generator = np.random.default_rng(2)
    maxima = np.concatenate([generator.pareto(a, (400, 100)).max(axis=1) for a in (0.5, 1.5)])
    found = prediction.tail_index(np.append(maxima, np.nan), 0.0, before(801, 400).total)
    heavy, light = found[[400, 800]]
    assert heavy == pytest.approx(0.5, rel=0.15)
    assert light == pytest.approx(1.5, rel=0.15)
