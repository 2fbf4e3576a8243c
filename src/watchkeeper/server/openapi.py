"""Describes the routes in OpenAPI, made from the table and from the types that read and write the bodies."""

from __future__ import annotations

from collections.abc import Iterable
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

import msgspec
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from watchkeeper.sdk.record import RECORDS, Kind
from watchkeeper.server.access import Open
from watchkeeper.server.body import ARROW
from watchkeeper.server.ingest import Answer
from watchkeeper.server.models import Declared, Models
from watchkeeper.server.problem import MEDIA_TYPE
from watchkeeper.server.reading import Findings, Statuses, Windows
from watchkeeper.server.service import Service

if TYPE_CHECKING:
    from watchkeeper.server.route import Route

ANSWERS: dict[type, str] = {
    answer: answer.__name__ for answer in (Answer, Models, Declared, Statuses, Findings, Windows)
}

REFUSED = {
    "400": "The body can't be read as what it says it is.",
    "401": "The token is missing, unknown, revoked or expired.",
    "403": "The token's role may not do this, or it is for another model.",
    "404": "There is no such model.",
    "408": "The body came too slowly.",
    "413": "The body is too large, as it came or once decompressed.",
    "415": "The body's type or encoding is not read here.",
    "422": "No record of the body is good; `rejected` says why.",
    "429": "Too much waits to be written; send it again after `Retry-After` seconds.",
    "503": "The state or the inbox can't be used just now.",
    "507": "The disk is full.",
}
READING = {code: REFUSED[code] for code in ("401", "403", "404")} | {"503": "What is kept can't be read just now."}
SPANNING = READING | {
    "400": "A parameter is none that is known, or no time.",
    "422": "The span ends before it begins, or is too long.",
}
SPAN = {
    "from": "The first start of a window, RFC 3339; a week before `to` if it is not given.",
    "to": "The moment before which a window starts; now if it is not given.",
}


async def document(service: Service, request: Request) -> Response:
    """The whole description."""
    from watchkeeper.server.route import ROUTES

    return JSONResponse(describe(ROUTES))


def describe(routes: Iterable[Route]) -> dict[str, Any]:
    """The OpenAPI 3.1 document of these routes."""
    _, schemas = msgspec.json.schema_components(
        [*ANSWERS, *RECORDS.values()], ref_template="#/components/schemas/{name}"
    )
    paths: dict[str, dict[str, Any]] = {}
    for route in routes:
        paths.setdefault(route.path, {})[route.method.lower()] = _operation(route)
    return {
        "openapi": "3.1.0",
        "info": {"title": "Watchkeeper", "version": version("watchkeeper")},
        "paths": paths,
        "components": {
            "schemas": {**schemas, "Problem": PROBLEM},
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
        },
    }


PROBLEM = {
    "title": "Problem",
    "description": "What went wrong, as RFC 9457 writes it.",
    "type": "object",
    "required": ["type", "title", "status", "detail"],
    "properties": {
        "type": {"type": "string"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
    },
}


def _operation(route: Route) -> dict[str, Any]:
    good: dict[str, Any] = {"description": route.summary}
    if route.answer is not None:
        good["content"] = {"application/json": {"schema": _schema(ANSWERS[route.answer])}}
    said: dict[str, Any] = {
        "summary": route.summary,
        "operationId": f"{route.method.lower()}{route.path.replace('{', '').replace('}', '').replace('/', '_')}",
        "description": f"For {_who(route)}.",
        "responses": {"200": good, **{code: _refusal(said) for code, said in _refused(route).items()}},
    }
    if route.rule.open is not Open.EVERYBODY:
        said["security"] = [{"token": []}] + ([{}] if route.rule.open is Open.THIS_MACHINE else [])
    parameters = _parameters(route)
    if parameters:
        said["parameters"] = parameters
    if route.takes is not None:
        said["requestBody"] = {"required": True, "content": _content(route.takes)}
    return said


def _refused(route: Route) -> dict[str, str]:
    """What may be answered instead, by status."""
    if route.takes is not None:
        return REFUSED
    if route.spans:
        return SPANNING
    return {"503": READING["503"]} if route.rule.open is Open.EVERYBODY else READING


def _parameters(route: Route) -> list[dict[str, Any]]:
    name = {"type": "string", "pattern": "^[a-z0-9-]{1,63}$"}
    moment = {"type": "string", "format": "date-time"}
    of_model = [{"name": "model", "in": "path", "required": True, "schema": name}] if "{model}" in route.path else []
    span = [{"name": end, "in": "query", "description": told, "schema": moment} for end, told in SPAN.items()]
    return of_model + (span if route.spans else [])


def _who(route: Route) -> str:
    roles = "tokens of role " + " or ".join(sorted(route.rule.roles))
    return {
        Open.NOBODY: roles,
        Open.THIS_MACHINE: f"{roles}, and for {Open.THIS_MACHINE} where the server listens on loopback alone",
        Open.EVERYBODY: "everybody",
    }[route.rule.open]


def _content(kind: Kind) -> dict[str, Any]:
    """The forms that a body may take."""
    record = _schema(RECORDS[kind].__name__)
    return {
        "application/x-ndjson": {"schema": {"type": "string", "description": "One JSON object a line."}},
        "application/json": {"schema": {"type": "array", "items": record}},
        ARROW: {"schema": {"type": "string", "contentMediaType": ARROW, "description": "One column a field."}},
    }


def _schema(name: str) -> dict[str, str]:
    return {"$ref": f"#/components/schemas/{name}"}


def _refusal(said: str) -> dict[str, Any]:
    return {"description": said, "content": {MEDIA_TYPE: {"schema": _schema("Problem")}}}
