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
from watchkeeper.profiles import ProfileFile, TimeWindows, event_times, fit, profile
from watchkeeper.profiles.text import empty_texts
from watchkeeper.report import print_profiles, profiles_json
from watchkeeper.report.sampled_rows import NoSample

HOUR = 3_600_000_000
UTC = pa.timestamp("us", tz="UTC")
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
    assert "4 to 7 characters, 75 % mixed; Oslo 50 %" in page.replace("\n", " ")
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
    assert "1 January 1970 0" in last
    assert max(map(len, page.splitlines())) <= 130
    assert "@example.org" not in page
    assert "\x1b[31m" not in page
    assert "of the sample" not in shown(orders())


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
