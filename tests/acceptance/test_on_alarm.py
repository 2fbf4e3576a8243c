"""`watchkeeper run --on-alarm` as a user runs it."""

from __future__ import annotations

import json
import subprocess
import sys

import watched
from hooks import hook


def cli(folder, *arguments):
    command = [sys.executable, "-m", "watchkeeper", "run", "--home", folder / "home", *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=120)


def test_commands_and_webhooks_are_told_once_whoever_runs_and_how_often(tmp_path):
    with watched.home(tmp_path, config="notify: {allow: [127.0.0.1]}") as found:
        for day, age in enumerate((40, 40, 80)):
            watched.log(found, watched.events(day, age=age))
    (tmp_path / "keep.sh").write_text('cat >> "$1"\n')
    with hook() as at:
        told = [
            "--on-alarm",
            f"sh '{tmp_path}/keep.sh' '{tmp_path}/heard'",
            "--on-alarm",
            f"http://127.0.0.1:{at.port}/x",
        ]
        first = cli(tmp_path, "--once", *told)
        again = cli(tmp_path, "--once", *told)
    assert first.returncode == again.returncode == 0, first.stderr + again.stderr
    assert "alarm" in first.stdout
    heard = [json.loads(line) for line in (tmp_path / "heard").read_text().splitlines()]
    posted = [json.loads(body)["finding"] for _, _, body in at.posts]
    assert heard == posted
    assert ["age"] in [finding["columns"] for finding in heard]
    lines = [json.loads(line) for line in first.stderr.splitlines() if line.startswith("{")]
    assert [line["event"] for line in lines] == ["notice delivered"] * 2 * len(heard)


def test_what_can_not_be_told_anything_is_refused_before_the_run(tmp_path):
    with watched.home(tmp_path, days=3):
        pass
    for target, said in (("no-such-program -x", "there is no program"), ("ftp://example.org", "not to ftp://")):
        done = cli(tmp_path, "--once", "--on-alarm", target)
        assert (done.returncode, said in done.stderr) == (2, True), done.stderr
