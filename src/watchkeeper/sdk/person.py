"""Who does something, and when, as the audit trail keeps it."""

from __future__ import annotations

import getpass
import os
import time


def person() -> str:
    """Who runs the program."""
    try:
        return getpass.getuser()
    except (KeyError, OSError, ImportError):  # a container's user may have no name
        return f"user {os.getuid()}" if hasattr(os, "getuid") else "local"


def clock() -> int:
    """Now, in microseconds since 1970."""
    return time.time_ns() // 1_000
