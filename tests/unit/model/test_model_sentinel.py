"""Sentinels: found where they stand alone, and never invented."""

from __future__ import annotations

import csv

import numpy as np
import pytest

from watchkeeper import demo
from watchkeeper.model.sentinel import find_sentinels

RANDOM = np.random.default_rng(7)


def values(rows) -> list[float]:
    return sorted(sentinel.value for sentinel in find_sentinels(np.asarray(rows, dtype=float)))


def column(name: str) -> list[float]:
    """All that the station delivered; `NMHC(GT)` is never missing in the baseline alone."""
    found = []
    for path in (demo.files().baseline, demo.files().current):
        with path.open(encoding="utf-8", newline="") as file:
            found += [float(row[name].replace(",", ".")) for row in csv.DictReader(file, delimiter=";")]
    return found


@pytest.mark.parametrize(
    "name", ["CO(GT)", "NMHC(GT)", "C6H6(GT)", "NOx(GT)", "NO2(GT)", "PT08.S1(CO)", "T", "RH", "AH"]
)
def test_minus_200_is_found_in_the_columns_of_an_air_quality_station(name):
    assert values(column(name)) == [-200]


@pytest.mark.parametrize("name", ["CO(GT)", "NOx(GT)", "PT08.S5(O3)", "T", "AH"])
def test_nothing_is_found_once_it_is_gone(name):
    assert values([value for value in column(name) if value != -200]) == []


AGES = RANDOM.integers(18, 97, 2_000)
COUNTS = RANDOM.poisson(3, 2_000)
NORMAL = RANDOM.normal(0, 1, 500)


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        pytest.param([*AGES, *[999] * 10], [999], id="age 999"),
        pytest.param([*AGES, *[-1] * 10], [-1], id="age -1"),
        pytest.param([*NORMAL, *[-999] * 5, *[9999] * 4, *[-99] * 7], [-999, -99, 9999], id="several"),
        pytest.param([*RANDOM.normal(10, 5, 500).round(1), *[-999.9] * 4], [-999.9], id="with a decimal"),
        pytest.param([*RANDOM.integers(0, 3_000, 500), *[2_147_483_647] * 9], [2_147_483_647], id="largest int32"),
        pytest.param([*RANDOM.integers(1, 800, 500), *[-1] * 1_500], [-1], id="mostly missing"),
        pytest.param([*[0, 1] * 50, *[-999] * 5], [-999], id="flag"),
    ],
)
def test_a_value_that_stands_alone_and_looks_the_part_is_found(rows, expected):
    assert values(rows) == expected


@pytest.mark.parametrize(
    "rows",
    [
        pytest.param(COUNTS, id="counts from 0"),
        pytest.param(COUNTS - 1, id="counts from -1"),
        pytest.param([*RANDOM.exponential(5, 500), *[0] * 900], id="many zeros"),
        pytest.param([*AGES, *[99] * 20], id="age 99"),
        pytest.param([-1, 0, 1] * 50, id="signs"),
        pytest.param([-1, 0, 1, 2, 3, 4, 5] * 40, id="grades from -1"),
        pytest.param([1998] * 40 + [1999] * 50 + [2000] * 60, id="years"),
        pytest.param([100, 200, 300, 999] * 20, id="codes"),
        pytest.param([*AGES, 999, 999], id="seen twice"),
        pytest.param(RANDOM.standard_cauchy(5_000).round(1) * 100, id="wild tails"),
        pytest.param(RANDOM.lognormal(8, 2, 5_000).round(), id="skewed"),
        pytest.param([], id="empty"),
        pytest.param([-200] * 50, id="constant"),
    ],
)
def test_ordinary_values_are_left_alone(rows):
    assert values(rows) == []
