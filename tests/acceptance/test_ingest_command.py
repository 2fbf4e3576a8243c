"""`watchkeeper ingest` and `init` say what was set aside and why, and what comes next."""

from __future__ import annotations

import io
import sys

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from hotel import BEFORE, YAML, home, rows
from watchkeeper.cli import main


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
