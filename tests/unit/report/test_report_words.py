"""Numbers, times and foreign text as people read them."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest

from watchkeeper.budget import Change, Finding, Severity
from watchkeeper.report import words


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (0, "0"),
        (-0.0, "0"),
        (0.31234, "0.312"),
        (0.5, "0.5"),
        (99.96, "100"),
        (2012.0, "2,012"),
        (1234567.8, "1,234,568"),
        (-200, "−200"),
        (0.00001234, "1.23e−5"),
        (1e300, "1e300"),
        (math.nan, "–"),
        (None, "–"),
        (-math.inf, "−∞"),
    ],
)
def test_a_number_has_three_significant_digits_and_a_whole_part_that_is_never_rounded(value, shown):
    assert words.number(value) == shown


@pytest.mark.parametrize(
    ("share", "shown"),
    [
        (0.0, "0 %"),
        (1.0, "100 %"),
        (0.31, "31 %"),
        (0.0194, "1.94 %"),
        (0.99999, "99.99 %"),
        (0.9995, "99.95 %"),
        (None, "–"),
    ],
)
def test_nearly_all_is_never_told_as_all(share, shown):
    assert words.percent(share) == shown


@pytest.mark.parametrize(
    ("label", "shown"),
    [
        ("2012-05-02/2012-05-03", "2 May 2012"),
        ("2012-05-01/2012-06-01", "May 2012"),
        ("2012-05-02/2012-05-09", "2–8 May 2012"),
        ("2012-04-28/2012-05-05", "28 April – 4 May 2012"),
        ("2011-12-28/2012-01-04", "28 December 2011 – 3 January 2012"),
        ("2012-05-02T14:00:00/2012-05-02T15:00:00", "2 May 2012 14:00"),
        ("2012-05-02T14:00:00/2012-05-02T15:30:00", "2 May 2012 14:00 – 15:30"),
        ("000002 june.csv", "june.csv"),
        ("june/1.csv", "june/1.csv"),
        (None, "all rows"),
    ],
)
def test_a_window_is_named_as_one_would_say_it(label, shown):
    assert words.window(label) == shown


def test_windows_that_follow_each_other_are_told_as_one():
    assert words.within(words.from_to("2012-05-02/2012-05-03", "2012-05-04/2012-05-05")) == "in 2–4 May 2012"
    assert words.within("2012-05-02/2012-05-03") == "on 2 May 2012"
    assert words.from_to("a.csv", "c.csv") == "a.csv to c.csv"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("\x1b[31mred\x07", "\\x1b[31mred\\x07"),
        ("two\nlines\tand\r", "two\\nlines\\tand\\r"),
        ("\x9b31m", "\\x9b31m"),
        ("invoice\u202egnp.exe", "invoice\\u202egnp.exe"),
        ("zero\u200bwidth", "zero\\u200bwidth"),
        ("\udc80", "\\udc80"),
        ("Größe (m²) – 中文 😀", "Größe (m²) – 中文 😀"),
    ],
)
def test_what_steers_a_terminal_is_shown_and_what_can_be_read_stays(text, shown):
    assert words.inert(text) == shown


def test_a_long_name_keeps_both_its_ends():
    shown = words.inert("sensor_" + "x" * 10_000 + "_17", 40)
    assert len(shown) == 40
    assert shown.startswith("sensor_")
    assert shown.endswith("_17")


@pytest.mark.parametrize("cell", ["=1+1", "+1-1+cmd", "-2+3", "@SUM(A1)", "\t=1", "\r=1", " =1", "＝1"])
def test_a_formula_gets_an_apostrophe(cell):
    assert words.spreadsheet_safe(cell) == "'" + cell


@pytest.mark.parametrize("cell", ["-12.5", "+5", "-1e-7", "a=b", "", "12", "<5"])
def test_a_plain_number_or_text_stays_as_it_is(cell):
    assert words.spreadsheet_safe(cell) == cell


def test_amounts_carry_their_units():
    assert words.size(1_234_567) == "1.23 MB"
    assert words.duration(0.0123) == "12 ms"
    assert words.duration(1.23) == "1.2 s"
    assert words.duration(185) == "3 min 5 s"
    assert words.duration(3_720) == "1 h 2 min"
    assert words.plural(1, "row") == "1 row"
    assert words.plural(2_000, "row") == "2,000 rows"
    assert words.join(["a", "b", "c"]) == "a, b and c"
    assert words.join(["a", "b", "c", "d"], most=2) == "a, b and 2 more"
    assert words.join([]) == ""


def told(kind, since, between, window):
    return Finding(
        "change", "shape", "shape", ("x",), Severity.ALARM, "", "", window=window, change=Change(kind, since, between)
    )


@pytest.mark.parametrize(
    ("kind", "since", "between", "window", "said"),
    [
        ("jump", "2012-05-02", ("2012-05-02", "2012-05-03"), "2012-05-02/2012-05-03", ""),
        ("jump", "2012-05-02", ("2012-05-02", "2012-05-03"), "2012-05-04/2012-05-05", "It jumped on 2 May 2012."),
        ("jump", "2012-05-02", ("2012-05-01", "2012-05-04"), "2012-05-04/2012-05-05", "It jumped in 1–3 May 2012."),
        (
            "drift",
            "2012-05-02",
            ("2012-04-28", "2012-05-08"),
            "2012-05-24/2012-05-25",
            "It has drifted since 2 May 2012 or so (28 April – 7 May 2012).",
        ),
        ("jump", "rows 1-9", ("rows 1-9", "rows 9-20"), None, ""),
    ],
)
def test_a_change_says_when_it_began_where_that_was_before_its_window(kind, since, between, window, said):
    assert words.began(told(kind, since, between, window)) == said


def test_nothing_is_said_of_a_change_that_has_no_past():
    assert words.began(replace(told("jump", "", ("", ""), "2012-05-02/2012-05-03"), change=None)) == ""
