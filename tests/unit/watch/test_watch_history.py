"""What was learned of the baseline's windows is told once: which stand out, and which season they are too few for."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

import watchkeeper as wk


def rows(days, first=0, spoiled=()):
    """A hundred rows a day; those of spoiled days lie elsewhere."""
    rng = np.random.default_rng(first)
    at = np.repeat(np.arange(days), 100)
    x = rng.normal(size=len(at)) + 50.0 * np.isin(at, spoiled)
    when = (np.datetime64("2026-01-05", "us") + np.timedelta64(first, "D")) + at.astype("timedelta64[D]")
    return pa.table(
        {"ts": when + rng.integers(0, 86_400, len(at)).astype("timedelta64[s]"), "x": x, "y": rng.normal(size=len(at))}
    )


def told(baseline, by="day"):
    found = wk.check(rows(3, 60), baseline, by=by).findings
    return {f.columns: f.message for f in found if f.check == "history"}


def test_a_baseline_window_that_stands_out_is_named_with_its_column():
    messages = told(rows(28, spoiled=[9]))
    assert set(messages) == {("x",)}
    assert "1 baseline window" in messages["x",]
    assert "2026-01-14" in messages["x",]


def test_nothing_is_told_of_a_baseline_that_is_long_and_even():
    assert told(rows(28)) == {}


def test_a_baseline_shorter_than_two_weeks_cannot_tell_weekdays_apart():
    assert "two weeks" in told(rows(12))[()]
    assert told(rows(14)) == {}
