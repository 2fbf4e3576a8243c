"""Watchkeeper keeps machine-learning models healthy after they are deployed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from watchkeeper.model import Model, WatchkeeperError, load
    from watchkeeper.people.card import card
    from watchkeeper.release.compare.compare import compare
    from watchkeeper.release.contract.contract import Contract, misfits
    from watchkeeper.release.contract.python import contract
    from watchkeeper.release.python import gate, live, register, release, rollback, versions
    from watchkeeper.report import Backtest, Result, Skew, Verdict
    from watchkeeper.watch import backtest, check, infer_model, merged, profile
    from watchkeeper.watch.skew import skew

__all__ = [
    "Backtest",
    "Contract",
    "Model",
    "Result",
    "Skew",
    "Verdict",
    "WatchkeeperError",
    "backtest",
    "card",
    "check",
    "compare",
    "contract",
    "gate",
    "infer_model",
    "live",
    "load",
    "merged",
    "misfits",
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
    "Contract": "release.contract.contract",
    "contract": "release.contract.python",
    "misfits": "release.contract.contract",
    "Backtest": "report",
    "Result": "report",
    "Skew": "report",
    "Verdict": "report",
    "backtest": "watch",
    "card": "people.card",
    "check": "watch",
    "compare": "release.compare.compare",
    "infer_model": "watch",
    "merged": "watch",
    "profile": "watch",
    "skew": "watch.skew",
    "gate": "release.python",
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
