from __future__ import annotations

import subprocess
import sys
from datetime import UTC, datetime

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

from watchkeeper.sdk import Logger, TableError, frames, read, segments

TIMES = [datetime(2024, 5, 1, hour, tzinfo=UTC) for hour in (10, 11, 12)]
COLUMNS = {
    "key": [1, 2, 3],
    "when": TIMES,
    "age": [31, 45, 28],
    "city": ["Ås", "Oslo", "Bø"],
    "risk": [0.1, 0.9, 0.5],
    "rank": [1, 2, 3],
}
FORMS = {
    "lists": lambda: COLUMNS,
    "numpy": lambda: {**{name: np.array(column) for name, column in COLUMNS.items()}, "when": TIMES},
    "numpy times": lambda: {
        **COLUMNS,
        "when": np.array([time.replace(tzinfo=None) for time in TIMES], "datetime64[ns]"),
    },
    "pandas": lambda: pd.DataFrame(COLUMNS),
    "pandas with an index": lambda: pd.DataFrame(COLUMNS, index=["a", "b", "c"]),
    "pandas times to the nanosecond": lambda: pd.DataFrame(COLUMNS).astype({"when": "datetime64[ns, UTC]"}),
    "polars": lambda: pl.DataFrame(COLUMNS),
    "arrow": lambda: pa.table(COLUMNS),
    "arrow, in chunks": lambda: pa.concat_tables([pa.table(COLUMNS).slice(row, 1) for row in range(3)]),
    "arrow stream": lambda: pa.table(COLUMNS).to_reader(),
    "arrow batch": lambda: pa.table(COLUMNS).to_batches()[0],
}


@pytest.fixture
def home(tmp_path):
    (tmp_path / "inbox" / "hotel").mkdir(parents=True)
    return tmp_path


def logged(log, home):
    assert log.flush()
    found = (frame for path in segments(home / "inbox" / "hotel") for frame in frames(path.read_bytes()))
    return [record for frame in found for record in read(frame.kind, frame.payload)]


@pytest.mark.parametrize("form", FORMS)
def test_every_form_of_table_gives_the_same_events(home, form):
    with Logger("hotel", home=home, period=None) as log:
        taken = log.batch(
            FORMS[form](), id="key", time="when", version="v7", score="risk", context=["rank"], raw=["city"]
        )
        events = logged(log, home)
    assert taken == 3
    assert [event.id for event in events] == ["1", "2", "3"]
    assert [event.time for event in events] == TIMES
    assert [event.features for event in events] == [{"age": 31}, {"age": 45}, {"age": 28}]
    assert (events[0].raw, events[0].context) == ({"city": "Ås"}, {"rank": 1})
    assert [event.score for event in events] == COLUMNS["risk"]
    assert {event.version for event in events} == {"v7"}


def test_a_batch_larger_than_the_queue_waits_for_room(home):
    with Logger("hotel", home=home, period=None, queue=100) as log:
        assert log.batch({"id": range(5000), "x": np.arange(5000)}) == 5000
        assert len(logged(log, home)) == 5000
        assert log.counts.dropped == 0


def test_a_batch_that_finds_no_room_in_time_drops_and_counts_the_rest(home):
    with Logger("hotel", home=home, period=None, queue=100, interval=60) as log:
        log.flush()
        log._pump._hurry.set = lambda: None  # nobody empties the queue
        assert log.batch({"id": range(500)}, seconds=0.01) == 100
        assert log.counts.dropped == 400
        del log._pump._hurry.set


def test_a_row_that_is_wrong_is_counted_and_the_others_are_kept(home):
    with Logger("hotel", home=home, period=None) as log:
        assert log.batch({"id": ["a", None, 4711.5, "b"], "x": [1, 2, 3, 4]}) == 2
        assert [event.id for event in logged(log, home)] == ["a", "b"]
        assert log.counts.invalid == 2


def test_missing_values_of_a_table_are_null(home):
    with Logger("hotel", home=home, period=None) as log:
        log.batch(pd.DataFrame({"id": ["a", "b"], "x": [1.5, None]}))
        assert [event.features for event in logged(log, home)] == [{"x": 1.5}, {"x": None}]


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (5, "type int"),
        ({"x": [1]}, "no column 'id'; it has 'x'"),
        (pa.table({"x": [1]}), "no column 'id'"),
        ({"id": [1, 2], "x": [1]}, "differ in length"),
    ],
)
def test_a_table_that_cannot_be_read_is_told(home, data, words):
    with Logger("hotel", home=home) as log, pytest.raises(TableError, match=words):
        log.batch(data)


def test_no_library_of_tables_is_imported_before_it_is_needed():
    heavy = "pyarrow numpy pandas polars ssl http.client email asyncio importlib.metadata"
    program = f"import sys, watchkeeper.sdk; print([name for name in '{heavy}'.split() if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
