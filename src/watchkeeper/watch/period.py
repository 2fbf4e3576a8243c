"""The span of event time that a delivery is for: `2014-01`, `2014-01-15` or `START/END`."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

from watchkeeper.model import WatchkeeperError


class BadPeriod(WatchkeeperError):
    """A period is a month, a day, or START/END."""


def parse(period: str) -> tuple[int, int]:
    """Start and end (not part of it) in microseconds since 1970, UTC. Raises `BadPeriod`."""
    start, slash, end = period.partition("/")
    try:
        if slash:
            span = _instant(start), _instant(end)
        elif re.fullmatch(r"\d{4}-\d{2}", period):
            first = datetime.strptime(period, "%Y-%m").replace(tzinfo=UTC)
            span = _micro(first), _micro((first + timedelta(days=31)).replace(day=1))
        else:
            day = datetime.strptime(period, "%Y-%m-%d").replace(tzinfo=UTC)
            span = _micro(day), _micro(day + timedelta(days=1))
    except (ValueError, OverflowError):
        span = (0, 0)
    if span[0] >= span[1]:
        raise BadPeriod(
            f"period {period!r}: write a month (2014-01), a day (2014-01-15), or a start and a later end, "
            "which is not part of it (2014-01-01/2014-02-01)."
        )
    return span


def moment(text: str) -> int:
    """A moment such as `2014-01-15` or `2014-01-15T12:00`, in microseconds since 1970, UTC. Raises `BadPeriod`."""
    try:
        return _instant(text)
    except (ValueError, OverflowError):
        raise BadPeriod(f"{text!r} is no moment: write a day (2014-01-15) or a time (2014-01-15T12:00, UTC).") from None


def _instant(text: str) -> int:
    at = datetime.fromisoformat(text)
    return _micro(at if at.tzinfo else at.replace(tzinfo=UTC))


def _micro(at: datetime) -> int:
    return (at - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)
