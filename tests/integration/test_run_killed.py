"""Runs that are killed at any moment: what is kept in the end is what one run would have kept."""

from __future__ import annotations

import random
import subprocess
import sys
import time

import pyarrow as pa

from hotel import BEFORE, ROWS, event, home, label, log, micro, rows
from watchkeeper.delivery import deliver
from watchkeeper.engines import Kernels, scan
from watchkeeper.profiles import parse
from watchkeeper.sdk import Kind
from watchkeeper.state import alarm, window
from watchkeeper.watch.add import baseline_of
from watchkeeper.watch.labelled import Labelled
from watchkeeper.watch.run import run
from watchkeeper.watch.windowed import Watched

DAYS, KILLS = 8, 12
CODE = """
import sys
from watchkeeper.watch.home import opened
from watchkeeper.watch.run import run
print("begun", flush=True)
with opened(sys.argv[1]) as home:
    run(home, now=int(sys.argv[2]))
print("done", flush=True)
"""


def test_runs_that_are_killed_leave_what_one_run_would_have_left(tmp_path):
    """Oracle: an offline scan of everything that was logged, on the same edges."""
    rng = random.Random(7)
    days = rows(BEFORE, DAYS, 2)
    for row in days[4 * ROWS : 5 * ROWS : 2]:
        row["price"] = None
    labelled = days[: 3 * ROWS]
    with home(tmp_path) as made:
        finished = killed = 0
        for number in range(KILLS):
            part = days[number * len(days) // KILLS : (number + 1) * len(days) // KILLS]
            log(made.folder, [event(row) for row in part])
            log(made.folder, [label(row) for row in labelled[number::KILLS]], Kind.LABEL)
            command = [sys.executable, "-c", CODE, str(made.folder), str(micro(BEFORE + DAYS))]
            process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
            assert process.stdout.readline() == "begun\n"
            time.sleep(rng.uniform(0.02, 1.2))
            process.kill()
            ended = "done" in process.communicate()[0]
            finished, killed = finished + ended, killed + (not ended)
        assert killed >= KILLS // 3
        run(made, now=micro(BEFORE + DAYS))
        model = made.model("hotel")
        lake, by = made.lake(model), parse(model.window)
        base = baseline_of(made, model, lake)
        watched = Watched(model, lake, base, by, Kernels(), Labelled(model, by))
        found = watched.kept(micro(BEFORE), micro(BEFORE + DAYS))
        known = {row["booking"] for row in labelled}
        told = [row if row["booking"] in known else row | {"cancelled": None} for row in days]
        blocks = deliver(pa.Table.from_pylist(told), model).blocks()
        wanted = scan(base.profiles.edges, model, blocks, by, kernels=Kernels())
        assert found.rows.tolist() == wanted.rows.tolist() == [ROWS] * DAYS
        for name, column in wanted.columns.items():
            assert found.columns[name].null.tolist() == column.null.tolist()
            if hasattr(column, "counts"):
                assert found.columns[name].counts.tolist() == column.counts.tolist()
        assert found.quality.scored.tolist() == wanted.quality.scored.tolist()
        assert not window.due(made.store, "hotel", micro(BEFORE + DAYS))
        onsets = [onset for onset in alarm.history(made.store, "hotel") if onset.key.columns == ("price",)]
        assert [onset.key.metric for onset in onsets].count("null_share") == 1
        findings = [row for row in lake.findings().to_pylist() if row["columns"] == ["price"]]
        assert [row["metric"] for row in findings].count("null_share") == 1
