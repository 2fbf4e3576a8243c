"""A terminal, or a pipe whose reader may have had enough."""

from __future__ import annotations

import os

from rich.console import Console


class Screen(Console):
    """A console that falls silent when nobody reads on: what was found counts all the same, and so does its exit code.

    Rich itself leaves with exit code 1 there, which would be a verdict.
    """

    def on_broken_pipe(self) -> None:
        """Called where what is written is not read any more."""
        self.quiet = True
        os.dup2(os.open(os.devnull, os.O_WRONLY), self.file.fileno())
