"""Whatever the cells are, inference gives a model that can be written, and that fits the cells it saw."""

from __future__ import annotations

import pyarrow as pa
from hypothesis import given, settings
from hypothesis import strategies as st

from watchkeeper.model import TextFormat, Type, infer, read_times
from watchkeeper.model.yaml_file import dump, parse

CELLS = st.one_of(
    st.text(st.characters(exclude_categories=["Cs"]), max_size=12),
    st.integers().map(str),
    st.floats().map(str),
    st.floats(width=16).map(lambda x: f"{x:.2f}".replace(".", ",")),
    st.dates().map(lambda day: f"{day:%d-%m-%Y}"),
    st.datetimes().map(str),
    st.sampled_from(
        ["NULL", "-", "yes", "no", "true", "00123", "+491234567890", "1,234", "18.00.00", "-200", "31-02-2013", " 1"]
    ),
    st.none(),
)
COLUMN = CELLS.flatmap(lambda cell: st.lists(CELLS | st.just(cell), min_size=5, max_size=5))
NAMES = st.sampled_from(
    ["x", "ts", "id", "target", "score", "zip", "position", "p_1", "p_2", "Unnamed: 0", "created_at"]
)


@settings(max_examples=200)
@given(st.dictionaries(NAMES, COLUMN, min_size=1, max_size=4), st.booleans(), st.integers(1, 30))
def test_any_texts_are_understood_somehow(columns, lexical, times):
    table = pa.table({name: pa.array(cells, pa.string()) for name, cells in columns.items()})
    table = pa.concat_tables([table] * times)
    found = infer(table, lexical=lexical, text=TextFormat(), name="any")
    assert parse(dump(found.model, notes=found.notes, about=found.about)) == found.model
    for name, column in found.model.columns.items():
        assert column.nullable is None
        assert not lexical or column.type is not Type.OTHER
        if column.inferred is not None and column.inferred.nullable is False:
            assert table[name].null_count == 0


@given(
    st.lists(CELLS, max_size=20), st.sampled_from(["%d-%m-%Y", "%y/%m/%d %I:%M %p", "iso8601", "epoch_ms", "%b %d, %Y"])
)
def test_no_text_upsets_the_reading_of_times(cells, format):
    assert len(read_times(pa.array(cells, pa.string()), format)) == len(cells)


@given(st.datetimes())
def test_every_time_that_python_writes_is_read_again(moment):
    assert read_times(pa.array([moment.isoformat()]), "iso8601")[0].as_py() == moment
    day = moment.replace(microsecond=0)
    written = f"{day.day:02}/{day.month:02}/{day.year:04} {day:%H.%M.%S}"
    assert read_times(pa.array([written]), "%d/%m/%Y %H.%M.%S")[0].as_py() == day
