"""A server in this process, with a client for each role."""

from __future__ import annotations

import io
import shutil
from contextlib import ExitStack

import anyio.from_thread
import httpx
import pytest

from serving import MODEL, make_home, make_token
from watchkeeper import server
from watchkeeper.state import Role, open_store
from watchkeeper.watch.log import open_log


class Client:
    """Asks an application in this process; each call returns once it is answered."""

    def __init__(self, app, portal, secret, peer):
        self.app = app
        self.log = None
        self.portal = portal
        transport = httpx.ASGITransport(app, raise_app_exceptions=False, client=(peer, 4711))
        headers = {"Authorization": f"Bearer {secret}"} if secret else {}
        self.client = httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1:8700", headers=headers)

    def request(self, method, path, **more):
        async def ask():
            return await self.client.request(method, path, **more)

        return self.portal.call(ask)

    def get(self, path, **more):
        return self.request("GET", path, **more)

    def post(self, path, **more):
        return self.request("POST", path, **more)

    def many(self, requests):
        """Answers to requests that are under way at the same time."""

        async def ask():
            answers = []

            async def one(place, method, path, more):
                answers.append((place, await self.client.request(method, path, **more)))

            async with anyio.create_task_group() as group:
                for place, (method, path, more) in enumerate(requests):
                    group.start_soon(one, place, method, path, more)
            return [answer for _, answer in sorted(answers, key=lambda pair: pair[0])]

        return self.portal.call(ask)


@pytest.fixture(scope="session")
def fresh_home(tmp_path_factory):
    return make_home(tmp_path_factory.mktemp("server") / "home", (MODEL, "other"))


@pytest.fixture
def home(tmp_path, fresh_home):
    return shutil.copytree(fresh_home, tmp_path / "home")


@pytest.fixture
def store(home):
    store = open_store(home)
    yield store
    store.close()


@pytest.fixture
def serve(home, store):
    """Makes clients of servers of this home, each with its own limits."""
    with ExitStack() as stack:
        portal = stack.enter_context(anyio.from_thread.start_blocking_portal())

        def make(role=Role.INGEST, peer="127.0.0.1", **options):
            log = io.StringIO()
            app = server.app(home, store, log=open_log(log), **options)
            stack.enter_context(portal.wrap_async_context_manager(app.router.lifespan_context(app)))
            made = Client(app, portal, make_token(home, role) if role else None, peer)
            made.log = log
            return made

        yield make


@pytest.fixture
def client(serve):
    return serve()
