"""What the state knows of the models."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import anyio.to_thread
import msgspec
from starlette.requests import Request
from starlette.responses import Response

from watchkeeper.server.service import Service, no_such_model
from watchkeeper.state import Store, model

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Named(msgspec.Struct):
    """A model in a list."""

    name: str
    href: str


class Models(msgspec.Struct):
    """All models, by name."""

    models: list[Named]


class Declared(msgspec.Struct):
    """A model as it was declared last."""

    name: str
    revision: int
    declared: datetime
    by: str
    yaml: str


async def listing(service: Service, request: Request) -> Response:
    """All models; a token that is for one model does not get here."""
    names = await anyio.to_thread.run_sync(model.names, service.store)
    return _json(Models([Named(name, f"/api/v1/models/{name}") for name in names]))


async def one(service: Service, request: Request) -> Response:
    """One model's declaration."""
    return _json(await anyio.to_thread.run_sync(_declared, service.store, request.path_params["model"]))


def _declared(store: Store, name: str) -> Declared:
    found = model.get(store, name)
    if found is None:
        raise no_such_model(name)
    return Declared(found.name, found.revision, EPOCH + timedelta(microseconds=found.at), found.who, found.yaml)


def _json(content: msgspec.Struct) -> Response:
    return Response(msgspec.json.encode(content), media_type="application/json")
