"""How a model is doing just now, as `watchkeeper status` tells it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from watchkeeper.profiles.slice import iso

SCHEMA_VERSION = 1
"""Raised when a script that reads the JSON would have to change."""


@dataclass(frozen=True)
class Flow:
    """What comes in. Moments are microseconds since 1970."""

    newest: int | None
    """The time of the newest event in the lake."""
    received: int | None
    """When the newest event that is in the lake or waits in the inbox came, as far as that is known."""
    hour: int
    """Events of the last hour."""
    day: int
    """Events of the last 24 hours."""
    is_exact: bool
    """Whether these are counts; else files that lie in the span in part were taken to be spread evenly."""
    total: int
    """Events in the lake."""
    waiting: int
    """Bytes in the inbox that were not moved yet."""
    waiting_since: int | None
    """When the oldest of these came."""


@dataclass(frozen=True)
class Firing:
    """An alarm that fires."""

    check: str
    metric: str
    columns: tuple[str, ...]
    segment: str | None
    version: str | None
    since: int
    """The start of the window in which it began."""
    message: str
    remedy: str


@dataclass(frozen=True)
class Worst:
    """The worst finding of the newest window that was judged."""

    window: str
    severity: str | None
    """None where the window had no finding."""
    message: str


@dataclass(frozen=True)
class Delay:
    """How late labels come, in seconds."""

    name: str
    """The class; empty for all labels."""
    labels: int
    quantiles: Mapping[str, float]
    """Share of the labels that will come, such as `0.95`, and after how long it has come."""
    is_known: bool
    """Whether windows were followed long enough to tell."""


@dataclass(frozen=True)
class Status:
    """How a model is doing at a moment."""

    model: str
    now: int
    window: str
    """How long a window is, as the model says."""
    flow: Flow
    due: int
    """Windows that have to be profiled."""
    runner: str | None
    """Who runs the model now."""
    disk: Mapping[str, int]
    """Bytes of the model's inbox and lake, and of the home's state, which all of its models share."""
    counts: Mapping[str, int]
    """What was not kept, or not as it came, since the model was added."""
    today: Mapping[str, int]
    """The same of the last day (UTC) and the one before it."""
    alarms: Sequence[Firing]
    """Longest first."""
    silent: int
    """Alarms for which there are no data."""
    worst: Worst | None
    """None before any window was judged."""
    mature: Mapping[str, Any] | None
    """The newest window whose labels are all there."""
    windows: Sequence[Mapping[str, Any]]
    """The newest windows and their labels, oldest first."""
    delays: Sequence[Delay]
    todo: str
    """What to do next."""
    command: str | None
    """The command that does it."""

    @property
    def lag(self) -> int | None:
        """How long ago the newest event came, in microseconds."""
        return None if self.flow.received is None else self.now - self.flow.received


def as_dict(status: Status) -> dict[str, Any]:
    """The status as JSON-safe values; moments are ISO 8601 in UTC."""
    made = asdict(status)
    flow = made.pop("flow")
    for name in ("newest", "received", "waiting_since"):
        flow[name] = _moment(flow[name])
    for alarm in made["alarms"]:
        alarm["since"] = _moment(alarm["since"])
    lag = None if status.lag is None else status.lag / 1e6
    rest = {name: value for name, value in made.items() if name not in ("model", "now")}
    return {"model": status.model, "now": _moment(status.now), "lag_s": lag, "events": flow, **rest}


def to_json(found: Sequence[Status]) -> str:
    """What `watchkeeper status --json` prints."""
    listed = [as_dict(status) for status in found]
    return json.dumps({"schema_version": SCHEMA_VERSION, "models": listed}, indent=2, allow_nan=False)


def _moment(micro: int | None) -> str | None:
    return None if micro is None else iso(micro)
