"""Lengths and formats of texts: as one would count them by hand, however the rows were split."""

from __future__ import annotations

import re
from itertools import pairwise

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from hypothesis import given, settings
from hypothesis import strategies as st

from watchkeeper.profiles import Addition
from watchkeeper.profiles.text import TextProfile, empty_texts, measure_texts
from watchkeeper.profiles.text_format import FORMATS, formats

CLOCK = r"\d{1,2}:\d\d(:\d\d([.,]\d+)?)? ?(Z|UTC|[AaPp][Mm]|[+-]\d\d:?\d\d)?"
THEN = rf"(([T ]|, ){CLOCK})?"
DAY = r"(0?[1-9]|[12]\d|3[01])"
HEX = "[0-9a-fA-F]"
PATTERNS = {
    "digits": r"\d+",
    "number": r"[+-]?(\d{1,3}(,\d{3})+(\.\d+)?|\d{1,3}(\.\d{3})+,\d+|\d+[.,]?\d*|[.,]\d+)([eE][+-]?\d+)?",
    "date_year_first": r"\d{4}(-\d{1,2}-|/\d{1,2}/|\.\d{1,2}\.)\d{1,2}" + THEN,
    "date_year_last": DAY
    + r"(-\d{1,2}-|/\d{1,2}/|\.(0?[1-9]|1[0-2])\.|\.?[ -][A-Za-z]{3,9}\.?[ -])(\d{4}|\d\d)"
    + THEN,
    "time": rf"{CLOCK}|\d{{1,2}}\.[0-5]\d\.[0-5]\d",
    "uuid": rf"{HEX}{{8}}-{HEX}{{4}}-{HEX}{{4}}-{HEX}{{4}}-{HEX}{{12}}",
    "email": r"[^@\s]+@[^@.\s]+(\.[^@.\s]+)+",
    "url": r"[A-Za-z][A-Za-z0-9+.-]*://\S+",
    "lower": r"(?=.*[a-z])[a-z \t\n\v\f\r'_.-]+",
    "upper": r"(?=.*[A-Z])[A-Z \t\n\v\f\r'_.-]+",
    "mixed": r"[A-Za-z \t\n\v\f\r'_.-]*[A-Za-z][A-Za-z \t\n\v\f\r'_.-]*",
    "letters_and_digits": r"(?=[\s\S]*[A-Za-z])(?=[\s\S]*\d)[A-Za-z0-9 \t\n\v\f\r'_.-]+",
}
SPACES = " \t\n\v\f\r"
SIGNS = "0159 aefgzAEFGZ-_'.,:/@+T"

cells = st.one_of(
    st.none(),
    st.text(max_size=12),
    st.text(SIGNS, max_size=14),
    *(st.from_regex(re.compile(pattern, re.ASCII), fullmatch=True) for pattern in PATTERNS.values()),
    st.sampled_from(["", " ", " a", "a ", "é", "O'Neil", "1.2.3", "192.168.1.1", "1e5", "a b@c.org", "-", "12 34"]),
)


def by_hand(text):
    """The class of a text, one rule after the other."""
    if not text:
        return "empty"
    if not text.strip(SPACES):
        return "blank"
    if text[0] in SPACES or text[-1] in SPACES:
        return "padded"
    if not text.isascii():
        return "non_ascii"
    for name, pattern in PATTERNS.items():
        if re.fullmatch(pattern, text, re.ASCII | re.DOTALL) and not _too_long(name, text):
            return name
    return "other"


def _too_long(name, text):
    """Numbers and dates end at 48 characters, numbers with an exponent at 24, and these need a sign or a mark."""
    letters = any(sign.isalpha() for sign in text)
    if name == "number" and letters:
        return len(text) > 24 or not re.search(r"[.,+-]", text)
    return name in ("number", "date_year_first", "date_year_last", "time") and len(text) > 48


def classes(texts):
    array = pa.array(texts, pa.string())
    lengths = np.asarray(pc.utf8_length(array)).astype(np.int64)
    return [FORMATS[i] for i in formats(array, lengths)]


def same(a: TextProfile, b: TextProfile) -> None:
    for name in ("shortest", "longest", "characters", "formats"):
        np.testing.assert_array_equal(getattr(a, name), getattr(b, name), err_msg=name)


@settings(max_examples=150)
@given(st.lists(cells.filter(lambda text: text is not None), max_size=20))
def test_every_text_is_in_the_first_class_that_fits(texts):
    assert dict(zip(texts, classes(texts), strict=True)) == {text: by_hand(text) for text in texts}


@given(st.lists(st.tuples(cells, st.integers(0, 3)), max_size=25), st.booleans())
def test_counts_are_those_of_the_texts_one_by_one(rows, coded):
    rows = sorted(rows, key=lambda row: row[1])
    values = pa.array([text for text, _ in rows], pa.string())
    made = measure_texts(
        values.dictionary_encode() if coded else values, None, np.array([at for _, at in rows], int), 4
    )
    for place in range(4):
        texts = [text for text, at in rows if at == place and text is not None]
        assert made.shortest[place] == min(map(len, texts), default=-1)
        assert made.longest[place] == max(map(len, texts), default=-1)
        assert made.characters[place] == sum(map(len, texts))
        assert made.formats[place].tolist() == [sum(by_hand(text) == name for text in texts) for name in FORMATS]


@given(st.lists(st.tuples(cells, st.integers(0, 3)), max_size=25), st.lists(st.integers(0, 25), max_size=3))
def test_any_split_of_the_rows_gives_the_same_counts(rows, cuts):
    rows = sorted(rows, key=lambda row: row[1])

    def counted(part):
        return measure_texts(
            pa.array([t for t, _ in part], pa.string()), None, np.array([at for _, at in part], int), 4
        )

    together = empty_texts(4)
    for begin, end in pairwise([0, *sorted(cuts), len(rows)]):
        together = TextProfile.summed([counted(rows[begin:end]), together], Addition.stay(2, 4))
    same(together, counted(rows))


@given(st.lists(st.tuples(cells, st.integers(0, 3)), max_size=25), st.lists(st.integers(-1, 2), min_size=4, max_size=4))
def test_moving_slices_is_the_same_as_counting_the_rows_there(rows, slot):
    def counted(part, slices):
        ordered = sorted(part, key=lambda row: row[1])
        at = np.array([at for _, at in ordered], int)
        return measure_texts(pa.array([text for text, _ in ordered], pa.string()), None, at, slices)

    moved = [(text, slot[at]) for text, at in rows if slot[at] >= 0]
    same(TextProfile.summed([counted(rows, 4)], Addition([np.array(slot)], 3)), counted(moved, 3))
