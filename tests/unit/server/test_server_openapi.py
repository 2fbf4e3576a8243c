"""The description of the routes is valid and says what is true."""

from __future__ import annotations

import jsonschema
from openapi_spec_validator import validate

from serving import MODEL, event
from watchkeeper.server.openapi import describe
from watchkeeper.server.route import ROUTES
from watchkeeper.state import Role


def test_the_description_is_valid_and_names_every_route(serve):
    document = serve(role=None).get("/api/v1/openapi.json").json()
    validate(document)
    described = {(method.upper(), path) for path, methods in document["paths"].items() for method in methods}
    assert described == {(route.method, route.path) for route in ROUTES}


def test_what_the_description_says_of_answers_holds(serve):
    document = describe(ROUTES)
    client = serve(Role.ADMIN)
    asked = [
        ("GET", "/api/v1/models", {}),
        ("GET", "/api/v1/models/{model}", {}),
        ("POST", "/api/v1/models/{model}/events", {"json": [event(1), {"id": "bad"}]}),
    ]
    for method, path, more in asked:
        answer = client.request(method, path.replace("{model}", MODEL), **more)
        content = document["paths"][path][method.lower()]["responses"]["200"]["content"]["application/json"]
        jsonschema.validate(answer.json(), {**content["schema"], "components": document["components"]})


def test_an_event_as_the_description_says_is_taken(serve):
    document = describe(ROUTES)
    schema = {**document["components"]["schemas"]["Event"], "components": document["components"]}
    jsonschema.validate(event(1), schema)
    assert schema["required"] == ["id", "time", "features"]
    assert serve().post(f"/api/v1/models/{MODEL}/events", json=[event(1)]).json()["accepted"] == 1
