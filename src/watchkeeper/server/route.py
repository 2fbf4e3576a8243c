"""All routes of the server in one table, each with the rule that says who may use it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import partial

from starlette.requests import Request
from starlette.responses import Response

from watchkeeper.sdk.record import Kind
from watchkeeper.server import health, ingest, models, openapi, reading
from watchkeeper.server.access import EVERYBODY, READS, SCRAPES, SENDS, Rule
from watchkeeper.server.service import Service

MODEL = "/api/v1/models/{model}"
Handler = Callable[[Service, Request], Awaitable[Response]]


@dataclass(frozen=True)
class Route:
    """One path and method; `takes` is the kind of the records that its body holds."""

    method: str
    path: str
    handler: Handler
    rule: Rule
    summary: str
    answer: type | None
    takes: Kind | None = None
    spans: bool = False
    """Whether it takes `from` and `to`."""


def _sends(kind: Kind, path: str, summary: str) -> Route:
    handler = partial(ingest.receive, kind=kind)
    return Route("POST", f"{MODEL}/{path}", handler, SENDS, summary, ingest.Answer, kind)


ROUTES: tuple[Route, ...] = (
    Route("GET", "/healthz", health.alive, EVERYBODY, "Whether the process lives.", None),
    Route("GET", "/readyz", health.ready, EVERYBODY, "Whether the state can be read and the inbox written.", None),
    Route("GET", "/metrics", health.metrics, SCRAPES, "The server's figures in Prometheus' text form.", None),
    Route("GET", "/api/v1/openapi.json", openapi.document, EVERYBODY, "This description.", None),
    Route("GET", "/api/v1/models", models.listing, READS, "The models that were added.", models.Models),
    Route("GET", MODEL, models.one, READS, "What is declared about a model.", models.Declared),
    Route("GET", f"{MODEL}/status", reading.status, READS, "How a model is doing just now.", reading.Statuses),
    Route("GET", f"{MODEL}/findings", reading.findings, READS, "What was found.", reading.Findings, spans=True),
    Route("GET", f"{MODEL}/windows", reading.windows, READS, "Windows and their labels.", reading.Windows, spans=True),
    _sends(Kind.EVENT, "events", "Keep predictions as they were served."),
    _sends(Kind.LABEL, "labels", "Keep the outcomes of events."),
    _sends(Kind.POINT, "metrics", "Keep numbers from outside: costs, business metrics, figures of a service."),
    _sends(Kind.JOB, "jobs", "Keep runs of pipelines: that they started, and how they ended."),
)
