"""Windows that say it together: bets on their p-values, added up."""

from __future__ import annotations

import numpy as np
import pytest

from watchkeeper.budget.sequential import BETS, MOST, lasting


def by_hand(nats):
    """The same for one series, window by window."""
    held, found = [0.0] * len(BETS), []
    for x in nats:
        if not np.isnan(x):
            gains = [np.log(b) + (1 - b) * min(x, MOST) for b in BETS]
            held = [max(h, 0.0) + gain for h, gain in zip(held, gains, strict=True)]
        found.append(max(0.0, np.log(np.mean(np.exp(held)))))
    return found


def test_bets_add_up_as_they_do_by_hand():
    rng = np.random.default_rng(0)
    nats = np.where(rng.random((20, 60)) < 0.1, np.nan, rng.exponential(size=(20, 60)) * 2)
    found = lasting(nats, 0)
    for mine, series in zip(found, nats, strict=True):
        np.testing.assert_allclose(mine, by_hand(series), atol=1e-12)


@pytest.mark.parametrize("nats", [3.0, 5.0])
def test_chance_alone_seldom_gets_far(nats):
    far = lasting(np.random.default_rng(1).exponential(size=(500, 400)), 0) > nats
    assert far.mean() < np.exp(-nats)


def test_a_small_change_that_lasts_is_seen():
    rng = np.random.default_rng(2)
    nats = rng.exponential(size=(200, 100))
    nats[:, 60:] *= 2.5
    found = lasting(nats, 60)
    assert (found[:, :60] > 8).mean() < 0.001
    assert (found[:, -1] > 8).mean() > 0.9


def test_one_loud_window_does_not_ring_on():
    nats = np.ones((1, 40))
    nats[0, 10] = 500.0
    assert lasting(nats, 0).max() < MOST


def test_where_the_baselines_windows_are_alike_in_kind_more_is_needed():
    calm = np.tile([0.1] * 10 + [4.0] * 10, (1, 3))
    later = np.full((1, 10), 4.0)
    found = lasting(np.hstack([calm, later]), 60)
    plain = lasting(np.hstack([np.ones((1, 60)), later]), 60)
    assert found[0, -1] < plain[0, -1] / 2
