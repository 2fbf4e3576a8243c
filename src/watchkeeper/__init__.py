"""Watchkeeper keeps machine-learning models healthy after they are deployed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from watchkeeper.model import Model, WatchkeeperError, load
    from watchkeeper.release.python import live, register, release, rollback, versions
    from watchkeeper.report import Backtest, Result, Skew, Verdict
    from watchkeeper.watch import backtest, check, infer_model, merged, profile
    from watchkeeper.watch.skew import skew

__all__ = [
    "Backtest",
    "Model",
    "Result",
    "Skew",
    "Verdict",
    "WatchkeeperError",
    "backtest",
    "check",
    "infer_model",
    "live",
    "load",
    "merged",
    "profile",
    "register",
    "release",
    "rollback",
    "skew",
    "versions",
]

_HOMES = {
    "Model": "model",
    "WatchkeeperError": "model",
    "load": "model",
    "Backtest": "report",
    "Result": "report",
    "Skew": "report",
    "Verdict": "report",
    "backtest": "watch",
    "check": "watch",
    "infer_model": "watch",
    "merged": "watch",
    "profile": "watch",
    "skew": "watch.skew",
    "live": "release.python",
    "register": "release.python",
    "rollback": "release.python",
    "versions": "release.python",
}


def __getattr__(name: str) -> Any:
    from importlib import import_module

    if name == "release":  # a room of that name can be called as the function is
        return import_module("watchkeeper.release")
    if name not in _HOMES:
        raise AttributeError(f"module 'watchkeeper' has no attribute {name!r}")
    return getattr(import_module(f"watchkeeper.{_HOMES[name]}"), name)
