"""The same days, watched with state on SQLite and on PostgreSQL, give the same; a database may be away for a while."""

from __future__ import annotations

import pytest

from hotel import BEFORE, ROWS, YAML, baseline, event, label, log, micro, rows
from watchkeeper.report.status import as_dict
from watchkeeper.sdk import Kind
from watchkeeper.state import StateUnavailable, alarm, audit, window
from watchkeeper.watch.add import add
from watchkeeper.watch.home import opened
from watchkeeper.watch.run import run
from watchkeeper.watch.status import statuses


def test_a_model_is_watched_alike_on_both_databases(state_url, tmp_path):
    (tmp_path / "m.yaml").write_text(YAML)
    home = tmp_path / "home"
    home.mkdir()
    (home / "config.yaml").write_text(f"state: {state_url}\n")
    days = rows(BEFORE, 4, 2)
    for row in days[2 * ROWS : 3 * ROWS : 2]:
        row["price"] = None
    with opened(home) as made:
        add(made, tmp_path / "m.yaml", [str(baseline(tmp_path / "b.parquet"))], now=micro(BEFORE), who="test")
        log(home, [event(row) for row in days])
        (ran,) = run(made, now=micro(BEFORE + 4))
        log(home, [label(row) for row in days], Kind.LABEL)
        (again,) = run(made, now=micro(BEFORE + 5))
        assert (ran.events, ran.windows, again.labels) == (4 * ROWS, 4, 4 * ROWS)
        assert [one.revision for one in window.finished(made.store, "hotel")] == [2, 2, 2, 2, 1]
        onsets = [o for o in alarm.history(made.store, "hotel") if o.key.columns == ("price",)]
        assert "null_share" in {o.key.metric for o in onsets}
        assert {entry.what for entry in audit.entries(made.store)} >= {"model declared", "baseline taken into use"}
        (told,) = statuses(made, now=micro(BEFORE + 5))
        assert as_dict(told)["model"] == "hotel"


def test_a_run_that_finds_its_database_away_says_so_and_the_next_one_goes_on(postgresql, tmp_path):
    (tmp_path / "m.yaml").write_text(YAML)
    home = tmp_path / "home"
    home.mkdir()
    (home / "config.yaml").write_text(f"state: {postgresql.new()}\n")
    days = rows(BEFORE, 2, 2)
    with opened(home) as made:
        add(made, tmp_path / "m.yaml", [str(baseline(tmp_path / "b.parquet"))], now=micro(BEFORE), who="test")
        log(home, [event(row) for row in days])
        postgresql.stop()
        try:
            with pytest.raises(StateUnavailable):
                run(made, now=micro(BEFORE + 2))
        finally:
            postgresql.start()
        (ran,) = run(made, now=micro(BEFORE + 2))
        assert (ran.events, ran.windows) == (2 * ROWS, 2)
