"""Runs the one flow from data to findings: files against a baseline, the past against it, and profile files."""

from watchkeeper.watch.backtest import backtest
from watchkeeper.watch.check import check
from watchkeeper.watch.infer import infer_model
from watchkeeper.watch.summarize import merged, profile

__all__ = ["backtest", "check", "infer_model", "merged", "profile"]
