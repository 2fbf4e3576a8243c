"""What `show` tells of a profile file."""

from __future__ import annotations

import io
import json
from dataclasses import replace

import numpy as np
import pyarrow as pa
import pytest
from rich.console import Console

from watchkeeper.model import Column, Model, Role, Type
from watchkeeper.profiles import ProfileFile, Slice, TimeWindows, event_times, fit, profile
from watchkeeper.profiles.text import empty_texts
from watchkeeper.report import print_profiles, profiles_json
from watchkeeper.report.sampled_rows import NoSample

HOUR = 3_600_000_000
UTC = pa.timestamp("us", tz="UTC")
COUNT = Column(type=Type.INTEGER)
MODEL = Model(
    name="orders",
    columns={
        "id": Column(type=Type.STRING, role=Role.ID, drift=False),
        "at": Column(type=Type.TIMESTAMP, role=Role.TIMESTAMP),
        "stock": Column(type=Type.TIMESTAMP),
        "city": Column(type=Type.STRING),
        "mail": Column(type=Type.STRING, drift=False, pii=True),
        "x": Column(type=Type.NUMBER),
    },
)


def orders(model=MODEL):
    """Forty hours of orders, cut by day."""
    hours = range(40)
    table = pa.table(
        {
            "id": [f"order-{i:03d}" for i in hours],
            "at": pa.array([i * HOUR for i in hours]).cast(UTC),
            "stock": pa.array([(i - 72) * HOUR for i in hours]).cast(UTC),
            "city": ["Oslo", "Bergen", "\x1b[31mÅl", "Oslo"] * 10,
            "mail": [f"ann{i}@example.org" for i in hours],
            "x": [float("nan"), float("inf"), 2.5, None] * 10,
        }
    )
    at, slices = TimeWindows("day").cut(*event_times(table, "at"), np.arange(1, 41))
    return ProfileFile(profile(fit(model, [table]), table, at, slices), model, "time")


def shown(file, columns=(), *, width=130, rows=0):
    console = Console(file=io.StringIO(), width=width, color_system=None)
    print_profiles(file, columns, console, rows)
    return console.file.getvalue()


@pytest.mark.parametrize("width", [80, 130])
def test_texts_have_their_lengths_and_their_most_common_format(width):
    page = shown(orders(), width=width)
    assert "9 characters, 100 % letters and digits" in page
    assert "4 to 7 characters, 75 % mixed; Oslo: 50 %" in " ".join(page.split())
    assert "16 to 17 characters, 100 % email" in page
    assert "ann" not in page


def test_times_are_as_old_as_they_were_when_the_last_window_ended():
    page = shown(orders())
    assert "freshness 9 h 0 min" in page
    assert "freshness 3 days" in page
    assert "freshness 1 h 0 min" in shown(orders(), ["at"])


def test_rows_of_the_sample_are_shown_without_personal_columns_and_inert():
    page = shown(orders(), rows=32)
    last = page.split("of the sample")[1]
    assert last.count("order-") == 32
    assert "1970-01-02 11:00:00" in last
    assert "without `mail`" in last
    assert max(map(len, page.splitlines())) <= 130
    assert "@example.org" not in page
    assert "\x1b[31m" not in page
    assert "of the sample" not in shown(orders())


@pytest.mark.parametrize("width", [40, 60, 80, 100, 130])
@pytest.mark.parametrize("columns", [(), ("at", "city")])
def test_nothing_is_cut_off_on_a_narrow_terminal(width, columns):
    page = shown(orders(), columns, width=width, rows=3)
    assert "…" not in page
    assert max(map(len, page.splitlines())) <= width
    assert [head for head in ("rows", "missing", "distinct", "median", "highest", "details") if head not in page] == []


def test_what_is_no_number_counts_as_missing_and_infinity_as_invalid_as_the_checks_have_it():
    entry = next(e for e in json.loads(profiles_json(orders()))["columns"] if e["column"] == "x")
    assert (entry["null_share"], entry["invalid_share"]) == (0.5, 0.25)


