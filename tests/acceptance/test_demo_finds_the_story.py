"""The demo finds what happened, on the days it happened, and no silence on any other day."""

from __future__ import annotations

from datetime import timedelta

import pytest

import watchkeeper as wk
from watchkeeper.cli import main
from watchkeeper.demo import files


@pytest.fixture(scope="module")
def result():
    demo = files()
    return wk.check(demo.current, demo.baseline, model=demo.model, by=demo.by)


def whole_days(episode, last):
    """The days on which the columns were silent for all of the day."""
    day = episode.start.date() + timedelta(days=episode.start.hour > 0)
    end = last if episode.end is None else episode.end.date()
    return {(day + timedelta(days=i)).isoformat() for i in range((end - day).days)}


def test_every_whole_day_of_silence_is_an_alarm_that_names_the_column(result):
    last = max(finding.window for finding in result.findings if finding.window)[:10]
    alarms = {
        (finding.columns[0], finding.window[:10])
        for finding in result.findings
        if finding.metric == "null_share" and finding.severity == "alarm"
    }
    for episode in files().truth:
        days = whole_days(episode, type(episode.start).fromisoformat(last).date())
        assert days
        assert {(column, day) for column in episode.columns for day in days} <= alarms


def test_no_silence_is_found_that_did_not_happen(result):
    touched = {
        (column, (episode.start + timedelta(days=i)).date().isoformat())
        for episode in files().truth
        for column in episode.columns
        for i in range(((episode.end or episode.start + timedelta(days=30)).date() - episode.start.date()).days + 1)
    }
    found = {(f.columns[0], f.window[:10]) for f in result.findings if f.metric == "null_share"}
    assert found <= touched


def test_all_rows_are_good_and_the_loudest_finding_is_the_truth(result):
    assert result.verdict == "accept"
    assert (result.rows_read, result.rows_good) == (720, 720)
    assert result.findings[0].metric == "null_share"
    assert result.findings[0].columns[0] in files().truth[0].columns


def test_the_demo_says_it_in_ten_lines_and_writes_the_page(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "80")
    with pytest.raises(SystemExit) as left:
        main(["demo"])
    assert left.value.code == 0
    told = capsys.readouterr().out.split("\n\n", 1)[1]
    said = [line for line in told[: told.index("wrote")].splitlines() if line.strip()]
    assert len(said) <= 10 + 1  # the last one is that of `wrote`
    assert "NMHC(GT)" in said[0]
    assert "since 1 May 2004" in " ".join(said[:3])
    assert (tmp_path / "report.html").stat().st_size > 10_000
