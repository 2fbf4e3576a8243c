"""A command gets the finding on its standard input; what fails says so, and what hangs is killed with its children."""

from __future__ import annotations

import json
import os
import sys
import time
from pathlib import Path

import pytest

from watchkeeper.notify import BadTarget, Command, Message, NotDelivered

FINDING = {"check": "shape", "message": "$(touch pwned); `id` \"'", "window": "2024-01-01/2024-01-02"}
MESSAGE = Message("churn", 7, "2024-01-02T00:00:00+00:00", FINDING)


def python(code, *arguments):
    return Command((sys.executable, "-c", code, *map(str, arguments)), patience=20)


def test_a_command_gets_the_finding_and_where_it_belongs(tmp_path):
    code = """
import json, os, sys
told = {name: os.environ["WATCHKEEPER_" + name] for name in ("MODEL", "ONSET", "WINDOW")}
open(sys.argv[1], "w").write(json.dumps([json.load(sys.stdin), told]))
"""
    python(code, tmp_path / "heard").send(MESSAGE, now=0)
    told = {"MODEL": "churn", "ONSET": "7", "WINDOW": "2024-01-01/2024-01-02"}
    assert json.loads((tmp_path / "heard").read_text()) == [FINDING, told]


def test_no_shell_reads_the_command(tmp_path):
    command = Command.of(
        f"{sys.executable} -c 'import sys; open(sys.argv[1], \"w\").write(sys.argv[2])' "
        f"{tmp_path}/heard '$HOME;`id` > x'"
    )
    command.send(MESSAGE, now=0)
    assert (tmp_path / "heard").read_text() == "$HOME;`id` > x"


def test_a_command_that_fails_says_what_it_printed():
    with pytest.raises(NotDelivered, match=r"exit code 3\. It printed: no such channel"):
        python("import sys; print('no such channel'); sys.exit(3)").send(MESSAGE, now=0)
    with pytest.raises(NotDelivered, match=r"exit code 1\. It printed nothing"):
        python("import sys; sys.exit(1)").send(MESSAGE, now=0)


def test_of_a_long_output_the_last_is_told_and_nothing_that_steers_a_terminal():
    with pytest.raises(NotDelivered) as failed:
        python("import sys; print('x' * 9999999 + '\\x1b[2Jlast'); sys.exit(1)").send(MESSAGE, now=0)
    assert str(failed.value).endswith("[2Jlast")
    assert "\x1b" not in str(failed.value)
    assert len(str(failed.value)) < 700


def test_a_command_that_reads_nothing_and_leaves_a_child_behind_is_done_when_it_ends():
    python("import subprocess; subprocess.Popen(['sleep', '5'])").send(MESSAGE, now=0)


def test_a_command_that_hangs_is_killed_with_its_children(tmp_path):
    code = """
import os, subprocess, sys, time
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
open(sys.argv[1], "w").write(f"{os.getpid()} {child.pid}")
time.sleep(600)
"""
    hanging = Command((sys.executable, "-c", code, str(tmp_path / "pids")), patience=2)
    with pytest.raises(NotDelivered, match="took longer than 2 s and was killed"):
        hanging.send(MESSAGE, now=0)
    numbers = (tmp_path / "pids").read_text().split()
    assert len(numbers) == 2
    until = time.monotonic() + 20
    while any(is_alive(number) for number in numbers):
        assert time.monotonic() < until, "a process of the command is still alive"
        time.sleep(0.05)


def is_alive(number):
    try:
        os.kill(int(number), 0)
        state = Path(f"/proc/{number}/stat").read_text().rsplit(")", 1)[1].split()[0]
    except (ProcessLookupError, FileNotFoundError):
        return False
    return state != "Z"  # whoever adopts it has not looked yet


@pytest.mark.parametrize(
    ("line", "said"),
    [("", "is empty"), ("echo 'x", "Close each quote"), ("no-such-program-anywhere --x", "there is no program")],
)
def test_a_command_that_can_t_run_is_refused_at_once(line, said):
    with pytest.raises(BadTarget, match=said):
        Command.of(line)


def test_a_log_and_the_state_hear_nothing_of_a_command_s_arguments():
    command = Command.of("echo --token s3cret")
    assert command.shown == "command echo"
    assert "s3cret" not in command.key
    assert command.key != Command.of("echo --token other").key
    assert command.key == Command.of("echo   --token 's3cret'").key


def test_a_program_that_went_away_meanwhile_is_a_failure():
    with pytest.raises(NotDelivered, match="could not be started: No such file"):
        Command(("/no/such/program",)).send(MESSAGE, now=0)
