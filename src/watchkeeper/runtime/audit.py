"""Which types skops does not make by itself: `python -m watchkeeper.runtime.audit PATH`, a process of its own.

skops imports all of scikit-learn to know which types are safe, and reads the file: neither is for a server.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from watchkeeper.runtime.failure import Refused
from watchkeeper.runtime.launch import clean_environment

SECONDS = 120


def untrusted(path: Path) -> tuple[str, ...]:
    """Types in a skops file that skops makes only where they are listed. Raises `Refused` if it can't read the file."""
    command = [sys.executable, "-P", "-m", "watchkeeper.runtime.audit", str(path.absolute())]
    try:
        done = subprocess.run(  # noqa: S603  # our own interpreter and module
            command,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            env=clean_environment(),
            timeout=SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise Refused(f"skops did not read it within {SECONDS} seconds.") from error
    if done.returncode != 0:
        lines = done.stderr.decode(errors="replace").strip().splitlines() or ["it ended without a word"]
        raise Refused(f"skops can't read it: {lines[-1]}.")
    return tuple(json.loads(done.stdout.splitlines()[-1]))


def main(path: str) -> None:
    """Write the list to standard output; makes none of the file's objects."""
    import skops.io

    sys.stdout.write(json.dumps(skops.io.get_untrusted_types(file=path)) + "\n")


if __name__ == "__main__":
    main(sys.argv[1])
