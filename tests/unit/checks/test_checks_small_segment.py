"""A baseline with fewer rows than bins, such as a segment's, raises no alarm by the bins that it leaves empty."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

from watchkeeper.checks import shape
from watchkeeper.checks.run import measured
from watchkeeper.model import Column, Model, Type
from watchkeeper.profiles import Baseline, Slice, fit, profile

MODEL = Model(name="m", columns={"x": Column(type=Type.NUMBER)})


def nats(whole, before, now):
    edges = fit(MODEL, [pa.table({"x": whole})])

    def counted(values):
        return profile(edges, pa.table({"x": values}), np.zeros(len(values), dtype=np.int64), [Slice()])

    (found,) = measured(counted(now), Baseline(counted(before), "one"), [shape.CHECK])
    return float(found.evidence[0])


@pytest.mark.parametrize(("before", "now"), [(168, 34), (400, 60), (1_000, 100)])
def test_chance_fills_empty_bins_of_a_small_baseline(before, now):
    rng = np.random.default_rng(7)
    quiet = [nats(rng.normal(size=2_500), rng.normal(size=before), rng.normal(size=now)) for _ in range(40)]
    assert np.mean(np.array(quiet) > 3) < 0.2


def test_a_value_beyond_the_baseline_is_still_seen():
    rng = np.random.default_rng(7)
    before = rng.normal(size=2_500)
    now = np.where(rng.random(400) < 0.3, before.max() + 1, rng.normal(size=400))
    assert nats(before, before, now) > 50
