"""Whatever a name or value holds, what people get to read steers nothing and stays short."""

from __future__ import annotations

import unicodedata

from hypothesis import given
from hypothesis import strategies as st

from watchkeeper.report import words
from watchkeeper.report.markup import code

ANY = st.text(st.characters(codec=None, exclude_categories=()), max_size=300)


@given(ANY, st.integers(10, 80))
def test_inert_text_is_short_and_holds_no_control_character(text, limit):
    shown = words.inert(text, limit)
    assert len(shown) <= limit
    assert not {unicodedata.category(letter) for letter in shown} & {"Cc", "Cs", "Zl", "Zp"}
    assert not any(
        unicodedata.bidirectional(letter) in {"LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI"} for letter in shown
    )
    shown.encode("utf-8")


@given(st.text(st.characters(exclude_categories=("C", "M", "Z")), max_size=60))
def test_text_that_can_be_read_stays_as_it_is(text):
    assert words.inert(text) == text


@given(ANY)
def test_a_spreadsheet_runs_no_cell(text):
    cell = words.spreadsheet_safe(text)
    first = cell.lstrip()[:1]
    assert first not in tuple("=@＝＋－＠") or cell.startswith("'")


@given(ANY)
def test_a_sentence_on_the_page_holds_no_markup_of_its_own(text):
    shown = str(code(words.inert(text, 200)))
    assert "<" not in shown.replace("<code>", "").replace("</code>", "")
    assert shown.count("<code>") == shown.count("</code>")


@given(st.floats())
def test_a_number_is_never_longer_than_a_cell(value):
    assert 0 < len(words.number(value)) <= 20
