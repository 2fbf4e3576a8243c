"""What went wrong with a request, as RFC 9457 writes it."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

import msgspec
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

from watchkeeper.model import WatchkeeperError
from watchkeeper.state import StateUnavailable

MEDIA_TYPE = "application/problem+json"


class Problem(WatchkeeperError):
    """A request is refused: its reason names the rule, its text says what to do, its status is the HTTP answer's."""

    def __init__(
        self, status: int, reason: str, detail: str, *, headers: dict[str, str] | None = None, **more: Any
    ) -> None:
        super().__init__(detail)
        self.status = status
        self.reason = reason
        self.detail = detail
        self.headers = headers or {}
        self.more = more

    def response(self) -> Response:
        """The problem as an HTTP answer."""
        words = self.reason.replace("-", " ")
        content = {
            "type": f"urn:watchkeeper:problem:{self.reason}",
            "title": words[:1].upper() + words[1:],
            "status": self.status,
            "detail": self.detail,
            **self.more,
        }
        return Response(msgspec.json.encode(content), self.status, self.headers, MEDIA_TYPE)


def of(wrong: Exception) -> Problem:
    """What a request's exception means to its client."""
    if isinstance(wrong, Problem):
        return wrong
    if isinstance(wrong, ClientDisconnect):
        return Problem(400, "disconnected", "The client went away before its body was complete. Nothing was kept.")
    if isinstance(wrong, HTTPException) and wrong.status_code == HTTPStatus.NOT_FOUND:
        return Problem(
            404, "no-such-route", "There is nothing at this path. GET /api/v1/openapi.json lists all routes."
        )
    if isinstance(wrong, HTTPException) and wrong.status_code == HTTPStatus.METHOD_NOT_ALLOWED:
        allowed = dict(wrong.headers or {})
        methods = allowed.get("Allow", "another method")
        return Problem(405, "method-not-allowed", f"This path takes {methods}.", headers=allowed)
    if isinstance(wrong, HTTPException):
        return Problem(wrong.status_code, "refused", wrong.detail, headers=dict(wrong.headers or {}))
    if isinstance(wrong, StateUnavailable):
        return Problem(
            503, "state-unavailable", "The state can't be used just now. Nothing of this was kept. Try again."
        )
    return Problem(
        500, "mistake", "This is a mistake in Watchkeeper; its log tells more. Nothing of this was accepted."
    )


def answer(request: Request, wrong: Exception) -> Response:
    """The exception handler of every route."""
    problem = of(wrong)
    request.scope["refused"] = problem.reason
    if "expect" in request.headers:  # the client may never send the body that the connection would go on with
        problem.headers["Connection"] = "close"
    return problem.response()
