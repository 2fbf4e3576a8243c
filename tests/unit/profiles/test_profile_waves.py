"""Profile files of older releases stay readable; they only lack what is looked at for all columns together."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from watchkeeper.model import Column, Model, Type
from watchkeeper.profiles import OneWindow, Slice, fit, fourier, profile
from watchkeeper.profiles.edges import EVERY

MODEL = Model(name="m", columns={name: Column(type=Type.NUMBER) for name in ("a", "b")})


def rows(count, seed=0):
    rng = np.random.default_rng(seed)
    return pa.table({"a": rng.normal(size=count), "b": rng.normal(size=count)})


def profiled(edges, table):
    at, slices = OneWindow(Slice()).cut(None, None, np.arange(1, len(table) + 1))
    return profile(edges, table, at, slices)


def test_large_baselines_are_looked_at_in_part_and_small_ones_whole():
    small, large = fit(MODEL, [rows(500)]), fit(MODEL, [rows(4 * fourier.ROWS)])
    assert small.share == EVERY
    assert large.share == EVERY // 4
    looked_at = profiled(large, rows(4 * fourier.ROWS)).fourier.rows[0]
    assert abs(looked_at / fourier.ROWS - 1) < 0.03


def test_a_table_of_one_number_has_none():
    model = Model(name="m", columns={"a": Column(type=Type.NUMBER)})
    assert profiled(fit(model, [rows(100)]), rows(100)).fourier is None
