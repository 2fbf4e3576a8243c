"""A profile over chosen windows is the sum of these windows, merged one by one."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

from watchkeeper.model import Column, Model, Type
from watchkeeper.profiles import Profiles, Slice, fit, merge, profile
from watchkeeper.profiles.chosen import Chosen, apart, before, everything

MODEL = Model(
    name="m",
    columns={
        "x": Column(type=Type.NUMBER),
        "k": Column(type=Type.INTEGER),
        "c": Column(type=Type.STRING),
        "flag": Column(type=Type.BOOLEAN),
    },
)
SCHEMA = pa.schema({"x": pa.float64(), "k": pa.int64(), "c": pa.string(), "flag": pa.bool_()})

rows = some.fixed_dictionaries(
    {
        "x": some.one_of(
            some.none(), some.floats(-1e6, 1e6), some.sampled_from([np.inf, -np.inf, np.nan, 0.0, -0.0, 1.5])
        ),
        "k": some.one_of(some.none(), some.integers(-1_000, 1_000), some.integers(0, 3)),
        "c": some.one_of(some.none(), some.text(max_size=2), some.sampled_from(["a", "b", "new"])),
        "flag": some.one_of(some.none(), some.booleans()),
    }
)


def windows_of(listed, at, many, fitted) -> Profiles:
    table = pa.Table.from_pylist(listed, schema=SCHEMA)
    edges = fit(MODEL, [table.slice(0, fitted)])
    slices = tuple(Slice(i, i + 1) for i in range(many))
    return profile(edges, table, np.array(at), slices)


@some.composite
def cut_rows(draw):
    """Rows in a few windows, some of them empty; the edges know only the first rows."""
    listed = draw(some.lists(rows, min_size=1, max_size=25))
    many = draw(some.integers(1, 6))
    at = [draw(some.integers(0, many - 1)) for _ in listed]
    return windows_of(listed, at, many, draw(some.integers(1, len(listed))))


@some.composite
def two_runs(draw, many):
    ends = some.tuples(*[some.integers(0, many)] * 2).map(sorted)
    runs = [[*draw(ends), *draw(ends)] for _ in range(draw(some.integers(1, 4)))]
    return Chosen(np.array(draw(some.permutations(range(many)))), np.array(runs))


def by_name(column, i):
    """How often each value stands in slice i."""
    values = [*column.edges.values, *column.others]
    return {values[code]: n for at, code, n in zip(column.at, column.code, column.count, strict=True) if at == i}


def assert_slice_is(found, i, one):
    """Slice i of a column is what the profile of one slice says."""
    for count in ("null", "invalid", "nan", "positive_infinity", "negative_infinity", "zero", "negative", "counts"):
        if hasattr(one, count):
            np.testing.assert_array_equal(getattr(found, count)[i], getattr(one, count)[0], err_msg=count)
    if hasattr(one, "counts"):
        np.testing.assert_array_equal([found.minimum[i], found.maximum[i]], [one.minimum[0], one.maximum[0]])
        np.testing.assert_allclose(found.total[i].sum(), one.total[0].sum(), rtol=1e-9, atol=1e-6)
        np.testing.assert_allclose(found.squares[i].sum(), one.squares[0].sum(), rtol=1e-9, atol=1e-1)
    else:
        assert by_name(found, i) == by_name(one, 0)
        assert [found.unseen[i], found.valid[i]] == [one.unseen[0], one.valid[0]]


@settings(max_examples=60)
@given(cut_rows(), some.data())
def test_a_profile_over_windows_is_their_merged_sum_and_leaves_out_what_is_not_kept(profiles, data):
    many = len(profiles.slices)
    chosen = data.draw(two_runs(many))
    kept = np.array(data.draw(some.lists(some.booleans(), min_size=many, max_size=many)))
    places = [[*chosen.order[a:b].tolist(), *chosen.order[c:d].tolist()] for a, b, c, d in chosen.runs.tolist()]
    empty = profiles.regrouped(lambda _: None).onto([Slice()])
    alone = [profiles.regrouped(lambda at, i=i: Slice() if at == profiles.slices[i] else None) for i in range(many)]
    summed = [merge([empty, *(alone[j] for j in listed if kept[j])]) for listed in places]
    for name, column in profiles.columns.items():
        found = column.over(chosen, kept)
        for i, one in enumerate(summed):
            assert_slice_is(found, i, one.columns[name])


@settings(max_examples=30)
@given(cut_rows())
def test_over_everything_is_the_whole(profiles):
    kept = np.ones(len(profiles.slices), dtype=bool)
    for name, column in profiles.columns.items():
        assert_slice_is(column.over(everything(len(kept)), kept), 0, profiles.whole.columns[name])


@pytest.mark.parametrize("chosen", [apart(8), before(8, 3)])
def test_mean_and_spread_over_windows_are_those_of_their_rows(chosen):
    generator = np.random.default_rng(3)
    x, at = generator.normal(1e5, 2.0, 400), np.repeat(np.arange(8), 50)
    listed = [{"x": v, "k": None, "c": None, "flag": None} for v in x.tolist()]
    found = windows_of(listed, at, 8, 400).columns["x"].over(chosen, np.ones(8, dtype=bool))
    looked_at = 0
    for i, row in enumerate(chosen.total(np.eye(8, dtype=np.int64))):
        mine = x[np.isin(at, np.flatnonzero(row))]
        if len(mine):
            looked_at += 1
            assert found.mean[i] == pytest.approx(mine.mean(), rel=1e-12)
            assert found.sd[i] == pytest.approx(mine.std(ddof=1), rel=1e-9)
        else:
            assert np.isnan([found.mean[i], found.sd[i], found.minimum[i], found.maximum[i]]).all()
    assert looked_at >= 7


def test_a_window_of_huge_numbers_does_not_blind_the_sums_over_others():
    x = [1.0, 2.0, 1e200, 1e200, 3.0, 5.0]
    listed = [{"x": v, "k": None, "c": None, "flag": None} for v in x]
    column = windows_of(listed, [0, 0, 1, 1, 2, 2], 3, 6).columns["x"]
    found = column.over(Chosen(np.arange(3), np.array([[0, 1, 2, 3], [2, 3, 0, 0]])), np.ones(3, dtype=bool))
    assert found.mean.tolist() == pytest.approx([11 / 4, 4.0])
