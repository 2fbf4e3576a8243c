"""Freshness: a feed that stops is told on its day, one with gaps by nature is not, and chance keeps to its law."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest
from scipy import stats

import watchkeeper as wk
from watchkeeper.model import Column, Model, Role, Type
from watchkeeper.stats.freshness import freshness, freshness_band

DAY = 86_400
MODEL = Model(
    name="m",
    columns={"t": Column(type=Type.TIMESTAMP, role=Role.TIMESTAMP), "stock": Column(type=Type.TIMESTAMP)},
)


def days(first, count, seed, until=24.0, rows=600, stops=None):
    """Events at random until that hour of each day, and a stock list that is refreshed each hour."""
    rng = np.random.default_rng(seed)
    at = np.sort((np.repeat(np.arange(first, first + count), rows) + rng.random(count * rows) * until / 24) * DAY)
    stock = np.floor(at / 3_600) * 3_600
    if stops is not None:
        day, hour = stops
        held = (at >= day * DAY + hour * 3_600) & (at < (day + 1) * DAY)
        stock[held] = day * DAY + hour * 3_600
    as_time = {"t": at, "stock": stock}
    table = pa.table(
        {k: pa.array((v * 1e6).astype(np.int64)).cast(pa.timestamp("us", "UTC")) for k, v in as_time.items()}
    )
    return table, at


def told(current, baseline):
    found = wk.check(current, baseline, model=MODEL, by="day").findings
    return [(f.columns[0], f.window[:10], str(f.severity)) for f in found if f.check == "freshness"]


@pytest.mark.parametrize("until", [24.0, 20.0])
def test_a_feed_that_stops_in_the_afternoon_is_told_that_day(until):
    before, _ = days(0, 20, 1, until)
    now, at = days(20, 5, 2, until)
    assert told(now, before) == []
    stopped = now.filter(pa.array((at < 22 * DAY + 10 * 3_600) | (at >= 23 * DAY)))
    assert told(stopped, before) == [("t", "1970-01-23", "alarm")]


def test_a_table_that_is_no_longer_refreshed_is_told():
    before, _ = days(0, 20, 1)
    now, _ = days(20, 5, 2, stops=(22, 9))
    assert told(now, before) == [("stock", "1970-01-23", "alarm")]


def test_a_last_day_whose_data_may_go_on_is_not_judged():
    before, _ = days(0, 20, 1)
    now, at = days(20, 3, 2)
    assert told(now.filter(pa.array(at < 22 * DAY + 12 * 3_600)), before) == []


@pytest.mark.parametrize("windows", [5, 20, 100])
def test_waits_of_random_events_keep_to_their_law(windows):
    rng = np.random.default_rng(windows)
    past, now = rng.exponential(140.0, (4_000, windows)), rng.exponential(140.0, 4_000)
    nats = np.array([freshness(x, p, 140.0)[0] for x, p in zip(now, past, strict=True)])
    for level in (3.0, 5.0):
        assert (nats > level).mean() <= np.exp(-level) + 3 * np.sqrt(np.exp(-level) / 4_000)


def test_the_evidence_of_a_long_wait_is_that_of_the_f_law():
    """Oracle: an exponential wait by the mean of W others has the F law with 2 and 2W degrees of freedom."""
    past = stats.expon.ppf((np.arange(20) + 0.5) / 20, scale=100.0)  # as even as exponential waits can be
    assert past.var(ddof=1) <= past.mean() ** 2
    wanted = -stats.f.logsf(20_000 / past.mean(), 2, 40) - np.log(2)
    assert freshness(20_000.0, past, 100.0)[0] == pytest.approx(wanted)


@pytest.mark.parametrize("nats", [1.0, 4.0, 9.0])
def test_the_band_is_the_evidence_turned_round(nats):
    rng = np.random.default_rng(3)
    for past in (rng.exponential(100.0, 15), 9_000 + rng.normal(0, 300, 15)):
        low, high = freshness_band(past, 100.0, nats)
        assert low[0] == -np.inf
        assert freshness(high[0], past, 100.0)[0] == pytest.approx(nats)
