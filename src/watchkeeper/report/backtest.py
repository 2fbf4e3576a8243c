"""The outcome of a back-test: what the alarms would have cost in the past, and which planted faults were found."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

SCHEMA_VERSION = 1
"""Raised when a script that reads the JSON would have to change."""


@dataclass(frozen=True)
class Rate:
    """Windows with an alarm (or a warning), as a rate, beside its budget."""

    windows: int
    rate: float
    """In a month of 30.4 days for alarms, in a week for warnings."""
    low: float
    """The 95 % interval of the rate, were these windows drawn by a Poisson law."""
    high: float
    budget: str
    """As the model has it."""
    allowed: float
    """The rate that the budget allows."""

    @property
    def over(self) -> bool:
        """Whether the budget lies below all that chance explains."""
        return self.low > self.allowed


@dataclass(frozen=True)
class Incident:
    """Windows with an alarm that lie close together, and what fired in them."""

    first: str
    last: str
    windows: int
    """Those with an alarm."""
    checks: tuple[str, ...]
    columns: tuple[str, ...]


@dataclass(frozen=True)
class Spent:
    """What one check of one column (or pair) took of the budget."""

    check: str
    columns: tuple[str, ...]
    """Empty where the check is about the rows, or about all columns together."""
    alarms: int
    """Windows with an alarm."""
    onsets: int
    """Alarms in a window before which the same was quiet."""
    warnings: int
    """Windows with a warning."""


@dataclass(frozen=True)
class Planted:
    """How often one planted fault was found."""

    fault: str
    """As `--inject` names it."""
    says: str
    """What happened, in words."""
    planted: int
    found: int
    """Times that its first window had a warning or an alarm naming the column."""
    low: float | None
    """The 95 % interval of the share found."""
    high: float | None
    alarms: int
    """Times that this was an alarm."""
    found_later: int
    """Times that a later window of the fault was the first to tell."""
    delay: float | None
    """Windows until the first finding, the middle of all times it was found; 0 is the first window."""
    columns: int
    """Columns (or pairs) it was planted in."""
    left_out: int
    """Columns (or pairs) that it would not change enough to be worth an alarm."""
    why_not: str = ""
    """Why it was not planted at all."""


@dataclass(frozen=True)
class Backtest:
    """What `backtest` counted."""

    model: str
    history: str
    baseline: str
    by: str
    windows: int
    first: str
    last: str
    baseline_windows: int
    alarms: Rate
    warnings: Rate
    onsets: int
    incidents: tuple[Incident, ...]
    """Oldest first."""
    spent: tuple[Spent, ...]
    """Largest first."""
    violations: int
    """What is certainly wrong with the history itself: outside the budget."""
    lasting: int = 1
    """Windows that a planted fault lasts."""
    copies: int = 0
    """Copies of the history that faults were planted into."""
    planted: tuple[Planted, ...] = ()
    written: tuple[Path, ...] = field(default=())
    seconds: float = 0.0

    def to_json(self) -> str:
        """The result as JSON text, as `backtest --json` writes it."""
        return json.dumps(as_dict(self), indent=2, allow_nan=False)

    def show(self, *, err: bool = False) -> None:
        """Print the result: to standard output, or to standard error with `err`."""
        from rich.console import Console

        from watchkeeper.report.backtest_terminal import print_backtest

        print_backtest(self, Console(stderr=err))


def as_dict(result: Backtest) -> dict[str, Any]:
    """The result as JSON-safe values."""
    made = {"schema_version": SCHEMA_VERSION, **asdict(result)}
    for name in ("alarms", "warnings"):
        made[name]["over"] = getattr(result, name).over
    return {name: value for name, value in made.items() if name not in ("written", "seconds")}
