"""Programs of ours that listen: each in a process group of its own, from when it says where until the block ends."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def listener(home, command, *options, before=(), environment=()):
    """`watchkeeper COMMAND` over a home, on a free port: its process, the port, and the file of what it says."""
    log = Path(home) / f"{command}.log"
    line = [*before, sys.executable, "-m", "watchkeeper", command, "--home", str(home), "--port", "0", *options]
    given = {**os.environ, **dict(environment)}
    with log.open("wb") as out:
        process = subprocess.Popen(line, stdout=out, stderr=out, start_new_session=True, env=given)
    try:
        yield process, _port(process, log), log
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def _port(process, log):
    until = time.monotonic() + 60
    while time.monotonic() < until and process.poll() is None:
        found = re.search(r"listens on http://[^ ]+:(\d+)", log.read_text())
        if found:
            return int(found[1])
        time.sleep(0.02)
    raise AssertionError(f"it does not listen: {log.read_text()}")
