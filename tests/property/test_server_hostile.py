"""Whatever is sent, the answer is never a 5xx, what is good is kept, and the next event is taken."""

from __future__ import annotations

import asyncio
import gzip
import io
import json
import tempfile
from pathlib import Path

import httpx
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from serving import MODEL, event, lines, make_home, make_token
from watchkeeper import server
from watchkeeper.state import Role, open_store
from watchkeeper.watch.log import open_log

TYPES = [
    None,
    "application/json",
    "application/x-ndjson",
    "application/vnd.apache.arrow.stream",
    "text/plain",
    "application/json; charset=latin-1",
    ";",
]
ENCODINGS = [None, "gzip", "identity", "br", "gzip, gzip", ""]
PATHS = [f"/api/v1/models/{MODEL}/{kind}" for kind in ("events", "labels", "metrics", "jobs")]
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)
FIELDS = ["id", "time", "features", "raw", "score", "scores", "context", "label", "value", "name", "tags", "job", "run"]
TIMES = st.sampled_from(["2026-01-01T00:00:00Z", "9999-12-31T23:59:59Z", "0001-01-01T00:00:00+14:00", "2026-13-01", ""])
RECORDS = st.fixed_dictionaries(
    {}, optional={**dict.fromkeys(FIELDS, JSON), "id": JSON | st.text(max_size=5), "time": TIMES | JSON}
)
TEXTS = (
    st.binary(max_size=300)
    | st.lists(RECORDS | JSON, max_size=5).map(lambda made: json.dumps(made).encode())
    | st.lists(RECORDS, max_size=5).map(lines)
    | st.integers(1, 100_000).map(lambda depth: b"[" * depth)
    | st.integers(1, 100_000).map(lambda depth: b'{"features":' * depth)
)


def arrow_stream(rows):
    table = pa.table({"id": [str(n) for n in range(rows)], "features.x": list(range(rows)), "text": ["a"] * rows})
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)
    return sink.getvalue().to_pybytes()


@st.composite
def damaged(draw, whole):
    """A body with a few of its bytes changed, or its end cut off."""
    body = bytearray(draw(whole))
    for _ in range(draw(st.integers(0, 4))):
        if body:
            body[draw(st.integers(0, len(body) - 1))] = draw(st.integers(0, 255))
    return bytes(body[: draw(st.integers(0, len(body)))]) if draw(st.booleans()) else bytes(body)


BODIES = TEXTS | damaged(TEXTS.map(gzip.compress)) | damaged(st.integers(0, 40).map(arrow_stream))


@pytest.fixture(scope="module")
def asked():
    """Asks one server in this process, which lives as long as the module."""
    with tempfile.TemporaryDirectory() as folder, asyncio.Runner() as runner:
        home = make_home(Path(folder))
        store = open_store(home)
        app = server.app(home, store, log=open_log(io.StringIO()), limits=server.Limits(body_bytes=1 << 20))
        life = app.router.lifespan_context(app)
        runner.run(life.__aenter__())
        secret = make_token(home, Role.ADMIN)

        def ask(method, path, body, headers):
            async def one():
                transport = httpx.ASGITransport(app, raise_app_exceptions=False)
                base = "http://127.0.0.1:8700"
                async with httpx.AsyncClient(transport=transport, base_url=base) as client:
                    named = {"Authorization": f"Bearer {secret}", **headers}
                    return await client.request(method, path, content=body, headers=named)

            return runner.run(one())

        yield ask
        runner.run(life.__aexit__(None, None, None))
        store.close()


@given(BODIES, st.sampled_from(PATHS), st.sampled_from(TYPES), st.sampled_from(ENCODINGS))
@example(b"[" * 100_000, PATHS[0], "application/json", None)
@example(b'{"id":1e999}', PATHS[0], "application/json", None)
@example(b'[{"id":"\\ud800","time":"2026-01-01T00:00:00Z","features":{}}]', PATHS[0], "application/json", None)
@example(b'[{"id":"a","time":"2026-01-01T00:00:00Z","features":{"x":' + b"9" * 5_000 + b"}}]", PATHS[0], None, None)
@example(b"", PATHS[0], "application/vnd.apache.arrow.stream", None)
@settings(max_examples=150, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
def test_no_body_makes_the_server_fail(asked, body, path, kind, encoding):
    headers = {
        name: value for name, value in (("Content-Type", kind), ("Content-Encoding", encoding)) if value is not None
    }
    answer = asked("POST", path, body, headers)
    assert answer.status_code < 500
    if answer.status_code == 200:
        told = answer.json()
        assert told["accepted"] >= 0
        assert told["duplicates"] >= 0
    else:
        assert answer.headers["content-type"] == "application/problem+json"
        assert answer.json()["detail"]
    alive = asked("POST", PATHS[0], lines([event("alive")]), {})
    assert alive.status_code == 200


@given(
    st.sampled_from(["GET", "POST", "PUT", "DELETE", "HEAD", "OPTIONS", "PATCH", "BREW"]),
    st.text(st.characters(min_codepoint=33, max_codepoint=126, exclude_characters='?#[]@:\\^`{|}<>"%'), max_size=40),
    st.text(st.characters(min_codepoint=32, max_codepoint=255, exclude_characters="\x7f"), max_size=40),
)
@settings(max_examples=100)
def test_no_path_and_no_token_makes_the_server_fail(asked, method, path, given_token):
    answer = asked(method, "/" + path.lstrip("/"), b"", {"Authorization": given_token.encode("latin-1")})
    assert answer.status_code < 500
