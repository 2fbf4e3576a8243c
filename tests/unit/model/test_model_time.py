"""Times written as text: read strictly, and their format told from the evidence of all values."""

from __future__ import annotations

from datetime import datetime, timedelta

import pyarrow as pa
import pytest

from watchkeeper.model import Type, read_times
from watchkeeper.model.java_time import from_java
from watchkeeper.model.reading import read_column
from watchkeeper.model.time_format import format_fault


def one(text: str, format: str) -> datetime | None:
    return read_times(pa.array([text]), format)[0].as_py()


@pytest.mark.parametrize(
    ("text", "format", "iso"),
    [
        ("03-09-2013", "%d-%m-%Y", "2013-09-03"),
        ("3/9/13", "%d/%m/%y", "2013-09-03"),
        ("1/2/99 12:05 AM", "%m/%d/%y %I:%M %p", "1999-01-02T00:05"),
        ("1/2/68 1:05 pm", "%m/%d/%y %I:%M %p", "2068-01-02T13:05"),
        ("03 SEP 2013", "%d %b %Y", "2013-09-03"),
        ("September 3, 2013", "%B %d, %Y", "2013-09-03"),
        ("20130903T101112", "%Y%m%dT%H%M%S", "2013-09-03T10:11:12"),
        ("10/03/2004 18.00.00", "%d/%m/%Y %H.%M.%S", "2004-03-10T18:00"),
        ("2013-09", "%Y-%m", "2013-09-01"),
        ("2013-09-03", "iso8601", "2013-09-03"),
        ("2013-09-03T10:11:12.123456789Z", "iso8601", "2013-09-03T10:11:12.123456"),
        ("2013-09-03 10:11:12+01:30", "iso8601", "2013-09-03T08:41:12"),
        ("1378166400", "epoch_s", "2013-09-03"),
        ("1378166400123", "epoch_ms", "2013-09-03T00:00:00.123"),
        ("29-02-2012", "%d-%m-%Y", "2012-02-29"),
        ("01-01-1700", "%d-%m-%Y", "1700-01-01"),
    ],
)
def test_a_time_is_read_as_its_format_says(text, format, iso):
    assert one(text, format) == datetime.fromisoformat(iso)


@pytest.mark.parametrize(
    ("text", "format"),
    [
        ("31-02-2013", "%d-%m-%Y"),
        ("29-02-2013", "%d-%m-%Y"),
        ("13/13/2013", "%d/%m/%Y"),
        ("03-09-2013x", "%d-%m-%Y"),
        ("03-09-13", "%d-%m-%Y"),
        ("2013090", "%Y%m%d"),
        ("2013-09-03T24:00", "iso8601"),
        ("2013-9-3", "iso8601"),
        ("9999-12-31T23:59:59-01:00", "iso8601"),
        ("0000-01-01", "%Y-%m-%d"),
        ("13:00 PM 1/2/13", "%I:%M %p %m/%d/%y"),
        ("1e9", "epoch_s"),
        ("99999999999999", "epoch_s"),
        ("", "%d-%m-%Y"),
    ],
)
def test_what_is_no_such_time_or_does_not_exist_is_none(text, format):
    assert one(text, format) is None


def test_a_missing_cell_stays_missing():
    assert read_times(pa.array([None, "01-01-2013"]), "%d-%m-%Y").null_count == 1


def test_a_format_says_what_is_wrong_with_it():
    assert format_fault("%d-%m-%Y") is None
    assert format_fault("epoch_ms") is None
    assert "%j is not read" in str(format_fault("%Y-%m-%j"))
    assert "twice" in str(format_fault("%Y-%m-%m"))
    assert "no year and month" in str(format_fault("nonsense"))


def guessed(*texts: str | None, name: str = "when") -> tuple[Type, str | None, float]:
    read = read_column(name, pa.array(texts), lexical=True)
    note = read.notes.get("format")
    return read.type, read.fields.get("format"), note.confidence if note and note.confidence else 0.0


def days(first: str, count: int, format: str) -> list[str]:
    begin = datetime.fromisoformat(first)
    return [(begin + timedelta(days=day)).strftime(format) for day in range(count)]


