"""Keeps what is not data in SQL: models, windows, alarms, tokens, versions, deployments, consumers, the audit trail."""

from watchkeeper.state import (
    alarm,
    audit,
    baseline,
    consumer,
    count,
    deletion,
    delivery,
    deployment,
    gate,
    lease,
    model,
    notice,
    token,
    version,
    window,
)
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
    "consumer",
    "count",
    "deletion",
    "delivery",
    "deployment",
    "gate",
    "lease",
    "model",
    "notice",
    "open_store",
    "token",
    "version",
    "window",
]
