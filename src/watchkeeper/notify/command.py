"""Command: a program of the user's own, which gets the finding as JSON on its standard input."""

from __future__ import annotations

import json
import os
import shlex
import shutil
import signal
import subprocess
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryFile

from watchkeeper.notify.message import Message
from watchkeeper.notify.target import BadTarget, NotDelivered, key_of

PATIENCE = 60.0
"""Seconds that a command may take; it has to end before anyone else takes its notice (`state.notice.HELD`)."""
SAID = 500
"""Bytes of what a command printed last that stand in the error."""


@dataclass(frozen=True)
class Command:
    """A program and its arguments. No shell reads them, so nothing in a finding can become a command."""

    arguments: tuple[str, ...]
    patience: float = PATIENCE

    @staticmethod
    def of(line: str) -> Command:
        """A command as it is written in a shell, quotes included. Raises `BadTarget`."""
        try:
            arguments = shlex.split(line)
        except ValueError as wrong:
            raise BadTarget(f"--on-alarm {line!r}: {wrong}. Close each quote that you open.") from wrong
        if not arguments:
            raise BadTarget("--on-alarm is empty: name a command, or a URL that begins with https://.")
        if shutil.which(arguments[0]) is None:
            raise BadTarget(
                f"--on-alarm: there is no program {arguments[0]!r}. No shell runs the command, so write the path of a "
                "program; for pipes and redirections, give `sh -c '…'`."
            )
        return Command(tuple(arguments))

    @property
    def shown(self) -> str:
        """See `Target`: the program without its arguments, which may hold secrets."""
        return f"command {Path(self.arguments[0]).name}"

    @property
    def key(self) -> str:
        """See `Target`."""
        return key_of(self.shown, shlex.join(self.arguments))

    def send(self, message: Message, now: int) -> None:
        """Run it and wait; one that takes too long is killed with all that it started. Raises `NotDelivered`."""
        more = {
            "WATCHKEEPER_MODEL": message.model,
            "WATCHKEEPER_ONSET": str(message.onset),
            "WATCHKEEPER_WINDOW": str(message.finding.get("window") or ""),
        }
        # Files and not pipes: a program may leave its input unread and its output open without holding anyone up.
        with TemporaryFile() as given, TemporaryFile() as printed:
            given.write(json.dumps(message.finding).encode() + b"\n")
            given.seek(0)
            try:
                process = subprocess.Popen(  # noqa: S603 - the operator's own command
                    self.arguments,
                    stdin=given,
                    stdout=printed,
                    stderr=subprocess.STDOUT,
                    env=os.environ | more,
                    start_new_session=True,
                )
            except OSError as failed:
                raise NotDelivered(f"{self.shown} could not be started: {failed.strerror}.") from failed
            try:
                code = process.wait(self.patience)
            except BaseException as ended:
                _kill(process)
                if not isinstance(ended, subprocess.TimeoutExpired):
                    raise
                raise NotDelivered(
                    f"{self.shown} took longer than {self.patience:g} s and was killed. {_said(printed)}"
                ) from ended
            if code:
                raise NotDelivered(f"{self.shown} ended with {_code(code)}. {_said(printed)}")


def _kill(process: subprocess.Popen[bytes]) -> None:
    """End a program and all of its session."""
    with suppress(ProcessLookupError):  # it ended meanwhile
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def _said(printed: object) -> str:
    """The last that a program printed."""
    assert hasattr(printed, "fileno")
    file = printed.fileno()
    size = os.fstat(file).st_size
    last = os.pread(file, SAID, max(0, size - SAID)).decode("utf-8", "replace")
    words = " ".join("".join(c if c.isprintable() else " " for c in last).split())
    return f"It printed: {words}" if words else "It printed nothing."


def _code(code: int) -> str:
    return f"exit code {code}" if code > 0 else f"signal {-code}"