def test_rows_of_the_sample_are_written_as_data_have_them():
    model = Model(name="m", columns={"n": COUNT, "x": Column(type=Type.NUMBER)})
    table = pa.table({"n": [15909, -7], "x": [0.8341, 1234567.5]})
    file = profile(fit(model, [table]), table, np.zeros(2, dtype=np.int64), [Slice()])
    cells = shown(ProfileFile(file, model, "one"), rows=2).split("of the sample")[1].split()
    assert {"15909", "-7", "0.8341", "1234567.5"} <= set(cells)


def test_a_segment_has_a_column_of_its_own_and_is_masked_where_it_is_personal():
    def page(*, pii):
        model = Model(name="m", segments=["city"], columns={"city": Column(type=Type.STRING, pii=pii), "x": COUNT})
        table = pa.table({"city": ["Oslo", "Bergen"] * 20, "x": range(40)})
        at, slices = np.array([0, 1] * 20), [Slice(segment="city=Bergen"), Slice(segment="city=Oslo")]
        return shown(ProfileFile(profile(fit(model, [table]), table, 1 - at, slices), model, "one"), ["x"])

    assert "city=Oslo" in page(pii=False)
    hidden = page(pii=True)
    assert "city=(masked 1)" in hidden
    assert "Oslo" not in hidden


def test_json_names_no_segment_of_a_personal_column():
    model = Model(name="m", segments=["city"], columns={"city": Column(type=Type.STRING, pii=True), "x": COUNT})
    table = pa.table({"city": ["Oslo", "Bergen"] * 20, "x": range(40)})
    at, slices = np.array([1, 0] * 20), [Slice(segment="city=Bergen"), Slice(segment="city=Oslo")]
    file = ProfileFile(profile(fit(model, [table]), table, at, slices), model, "one")
    text = profiles_json(file, ["x"])
    assert "Oslo" not in text
    assert {entry["segment"] for entry in json.loads(text)["columns"]} == {"city=(masked 1)", "city=(masked 2)"}


def test_rows_of_a_personal_column_alone_are_an_error_in_words():
    with pytest.raises(NoSample, match="`mail`: personal columns are left out"):
        shown(orders(), ["mail"], rows=3)


def test_profiles_without_a_window_are_a_table_of_nothing():
    file = orders()
    page = shown(replace(file, profiles=file.profiles.onto([])))
    assert "0 rows in 0 windows" in page
    assert "city" in page


def test_json_has_the_same_and_can_be_parsed_by_anything():
    made = json.loads(profiles_json(orders(), rows=5), parse_constant=pytest.fail)
    entries = {entry["column"]: entry for entry in made["columns"]}
    assert entries["city"]["formats"] == {"mixed": 0.75, "non_ascii": 0.25}
    assert (entries["id"]["shortest"], entries["id"]["longest"], entries["id"]["mean_length"]) == (9, 9, 9.0)
    assert (entries["at"]["freshness"], entries["stock"]["freshness"]) == (9 * 3600.0, 72 * 3600.0)
    assert len(made["sample"]) == 5
    assert made["sample"][0].keys() == MODEL.columns.keys() - {"mail"}
    assert "sample" not in json.loads(profiles_json(orders()))


def test_an_empty_text_column_says_nothing_about_formats():
    file = orders()
    empty = {name: empty_texts(2) for name in file.profiles.texts}
    page = shown(replace(file, profiles=replace(file.profiles, texts=empty)))
    assert "characters" not in page


def test_rows_of_a_file_that_has_none_are_an_error_in_words():
    file = orders()
    bare = replace(file, profiles=replace(file.profiles, sample=None))
    with pytest.raises(NoSample, match="Profile the data again"):
        shown(bare, rows=3)
    assert "order" in shown(bare)
