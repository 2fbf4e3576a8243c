"""The tutorial does what it says: its commands run in order, and print the lines that it shows."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
BLOCK = re.compile(r"^```(\w+)[^\n]*\n(.*?)^```$", re.MULTILINE | re.DOTALL)
EXIT_CODE = re.compile(r"#\s*exit code (\d)\s*$")


def test_every_command_of_the_tutorial_runs_and_prints_what_the_tutorial_shows(tmp_path):
    """An `sh` or `python` block is run; a `text` block after it is what it prints, `…` standing for anything."""
    said = ""
    ran = 0
    for language, body in BLOCK.findall((ROOT / "docs" / "tutorial.md").read_text(encoding="utf-8")):
        if language == "sh":
            said = "".join(shell(line, tmp_path) for line in commands(body))
        elif language == "python":
            said = run([sys.executable, "-c", body], 0, tmp_path)
        elif language == "text":
            assert_shown(body, said)
        ran += language in ("sh", "python")
    assert ran >= 5


def commands(body):
    """The commands of a block, one each; a backslash continues a line."""
    return [line for line in body.replace("\\\n", " ").splitlines() if line.strip()]


def shell(line, folder):
    """Run one line; a comment `# exit code 1` at its end says what it must end with."""
    code = EXIT_CODE.search(line)
    return run(["bash", "-c", line], int(code[1]) if code else 0, folder)


def run(command, code, folder):
    """What the command prints, on both streams in order."""
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    environment = {**os.environ, "PATH": path, "COLUMNS": "100", "NO_COLOR": "1"}
    done = subprocess.run(
        command, cwd=folder, env=environment, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=120
    )
    assert done.returncode == code, f"{command[-1]}\nended with {done.returncode}, not {code}:\n{done.stdout}"
    return done.stdout


def assert_shown(shown, said):
    """Each line shown stands in what was said, in the same order, wherever the terminal broke its lines."""
    at = 0
    for line in filter(None, (line.strip() for line in shown.splitlines())):
        pattern = ".*?".join(r"\s+".join(re.escape(word) for word in part.split()) for part in line.split("…"))
        found = re.compile(pattern).search(said, at)
        assert found, f"the tutorial shows a line that was not printed:\n  {line}\nprinted:\n{said}"
        at = found.end()
