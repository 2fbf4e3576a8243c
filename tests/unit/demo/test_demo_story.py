"""The story told of the demo's data is what the data say."""

from __future__ import annotations

import csv
from datetime import UTC, datetime

import pytest

from watchkeeper.demo import files

ANALYSERS = ("CO(GT)", "NMHC(GT)", "NOx(GT)", "NO2(GT)")


@pytest.fixture(scope="module")
def rows():
    with files().current.open(newline="") as file:
        return [
            (datetime.strptime(row["Date"] + row["Time"], "%d/%m/%Y%H.%M.%S").replace(tzinfo=UTC), row)
            for row in csv.DictReader(file, delimiter=";")
        ]


def silent(rows, column):
    return {at for at, row in rows if row[column] == "-200"}


def told(rows, column):
    """The hours that the episodes say were without a value."""
    return {
        at
        for at, _ in rows
        for episode in files().truth
        if column in episode.columns and episode.start <= at and (episode.end is None or at < episode.end)
    }


@pytest.mark.parametrize("column", ANALYSERS)
def test_the_episodes_hold_every_silence_but_the_nightly_calibration(rows, column):
    assert told(rows, column) <= silent(rows, column)
    hours_a_day = {}
    for at in silent(rows, column) - told(rows, column):
        hours_a_day[at.date()] = hours_a_day.get(at.date(), 0) + 1
    assert max(hours_a_day.values(), default=0) <= 2


def test_the_sensors_never_fall_silent_in_the_month_that_is_checked(rows):
    others = set(rows[0][1]) - set(ANALYSERS)
    assert not any(silent(rows, column) for column in others)


def test_every_sentence_of_the_truth_names_the_hour_it_began():
    for episode in files().truth:
        assert f"{episode.start.day} {episode.start:%B %H:%M}" in episode.sentence


def test_source_and_licence_stand_beside_the_data():
    demo = files()
    assert demo.licence in (demo.current.parent / "README.md").read_text("utf-8")
    assert "10.24432/C59K5F" in demo.source
