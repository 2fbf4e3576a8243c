"""Once a day a run tidies the lake, and what is kept no longer is neither read nor judged again."""

from __future__ import annotations

import time

from hotel import BEFORE, DAY, event, home, label, log, micro, rows
from watchkeeper.sdk import Kind
from watchkeeper.state import window
from watchkeeper.watch import tidy as tidying
from watchkeeper.watch.run import run


def files(made):
    lake = made.lake(made.model("hotel"))
    return len(lake.tables["events"].files(lake.tables["events"].fresh()))


def test_small_files_become_few_once_a_day(tmp_path, monkeypatch):
    with home(tmp_path) as made:
        monkeypatch.setattr(tidying.time, "time", lambda: 86_400.0 * 20_000)
        for part in range(4):
            log(made.folder, [event(row) for row in rows(BEFORE, 2, 2)[part::4]])
            run(made, now=micro(BEFORE + 2))
        assert files(made) >= 8
        monkeypatch.setattr(tidying.time, "time", lambda: 86_400.0 * 20_001)
        run(made, now=micro(BEFORE + 2))
        assert files(made) == 2


def test_days_that_are_not_kept_go_and_a_late_label_does_not_empty_their_windows(tmp_path, monkeypatch):
    days = rows(BEFORE, 4, 2)
    with home(tmp_path) as made:
        log(made.folder, [event(row) for row in days])
        run(made, now=micro(BEFORE + 4))
        (made.folder / "config.yaml").write_text("keep_days: 2\n")
    later = micro(BEFORE + 4) / 1e6 + 86_400  # a day later, days before the third are older than two days
    monkeypatch.setattr(time, "time", lambda: later)
    from watchkeeper.watch.home import opened

    with opened(tmp_path / "home") as made:
        run(made, now=micro(BEFORE + 5))
        lake = made.lake(made.model("hotel"))
        assert sum(batch.num_rows for batch in lake.events()) == len(days) // 4
        before = [(one.span, one.revision) for one in window.finished(made.store, "hotel")]
        log(made.folder, [label(row) for row in days[:10]], Kind.LABEL)
        run(made, now=micro(BEFORE + 5))
        assert [(one.span, one.revision) for one in window.finished(made.store, "hotel")] == before
        first = list(lake.profiles(micro(BEFORE), micro(BEFORE) + DAY))
        assert len(first) == 1
