"""Decides which measurements deserve a person's attention, within a stated budget of false alarms."""

from watchkeeper.budget.budget import Budget
from watchkeeper.budget.finding import Change, Finding, Priority, Severity
from watchkeeper.budget.judge import expected, judge
from watchkeeper.budget.limit import FEW, FULL, History, Limits, counts, thresholds
from watchkeeper.budget.observe import observe
from watchkeeper.budget.once import NEARLY_ALL
from watchkeeper.budget.priority import untaken
from watchkeeper.budget.season import phase, unseen_season

__all__ = [
    "FEW",
    "FULL",
    "NEARLY_ALL",
    "Budget",
    "Change",
    "Finding",
    "History",
    "Limits",
    "Priority",
    "Severity",
    "counts",
    "expected",
    "judge",
    "observe",
    "phase",
    "thresholds",
    "unseen_season",
    "untaken",
]
