"""Starts the process of a model: a clean environment, a session of its own, and one socket to its owner."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import tempfile
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from watchkeeper.model import Allowed
from watchkeeper.runtime import channel
from watchkeeper.runtime.channel import Load
from watchkeeper.runtime.failure import CannotLoad
from watchkeeper.runtime.servable import Format, Servable

_KEPT = ("PATH", "LANG", "LC_ALL", "TZ", "HOME", "TMPDIR", "LD_LIBRARY_PATH", "VIRTUAL_ENV", "PYTHONPATH", "PYTHONHOME")
"""Variables that a model's process gets: those that programs need to start, and none that may hold a secret."""


@dataclass(frozen=True)
class Started:
    """A process that was started, and the owner's end of its socket."""

    process: subprocess.Popen[bytes]
    owner: socket.socket


def start(servable: Servable, allowed: Allowed, memory_bytes: int | None = None, threads: int = 1) -> Started:
    """Start the process of a model and tell it what to load; its first frame says whether it could.

    Raises `CannotLoad` where the configuration does not allow it.
    """
    load = _load(servable, allowed, memory_bytes, threads)
    folder = tempfile.gettempdir() if load.function is None else str(Path(load.function).parent)
    frame = channel.load_frame(load)
    ours, theirs = socket.socketpair()
    with theirs:
        number = theirs.fileno()
        process = subprocess.Popen(  # noqa: S603  # our own interpreter and module
            [sys.executable, "-P", "-m", "watchkeeper.runtime.process", str(number)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            pass_fds=[number],
            cwd=folder if Path(folder).is_dir() else None,
            env=clean_environment(),
            start_new_session=True,
        )
    with suppress(ConnectionError):  # it ended already, which whoever reads its first frame sees
        ours.sendall(frame)
    return Started(process, ours)


def end(process: subprocess.Popen[bytes], seconds: float) -> None:
    """Wait for a process of which the socket was closed; kill it if it goes on."""
    try:
        process.wait(seconds)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def ended(process: subprocess.Popen[bytes]) -> str:
    """How a process ended, in words."""
    try:
        code = process.wait(1)
    except subprocess.TimeoutExpired:
        return "closed its socket"
    return f"was killed by signal {-code}" if code < 0 else f"ended with exit code {code}"


def _load(servable: Servable, allowed: Allowed, memory_bytes: int | None, threads: int) -> Load:
    path = None if servable.path is None else str(servable.path.absolute())
    if servable.format is Format.REMOTE:
        raise CannotLoad("This version is a server that answers by itself; there is nothing to load.")
    if servable.format is Format.FUNCTION and not allowed.functions:
        raise CannotLoad(
            f"{servable.function} is a Python function, and this home does not allow functions to answer. "
            "If you trust it, write `functions: true` under `serving:` in config.yaml."
        )
    return Load(
        servable.format.value,
        servable.inputs,
        path,
        None if servable.function is None else str(Path(servable.function).absolute()),
        allowed.skops_types,
        memory_bytes or allowed.memory_bytes,
        threads,
    )


def clean_environment() -> dict[str, str]:
    """The variables of a model's process: what it needs to start with our packages, and no secret of its owner."""
    kept = {name: os.environ[name] for name in _KEPT if name in os.environ}
    ours = str(Path(__file__).resolve().parents[2])
    theirs = (str(Path(one).absolute()) for one in kept.get("PYTHONPATH", "").split(os.pathsep) if one)
    kept["PYTHONPATH"] = os.pathsep.join([ours, *theirs])
    return kept
