"""The commit that a version's code was at, as git tells it."""

from __future__ import annotations

import os
import re
import subprocess
from dataclasses import dataclass
from pathlib import Path

PATIENCE = 10
"""Seconds for which git may look at a working tree."""
ASKING = {"GIT_OPTIONAL_LOCKS": "0", "GIT_TERMINAL_PROMPT": "0", "GIT_NO_LAZY_FETCH": "1"}
"""git writes nothing, asks nobody and fetches nothing while it looks."""
QUIET = ("-c", "core.fsmonitor=false", "-c", f"core.hooksPath={os.devnull}")
"""git runs no program that the repository's configuration names as a hook or monitor."""

_HASH = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")


@dataclass(frozen=True)
class Commit:
    """Where a working tree stands."""

    hash: str
    dirty: bool | None
    """Whether files that git knows differ from the commit; None where git could not tell."""


def commit_of(folder: Path) -> Commit | None:
    """The commit of a folder; None where it has none, or there is no git: never an error."""
    found = _asked(folder, "rev-parse", "--verify", "HEAD")
    if found is None or not _HASH.fullmatch(found.strip()):
        return None
    changed = _asked(folder, "status", "--porcelain", "--untracked-files=no", "--ignore-submodules=dirty")
    return Commit(found.strip(), None if changed is None else bool(changed.strip()))


def _asked(folder: Path, *arguments: str) -> str | None:
    try:
        done = subprocess.run(  # noqa: S603 - our own words; the folder is only where git looks
            ["git", *QUIET, *arguments],  # noqa: S607 - the user's own git
            cwd=folder,
            env={**os.environ, **ASKING},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=PATIENCE,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.decode("utf-8", "replace") if done.returncode == 0 else None
