"""Runs the one flow from data to findings: files against a baseline, and profile files."""

from watchkeeper.watch.check import check
from watchkeeper.watch.infer import infer_model
from watchkeeper.watch.summarize import merged, profile

__all__ = ["check", "infer_model", "merged", "profile"]
