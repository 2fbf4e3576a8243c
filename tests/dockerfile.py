"""Runs the steps of a Dockerfile without Docker: its files, variables and commands in a folder and an environment."""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from importlib.metadata import distribution
from pathlib import Path

KNOWN = {
    "FROM",
    "LABEL",
    "ENV",
    "WORKDIR",
    "COPY",
    "RUN",
    "USER",
    "EXPOSE",
    "STOPSIGNAL",
    "HEALTHCHECK",
    "ENTRYPOINT",
    "CMD",
}


def instructions(text):
    """The instructions in order: name, and the rest as one line."""
    joined = re.sub(r"\\\n\s*", " ", text)
    lines = [line for line in joined.splitlines() if line.strip() and not line.startswith("#")]
    found = [(line.split(None, 1)[0].upper(), line.split(None, 1)[1]) for line in lines]
    assert {name for name, _ in found} <= KNOWN
    return found


class Image:
    """What the steps made: where everything lies, and how the entry point is started."""

    def __init__(self, context: Path, root: Path) -> None:
        self.context, self.root = context, root
        self.environment: dict[str, str] = {}
        self.labels: dict[str, str] = {}
        self.said: dict[str, str] = {}
        self.user = "0"
        self.here = root

    def build(self) -> Image:
        for name, rest in instructions((self.context / "Dockerfile").read_text()):
            getattr(self, f"_{name.lower()}", lambda rest, name=name: self.said.__setitem__(name, rest))(rest)
        return self

    def command(self) -> list[str]:
        return [*json.loads(self.said["ENTRYPOINT"]), *json.loads(self.said["CMD"])]

    def variables(self) -> dict[str, str]:
        """Of this machine only what finds programs and libraries; the rest is the image's own."""
        return {
            **{name: self._mapped(value) for name, value in self.environment.items()},
            "PATH": f"{self.root / 'python' / 'bin'}:/usr/bin:/bin",
        }

    def _mapped(self, path: str) -> str:
        return str(self.root) + path if path.startswith("/") else path

    def _from(self, base: str) -> None:
        """A new environment that has, of all packages of this one, those alone that the image pins."""
        self.said["FROM"] = base
        python = self.root / "python"
        subprocess.run([sys.executable, "-m", "venv", python], check=True)
        site = next((python / "lib").glob("python3*")) / "site-packages"
        for line in (self.context / "requirements.txt").read_text().splitlines():
            if "==" in line:
                _linked(line.split("==")[0], site)

    def _label(self, rest: str) -> None:
        self.labels |= dict(part.split("=", 1) for part in shlex.split(rest))

    def _env(self, rest: str) -> None:
        self.environment |= dict(part.split("=", 1) for part in shlex.split(rest))

    def _workdir(self, rest: str) -> None:
        self.here = Path(self._mapped(rest))
        self.here.mkdir(parents=True, exist_ok=True)

    def _copy(self, rest: str) -> None:
        *sources, target = [part for part in rest.split() if not part.startswith("--")]
        to = Path(self._mapped(target)) if target.startswith("/") else self.here / target
        for source in sources:
            at = self.context / source
            if at.is_dir():
                shutil.copytree(at, to, dirs_exist_ok=True)
            else:
                assert target.endswith("/")
                shutil.copy(at, to)

    def _run(self, rest: str) -> None:
        nowhere = {"PIP_INDEX_URL": "http://127.0.0.1:9/none", "PIP_CONFIG_FILE": os.devnull}
        done = subprocess.run(
            rest, shell=True, cwd=self.here, env=self.variables() | nowhere, capture_output=True, text=True
        )
        assert done.returncode == 0, done.stdout + done.stderr
        self.said["RUN"] = done.stdout

    def _user(self, rest: str) -> None:
        self.user = rest


def _linked(name: str, site: Path) -> None:
    """Put one installed package into an environment by links: no index is asked, and nothing else comes along."""
    found = distribution(name)
    top = {file.parts[0] for file in found.files or () if file.parts[0] not in ("..", "__pycache__")}
    for part in top:
        source = Path(str(found.locate_file(part)))
        target = site / part
        if source.exists() and not target.exists():
            target.symlink_to(source)
