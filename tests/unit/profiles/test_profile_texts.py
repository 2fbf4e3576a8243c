"""How texts are written: lengths and formats of each slice, on real rows and on awkward ones."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from watchkeeper.model import Column, Model, Role, Type
from watchkeeper.profiles import FORMATS, Slice, TimeWindows, event_times, fit, merge, profile
from watchkeeper.profiles.text_format import formats

AIR = Path(__file__).parents[2] / "data" / "air_quality.parquet"
ALL = [Slice(label="all")]


def classes(*texts):
    array = pa.array(texts, pa.string())
    return [FORMATS[i] for i in formats(array, np.asarray(pc.utf8_length(array)).astype(np.int64))]


@pytest.mark.parametrize(
    ("format", "texts"),
    {
        "empty": [""],
        "blank": [" ", "\t\n"],
        "padded": [" Oslo", "Oslo ", " 12", " é"],
        "non_ascii": ["São Paulo", "日本", "12 €"],
        "digits": ["0", "20240131", "0" * 60],
        "number": ["-1.5", "+5", "1,234.5", "1.234,50", ".5", "5.", "1.5E-3"],
        "date_year_first": ["2024-01-31", "2024/1/3", "2024-01-31T12:00:00Z", "2024-01-31 12:00:00.5+02:00"],
        "date_year_last": [
            "31-01-2024",
            "1/31/24",
            "31.01.2024 17:30",
            "5 Jan 2024",
            "5-Jan-24",
            "5. Mai 24",
            "10.11.12",
        ],
        "time": ["12:30", "3:30 pm", "12:30:15.25", "18.00.00", "0.30.00"],
        "uuid": ["9dcf5b3c-7f2e-4b1a-9f0e-0123456789ab", "9DCF5B3C-7F2E-4B1A-9F0E-0123456789AB"],
        "email": ["ann@example.org", "a.b+c@mail.example.org"],
        "url": ["https://example.org/a?b=c", "s3://bucket/key"],
        "lower": ["oslo", "new york", "self-employed"],
        "upper": ["OSLO", "NEW YORK", "N_A"],
        "mixed": ["Oslo", "O'Neil", "iPhone"],
        "letters_and_digits": ["v17", "A-12", "11th", "1e5"],
        "other": ["<=50K", "a,b", "?", "-", "1.2.3", "192.168.1.1", "1 000", "a@b", "a b@c.org", "=1+1", "\x00"],
    }.items(),
)
def test_a_text_has_the_format_that_one_would_say(format, texts):
    assert set(classes(*texts)) == {format}
    assert classes(*texts[::-1], "x", *texts)[: len(texts)] == [format] * len(texts)


def test_a_sensor_that_turns_from_text_in_one_form_into_another_shows_day_by_day():
    table = pq.read_table(AIR)
    stamp = next(name for name, kind in zip(table.column_names, table.schema.types, strict=True) if "time" in str(kind))
    times = table[stamp].cast(pa.timestamp("us", tz="UTC")).slice(0, 14 * 24)
    days = pc.strftime(times, "%Y-%m-%d")
    changed = pc.if_else(pc.greater_equal(days, days[7 * 24]), pc.strftime(times, "%d/%m/%Y"), days)
    rows = pa.table({"t": times, "day": changed.combine_chunks().dictionary_encode()})
    columns = {"t": Column(type=Type.TIMESTAMP, role=Role.TIMESTAMP), "day": Column(type=Type.STRING)}
    edges = fit(Model(name="air", columns=columns), [rows])
    at, slices = TimeWindows("day").cut(*event_times(rows, "t"), np.arange(1, len(rows) + 1))
    profiles = profile(edges, rows, at, slices)
    firsts = [profiles.texts["day"].most_common(place)[0][0] for place in range(len(profiles.slices))]
    assert firsts[:7] == ["date_year_first"] * 7
    assert firsts[-6:] == ["date_year_last"] * 6
    assert set(profiles.texts["day"].longest.tolist()) == {10}


def test_lengths_are_counted_in_characters_and_missing_texts_not_at_all():
    table = pa.table({"c": ["é", None, "日本語", "abcd", None], "key": pa.array(["k1", "k22", None, "", "k4444"])})
    columns = {"c": Column(type=Type.STRING), "key": Column(type=Type.STRING, role=Role.ID, drift=False)}
    profiles = profile(fit(Model(name="m", columns=columns), [table]), table, np.array([0, 0, 0, 1, 2]), ALL * 3)
    text, key = profiles.texts["c"], profiles.texts["key"]
    assert (text.shortest.tolist(), text.longest.tolist()) == ([1, 4, -1], [3, 4, -1])
    assert (text.characters.tolist(), text.texts.tolist()) == ([4, 4, 0], [2, 1, 0])
    assert text.mean[:2].tolist() == [2.0, 4.0]
    assert np.isnan(text.mean[2])
    assert key.formats[1, FORMATS.index("empty")] == 1
    assert (key.shortest[1], key.longest[1]) == (0, 0)


def test_values_that_a_dictionary_holds_but_no_row_has_do_not_count():
    values = pa.DictionaryArray.from_arrays(
        pa.array([1, 1, None], pa.int32()), ["a very long text indeed", "b", "c", "d"]
    )
    columns = {"c": Column(type=Type.STRING)}
    table = pa.table({"c": values})
    text = profile(fit(Model(name="m", columns=columns), [table]), table, np.zeros(3, int), ALL).texts["c"]
    assert (text.longest[0], text.texts[0]) == (1, 2)


def test_only_columns_declared_as_text_have_formats_and_old_profiles_without_any_can_still_be_added():
    columns = {
        "c": Column(type=Type.STRING),
        "n": Column(type=Type.INTEGER, categorical=True),
        "ok": Column(type="boolean"),
    }
    table = pa.table({"c": ["a"], "n": [1], "ok": [True]})
    made = profile(fit(Model(name="m", columns=columns), [table]), table, np.zeros(1, int), ALL)
    assert list(made.texts) == ["c"]
    old = replace(made, texts={}, sample=None)
    for both in (merge([made, old]), merge([old, made])):
        assert both.texts == {}
        assert both.sample is None
        assert both.rows.tolist() == [2]
