"""Decides which measurements deserve a person's attention, within a stated budget of false alarms."""

from watchkeeper.budget.budget import Budget
from watchkeeper.budget.finding import Finding, Severity
from watchkeeper.budget.judge import expected, judge
from watchkeeper.budget.limit import FEW, FULL, History, counts, thresholds
from watchkeeper.budget.observe import observe
from watchkeeper.budget.season import unseen_season

__all__ = [
    "FEW",
    "FULL",
    "Budget",
    "Finding",
    "History",
    "Severity",
    "counts",
    "expected",
    "judge",
    "observe",
    "thresholds",
    "unseen_season",
]
