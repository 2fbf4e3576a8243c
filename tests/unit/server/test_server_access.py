"""Every route with every kind of token: nothing is allowed that the table does not say."""

from __future__ import annotations

import itertools

import pytest

from serving import MODEL, NOW, make_token
from watchkeeper.server.route import ROUTES
from watchkeeper.state import Role, open_store, token

EVERYBODY = {"/healthz", "/readyz", "/api/v1/openapi.json"}
MAY = {
    "/metrics": {Role.VIEWER, Role.OPERATOR, Role.ADMIN},
    "/api/v1/models": {Role.VIEWER, Role.OPERATOR, Role.ADMIN},
    "/api/v1/models/{model}": {Role.VIEWER, Role.OPERATOR, Role.ADMIN},
    "/api/v1/models/{model}/status": {Role.VIEWER, Role.OPERATOR, Role.ADMIN},
    "/api/v1/models/{model}/findings": {Role.VIEWER, Role.OPERATOR, Role.ADMIN},
    "/api/v1/models/{model}/windows": {Role.VIEWER, Role.OPERATOR, Role.ADMIN},
    "/api/v1/models/{model}/events": {Role.INGEST, Role.ADMIN},
    "/api/v1/models/{model}/labels": {Role.INGEST, Role.ADMIN},
    "/api/v1/models/{model}/metrics": {Role.INGEST, Role.ADMIN},
    "/api/v1/models/{model}/jobs": {Role.INGEST, Role.ADMIN},
}
"""Said once more here, so that a change of the table is a change of this test."""


def path_of(route, name=MODEL):
    return route.path.replace("{model}", name)


def test_the_application_has_exactly_the_routes_of_the_table(client):
    served = {(method, route.path) for route in client.app.routes for method in route.methods - {"HEAD"}}
    assert served == {(route.method, route.path) for route in ROUTES}
    assert {route.path for route in ROUTES} == EVERYBODY | MAY.keys()


@pytest.fixture
def tokens(home, store):
    """A good, an expired and a revoked token of each role."""
    made = {}
    for role in Role:
        made["good", role] = make_token(home, role)
        made["expired", role] = make_token(home, role, expires=NOW)
        made["revoked", role] = make_token(home, role)
        token.revoke(store, max(known.id for known in token.listing(store)), NOW)
    return made


def test_every_route_lets_in_the_roles_of_the_table_and_nobody_else(serve, tokens):
    client = serve(role=None)
    for route, role, how in itertools.product(ROUTES, Role, ("good", "expired", "revoked")):
        headers = {"Authorization": f"Bearer {tokens[how, role]}"}
        status = client.request(route.method, path_of(route), headers=headers).status_code
        if route.path in EVERYBODY or (how == "good" and role in MAY[route.path]):
            expected = 200
        else:
            expected = 403 if how == "good" else 401
        assert status == expected, (route.path, role, how)


@pytest.mark.parametrize("given", [None, "", "Bearer", "Bearer ", "Basic d2s6d2s=", "Bearer wk_wrong", "wk_wrong"])
def test_no_token_and_a_wrong_one_open_nothing(serve, given):
    client = serve(role=None)
    for route in ROUTES:
        answer = client.request(route.method, path_of(route), headers={"Authorization": given} if given else {})
        if route.path in EVERYBODY:
            assert answer.status_code == 200
        else:
            assert answer.status_code == 401
            assert answer.headers["www-authenticate"].startswith("Bearer")
            assert answer.headers["content-type"] == "application/problem+json"


def test_whoever_has_no_token_does_not_learn_which_models_exist(serve):
    client = serve(role=None)
    known, unknown = (client.post(f"/api/v1/models/{name}/events") for name in (MODEL, "nobody-knows"))
    assert (known.status_code, known.content) == (unknown.status_code, unknown.content)


@pytest.mark.parametrize("name", ["nobody-knows", "..", "%2e%2e", "UPPER", "a" * 64, "%00", "a%2Fb"])
def test_an_unknown_model_is_a_404_for_those_who_may_ask(serve, home, name):
    assert serve(Role.INGEST).post(f"/api/v1/models/{name}/events", content=b"{}").status_code == 404
    assert serve(Role.VIEWER).get(f"/api/v1/models/{name}").status_code == 404
    assert sorted(path.name for path in (home / "inbox").iterdir()) == [MODEL, "other"]


