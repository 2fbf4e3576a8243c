"""The demo finds what happened, on the days it happened, and no silence on any other day."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest

import watchkeeper as wk
from watchkeeper.cli import main
from watchkeeper.demo import files
from watchkeeper.report.answer import answer

ANALYSERS = files().truth[0].columns
SENSORS = files().truth[1].columns
END = datetime(2004, 5, 17, tzinfo=UTC)
FORTNIGHT = timedelta(days=14)
"""What has been in alarm for so long is how things are; later days may be quiet, and need not."""
MANY = 8
"""Hours without a value that make a day an alarm: the usual ones are at most two."""


@pytest.fixture(scope="module")
def result():
    demo = files()
    return wk.check(demo.current, demo.baseline, model=demo.model, by=demo.by)


def days(episode, *, within=None):
    """How many hours of each day the episode took, of its first days alone if so wanted."""
    last = episode.end or END
    last = min(last, episode.start + within) if within else last
    hours = round((last - episode.start) / timedelta(hours=1))
    return Counter((episode.start + timedelta(hours=i)).date().isoformat() for i in range(hours))


def silences():
    """Column and day of every hour of the story."""
    return {(column, day) for episode in files().truth for column in episode.columns for day in days(episode)}


def missing(result, *severities):
    """Column and day of what was found of missing values."""
    found = (f for f in result.findings if f.metric == "null_share" and (not severities or f.severity in severities))
    return {(f.columns[0], f.window[:10]) for f in found}


def test_every_day_with_many_silent_hours_is_an_alarm_that_names_the_column_for_two_weeks(result):
    alarms = missing(result, "alarm")
    for episode in files().truth:
        silent = {day for day, hours in days(episode, within=FORTNIGHT).items() if hours >= MANY}
        assert silent
        assert {(column, day) for column in episode.columns for day in silent} <= alarms


def test_no_silence_is_found_of_a_column_on_a_day_on_which_it_was_not_silent(result):
    found = missing(result)
    assert found
    assert found <= silences()


def test_alarms_on_days_on_which_nothing_was_silent_keep_the_budget(result):
    silent = {day for _, day in silences()}
    assert len(silent) == 30
    alarms = {f.window[:10] for f in result.findings if f.severity == "alarm"}
    assert len(alarms - silent) <= 1  # one a month, in the 14 days that are left


def test_all_rows_are_good_and_the_report_begins_with_the_truth(result):
    assert result.verdict == "accept"
    assert (result.rows_read, result.rows_good) == (1_056, 1_056)
    analysers, sensors, *others = answer(result).groups
    assert [cause.worst.metric for cause in (analysers, sensors)] == ["null_share", "null_share"]
    assert set(analysers.columns) == set(ANALYSERS)
    assert analysers.worst.columns == ("NMHC(GT)",)
    assert set(sensors.columns) == set(SENSORS)
    assert [window[:10] for window in sensors.windows] == ["2004-04-09"]
    assert not any(cause.severity == "alarm" for cause in others)


def test_the_demo_says_it_in_ten_lines_and_writes_the_page(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "80")
    with pytest.raises(SystemExit) as left:
        main(["demo"])
    assert left.value.code == 0
    told = capsys.readouterr().out.split("\n\n", 1)[1]
    said = [line for line in told[: told.index("  wrote")].splitlines() if line.strip()]
    assert len(said) <= 10
    assert max(map(len, said)) <= 80
    assert "NMHC(GT)" in said[0]
    assert "since 1 May 2004" in " ".join(line.strip() for line in said[:3])
    assert "Only on 9 April 2004." in " ".join(line.strip() for line in said)
    assert (tmp_path / "report.html").stat().st_size > 10_000
