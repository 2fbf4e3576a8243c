"""Merging profiles is addition: any split of the rows, in any order, gives the same profile."""

from __future__ import annotations

from functools import reduce
from itertools import pairwise

import numpy as np
import pyarrow as pa
from hypothesis import given, settings
from hypothesis import strategies as st

from watchkeeper.model import Column, Model, Role, Type
from watchkeeper.profiles import Edges, Profiles, TimeWindows, event_times, fit, merge, profile
from watchkeeper.profiles.codec import ProfileFile, from_table, to_table
from watchkeeper.profiles.segment import split

HOUR = 3_600_000_000

MODEL = Model(
    name="m",
    task="binary",
    columns={
        "t": Column(type=Type.TIMESTAMP, role=Role.TIMESTAMP),
        "x": Column(type=Type.NUMBER),
        "k": Column(type=Type.INTEGER),
        "c": Column(type=Type.STRING),
        "flag": Column(type=Type.BOOLEAN),
        "key": Column(type=Type.STRING, role=Role.ID, drift=False),
        "y": Column(type=Type.INTEGER, role=Role.LABEL),
        "s": Column(type=Type.NUMBER, role=Role.SCORE),
    },
)

rows = st.fixed_dictionaries(
    {
        "t": st.one_of(st.none(), st.integers(0, 5 * HOUR)),
        "x": st.one_of(
            st.none(),
            st.floats(-1e300, 1e300),
            st.sampled_from([np.inf, -np.inf, np.nan]),
            st.sampled_from([0.0, -0.0, 1.5, 1e-300, 1e300]),
        ),
        "k": st.one_of(st.none(), st.integers(-(2**62), 2**62), st.integers(0, 3)),
        "c": st.one_of(st.none(), st.text(max_size=3), st.sampled_from(["a", "b"])),
        "flag": st.one_of(st.none(), st.booleans()),
        "key": st.one_of(st.none(), st.text(max_size=2)),
        "y": st.one_of(st.none(), st.integers(0, 1)),
        "s": st.one_of(st.none(), st.floats(0, 1)),
    }
)
SCHEMA = pa.schema(
    {
        "t": pa.timestamp("us", tz="UTC"),
        "x": pa.float64(),
        "k": pa.int64(),
        "c": pa.string(),
        "flag": pa.bool_(),
        "key": pa.string(),
        "y": pa.int64(),
        "s": pa.float64(),
    }
)


def table(listed: list[dict[str, object]]) -> pa.Table:
    return pa.Table.from_pylist(listed, schema=SCHEMA)


def profiled(edges: Edges, part: pa.Table) -> Profiles:
    times, present = event_times(part, "t")
    at, windows = TimeWindows("hour").cut(times, present, np.arange(1, len(part) + 1))
    at, slices = split(part, at, windows, "c", None)
    return profile(edges, part, at, slices)


def assert_same(a: Profiles, b: Profiles) -> None:
    assert a.slices == b.slices
    assert np.array_equal(a.rows, b.rows)
    for name, column in a.columns.items():
        other = b.columns[name]
        for field in column.__dataclass_fields__:
            x, y = getattr(column, field), getattr(other, field)
            if field in ("total", "squares"):
                with np.errstate(over="ignore", invalid="ignore"):
                    np.testing.assert_allclose(x.sum(axis=1), y.sum(axis=1), rtol=1e-15, atol=1e-290)
            elif isinstance(x, np.ndarray):
                np.testing.assert_array_equal(x, y, err_msg=f"{name}.{field}")
            else:
                assert x == y, f"{name}.{field}"
    assert (a.pairs is None) == (b.pairs is None)
    if a.pairs is not None and b.pairs is not None:
        np.testing.assert_array_equal(a.pairs.sums, b.pairs.sums)
    assert (a.fourier is None) == (b.fourier is None)
    if a.fourier is not None and b.fourier is not None:
        assert a.fourier.sums.tolist() == b.fourier.sums.tolist()
    assert (a.quality is None) == (b.quality is None)
    if a.quality is not None and b.quality is not None:
        assert a.quality.to_arrow().drop_columns(floats(a)).equals(b.quality.to_arrow().drop_columns(floats(b)))

    assert list(a.texts) == list(b.texts) == ["c", "key"]
    for name, text in a.texts.items():
        for field in text.__dataclass_fields__:
            np.testing.assert_array_equal(getattr(text, field), getattr(b.texts[name], field), err_msg=name)
    assert a.sample.at.tolist() == b.sample.at.tolist()
    assert a.sample.hashes.tolist() == b.sample.hashes.tolist()
    assert a.sample.rows.schema == b.sample.rows.schema
    assert repr(a.sample.rows.to_pylist()) == repr(b.sample.rows.to_pylist())


def floats(p: Profiles) -> list[str]:
    quality = p.quality.to_arrow()
    return [f.name for f in quality.schema if "double" in str(f.type)]


@settings(deadline=None, max_examples=60)
@given(
    st.lists(rows, min_size=1, max_size=30), st.lists(st.integers(0, 30), max_size=4), st.randoms(use_true_random=False)
)
def test_any_split_of_the_rows_in_any_order_gives_the_same_profile(listed, cuts, random):
    whole = table(listed)
    edges = fit(MODEL, [whole.slice(0, max(1, len(whole) // 2))])
    borders = [0, *sorted(min(c, len(whole)) for c in cuts), len(whole)]
    parts = [profiled(edges, whole.slice(a, b - a)) for a, b in pairwise(borders)]
    random.shuffle(parts)
    assert_same(reduce(lambda a, b: merge([a, b]), parts), profiled(edges, whole))
    assert_same(merge(parts), profiled(edges, whole))


@settings(deadline=None, max_examples=30)
@given(st.lists(rows, max_size=15), st.lists(rows, max_size=15), st.lists(rows, max_size=15))
def test_merge_is_a_commutative_monoid(a, b, c):
    edges = fit(MODEL, [table(a)])
    p, q, r = (profiled(edges, table(listed)) for listed in (a, b, c))
    empty = profiled(edges, table([]))
    assert_same(merge([p, q]), merge([q, p]))
    assert_same(merge([merge([p, q]), r]), merge([p, merge([q, r])]))
    assert_same(merge([p, empty]), p)


@settings(deadline=None, max_examples=30)
@given(st.lists(rows, min_size=1, max_size=20))
def test_a_profile_file_gives_back_what_went_in(listed):
    profiles = profiled(fit(MODEL, [table(listed)]), table(listed))
    back = from_table(to_table(ProfileFile(profiles, MODEL, "time")), "memory")
    assert back.model == MODEL
    assert back.profiles.edges.id == profiles.edges.id
    assert_same(back.profiles, profiles)
