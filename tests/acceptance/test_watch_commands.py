"""`watchkeeper status`, `dataset` and `erase`, as a user runs them."""

from __future__ import annotations

import json
import os
import pty
import re
import select
import signal
import subprocess
import sys
import time

import pyarrow.parquet as pq
import pytest

from watched_home import NAME, a_home, a_label, an_event, catch_up, log, log_hours
from watchkeeper.cli import main
from watchkeeper.sdk import Kind


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    made = tmp_path_factory.mktemp("commands")
    with a_home(made) as home:
        log_hours(home, 0, 4)
        log(home, Kind.LABEL, [a_label(i, i / 40 + 1) for i in range(100)], 4)
        catch_up(home, 4)
    return made / "home"


def run(capsys, *arguments):
    """Exit code, standard output, standard error."""
    with pytest.raises(SystemExit) as left:
        main([str(argument) for argument in arguments])
    said = capsys.readouterr()
    assert "Traceback" not in said.err + said.out
    return left.value.code, said.out, said.err


def test_status_tells_of_all_models_in_words_and_as_json(folder, capsys):
    code, out, _ = run(capsys, "status", "--home", folder)
    assert code == 0
    assert re.search(r"^. churn: ", out)
    assert re.search(r"^  next  ", out, re.MULTILINE)
    assert "160 in all" in out
    code, out, err = run(capsys, "status", NAME, "--json", "--home", folder)
    (one,) = json.loads(out)["models"]
    assert (code, err, one["model"], one["events"]["total"]) == (0, "", NAME, 160)
    assert [window["labels"] for window in one["windows"]] == [40, 40, 20, 0]


def test_status_of_a_model_nobody_added_names_those_that_were(folder, capsys):
    code, out, err = run(capsys, "status", "chrun", "--home", folder)
    assert (code, out) == (2, "")
    assert "churn" in err


def test_status_where_no_home_is_says_how_to_make_one(tmp_path, capsys):
    code, _, err = run(capsys, "status", "--home", tmp_path / "none")
    assert code == 2
    assert "watchkeeper add" in err
    assert not (tmp_path / "none").exists()


def test_watching_needs_a_terminal(folder, capsys):
    code, _, err = run(capsys, "status", "--watch", "--home", folder)
    assert code == 2
    assert "--watch draws on a terminal" in err


def test_watching_shows_what_comes_until_it_is_interrupted(folder):
    """On a terminal of its own: an event that comes while it watches is told, and Ctrl-C ends it in peace."""
    ours, theirs = pty.openpty()
    environment = {**os.environ, "COLUMNS": "120", "LINES": "40", "TERM": "xterm"}
    command = [sys.executable, "-m", "watchkeeper", "status", "--watch", "--home", str(folder)]
    watching = subprocess.Popen(command, stdin=theirs, stdout=theirs, stderr=theirs, env=environment)
    os.close(theirs)
    shown = b""

    def until(word, seconds=60):
        nonlocal shown
        last = time.monotonic() + seconds
        while word not in shown and time.monotonic() < last:
            if select.select([ours], [], [], 1)[0]:
                shown += os.read(ours, 65536)
        assert word in shown, shown.decode(errors="replace")

    try:
        until(b"160 in all")
        segment = folder / "inbox" / NAME / "00000000000000aa-00000000.wks"
        segment.write_bytes(b"\0" * 1234)
        until(b"1.23 kB wait to be moved")
        segment.unlink()
        watching.send_signal(signal.SIGINT)
        assert watching.wait(60) == 0
    finally:
        watching.kill()
        watching.wait()
        os.close(ours)


def test_a_dataset_is_written_as_the_command_says(folder, tmp_path, capsys):
    target = tmp_path / "train.parquet"
    span = ("--from", "2024-01-01T01:00", "--to", "2024-01-01T03:00", "--as-of", "2024-01-01T03:00")
    code, out, _ = run(capsys, "dataset", NAME, *span, "-o", target, "--home", folder)
    assert (code, out) == (0, f"{target}: 80 rows, 41 with a label.\n")
    assert pq.read_table(target)["left"].null_count == 39


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--from", "May", "-o", "t.parquet"), "'May' is no moment"),
        (("--from", "2024-02-01", "--to", "2024-01-01", "-o", "t.parquet"), "the end has to come after the start"),
        (("-o", "t.xlsx"), "t.xlsx"),
    ],
)
def test_a_dataset_that_can_t_be_written_is_told(folder, tmp_path, capsys, monkeypatch, arguments, said):
    monkeypatch.chdir(tmp_path)
    code, _, err = run(capsys, "dataset", NAME, *arguments, "--home", folder)
    assert code == 2
    assert said in err
    assert list(tmp_path.iterdir()) == []


def test_a_dataset_without_an_event_says_when_there_are_some(folder, tmp_path, capsys):
    late = ["--from", "2031-01-01"]
    code, out, _ = run(capsys, "dataset", NAME, "-o", tmp_path / "x.csv", *late, "--home", folder)
    assert code == 0
    assert re.search(r"No event has its time in this span; there are some from 20\d\d-.* to 20\d\d-.* \(UTC\)\.", out)


def test_an_id_is_erased_and_the_next_step_named(tmp_path, capsys):
    with a_home(tmp_path) as home:
        log(home, Kind.EVENT, [an_event(0, 0), an_event(1, 0)], 1)
        catch_up(home, 1)
    code, out, _ = run(capsys, "erase", NAME, "--id", "key-0", "--home", tmp_path / "home")
    assert (code, out) == (0, "Erased: 1 event.\nThe next run profiles 1 window again.\n")
    code, out, _ = run(capsys, "erase", NAME, "--id", "key-0", "--home", tmp_path / "home")
    assert (code, out) == (0, "Nothing is kept of key-0, so nothing was erased.\n")


def test_a_server_makes_no_home_where_none_is(tmp_path, capsys):
    code, out, err = run(capsys, "serve", "--home", tmp_path, "--port", 0)
    assert (code, out, list(tmp_path.iterdir())) == (2, "", [])
    assert "`watchkeeper add M.yaml --baseline FILES` makes one" in err


def test_a_run_says_which_version_a_finding_is_about_and_how_many_more_there_are(tmp_path, capsys):
    with a_home(tmp_path) as home:
        log(home, Kind.EVENT, [an_event(i, i / 40, features={}) for i in range(160)], 4)
    code, out, _ = run(capsys, "run", "--home", tmp_path / "home")
    assert code == 0
    told = [text for text in out.splitlines() if text.startswith("  ")]
    assert len(told) == len(set(told))
    assert told[10].endswith(f" more: watchkeeper export {NAME} findings -o findings.jsonl")


def test_a_run_prints_no_value_of_a_personal_column(tmp_path, capsys):
    columns = {"plan": {"type": "string", "pii": True}, "country": {"type": "string", "role": "segment", "pii": True}}
    with a_home(tmp_path, columns=columns, segments=["country"]) as home:
        log_hours(home, 0, 6)
        catch_up(home, 6)
        odd = {"age": 30, "income": 50.0, "plan": "SECRET77"}
        odd_events = [an_event(i, 6 + i % 80 / 40, features=odd, context={"country": "IT"}) for i in range(1000, 1080)]
        log(home, Kind.EVENT, odd_events, 8)
    code, out, _ = run(capsys, "run", "--home", tmp_path / "home")
    assert code == 0
    assert "`plan`" in out
    assert "(masked " in out
    assert not [word for word in ("SECRET77", "country=DE", "country=IT") if word in out]
