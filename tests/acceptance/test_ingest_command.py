"""`watchkeeper ingest` and `init` say what was set aside and why, and what comes next."""

from __future__ import annotations

import io
import sys
from datetime import UTC, datetime

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from hotel import BEFORE, YAML, event, home, log, micro, rows
from watchkeeper.cli import main
from watchkeeper.lake import move
from watchkeeper.watch.add import add
from watchkeeper.watch.home import opened


def run(capsys, *arguments):
    """Exit code, standard output, standard error."""
    with pytest.raises(SystemExit) as left:
        main([str(argument) for argument in arguments])
    said = capsys.readouterr()
    return left.value.code, said.out, said.err


def test_rows_set_aside_are_told_with_the_first_reason_and_where_all_of_them_are(tmp_path, capsys):
    yaml = YAML.replace("nights: {type: integer}", "nights: {type: integer, minimum: 1}")
    yaml = yaml.replace("country: {type: string}", "country: {type: string, allowed: [DE, FR, IT], pii: true}")
    with home(tmp_path, yaml) as made:
        folder = made.folder
    days = rows(BEFORE, 1, 2)
    days[6]["nights"], days[9]["country"] = -3, "secret"
    pq.write_table(pa.Table.from_pylist(days), tmp_path / "day.parquet")
    code, out, _ = run(capsys, "ingest", "hotel", tmp_path / "day.parquet", "--home", folder)
    assert code == 0
    assert "2 rows set aside of 60 rows." in out
    assert "The first set aside is row 7: " in out
    assert "nights" in out
    assert "All of them, each with its reason: " in out
    assert out.rstrip().endswith(".jsonl")


def test_lines_of_a_stream_that_are_no_events_are_told_with_the_first_reason(tmp_path, capsys, monkeypatch):
    with home(tmp_path) as made:
        folder = made.folder
    good = b'{"id": "a", "time": "2026-03-16T12:00:00Z", "features": {"nights": 1}}\n'
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(good + b'{"id": "b"}\n' + b"{{\n")))
    code, out, _ = run(capsys, "ingest", "hotel", "-", "--home", folder)
    assert code == 0
    assert "2 rows set aside" in out
    assert "The first set aside is line 2: Object missing required field" in out
    assert "They are not kept." in out


def test_init_names_the_commands_that_come_next(tmp_path, capsys):
    pq.write_table(pa.Table.from_pylist(rows(0, 3, 1)), tmp_path / "my base.parquet")
    code, out, err = run(capsys, "init", tmp_path / "my base.parquet", "-o", tmp_path / "m.yaml")
    assert (code, out) == (0, "")
    assert f"Next: watchkeeper check NEW --baseline '{tmp_path}/my base.parquet' --model {tmp_path}/m.yaml\n" in err
    assert f"watchkeeper add {tmp_path}/m.yaml --baseline '{tmp_path}/my base.parquet'\n" in err


def test_rows_without_an_id_or_a_time_are_set_aside_and_no_column_is_left_out_in_silence(tmp_path, capsys):
    with home(tmp_path) as made:
        folder = made.folder
    days = rows(BEFORE, 1, 2)
    days[4]["at"], days[8]["booking"] = None, None
    days[10]["at"], days[11]["at"] = days[10]["at"].replace(year=1950), days[11]["at"].replace(year=2350)
    pq.write_table(pa.Table.from_pylist([{**row, "note": "x", "agent": 1} for row in days]), tmp_path / "day.parquet")
    code, out, _ = run(capsys, "ingest", "hotel", tmp_path / "day.parquet", "--home", folder)
    assert code == 0
    assert "58 new events, 58 labels, 2 rows set aside of 60 rows." in out
    assert "Not taken, as the model does not declare them: `note` and `agent`." in out
    assert "The first set aside is row 5: `at` " in out
    _, out, _ = run(capsys, "status", "--home", folder)
    assert "1 future" in out
    assert "1 ancient" in out
    pq.write_table(
        pa.table({"booking": ["b14-0"], "cancelled": [True], "label_time": [1]}), tmp_path / "labels.parquet"
    )
    _, out, _ = run(capsys, "ingest", "hotel", tmp_path / "labels.parquet", "--home", folder)
    assert "Not taken, as the model does not declare it: `label_time`." in out


def test_one_bad_file_of_a_glob_is_told_and_keeps_no_other_away(tmp_path, capsys):
    with home(tmp_path) as made:
        folder = made.folder
    (tmp_path / "new").mkdir()
    for k, name in enumerate("abcd"):
        pq.write_table(pa.Table.from_pylist(rows(BEFORE + k, 1, 2)), tmp_path / "new" / f"{name}.parquet")
    broken = tmp_path / "new" / "b.parquet"
    broken.write_bytes(broken.read_bytes()[:999])
    code, out, err = run(capsys, "ingest", "hotel", tmp_path / "new" / "*.parquet", "--home", folder)
    assert code == 1
    for name in "acd":
        assert f"{name}.parquet: 60 new events, 60 labels of 60 rows." in out
    assert "b.parquet is no whole Parquet file" in err
    assert err.endswith("1 of 4 files is rejected.\n")


