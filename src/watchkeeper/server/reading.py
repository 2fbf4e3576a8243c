"""What is known of a model, as JSON: how it is doing, what was found, and which labels its windows have."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import anyio.to_thread
import msgspec
from starlette.requests import Request
from starlette.responses import Response

from watchkeeper.lake.error import LakeError
from watchkeeper.model import Model
from watchkeeper.model.clock import clock
from watchkeeper.report.status import to_json
from watchkeeper.server.problem import Problem
from watchkeeper.server.service import Service, no_such_model
from watchkeeper.server.span import EPOCH, Span, span_of
from watchkeeper.watch import history
from watchkeeper.watch.home import Home, NoSuchModel
from watchkeeper.watch.status import status as look

MOST = 10_000
"""Findings or windows in one answer; more only where a single window has more."""


class Statuses(msgspec.Struct):
    """How a model is doing, as `watchkeeper status MODEL --json` prints it."""

    schema_version: int
    models: list[dict[str, Any]]


class Change(msgspec.Struct):
    """When what was found began."""

    kind: str
    since: str
    between: list[str] | None = None


class Found(msgspec.Struct):
    """A finding, in the newest revision of its window; values of personal columns are null, their segments numbered."""

    window_start: datetime
    window_end: datetime
    revision: int
    kind: str
    check: str
    metric: str
    columns: list[str]
    severity: str
    message: str
    remedy: str
    value: float | None = None
    expected: list[float | None] | None = None
    effect: float | None = None
    evidence: float | None = None
    rows: int | None = None
    window: str | None = None
    segment: str | None = None
    version: str | None = None
    priority: str | None = None
    change: Change | None = None


class Findings(msgspec.Struct):
    """The findings of the windows that start in a span, oldest first; `next`: ask again from there."""

    model: str
    start: datetime = msgspec.field(name="from")
    end: datetime = msgspec.field(name="to")
    findings: list[Found]
    next: datetime | None


class Window(msgspec.Struct):
    """A window and its labels; `state` is `provisional` as long as more labels are to come, then `final`."""

    start: datetime
    end: datetime
    revision: int
    events: int
    labels: int
    coverage: float | None
    state: str


class Windows(msgspec.Struct):
    """The windows that start in a span, oldest first; `next`: ask again from there."""

    model: str
    start: datetime = msgspec.field(name="from")
    end: datetime = msgspec.field(name="to")
    windows: list[Window]
    next: datetime | None


async def status(service: Service, request: Request) -> Response:
    """How a model is doing just now."""
    return await _answer(service, request, _status)


async def findings(service: Service, request: Request) -> Response:
    """What was found in the windows of a span."""
    return await _answer(service, request, partial(_findings, span=span_of(request, clock())))


async def windows(service: Service, request: Request) -> Response:
    """How far the labels of the windows of a span have come."""
    return await _answer(service, request, partial(_windows, span=span_of(request, clock())))


async def _answer(service: Service, request: Request, read: Callable[[Home, Model], bytes]) -> Response:
    """What is read in a thread: of those there are few, so that what is sent never waits for what is read."""
    name = request.path_params["model"]
    try:
        content = await anyio.to_thread.run_sync(_read, service.watched, name, read, limiter=service.readers)
    except NoSuchModel:
        raise no_such_model(name) from None
    except LakeError as away:
        service.log.warning("lake unavailable", model=name, error=str(away))
        raise Problem(
            503, "lake-unavailable", "The lake can't be read just now. The server's log says why. Try again."
        ) from away
    return Response(content, media_type="application/json")


def _read(home: Home, name: str, read: Callable[[Home, Model], bytes]) -> bytes:
    return read(home, home.model(name))


def _status(home: Home, model: Model) -> bytes:
    return to_json([look(home, model, now=clock())]).encode()


def _findings(home: Home, model: Model, span: Span) -> bytes:
    part = history.findings(home.lake(model), model, *span, MOST)
    found = [
        msgspec.convert(
            {
                **noted.finding,
                "window_start": _moment(noted.span[0]),
                "window_end": _moment(noted.span[1]),
                "revision": noted.revision,
            },
            Found,
        )
        for noted in part.items
    ]
    return msgspec.json.encode(Findings(model.name, _moment(span[0]), _moment(span[1]), found, _rest(part.rest)))


def _windows(home: Home, model: Model, span: Span) -> bytes:
    part, view = history.windows(home.lake(model), home.store, model.name, *span, clock(), MOST)
    found = [
        Window(
            start=_moment(one.span[0]),
            end=_moment(one.span[1]),
            revision=one.revision,
            events=one.events,
            labels=one.labels,
            coverage=one.coverage,
            state=view.state(one),
        )
        for one in part.items
    ]
    return msgspec.json.encode(Windows(model.name, _moment(span[0]), _moment(span[1]), found, _rest(part.rest)))


def _rest(micro: int | None) -> datetime | None:
    return None if micro is None else _moment(micro)


def _moment(micro: int) -> datetime:
    return (EPOCH + timedelta(microseconds=micro)).astimezone(UTC)