@pytest.mark.parametrize(
    "format",
    [
        "%d-%m-%Y",
        "%m/%d/%Y",
        "%d.%m.%Y",
        "%Y/%m/%d",
        "%Y-%m-%d",
        "%Y%m%d",
        "%d.%m.%y",
        "%d %b %Y",
        "%B %d, %Y",
        "%d/%m/%Y %H:%M",
        "%m/%d/%y %I:%M %p",
        "%Y-%m-%d %H:%M:%S",
        "%d/%m/%Y %H.%M.%S",
    ],
)
def test_the_format_is_told_from_a_year_of_days(format):
    kind, found, sure = guessed(*days("2013-01-01", 365, format))
    assert (kind, found) == (Type.TIMESTAMP, format)
    assert sure > 0.85


@pytest.mark.parametrize(
    "texts",
    [
        ["2013-01-02T03:04:05Z", "2013-01-02T03:04:05.5Z"],
        ["2013-01-02 03:04:05+00:00", "2013-01-03 03:04:05.123+00:00"],
        ["2013-01-02 03:04:05", "2013-01-03 03:04:05.123"],
    ],
)
def test_times_with_zones_or_fractions_are_iso8601(texts):
    assert guessed(*texts)[:2] == (Type.TIMESTAMP, "iso8601")


def test_one_day_above_the_twelfth_decides_what_stands_first():
    texts = ["05/06/2013"] * 500 + ["05/13/2013"]
    assert guessed(*texts)[1] == "%m/%d/%Y"


@pytest.mark.parametrize("format", ["%d/%m/%Y", "%m/%d/%Y"])
def test_where_both_orders_fit_the_steadier_is_taken_and_doubt_is_stated(format):
    read = read_column("when", pa.array(days("2013-02-01", 12, format)), lexical=True)
    note = read.notes["format"]
    assert read.fields["format"] == format
    assert note.confidence is not None
    assert note.confidence < 0.6
    assert "would fit too" in note.reason


@pytest.mark.parametrize(
    "texts",
    [
        ["1.2.10", "1.2.11", "1.3.12"],
        ["10.2.15.1", "10.2.15.2"],
        ["555-12-3456", "555-13-1111"],
        ["12.05", "13.06"],
        ["18.00.00", "19.00.00"],
        ["99/99/9999", "88/88/8888"],
    ],
)
def test_versions_addresses_and_clock_times_are_no_dates(texts):
    assert guessed(*texts, name="x")[0] is not Type.TIMESTAMP


def test_counts_since_1970_need_a_name_that_speaks_of_time():
    counts = ["1378166400", "1378166460", "1378166520"]
    assert guessed(*counts, name="ts")[:2] == (Type.TIMESTAMP, "epoch_s")
    assert guessed(*counts, name="bytes")[0] is Type.INTEGER
    stored = read_column("created_at", pa.array([1378166400123, 1378166460123]), lexical=False)
    assert (stored.type, stored.fields["format"]) == (Type.TIMESTAMP, "epoch_ms")


@pytest.mark.parametrize(
    ("java", "ours"),
    [
        ("yyyy-MM-dd", "%Y-%m-%d"),
        ("dd.MM.yyyy HH:mm", "%d.%m.%Y %H:%M"),
        ("yyyy-MM-dd HH:mm:ss", "%Y-%m-%d %H:%M:%S"),
        ("yyyy-MM-dd HH:mm:ss.SSS", "%Y-%m-%d %H:%M:%S.%f"),
        ("yyyy-MM-dd'T'HH:mm:ss[.SSS][XXX]", "iso8601"),
        ("dd.MM.yyyy[ HH:mm]", None),
        ("yyyy-MM-dd'T'HH:mm:ssXXX", "%Y-%m-%dT%H:%M:%S%z"),
        ("yyyy-MM-ddTHH:mm:ssZ", "%Y-%m-%dT%H:%M:%S%z"),
        ("d MMM yyyy", "%d %b %Y"),
        ("hh 'o''clock' a, dd/MM/yy", "%I o'clock %p, %d/%m/%y"),
        ("HH:mm:ss", None),
        ("yyyy-'W'ww", None),
    ],
)
def test_formats_of_java_are_understood(java, ours):
    assert from_java(java) == ours
