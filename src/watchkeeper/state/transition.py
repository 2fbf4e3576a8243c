"""How an alarm goes from one state to the next: the only place where that is decided.

| state | loud window | quiet window | no data |
|---|---|---|---|
| ok, resolved | pending; firing once loud for `for_`: an onset | stays | nodata |
| pending | firing once loud for `for_`: an onset; else stays | ok | nodata |
| firing | stays | resolved once quiet for `keep_firing_for`; else stays | nodata |
| nodata, fired before | firing again: the same onset goes on | as firing | stays |
| nodata, did not fire | as ok | ok | stays |

The clock is that of the windows: `now` is the end of the window that is judged, so that ten windows caught up at once
lead where they would have led one by one. The same window judged anew with the same outcome changes nothing.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum


class State(StrEnum):
    """What an alarm is doing."""

    OK = "ok"
    PENDING = "pending"
    """Loud, but not yet for as long as `for` asks."""
    FIRING = "firing"
    RESOLVED = "resolved"
    """It fired, and is quiet again."""
    NODATA = "nodata"
    """There was nothing to judge, which is not ok."""


@dataclass(frozen=True)
class Standing:
    """Where an alarm stands. Moments are ends of windows, in microseconds."""

    state: State = State.OK
    since: int = 0
    """When it came into its state."""
    first: int | None = None
    """The first loud moment of what is pending or firing now, or was when it resolved."""
    last: int | None = None
    """The last loud moment of it."""
    fired: int | None = None
    """When it fired; while there are no data, None tells that it did not."""


def step(standing: Standing, loud: bool | None, now: int, for_: int = 0, keep_firing_for: int = 0) -> Standing:
    """The standing after a window that ends at `now` and was loud, quiet (False), or without data (None).

    `for_` and `keep_firing_for` are microseconds.
    """
    if loud is None:
        return _without_data(standing, now)
    return _loud(standing, now, for_) if loud else _quiet(standing, now, keep_firing_for)


def is_onset(before: Standing, after: Standing) -> bool:
    """Whether an alarm began to fire between two standings: this is what a person is told once."""
    return after.state is State.FIRING and after.fired != before.fired


def _without_data(standing: Standing, now: int) -> Standing:
    if standing.state is State.NODATA:
        return standing
    if standing.state is State.FIRING:
        return replace(standing, state=State.NODATA, since=now)
    return Standing(State.NODATA, now)


def _loud(standing: Standing, now: int, for_: int) -> Standing:
    if _is_open(standing, now):
        since = standing.since if standing.state is State.FIRING else now
        return replace(standing, state=State.FIRING, since=since, last=now)
    first = standing.first if standing.state is State.PENDING and standing.first is not None else now
    if now - first >= for_:
        return Standing(State.FIRING, now, first, now, now)
    return Standing(State.PENDING, standing.since if standing.state is State.PENDING else now, first, now)


def _quiet(standing: Standing, now: int, keep_firing_for: int) -> Standing:
    if standing.state in (State.OK, State.RESOLVED):
        return standing
    if standing.fired is None or standing.last is None:
        return Standing(State.OK, now)
    if now - standing.last >= keep_firing_for:
        return replace(standing, state=State.RESOLVED, since=now)
    return replace(standing, state=State.FIRING, since=standing.since if standing.state is State.FIRING else now)


def _is_open(standing: Standing, now: int) -> bool:
    """Whether it fires, or would but for missing data, or was resolved by an earlier judgement of this same window."""
    if standing.state is State.RESOLVED:
        return standing.since == now
    return standing.fired is not None
