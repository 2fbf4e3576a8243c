"""How many false alarms and warnings a person accepts, as a chance per window."""

from __future__ import annotations

import re
from dataclasses import dataclass

from watchkeeper.model import Model

_DAYS = {"day": 1.0, "week": 7.0, "month": 30.4, "quarter": 91.25, "year": 365.25}


@dataclass(frozen=True)
class Budget:
    """The chance that a window in which nothing changed gives an alarm, or a warning."""

    alarm: float
    warning: float

    @staticmethod
    def of(model: Model, window_days: float) -> Budget:
        """The model's budgets for windows of this length; a window without a cadence counts as a day."""
        return Budget(_chance(model.alarm_budget, window_days), _chance(model.warning_budget, window_days))


def _chance(budget: str, window_days: float) -> float:
    found = re.fullmatch(r"(\d+(?:\.\d+)?) per (\w+)", budget)
    if found is None:
        raise ValueError(f"{budget!r} is no budget")
    return min(0.5, max(1e-9, float(found[1]) / _DAYS[found[2]] * window_days))
