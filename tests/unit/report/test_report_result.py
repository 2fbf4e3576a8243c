"""A result as an object: short in a shell or a log, and through pickle."""

from __future__ import annotations

import pickle
from datetime import UTC, datetime

import pytest

import checked
from watchkeeper.report import to_html


def test_a_result_in_a_log_line_is_short_and_holds_no_value():
    made = checked.one_file()
    assert repr(made).startswith("<Result quarantine_rows: 168 rows read, 166 good, 2 set aside; findings: ")
    assert len(repr(made)) < 200
    for part in (made.profiles, made.baseline):
        assert len(repr(part)) < 200


@pytest.mark.parametrize("make", [checked.one_file, checked.unchanged])
def test_a_result_goes_through_pickle_and_its_report_is_the_same(make):
    made = make()
    again = pickle.loads(pickle.dumps(pickle.loads(pickle.dumps(made))))
    assert again.to_json() == made.to_json()
    assert again.to_table().equals(made.to_table())
    moment = datetime(2024, 1, 31, tzinfo=UTC)
    assert to_html(again, moment) == to_html(made, moment)
