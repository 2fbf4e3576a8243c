"""Keeps what is not data in SQL: models, baselines, due windows, leases, tokens, alarms, notices, the audit trail."""

from watchkeeper.state import alarm, audit, baseline, count, delivery, lease, model, notice, token, window
from watchkeeper.state.opening import NoHome, UnknownDatabase, open_store
from watchkeeper.state.role import Role
from watchkeeper.state.schema import StateIsNewer
from watchkeeper.state.store import StateUnavailable, Store

__all__ = [
    "NoHome",
    "Role",
    "StateIsNewer",
    "StateUnavailable",
    "Store",
    "UnknownDatabase",
    "alarm",
    "audit",
    "baseline",
    "count",
    "delivery",
    "lease",
    "model",
    "notice",
    "open_store",
    "token",
    "window",
]
