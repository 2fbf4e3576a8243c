"""Decides which measurements deserve a person's attention, within a stated budget of false alarms."""

from watchkeeper.budget.budget import Budget
from watchkeeper.budget.finding import Finding, Severity
from watchkeeper.budget.judge import FEW, FULL, History, counts, expected, judge, thresholds

__all__ = ["FEW", "FULL", "Budget", "Finding", "History", "Severity", "counts", "expected", "judge", "thresholds"]