@pytest.mark.parametrize("ending", ["csv", "parquet", "xlsx"])
def test_a_single_file_that_is_rejected_ends_with_one_whatever_its_ending(tmp_path, capsys, ending):
    with home(tmp_path) as made:
        folder = made.folder
    (tmp_path / f"new.{ending}").write_text("")
    code, out, err = run(capsys, "ingest", "hotel", tmp_path / f"new.{ending}", "--home", folder)
    assert (code, out) == (1, "")
    assert f"new.{ending} " in err.replace(":", " ")


def test_a_file_that_is_not_there_is_told_before_anything_is_taken(tmp_path, capsys, monkeypatch):
    with home(tmp_path) as made:
        folder = made.folder
    pq.write_table(pa.Table.from_pylist(rows(BEFORE, 1, 2)), tmp_path / "day.parquet")
    line = b'{"id": "a", "time": "2026-03-16T12:00:00Z", "features": {"nights": 1}}\n'
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(line)))
    given = ["-", tmp_path / "day.parquet", tmp_path / "gone.parquet"]
    code, out, err = run(capsys, "ingest", "hotel", *given, "--home", folder)
    assert (code, out) == (2, "")
    assert "gone.parquet: there is no such file" in err
    with opened(folder) as made:
        assert move(folder, made.model("hotel"), made.lake(made.model("hotel"))).events.new == 0
        assert list(made.lake(made.model("hotel")).events()) == []


def test_a_stream_does_not_call_events_new_and_says_which_clocks_are_wrong(tmp_path, capsys, monkeypatch):
    with home(tmp_path) as made:
        folder = made.folder
    years = ("1950", "2026", "2126", "2127")
    lines = [f'{{"id": "{y}", "time": "{y}-03-16T12:00:00Z", "features": {{"nights": 1}}}}\n' for y in years]
    for _ in range(2):
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO("".join(lines).encode())))
        code, out, _ = run(capsys, "ingest", "hotel", "-", "--home", folder)
        assert code == 0
        assert "standard input: 4 events received of 4 rows.\n" in out
        assert "counts those that were known before" in out
        assert "Look at the clock that dated them: 2 more than a day ahead and 1 before 1970.\n" in out


def test_events_of_a_file_that_are_dated_far_ahead_or_before_1970_are_told_at_once(tmp_path, capsys):
    with home(tmp_path) as made:
        folder = made.folder
    day = rows(BEFORE, 1, 2)
    day[3]["at"], day[5]["at"] = (datetime(year, 1, 1, tzinfo=UTC) for year in (1950, 2150))
    pq.write_table(pa.Table.from_pylist(day), tmp_path / "day.parquet")
    code, out, _ = run(capsys, "ingest", "hotel", tmp_path / "day.parquet", "--home", folder)
    assert code == 0
    assert "60 new events, 60 labels of 60 rows.\n" in out
    assert "Look at the clock that dated them: 1 more than a day ahead and 1 before 1970.\n" in out


def test_a_file_is_taken_again_once_its_label_time_is_declared_and_the_wrong_times_go(tmp_path, capsys):
    known = datetime(2026, 3, 20, tzinfo=UTC)
    day = rows(BEFORE, 1, 2)
    labels = [{"booking": row["booking"], "cancelled": row["cancelled"], "known": known} for row in day]
    pq.write_table(pa.Table.from_pylist(labels), tmp_path / "labels.parquet")
    command = ("ingest", "hotel", tmp_path / "labels.parquet", "--home", tmp_path / "home")
    with home(tmp_path) as made:
        log(made.folder, [event(row) for row in day])
    assert "does not declare it: known." in " ".join(run(capsys, *command)[1].replace("`", "").split())
    assert "taken before" in run(capsys, *command)[1]
    with opened(tmp_path / "home") as made:
        (tmp_path / "m.yaml").write_text(YAML + "  known: {type: timestamp, role: label_time}\n")
        past = [{**row, "known": row["at"]} for row in rows(0, BEFORE, 1)]
        pq.write_table(pa.Table.from_pylist(past), tmp_path / "base.parquet")
        add(made, tmp_path / "m.yaml", [str(tmp_path / "base.parquet")], now=micro(BEFORE), who="test")
    code, out, _ = run(capsys, *command)
    assert code == 0
    assert "0 new events, 60 labels of 60 rows." in out
    assert "these replace the ones that it brought then" in out
    with opened(tmp_path / "home") as made:
        lake = made.lake(made.model("hotel"))
        (held,) = (batch for batch in lake.read("labels") if len(batch))
        assert len(held) == len(day)
        assert set(held["time"].to_pylist()) == {known}
        asked = lake.labels_for([row["booking"] for row in day], as_of=micro(BEFORE + 5))
        assert len(asked) == len(day)
    assert "taken before" in run(capsys, *command)[1]
