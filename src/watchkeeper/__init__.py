"""Watchkeeper keeps machine-learning models healthy after they are deployed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from watchkeeper.model import Model, WatchkeeperError, load
    from watchkeeper.release.contract import Contract, misfits
    from watchkeeper.release.contract_python import contract
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
    "check",
    "contract",
    "infer_model",
    "load",
    "merged",
    "misfits",
    "profile",
    "skew",
]

_HOMES = {
    "Model": "model",
    "WatchkeeperError": "model",
    "load": "model",
    "Contract": "release.contract",
    "contract": "release.contract_python",
    "misfits": "release.contract",
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
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'watchkeeper' has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(f"watchkeeper.{_HOMES[name]}"), name)
