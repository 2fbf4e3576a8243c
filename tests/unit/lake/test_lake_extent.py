"""How much a table holds and how new it is, from its log alone."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lake_room import BEGIN, DAY, HOUR, a_home, a_lake, a_model, an_event, log
from watchkeeper.lake import events_table, move
from watchkeeper.lake.extent import Extent, extent
from watchkeeper.lake.waiting import waiting
from watchkeeper.sdk import Kind

MINUTE = 60_000_000


def stored(tmp_path, *parts):
    lake = a_lake(tmp_path)
    for received, numbers in parts:
        rows = events_table([an_event(i) for i in numbers], received, lake.model, lake.columns)
        lake.append_events(rows, {})
    return lake


def test_a_table_that_was_never_made_holds_nothing(tmp_path):
    found = extent(a_lake(tmp_path), "events")
    assert (found.newest, found.received, found.within(0, BEGIN)) == (None, None, (0, True))


def test_the_newest_times_are_told_whatever_the_order(tmp_path):
    lake = stored(tmp_path, (BEGIN + DAY, range(60, 90)), (BEGIN + 2 * DAY, range(30)))
    found = extent(lake, "events")
    assert (found.newest, found.received) == (BEGIN + 89 * MINUTE, BEGIN + 2 * DAY)
    assert int(found.rows.sum()) == 60


def test_whole_files_are_counted_and_parts_are_estimated(tmp_path):
    found = extent(stored(tmp_path, (BEGIN, range(60)), (BEGIN, range(60, 120))), "events")
    assert found.within(BEGIN, BEGIN + HOUR) == (60, True)
    assert found.within(BEGIN, BEGIN + 2 * HOUR) == (120, True)
    many, is_exact = found.within(BEGIN + HOUR // 2, BEGIN + 2 * HOUR)
    assert many == pytest.approx(90, abs=1)
    assert not is_exact


files = st.lists(st.tuples(st.integers(1, 50), st.integers(0, 1000), st.integers(0, 300)), min_size=1, max_size=8)


@given(files, st.lists(st.integers(0, 1400), min_size=2, max_size=5, unique=True))
def test_what_lies_in_parts_of_a_span_adds_up(files, borders):
    rows, low, length = (np.array(part, dtype=np.int64) for part in zip(*files, strict=True))
    found = Extent(rows, rows, low, low + length, None)
    borders.sort()
    parts = [found.within(a, b)[0] for a, b in pairwise(borders)]
    assert sum(parts) == pytest.approx(found.within(borders[0], borders[-1])[0], abs=len(borders))
    assert found.within(0, 2000) == (rows.sum(), True)


def test_what_waits_in_the_inbox_is_what_no_move_has_taken(tmp_path):
    home, lake = a_home(tmp_path, a_model()), a_lake(tmp_path)
    assert (waiting(home, lake).bytes, waiting(home, lake).since) == (0, None)
    log(home, Kind.EVENT, [an_event(i) for i in range(5)], BEGIN + HOUR)
    log(home, Kind.EVENT, [an_event(i) for i in range(5, 9)], BEGIN + DAY)
    assert waiting(home, lake).bytes > 0
    assert waiting(home, lake).since == BEGIN + HOUR
    move(home, lake.model, lake).forget()
    assert (waiting(home, lake).bytes, waiting(home, lake).since) == (0, None)
