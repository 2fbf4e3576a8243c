"""The span of time that a request asks for: `?from=…&to=…`, RFC 3339."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Annotated

import msgspec
from starlette.requests import Request

from watchkeeper.server.problem import Problem

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
USUAL = 7 * 86_400_000_000
"""Microseconds before the end, where no beginning is said."""
LONGEST = 400 * 86_400_000_000
PARAMETERS = ("from", "to")
Moment = Annotated[datetime, msgspec.Meta(tz=True)]
Span = tuple[int, int]


def span_of(request: Request, now: int) -> Span:
    """The span in microseconds since 1970: to now, and from a week before its end, unless the request says otherwise.

    Raises a 400 for what is no such parameter or no time, and a 422 for a span that ends before it begins or is too
    long.
    """
    given = dict(request.query_params)
    for name in given:
        if name not in PARAMETERS:
            raise Problem(400, "parameter", f"{name[:100]!r} is no parameter here; `from` and `to` are.")
        if len(request.query_params.getlist(name)) > 1:
            raise Problem(400, "parameter", f"`{name}` is given more than once.")
    end = _micro("to", given["to"]) if "to" in given else now
    start = _micro("from", given["from"]) if "from" in given else max(end - USUAL, FIRST)
    if start >= end:
        raise Problem(422, "span", "`from` has to lie before `to` (which is now, unless it is given).")
    if end - start > LONGEST:
        raise Problem(
            422, "span", f"`from` and `to` may lie {LONGEST // 86_400_000_000} days apart. Ask for one part at a time."
        )
    return start, end


def _since(moment: datetime) -> int:
    return (moment - EPOCH) // timedelta(microseconds=1)


FIRST = _since(datetime.min.replace(tzinfo=UTC))


def _micro(name: str, given: str) -> int:
    try:
        return _since(msgspec.convert(given, Moment).astimezone(UTC))
    except (msgspec.ValidationError, OverflowError):
        raise Problem(
            400,
            "parameter",
            f"`{name}` is no time: write it as RFC 3339, such as 2026-03-01T12:00:00Z (in an address + is %2B).",
        ) from None
