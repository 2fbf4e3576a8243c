"""The command line."""

from watchkeeper.cli.app import main

__all__ = ["main"]
