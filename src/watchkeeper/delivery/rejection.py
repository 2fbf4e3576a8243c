"""How a reader says that a file as a whole is no good."""

from __future__ import annotations

from watchkeeper.delivery.violation import Violation
from watchkeeper.model.error import WatchkeeperError


class Rejection(WatchkeeperError):
    """The file is rejected: its violation says why, and what to do."""

    def __init__(self, check: str, message: str, remedy: str, *columns: str, value: float | None = None) -> None:
        super().__init__(f"{message} {remedy}")
        self.violation = Violation(check, message, remedy, columns, value)
