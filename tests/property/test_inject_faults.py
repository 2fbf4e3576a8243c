"""Each fault does what it says, to the rows and columns it says, and to a copy alone."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst

from watchkeeper.watch.inject import FAULTS, NEVER_SEEN, On, Setting, UnknownFault, common, faults, lost_value
from watchkeeper.watch.worth import gap, worth

EVERY = {fault.name: fault for fault in FAULTS}
DAY = 86_400_000_000
START = 1_700_006_400_000_000
"""15 November 2023, a midnight."""
COLUMNS = {
    On.CELLS: ("x",),
    On.NUMBERS: ("x",),
    On.PAIRS: ("x", "y"),
    On.VALUES: ("city",),
    On.TEXTS: ("city",),
    On.ROWS: (),
    On.FEATURES: ("x",),
}


@st.composite
def days(draw):
    """The rows of one day: two columns of numbers, a text, a whole number, a label and an event time."""
    n = draw(st.integers(3, 60))
    floats = npst.arrays(np.float64, n, elements=st.floats(-1e6, 1e6))
    times = draw(npst.arrays(np.int64, n, elements=st.integers(START, START + DAY - 1)))
    missing = draw(npst.arrays(np.bool_, n))
    return pa.table(
        {
            "id": pa.array(np.arange(n)),
            "time": pa.array(times).cast(pa.timestamp("us", tz="UTC")),
            "x": pa.array(draw(floats), mask=missing),
            "y": pa.array(draw(floats)),
            "count": pa.array(draw(npst.arrays(np.int64, n, elements=st.integers(-1000, 1000)))),
            "city": pa.array(draw(st.lists(st.sampled_from("abcd"), min_size=n, max_size=n))),
            "label": pa.array(draw(floats)),
        }
    )


def planted(name, rows, columns=None, seed=0, asked=None):
    """The rows with a fault in them."""
    fault = faults([asked or name])[0]
    setting = Setting(rows, "time", "label", START + DAY)
    return fault.plant(rows, COLUMNS[fault.on] if columns is None else columns, setting, np.random.default_rng(seed))


def fit(name, rows):
    """Whether there is anything in these rows for the fault to befall."""
    if name == "lost_category":
        return len(common(rows["city"])) > 1
    return name != "lost_segment" or lost_value(rows["city"]) is not None


@pytest.mark.parametrize("name", EVERY)
@given(days(), st.integers(0, 5))
def test_a_fault_spoils_a_copy_of_its_own_columns_alone_and_the_same_seed_spoils_the_same(name, rows, seed):
    if not fit(name, rows):
        return
    before = pa.table({column: rows[column].to_pylist() for column in rows.column_names}, schema=rows.schema)
    after = planted(name, rows, seed=seed)
    assert rows.equals(before)
    assert after.schema == rows.schema
    assert after.equals(planted(name, rows, seed=seed))
    if len(after) == len(rows):
        mine = (*COLUMNS[EVERY[name].on], *(("time",) if name == "delayed" else ()))
        assert after.drop_columns(list(mine)).equals(rows.drop_columns(list(mine)))


@given(days())
def test_nulls_take_present_values_and_change_no_other(rows):
    after = planted("nulls", rows)
    gone = np.asarray(after["x"].is_null()) & np.asarray(rows["x"].is_valid())
    kept = pa.array(~gone)
    assert after["x"].filter(kept).equals(rows["x"].filter(kept))
    assert gone.sum() >= min(1, len(rows) - rows["x"].null_count)


def test_the_share_of_rows_is_the_one_asked_for():
    n = 20_000
    rows = pa.table({"x": np.arange(n, dtype=float), "city": ["a", "b"] * (n // 2), "label": np.zeros(n)})
    for name, count in (
        ("nulls=0.1", lambda t: t["x"].null_count),
        ("new_category=0.02", lambda t: pc.sum(pc.equal(t["city"], NEVER_SEEN)).as_py()),
        ("outliers=1e6@0.05", lambda t: pc.sum(pc.greater(t["x"], 10 * n)).as_py()),
    ):
        share = float(name.partition("@")[2] or name.partition("=")[2])
        deviation = (share * (1 - share) / n) ** 0.5
        assert count(planted("", rows, asked=name)) / n == pytest.approx(share, abs=5 * deviation)


@given(days())
def test_another_unit_multiplies_each_value(rows):
    after = planted("unit", rows)
    was = rows["x"].drop_null().to_numpy()
    assert np.array_equal(after["x"].drop_null().to_numpy(), was * 1000)
    assert after["x"].is_null().equals(rows["x"].is_null())


@given(days())
def test_columns_that_are_swapped_twice_are_as_they_were(rows):
    once = planted("swapped", rows)
    assert once["x"].equals(rows["y"])
    assert planted("swapped", once).equals(rows)


@given(days())
def test_a_frozen_column_holds_one_value_which_halves_the_values(rows):
    after = planted("frozen", rows, ("count",))
    (value,) = set(after["count"].to_pylist())
    was = rows["count"].to_numpy()
    assert (was <= value).sum() >= len(was) / 2 <= (was >= value).sum() + 1
    assert value in was


@given(days())
def test_a_lost_value_is_gone_and_its_rows_have_the_second(rows):
    values = common(rows["city"])
    if len(values) < 2:
        return
    (most, share), (second, other) = values[:2]
    after = planted("lost_category", rows)["city"].to_pylist()
    assert most.as_py() not in after
    assert after.count(second.as_py()) == round((share + other) * len(rows))


@given(days())
def test_a_lost_segment_takes_exactly_the_rows_of_one_value(rows):
    lost = lost_value(rows["city"])
    if lost is None:
        return
    after = planted("lost_segment", rows)
    assert after.equals(rows.filter(pc.not_equal(rows["city"], lost[0])))
    assert len(rows) - len(after) == round(lost[1] * len(rows)) <= len(rows) / 2


@given(days())
def test_half_of_the_rows_are_lost_or_come_twice(rows):
    half, ids = round(len(rows) / 2), set(rows["id"].to_pylist())
    fewer, more = planted("lost_rows", rows)["id"].to_pylist(), planted("duplicates", rows)["id"].to_pylist()
    assert len(fewer) == len(set(fewer)) == len(rows) - half
    assert set(fewer) <= ids == set(more)
    assert len(more) == len(rows) + half
    assert max(map(more.count, more)) <= 2


@given(days())
def test_delayed_rows_are_the_last_third_and_come_in_the_next_window(rows):
    after = planted("delayed", rows)
    was, now = (t["time"].cast(pa.int64()).to_numpy() for t in (rows, after))
    late = now >= START + DAY
    assert late.sum() == round(len(rows) / 3)
    assert np.array_equal(now[~late], was[~late])
    if late.any() and not late.all():
        assert was[late].min() >= was[~late].max()
    assert (now < START + 2 * DAY).all()


@pytest.mark.parametrize("values", [np.arange(5_000.0) % 97, np.arange(5_000) % 3])
def test_shift_and_spread_change_by_the_size_asked_for_in_whole_numbers_too(values):
    rows = pa.table({"x": values})
    error = 5 * values.std() / len(values) ** 0.5
    shifted = planted("", rows, asked="mean_shift=-0.25")["x"].to_numpy()
    assert shifted.dtype == values.dtype
    assert shifted.mean() - values.mean() == pytest.approx(-0.25 * values.std(), abs=error)
    wider = planted("", rows, asked="variance=4")["x"].to_numpy()
    assert wider.mean() == pytest.approx(values.mean(), abs=2 * error)
    rounding = 0.25 if values.dtype.kind == "i" else 0.0
    assert wider.var() == pytest.approx(4 * values.var(), rel=0.05, abs=rounding)


def test_a_leaking_feature_follows_the_label_and_keeps_its_own_mean_and_spread():
    generator = np.random.default_rng(0)
    rows = pa.table({"x": generator.normal(50, 3, 4_000), "label": generator.normal(0, 1, 4_000)})
    assert abs(np.corrcoef(rows["x"], rows["label"])[0, 1]) < 0.1
    after = planted("leak", rows)["x"].to_numpy()
    # Noise of 0.1 sd beside a label of 1 sd: a correlation of 1/sqrt(1.01).
    assert np.corrcoef(after, rows["label"])[0, 1] == pytest.approx(1 / 1.01**0.5, abs=0.005)
    assert after.mean() == pytest.approx(50, abs=0.3)
    assert after.std() == pytest.approx(3, rel=0.05)


def test_large_whole_numbers_that_are_not_spoiled_keep_their_last_digit():
    rows = pa.table({"x": pa.array([2**62 + 1, 3, 4, 5])})
    after = planted("", rows, asked="outliers=10@0.0001", seed=2)["x"].to_pylist()
    kept = [value for value, was in zip(after, rows["x"].to_pylist(), strict=True) if value == was]
    assert len(kept) == 3


@given(npst.arrays(np.float64, st.integers(5, 40), elements=st.floats(-5, 5)), st.data())
def test_the_gap_between_distributions_is_that_of_scipy(one, data):
    from scipy import stats

    other = data.draw(npst.arrays(np.float64, st.integers(5, 40), elements=st.floats(-5, 5)))
    assert gap(one, other) == pytest.approx(stats.ks_2samp(one, other, method="asymp").statistic)


def test_faults_that_change_too_little_for_an_alarm_are_not_worth_planting():
    generator = np.random.default_rng(0)
    n = 5_000
    rows = pa.table(
        {
            "x": generator.normal(0, 1, n),
            "zero": np.where(np.arange(n) % 50 == 0, 1.0, 0.0),
            "one": np.ones(n),
            "twin": generator.normal(0, 1, n),
            "city": generator.choice(["a", "b"], n, p=[0.99, 0.01]),
        }
    )

    def is_worth(asked, *columns):
        return worth(faults([asked])[0], columns, Setting(rows), np.random.default_rng(0))

    assert is_worth("mean_shift", "x")
    assert not is_worth("mean_shift=0.05", "x")
    assert not is_worth("unit", "zero")
    assert not is_worth("frozen", "one")
    assert not is_worth("swapped", "x", "twin")
    assert is_worth("swapped", "x", "zero")
    assert is_worth("lost_category", "city")
    assert not is_worth("lost_segment", "city")
    assert is_worth("nulls", "one")
    assert not is_worth("nulls=0.005", "one")
    assert is_worth("lost_rows")
    assert not is_worth("lost_rows=0.1")


def test_faults_are_asked_for_by_name_size_and_share():
    assert [one.name for one in faults(["default"])] == [one.name for one in FAULTS]
    assert [one.wanted for one in faults(["mean-shift=0.25@0.5", "nulls=0.1", "frozen"])] == [
        "mean_shift=0.25@0.5",
        "nulls=0.1",
        "frozen",
    ]
    assert len(faults(["default", "nulls=0.3", "nulls=0.1"])) == len(FAULTS) + 1
    for one in FAULTS:
        assert faults([one.wanted])[0].wanted == one.wanted
        assert "{" not in one.told


@pytest.mark.parametrize(
    ("asked", "word"),
    [
        ("nuls", "Did you mean nulls"),
        ("meteor", "default"),
        ("nulls=3", "share of rows"),
        ("nulls=0.1@0.2", "no size"),
        ("variance=0", "above 0"),
        ("mean_shift=much", "no number"),
        ("mean_shift=nan", "can't be planted"),
    ],
)
def test_a_fault_that_is_asked_for_wrongly_is_explained(asked, word):
    with pytest.raises(UnknownFault, match=word):
        faults([asked])
