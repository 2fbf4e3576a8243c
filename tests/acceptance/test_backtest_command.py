"""`watchkeeper backtest` as a user runs it, on the data that the package brings along."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from watchkeeper.demo import files
from watchkeeper.watch.inject import FAULTS

ROOT = Path(__file__).parents[2]
GUIDE = (ROOT / "docs" / "guides" / "backtest.md").read_text(encoding="utf-8")


@pytest.fixture
def folder(tmp_path):
    story = files()
    for path in (story.baseline, story.current, story.model):
        shutil.copy(path, tmp_path)
    return tmp_path


def run(folder, *arguments, width="100"):
    """What the command ends with and prints on either stream."""
    environment = {**os.environ, "COLUMNS": width, "NO_COLOR": "1"}
    command = [sys.executable, "-m", "watchkeeper", "backtest", *arguments]
    done = subprocess.run(command, cwd=folder, env=environment, text=True, capture_output=True, timeout=300)
    assert "Traceback" not in done.stderr
    return done.returncode, done.stdout, done.stderr


DEMO = ("current.csv", "--baseline", "baseline.csv", "--model", "watchkeeper.yaml")


def test_a_month_is_replayed_day_by_day_and_nothing_is_written(folder):
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    code, out, _ = run(folder, *DEMO, "--inject", "unit", "--inject", "nulls=0.9")
    assert code == 0
    first, second = (line for line in out.splitlines() if "44 days" in line)
    assert re.search(r"Alarms: \d+ of 44 days with an alarm = [\d.]+ a month \(95 %: [\d.]+–[\d.]+\)", first)
    assert re.search(r"Warnings: \d+ of 44 days with a warning = [\d.]+ a week", second)
    assert "3 April – 16 May 2004" in out
    found = dict(re.findall(r"^ +(\S+) +(\d+) of \d+ = ", out, re.MULTILINE))
    assert set(found) == {"unit=1000", "nulls=0.9"}
    assert int(found["unit=1000"]) >= 10
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before


def test_the_json_alone_stands_on_standard_output_and_the_words_on_the_other(folder):
    code, out, err = run(folder, *DEMO, "--by", "week", "--json", "-")
    read = json.loads(out)
    assert code == 0
    assert (read["windows"], read["by"], read["model"]) == (7, "week", "air-quality")
    assert read["alarms"]["budget"] == "1 per month"
    assert read["planted"] == []
    assert "7 weeks" in err


def test_the_json_goes_into_a_file_that_the_last_line_names(folder):
    code, out, _ = run(folder, *DEMO, "--json", "out.json")
    assert code == 0
    assert "out.json" in out.splitlines()[-1]
    assert json.loads((folder / "out.json").read_text())["windows"] == 44


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("nothing.csv", "--baseline", "baseline.csv"), "no such file"),
        ((*DEMO, "--inject", "nuls"), "Did you mean nulls"),
        ((*DEMO, "--by", "fortnight"), "no such window"),
        ((*DEMO, "--inject-days", "0"), "--inject-days"),
        ((*DEMO, "--json", "current.csv"), "current.csv"),
    ],
)
def test_wrong_usage_is_explained_with_exit_code_2_before_anything_is_replayed(folder, arguments, words):
    before = (folder / "current.csv").read_bytes()
    code, out, err = run(folder, *arguments, width="200")
    assert (code, out) == (2, "")
    assert words in err
    assert (folder / "current.csv").read_bytes() == before


def test_every_fault_stands_in_the_guide_and_in_the_help(folder):
    _, said, _ = run(folder, "--help")
    for fault in FAULTS:
        assert f"| `{fault.name}` |" in GUIDE
        assert fault.name in said


def test_the_python_of_the_guide_runs(folder):
    code = re.search(r"```python\n(.*?)```", GUIDE, re.DOTALL)[1]
    done = subprocess.run([sys.executable, "-c", code], cwd=folder, text=True, capture_output=True, timeout=300)
    assert done.returncode == 0, done.stderr
    assert "unit=1000" in done.stdout
