"""What is certainly wrong with a delivery, as opposed to what has merely changed."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Level(StrEnum):
    """What a violation costs."""

    FILE = "file"
    """The whole file is rejected."""
    ROW = "row"
    """The rows it names are set aside."""
    NOTE = "note"
    """It is told, and nothing is set aside."""


@dataclass(frozen=True)
class Violation:
    """One thing that is certainly wrong. Its check's name decides its severity (see `CATALOGUE`)."""

    check: str
    message: str
    remedy: str
    columns: tuple[str, ...] = ()
    value: float | None = None
    """The share of rows it touches, or its size in the unit the message names."""
    rows: int | None = None
    """The number of rows it touches."""


@dataclass(frozen=True)
class Kind:
    """A kind of violation: what it costs, and how loud it is when it happens."""

    level: Level
    severity: str
    """`info`, `warning` or `alarm`; fixed, and written on the check's page."""
    sees: str


@dataclass(frozen=True)
class BadRow:
    """A row set aside: its 1-based number among the data rows, the columns at fault, and why."""

    row: int
    columns: tuple[str, ...]
    reason: str
    file: str | None = None
    """The file's name, where several were checked."""
