"""A law of the lake's columns: whatever is sent, each value stands in its typed cell or, as JSON, beside it."""

import json
from datetime import datetime

from hypothesis import given, settings
from hypothesis import strategies as st

from lake_room import BEGIN, COLUMNS, a_model, an_event
from watchkeeper.lake import event_columns, events_table
from watchkeeper.lake.digest import content_hashes
from watchkeeper.lake.naming import column_of
from watchkeeper.sdk import Kind, encode, read

WHOLE = st.integers(-(2**63), 2**64 - 1)
FINITE = st.floats(allow_nan=False, allow_infinity=False)  # JSON, in which lists are kept, has no infinity
PLAIN = st.one_of(st.none(), st.booleans(), WHOLE, FINITE, st.text(max_size=5))
NESTED = st.lists(PLAIN, max_size=2) | st.dictionaries(st.text(max_size=2), PLAIN, max_size=1)
VALUES = PLAIN | NESTED | st.sampled_from([float("inf"), -float("inf"), 1.0, [[{"a": [1]}]]])
NAMES = st.sampled_from([*list(COLUMNS)[:7], "unknown", "Age", "%"])
ROWS = st.lists(
    st.tuples(st.dictionaries(NAMES, VALUES), st.dictionaries(NAMES, VALUES), VALUES), min_size=1, max_size=4
)


def held(row, name):
    """All that the lake holds of a name."""
    for group in ("features", "context"):
        cells = {column_of(field): value for field, value in row[group].items()}
        if cells.get(name) is not None:
            yield cells[name]
    for maps in ("other", "invalid"):
        for key, text in row[maps] or ():
            if key.removeprefix("context.").removeprefix("context.") == name:
                yield json.loads(text)


def same(kept, sent):
    if isinstance(kept, datetime):
        return isinstance(sent, str)
    if isinstance(sent, float) and isinstance(kept, str) and kept in ("inf", "-inf"):
        return True
    if isinstance(kept, bool) != isinstance(sent, bool):
        return False
    return kept == sent or (isinstance(sent, int | float) and isinstance(kept, int | float) and float(sent) == kept)


@given(ROWS)
@settings(max_examples=40)
def test_each_value_stands_in_its_cell_or_beside_it(rows):
    model = a_model()
    sent = [an_event(i, features=f, context=c, prediction=p) for i, (f, c, p) in enumerate(rows)]
    events = read(Kind.EVENT, encode(sent))
    table = events_table(events, BEGIN, model, event_columns(model))
    content_hashes(table)
    for event, row in zip(events, table.to_pylist(), strict=True):
        for given_values in (event.features, event.context or {}):
            for name, value in given_values.items():
                if value is not None:
                    assert any(same(kept, value) for kept in held(row, name)), (name, value, row)
        if event.prediction is not None:
            kept = [row["prediction"], *(json.loads(t) for k, t in row["invalid"] or () if k == "guess")]
            assert any(same(value, event.prediction) for value in kept if value is not None)


@given(ROWS)
@settings(max_examples=40)
def test_what_an_event_says_does_not_depend_on_its_company(rows):
    model = a_model()
    events = [an_event(i, features=f, context=c, prediction=p) for i, (f, c, p) in enumerate(rows)]
    columns = event_columns(model)
    together = content_hashes(events_table(events, BEGIN, model, columns)).tolist()
    alone = [int(content_hashes(events_table([event], BEGIN + 1, model, columns))[0]) for event in events]
    assert together == alone
