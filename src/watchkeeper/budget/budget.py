"""How many false alarms and warnings a person accepts, as a chance per window, and what else is declared of judging."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date

from watchkeeper.model import Model, Override

_DAYS = {"day": 1.0, "week": 7.0, "month": 30.4, "quarter": 91.25, "year": 365.25}


@dataclass(frozen=True)
class Budget:
    """The chance that a window in which nothing changed gives an alarm, or a warning."""

    alarm: float
    warning: float
    overrides: Mapping[str, Override] = field(default_factory=dict)
    """What is judged otherwise, by the name of a metric or of a check; `observe` hands it to the history."""
    season: str | None = None
    """Which windows are alike (`week`, `day`, `none`); None: the data tell."""
    holidays: frozenset[date] = frozenset()
    """Days unlike others."""
    importance: Mapping[str, float] = field(default_factory=dict)
    """How much of what the model goes by each column is, where a person says so; they add up to 1."""

    @staticmethod
    def of(model: Model, window_days: float) -> Budget:
        """The model's budgets for windows of this length; a window without a cadence counts as a day."""
        alarm, warning = (_chance(rate, window_days) for rate in (model.alarm_budget, model.warning_budget))
        holidays = frozenset(model.holidays)
        return Budget(alarm, warning, model.checks, model.season, holidays, model.importance)

    def shared(self, parts: int) -> Budget:
        """One of so many equal parts of it, which together promise what it does."""
        return replace(self, alarm=self.alarm / parts, warning=self.warning / parts)


def _chance(budget: str, window_days: float) -> float:
    found = re.fullmatch(r"(\d+(?:\.\d+)?) per (\w+)", budget)
    if found is None:
        raise ValueError(f"{budget!r} is no budget")
    return min(0.5, max(1e-9, float(found[1]) / _DAYS[found[2]] * window_days))
