"""The gate with a lake: requests that were logged are asked again, and the newest events are held out."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

import gated
from watchkeeper.release.outcome import Outcome
from watchkeeper.sdk import Event, Kind, Label, SegmentWriter, encode, inbox_of, pack
from watchkeeper.watch.run import run

END = datetime(2012, 5, 1, tzinfo=UTC)


def log(home, kind, records, at):
    writer = SegmentWriter(inbox_of(home.folder, gated.NAME))
    writer.append(pack(kind, int(at.timestamp()) * 1_000_000, encode(records)))
    writer.sync()
    writer.close()


def served(table, score):
    """Events of `v1` with what it answers, or something else."""
    return [
        Event(
            id=row["id"],
            time=row["at"],
            features={name: row[name] for name in gated.FEATURES},
            version="v1",
            prediction=int(p > 0.5),
            score=float(p),
        )
        for row, p in zip(table.to_pylist(), score, strict=True)
    ]


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    """Five weeks of events that `v1` answered; the labels of the last nine days have not come."""
    folder = tmp_path_factory.mktemp("replay")
    table = gated.rows("2012-03-26", "2012-05-01")
    score = gated.fitted("plain").predict_proba(gated.matrix(table))[:, 1]
    late = timedelta(days=9)
    labels = [
        Label(id=row["id"], label=row["busy"], time=row["at"] + late)
        for row in table.to_pylist()
        if row["at"] + late < END
    ]
    with gated.home(folder) as found:
        log(found, Kind.EVENT, served(table, score), END)
        log(found, Kind.LABEL, labels, END)
        run(found, now=gated.NOW)
        gated.register(found, folder, "boosted")
        yield found


def said(verdict, name):
    return next(check.sentence for check in verdict.checks if check.name == name)


def test_the_newest_events_are_held_out_as_far_as_their_labels_have_come(home):
    verdict = gated.gated(home, "v2", "last:14d")
    assert verdict.outcome is Outcome.PASS, verdict.failed
    assert "95 % of the labels" in said(verdict, "label_maturity")
    span = [datetime.fromisoformat(verdict.to_json().split(f'"{end}": "')[1].split('"')[0]) for end in ("from", "to")]
    assert span[1] <= END - timedelta(days=8)
    assert timedelta(days=12) < span[1] - span[0] <= timedelta(days=14)
    assert verdict.holdout["used"] == verdict.holdout["rows"] - verdict.holdout["unlabelled"] > 280
    assert verdict.holdout["sha256"] is None


def test_days_count_back_from_the_newest_event_and_not_from_the_end_of_its_window(tmp_path):
    """Weeks end on Sunday night; the last event is of Wednesday, 18 April, 23:00."""
    table = gated.rows("2012-04-01", "2012-04-19")
    score = gated.fitted("plain").predict_proba(gated.matrix(table))[:, 1]
    labels = [
        Label(id=row["id"], label=row["busy"], time=row["at"] + timedelta(minutes=5)) for row in table.to_pylist()
    ]
    with gated.home(tmp_path) as home:
        log(home, Kind.EVENT, served(table, score), END)
        log(home, Kind.LABEL, labels, END)
        run(home, now=gated.NOW)
        version = gated.register(home, tmp_path, "boosted")
        for asked, hours in (("last:2h", 2), ("last:3d", 72)):
            verdict = gated.gated(home, version, asked)
            assert verdict.holdout["rows"] == verdict.holdout["used"] == hours
            assert verdict.to_json().count('"to": "2012-04-18T23:00:00Z"') == 1


def test_where_no_event_of_the_span_has_a_label_the_newest_that_has_one_is_named(tmp_path):
    table = gated.rows("2012-04-01", "2012-05-01")
    score = gated.fitted("plain").predict_proba(gated.matrix(table))[:, 1]
    labels = [Label(id=row["id"], label=row["busy"], time=row["at"]) for row in table.slice(0, 480).to_pylist()]
    with gated.home(tmp_path) as home:
        log(home, Kind.EVENT, served(table, score), END)
        log(home, Kind.LABEL, labels, END)
        run(home, now=gated.NOW)
        verdict = gated.gated(home, gated.register(home, tmp_path, "boosted"), "last:2h")
        (check,) = [one for one in verdict.checks if one.name == "labels"]
        assert check.outcome is Outcome.INCONCLUSIVE
        assert "30 April 2012 23:00, the newest event" in check.sentence
        assert "2 events since 30 April 2012 21:00, none with a label" in check.sentence
        newest = table["at"][479].as_py()
        assert f"the newest event with a label is of {newest.day} April 2012" in check.sentence
        days = -(-(table["at"][-1].as_py() - newest) // timedelta(days=1)) + 1
        assert f"--holdout last:{days}d" in check.remedy
        assert gated.gated(home, "v2", f"last:{days}d").holdout["used"] > 0


def test_the_live_artefact_says_again_what_was_logged_and_the_candidate_answers_it_all(home):
    verdict = gated.gated(home, "v2", "last:14d")
    assert gated.outcome_of(verdict, "replay") == "PASS"
    assert "answers 256 recorded requests as it did" in said(verdict, "replay")
    assert "256 recorded requests" in said(verdict, "requests")


def test_an_old_file_can_not_tell_where_the_lake_has_newer_labels(home, tmp_path):
    verdict = gated.gated(home, "v2", gated.held_out(tmp_path, gated.rows("2012-01-01", "2012-01-20")))
    assert gated.outcome_of(verdict, "latest_period") == "INCONCLUSIVE"
    assert "up to 21 April 2012" in said(verdict, "latest_period")
    assert verdict.exit_code == 3


def test_requests_that_were_answered_otherwise_than_the_artefact_does_fail(tmp_path):
    table = gated.rows("2012-04-01", "2012-05-01")
    score = gated.fitted("plain").predict_proba(gated.matrix(table))[:, 1]
    score[-40:] = np.clip(score[-40:] + 0.1, 0, 1)
    with gated.home(tmp_path) as home:
        log(home, Kind.EVENT, served(table, score), END)
        run(home, now=gated.NOW)
        verdict = gated.gated(home, gated.register(home, tmp_path, "boosted"), gated.held_out(tmp_path))
        assert gated.outcome_of(verdict, "replay") == "FAIL"
        assert "40 of 256 recorded requests otherwise" in said(verdict, "replay")
        assert verdict.exit_code == 1
