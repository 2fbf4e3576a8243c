"""Who does something, as the audit trail keeps it."""

from __future__ import annotations

import getpass
import os


def person() -> str:
    """Who runs the program."""
    try:
        return getpass.getuser()
    except (KeyError, OSError, ImportError):  # a container's user may have no name
        return f"user {os.getuid()}" if hasattr(os, "getuid") else "local"
