"""The story told of the demo's data is what the data say."""

from __future__ import annotations

import csv
from datetime import UTC, datetime, timedelta

import pytest

from watchkeeper.demo import files
from watchkeeper.model import load

COLUMNS = tuple(name for name, column in load(files().model).columns.items() if column.sentinels)


def read(path):
    with path.open(newline="") as file:
        return [
            (datetime.strptime(row["Date"] + row["Time"], "%d/%m/%Y%H.%M.%S").replace(tzinfo=UTC), row)
            for row in csv.DictReader(file, delimiter=";")
        ]


@pytest.fixture(scope="module")
def rows():
    return read(files().current)


@pytest.fixture(scope="module")
def before():
    return read(files().baseline)


def silent(rows, column):
    return {at for at, row in rows if float(row[column].replace(",", ".")) == -200}


def told(rows, column):
    """The hours that the episodes say were without a value."""
    return {
        at
        for at, _ in rows
        for episode in files().truth
        if column in episode.columns and episode.start <= at and (episode.end is None or at < episode.end)
    }


def most_a_day(hours):
    days = [at.date() for at in hours]
    return max(map(days.count, days), default=0)


def test_every_column_that_can_be_silent_is_in_the_story():
    assert len(COLUMNS) == 13
    assert {column for episode in files().truth for column in episode.columns} == set(COLUMNS)


@pytest.mark.parametrize("column", COLUMNS)
def test_the_episodes_hold_every_silence_but_the_nightly_calibration(rows, column):
    assert told(rows, column)
    assert told(rows, column) <= silent(rows, column)
    assert most_a_day(silent(rows, column) - told(rows, column)) <= 2


@pytest.mark.parametrize("column", COLUMNS)
def test_the_baseline_holds_no_outage(before, column):
    assert most_a_day(silent(before, column)) <= 3


def test_both_files_hold_every_hour_of_whole_days_and_the_second_follows_the_first(rows, before):
    hours = [at for at, _ in [*before, *rows]]
    assert (len(before), len(rows)) == (11 * 24, 44 * 24)
    assert hours == [hours[0] + timedelta(hours=i) for i in range(len(hours))]
    assert hours[0] == datetime(2004, 3, 23, tzinfo=UTC)


def test_every_sentence_of_the_truth_names_the_hour_it_began_and_how_long_it_lasted():
    for episode in files().truth:
        assert f"{episode.start.day} {episode.start:%B %H:%M}" in episode.sentence
        if episode.end is not None:
            last = episode.end - timedelta(hours=1)
            assert f"to {last.day} {last:%B %H:%M}: " in episode.sentence
            assert f"{(episode.end - episode.start).total_seconds() / 3600:.0f} hours" in episode.sentence


def test_the_title_says_from_when_to_when(rows):
    first, last = rows[0][0], rows[-1][0]
    assert files().title.endswith(f"{first.day} {first:%B} to {last.day} {last:%B %Y}")


def test_source_and_licence_stand_beside_the_data():
    demo = files()
    assert demo.licence in (demo.current.parent / "README.md").read_text("utf-8")
    assert "10.24432/C59K5F" in demo.source
