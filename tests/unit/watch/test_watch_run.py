"""A run catches up: windows that are over are judged once, again when something late comes, by one run at a time."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from hotel import BEFORE, DAY, ROWS, START, YAML, baseline, event, home, label, log, micro, rows
from watchkeeper.delivery import deliver
from watchkeeper.engines import scan
from watchkeeper.engines.kernels import Kernels
from watchkeeper.profiles import parse
from watchkeeper.sdk import Kind
from watchkeeper.state import alarm, audit, count, window
from watchkeeper.watch.add import add, baseline_of, rebase
from watchkeeper.watch.labelled import Labelled
from watchkeeper.watch.reference import refer
from watchkeeper.watch.run import run
from watchkeeper.watch.status import statuses
from watchkeeper.watch.turn import turn
from watchkeeper.watch.windowed import Watched


@pytest.fixture
def made(tmp_path):
    with home(tmp_path) as opened:
        yield opened


def ran(made, day):
    (one,) = run(made, now=micro(day))
    return one


def finished(made):
    return [((one.span[0] - micro(0)) // DAY, one.revision) for one in window.finished(made.store, "hotel")]


def kept(made, first, last):
    """The profiles kept of some days."""
    model = made.model("hotel")
    lake = made.lake(model)
    windows = parse(model.window)
    watched = Watched(model, lake, baseline_of(made, model, lake), windows, Kernels(), Labelled(model, windows))
    return watched.kept(micro(first), micro(last))


def test_windows_are_judged_once_they_are_over_and_not_again(made):
    log(made.folder, [event(row) for row in rows(BEFORE, 3, 2)])
    assert ran(made, BEFORE + 2.5).windows == 2
    assert finished(made) == [(BEFORE, 1), (BEFORE + 1, 1)]
    assert ran(made, BEFORE + 2.6).windows == 0
    assert ran(made, BEFORE + 3).windows == 1


def test_a_fault_begins_one_alarm_however_long_it_lasts_and_is_kept_with_its_window(made):
    days = rows(BEFORE, 6, 2)
    for row in days[2 * ROWS : 4 * ROWS : 2]:
        row["price"] = None
    log(made.folder, [event(row) for row in days])
    one = ran(made, BEFORE + 6)
    missing = [f for f in one.findings if f.metric == "null_share"]
    assert [f.window[:10] for f in missing] == ["2026-03-18", "2026-03-19"]
    assert [str(f.severity) for f in missing] == ["alarm", "alarm"]
    (onset,) = [o for o in alarm.history(made.store, "hotel") if o.key.metric == "null_share"]
    assert onset.windows == 2
    assert onset.finding["message"] == missing[0].message
    told = made.lake(made.model("hotel")).findings().to_pylist()
    assert [row["severity"] for row in told if row["metric"] == "null_share"] == ["alarm", "alarm"]


def test_what_comes_late_is_judged_anew_in_its_window_alone(made):
    log(made.folder, [event(row) for row in rows(BEFORE, 3, 2)])
    ran(made, BEFORE + 3)
    late = rows(BEFORE + 1, 1, 3)[0] | {"booking": "late"}
    log(made.folder, [event(late)])
    assert ran(made, BEFORE + 3).windows == 1
    assert finished(made) == [(BEFORE, 1), (BEFORE + 1, 2), (BEFORE + 2, 1)]
    assert kept(made, BEFORE + 1, BEFORE + 2).by_window.rows.tolist() == [ROWS + 1]


def test_labels_make_the_metrics_of_their_windows_final_and_missing_ones_are_no_fault(made):
    days = rows(BEFORE, 3, 2)
    log(made.folder, [event(row) for row in days])
    first = ran(made, BEFORE + 3)
    assert [f for f in first.findings if "cancelled" in f.columns] == []
    assert kept(made, BEFORE, BEFORE + 3).quality.scored.sum() == 0
    log(made.folder, [label(row) for row in days[:ROWS]], Kind.LABEL)
    assert ran(made, BEFORE + 3).labels == ROWS
    assert finished(made) == [(BEFORE, 2), (BEFORE + 1, 1), (BEFORE + 2, 1)]
    assert kept(made, BEFORE, BEFORE + 1).quality.scored.sum() == ROWS


@pytest.mark.parametrize("segments", ["[country]", "[country, release]"])
def test_a_model_with_segments_is_judged_as_a_whole_too_and_a_value_that_is_new_is_part_of_it(tmp_path, segments):
    days = rows(BEFORE, 4, 2)
    for row in days[ROWS : 2 * ROWS]:
        row["country"], row["price"] = "VA", 77e6
    kept_days = [*days[: 2 * ROWS], *days[3 * ROWS :]]  # and a day without any event
    with home(tmp_path, YAML + f"segments: {segments}\n") as made:
        log(made.folder, [event(row) for row in kept_days])
        one = ran(made, BEFORE + 4)
        whole = [f for f in one.findings if f.segment is None]
        assert {"unseen_share", "range_high"} <= {f.metric for f in whole if f.window[:10] == "2026-03-17"}
        assert "rows" in {f.metric for f in whole if f.window[:10] == "2026-03-18"}
        assert {f.window[:10] for f in one.findings} == {"2026-03-17", "2026-03-18"}
        assert kept(made, BEFORE, BEFORE + 4).by_window.rows.tolist() == [ROWS, ROWS, 0, ROWS]


def test_the_same_event_sent_again_changes_nothing(made):
    days = [event(row) for row in rows(BEFORE, 2, 2)]
    log(made.folder, days)
    ran(made, BEFORE + 2)
    log(made.folder, days)
    again = ran(made, BEFORE + 2)
    assert (again.events, again.windows) == (0, 0)
    assert count.totals(made.store, "hotel")["duplicates"] == len(days)


def test_days_without_an_event_are_windows_too_as_long_as_events_came_of_late(made):
    log(made.folder, [event(row) for row in rows(BEFORE, 3, 2)])
    ran(made, BEFORE + 3)
    silent = ran(made, BEFORE + 5)
    assert silent.windows == 2
    assert {(f.check, str(f.severity)) for f in silent.findings} == {("rows", "alarm")}
    assert kept(made, BEFORE + 3, BEFORE + 5).by_window.rows.tolist() == [0, 0]


def test_one_event_that_is_dated_years_ahead_does_not_hide_that_no_others_come(made):
    days = rows(BEFORE, 3, 2)
    log(made.folder, [event(row) for row in days])
    log(made.folder, [event({**days[0], "booking": "ahead", "at": START + timedelta(days=2000)})])
    assert ran(made, BEFORE + 3).windows == 3
    assert [f.window[:10] for f in ran(made, BEFORE + 4.5).findings if f.metric == "rows"] == ["2026-03-19"]
    assert finished(made) == [(BEFORE + i, 1) for i in range(4)]
    late = rows(BEFORE + 5, 1, 3)  # with another clock that is wrong
    log(made.folder, [event(row) for row in late])
    log(made.folder, [event({**late[0], "booking": "ahead too", "at": START + timedelta(days=1000)})])
    assert ran(made, BEFORE + 6).windows == 2
    (told,) = statuses(made, now=micro(BEFORE + 6))
    assert told.worst is not None
    assert told.worst.window == "2026-03-21/2026-03-22"
    assert [one["events"] for one in told.windows] == [60, 60, 60, 0, 0, 60]


def test_history_that_ended_long_ago_is_not_silence(made):
    log(made.folder, [event(row) for row in rows(BEFORE, 3, 2)])
    assert ran(made, BEFORE + 300).windows == 3
    assert ran(made, BEFORE + 301).windows == 0


def test_the_newest_day_is_judged_for_how_early_its_events_ended(made):
    days = rows(BEFORE, 3, 2)
    stopped = [row for row in days if row["at"] < days[0]["at"].replace(hour=0) + timedelta(days=2, hours=9)]
    log(made.folder, [event(row) for row in stopped])
    assert "freshness" in {f.check for f in ran(made, BEFORE + 3).findings}


def test_profiles_are_those_of_an_offline_scan_whatever_came_when(made, tmp_path):
    """Oracle: one scan of all events as a file, on the same edges."""
    days = rows(BEFORE, 5, 2)
    log(made.folder, [event(row) for row in days[::2]])
    ran(made, BEFORE + 3)
    log(made.folder, [label(row) for row in days[:100]], Kind.LABEL)
    log(made.folder, [event(row) for row in days[1::2]])
    ran(made, BEFORE + 5)
    model = made.model("hotel")
    known = {row["booking"] for row in days[:100]}
    offline = pa.Table.from_pylist([row if row["booking"] in known else row | {"cancelled": None} for row in days])
    reference = refer([baseline_of(made, model, made.lake(model))], model)
    wanted = scan(reference.edges, model, deliver(offline, model).blocks(), parse("day"), kernels=Kernels())
    found = kept(made, BEFORE, BEFORE + 5)
    assert [replace(at, version=None) for at in found.slices] == [replace(at, version=None) for at in wanted.slices]
    assert found.rows.tolist() == wanted.rows.tolist()
    for name, column in wanted.columns.items():
        assert found.columns[name].null.tolist() == column.null.tolist()
        if hasattr(column, "counts"):
            assert found.columns[name].counts.tolist() == column.counts.tolist()
    assert found.quality.scored.tolist() == wanted.quality.scored.tolist()


def test_a_new_baseline_has_the_newest_windows_judged_again_and_silences_what_it_holds(made, tmp_path):
    dear = rows(BEFORE, 4, 2)
    for row in dear:
        row["price"] += 40
    log(made.folder, [event(row) for row in dear])
    assert "price" in {name for f in ran(made, BEFORE + 4).findings for name in f.columns}
    changed = rows(0, BEFORE, 5)
    for row in changed:
        row["price"] += 40
    pq.write_table(pa.Table.from_pylist(changed), tmp_path / "new.parquet")
    model = made.model("hotel")
    done = rebase(made, model, [str(tmp_path / "new.parquet")], reason="tariff", now=micro(BEFORE + 4), who="test")
    assert done.again == 4
    assert ("shape", ("price",)) in {(f.metric, f.columns) for f in done.silenced}
    (entry,) = [one for one in audit.entries(made.store) if one.what == "baseline silences"]
    assert any("price" in what for what in entry.detail["what"])
    again = ran(made, BEFORE + 4)
    assert again.windows == 4
    assert [f for f in again.findings if f.columns == ("price",)] == []


def test_while_one_run_works_another_leaves_the_model_to_it_and_takes_over_from_a_dead_one(made):
    log(made.folder, [event(row) for row in rows(BEFORE, 2, 2)])
    code = (
        "import sys, time\nfrom watchkeeper.watch.home import opened\nfrom watchkeeper.watch.turn import turn\n"
        "with opened(sys.argv[1]) as home, turn(home, 'run hotel') as mine:\n"
        "    print(callable(mine), flush=True)\n    time.sleep(600)\n"
    )
    other = subprocess.Popen([sys.executable, "-c", code, str(made.folder)], stdout=subprocess.PIPE, text=True)
    try:
        assert other.stdout.readline() == "True\n"
        left = ran(made, BEFORE + 2)
        assert f":{other.pid}:" in left.elsewhere
        assert left.windows == 0
    finally:
        other.kill()
        other.communicate()
    assert ran(made, BEFORE + 2).windows == 2


def test_a_turn_is_given_back_whatever_happens(made):
    def breaks_off():
        with turn(made, "x") as mine:
            assert callable(mine)
            raise RuntimeError

    with pytest.raises(RuntimeError):
        breaks_off()
    with turn(made, "x") as mine:
        assert callable(mine)


def test_the_cache_of_windows_is_only_a_cache(made):
    log(made.folder, [event(row) for row in rows(BEFORE, 3, 2)])
    ran(made, BEFORE + 3)
    before = kept(made, BEFORE, BEFORE + 3)
    for path in made.lake(made.model("hotel")).cache.glob("windows-*"):
        path.write_bytes(b"spoiled")
    assert kept(made, BEFORE, BEFORE + 3).rows.tolist() == before.rows.tolist()
    for path in made.lake(made.model("hotel")).cache.glob("windows-*"):
        path.unlink()
    assert kept(made, BEFORE, BEFORE + 3).rows.tolist() == before.rows.tolist()


def test_a_model_without_event_times_or_with_windows_of_rows_is_refused(tmp_path):
    from hotel import YAML
    from watchkeeper.model import WatchkeeperError
    from watchkeeper.watch.add import add
    from watchkeeper.watch.home import opened

    base = str(baseline(tmp_path / "base.parquet"))
    with opened(tmp_path / "home", make=True) as made:
        for text, said in (
            (YAML.replace("window: day", "window: 100-rows"), "events are watched by time"),
            (YAML.replace("role: timestamp", "role: feature"), "no column has the role `timestamp`"),
        ):
            (tmp_path / "m.yaml").write_text(text)
            with pytest.raises(WatchkeeperError, match=said):
                add(made, tmp_path / "m.yaml", [base], now=0, who="test")
        assert made.models() == []


def test_a_feature_is_not_missing_in_windows_that_began_before_it_was_declared(made, tmp_path):
    log(made.folder, [event(row) for row in rows(BEFORE, 4, 2)])
    assert not ran(made, BEFORE + 3).findings
    base = [{**row, "gust": float(i % 7)} for i, row in enumerate(rows(0, BEFORE, 1))]
    pq.write_table(pa.Table.from_pylist(base), tmp_path / "gusts.parquet")
    (tmp_path / "m.yaml").write_text(YAML + "  gust: {type: number}\n")
    add(made, tmp_path / "m.yaml", [str(tmp_path / "gusts.parquet")], now=micro(BEFORE + 3.5), who="ann")
    assert not [one for one in ran(made, BEFORE + 4).findings if "gust" in one.columns]
    log(made.folder, [event(row) for row in rows(BEFORE + 4, 1, 3)])
    late = [one for one in ran(made, BEFORE + 5).findings if "gust" in one.columns]
    assert [(one.metric, str(one.severity), one.window[:10]) for one in late] == [("null_share", "alarm", "2026-03-20")]


def test_an_event_that_is_dated_before_1970_is_kept_and_makes_no_window_and_no_alarm(made):
    days = rows(BEFORE, 3, 2)
    log(made.folder, [event(row) for row in days])
    log(made.folder, [event({**days[0], "booking": "old", "at": datetime(1950, 1, 1, tzinfo=UTC)})])
    done = ran(made, BEFORE + 3)
    assert (done.events, done.windows, done.onsets) == (len(days) + 1, 3, 0)