def test_a_token_for_one_model_is_good_for_no_other(serve, home):
    client = serve(role=None)
    for role, path, status in [
        (Role.INGEST, f"/api/v1/models/{MODEL}/events", 200),
        (Role.INGEST, "/api/v1/models/other/events", 403),
        (Role.VIEWER, f"/api/v1/models/{MODEL}", 200),
        (Role.VIEWER, "/api/v1/models/other", 403),
        (Role.VIEWER, "/api/v1/models", 403),
        (Role.VIEWER, "/metrics", 403),
    ]:
        headers = {"Authorization": f"Bearer {make_token(home, role, model=MODEL)}"}
        method = "POST" if role is Role.INGEST else "GET"
        assert client.request(method, path, headers=headers).status_code == status


def test_a_token_ends_with_its_expiry_though_it_was_seen_a_moment_ago(store, home):
    from watchkeeper.server.access import SENDS, Access
    from watchkeeper.server.problem import Problem

    now = [NOW / 1e6]
    access = Access(store, is_loopback=True, clock=lambda: now[0])
    request = asking({"authorization": f"Bearer {make_token(home, Role.INGEST, expires=NOW + 1_000_000)}"})
    run(access.check(request, SENDS))
    now[0] += 1.1
    with pytest.raises(Problem, match="expired"):
        run(access.check(request, SENDS))


def test_a_revoked_token_ends_within_seconds(store, home):
    from watchkeeper.server.access import SENDS, TRUST_SECONDS, Access
    from watchkeeper.server.problem import Problem

    now = [NOW / 1e6]
    access = Access(store, is_loopback=True, clock=lambda: now[0])
    request = asking({"authorization": f"Bearer {make_token(home)}"})
    run(access.check(request, SENDS))
    token.revoke(store, 1, NOW)
    run(access.check(request, SENDS))
    now[0] += TRUST_SECONDS
    with pytest.raises(Problem, match="revoked"):
        run(access.check(request, SENDS))


def test_a_token_seen_good_stays_so_while_the_state_is_away(home, monkeypatch):
    from watchkeeper.server import access as module
    from watchkeeper.server.access import SENDS, TRUST_SECONDS, Access
    from watchkeeper.state import StateUnavailable

    now = [NOW / 1e6]
    store = open_store(home)
    access = Access(store, is_loopback=True, clock=lambda: now[0])
    request = asking({"authorization": f"Bearer {make_token(home)}"})
    run(access.check(request, SENDS))
    store.close()

    def away(*_):
        raise StateUnavailable("away")

    monkeypatch.setattr(module.token, "verify", away)
    now[0] += TRUST_SECONDS
    run(access.check(request, SENDS))
    with pytest.raises(StateUnavailable):
        run(access.check(asking({"authorization": "Bearer wk_other"}), SENDS))


@pytest.mark.parametrize(
    ("is_loopback", "peer", "host", "more", "status"),
    [
        (True, "127.0.0.1", "127.0.0.1:8700", {}, 200),
        (True, "127.0.0.1", "localhost", {}, 200),
        (True, "::1", "[::1]:8700", {}, 200),
        (False, "127.0.0.1", "127.0.0.1:8700", {}, 401),
        (True, "10.0.0.7", "127.0.0.1:8700", {}, 401),
        (True, "127.0.0.1", "attacker.example", {}, 401),
        (True, "127.0.0.1", "127.0.0.1:8700", {"X-Forwarded-For": "10.0.0.7"}, 401),
        (True, "127.0.0.1", "127.0.0.1:8700", {"Forwarded": "for=10.0.0.7"}, 401),
    ],
)
def test_figures_need_no_token_for_programs_on_this_machine_alone(serve, is_loopback, peer, host, more, status):
    client = serve(role=None, is_loopback=is_loopback, peer=peer)
    assert client.get("/metrics", headers={"Host": host, **more}).status_code == status


def asking(headers):
    from starlette.requests import Request

    raw = [(name.encode(), value.encode()) for name, value in headers.items()]
    return Request({"type": "http", "headers": raw, "path_params": {"model": MODEL}, "client": ("127.0.0.1", 1)})


def run(waited):
    import asyncio

    return asyncio.run(waited)
