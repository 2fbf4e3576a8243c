"""Times that stand for a missing one: found where they stand alone and repeat, and never invented."""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import pyarrow as pa
import pytest

from watchkeeper.model import Column, TextFormat, Type, infer

RANDOM = np.random.default_rng(7)
DAYS = [date(2024, 1, 1) + timedelta(days=int(day)) for day in RANDOM.integers(0, 90, 400)]
BIRTHS = [date(1940, 1, 1) + timedelta(days=int(day)) for day in RANDOM.integers(0, 60 * 365, 400)]


def column(days: list[date], written: str | None = None) -> Column:
    cells = days if written is None else [day.strftime(written) for day in days]
    table = pa.table({"until": cells})
    return infer(table, lexical=written is not None, text=TextFormat(), name="t").model.columns["until"]


@pytest.mark.parametrize("written", [None, "%Y-%m-%d", "%d.%m.%Y"])
@pytest.mark.parametrize(
    ("others", "missing"),
    [(DAYS, "9999-12-31"), (DAYS, "1900-01-01"), (DAYS, "1970-01-01"), (BIRTHS, "1900-01-01"), (BIRTHS, "9999-12-31")],
)
def test_an_end_of_time_that_repeats_stands_for_a_missing_time(written, others, missing) -> None:
    found = column([*others, *[date.fromisoformat(missing)] * 40], written)
    assert (found.type, found.sentinels) == (Type.TIMESTAMP, [missing])
    assert found.inferred is not None
    assert found.inferred.minimum.date() == min(others)
    assert found.inferred.maximum.date() == max(others)


@pytest.mark.parametrize(
    "days",
    [
        pytest.param([*DAYS, date(9999, 12, 31)], id="once"),
        pytest.param([*DAYS, *[date(2150, 6, 7)] * 40], id="an ordinary day far off"),
        pytest.param([*BIRTHS, *[date(1970, 1, 1)] * 40], id="a day among the others"),
        pytest.param([*DAYS, *[min(DAYS) - timedelta(days=1)] * 40], id="the day before"),
        pytest.param(
            [date(1970, 1, 1) + timedelta(days=day // 4) for day in range(800)], id="a span that begins there"
        ),
    ],
)
def test_no_other_day_does(days) -> None:
    assert column(days).sentinels == []
