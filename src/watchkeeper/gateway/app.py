"""The gateway as an ASGI application: what is asked, and the answer or why there is none."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from functools import partial
from http import HTTPStatus
from importlib.metadata import version as installed
from typing import Any, NamedTuple

import msgspec
from prometheus_client import CONTENT_TYPE_LATEST
from starlette.types import Receive, Scope, Send
from structlog.typing import FilteringBoundLogger

from watchkeeper.gateway import invocation, oip
from watchkeeper.gateway.entry import PREDICTS, SCRAPES, Entry
from watchkeeper.gateway.journal import Journal
from watchkeeper.gateway.metric import Metrics
from watchkeeper.gateway.refusal import Refusal
from watchkeeper.gateway.rows import Reply, Rows, listed
from watchkeeper.gateway.served import Served
from watchkeeper.gateway.switch import Switch
from watchkeeper.gateway.version import Version
from watchkeeper.sdk.value import identifier

JSON = b"application/json"
BINARY = b"application/octet-stream"
HEAD = b"inference-header-content-length"
_encode = msgspec.json.Encoder().encode


class Answer(NamedTuple):
    """What is sent back."""

    body: bytes
    status: int = 200
    kind: bytes = JSON
    headers: tuple[tuple[bytes, bytes], ...] = ()


class App:
    """Answers requests of the Open Inference Protocol and of MLflow."""

    def __init__(self, switch: Switch, entry: Entry, default: str | None, log: FilteringBoundLogger) -> None:
        self.metrics = Metrics(switch, entry)
        self.is_draining = False
        """From then on each answer closes its connection."""
        self._switch, self._entry, self._default, self._log = switch, entry, default, log
        self._rows = switch.home.config.gateway.rows
        self._made = switch.aside.made
        self._fixed: dict[tuple[str, str], Callable[[Scope], Awaitable[Answer]]] = {
            ("GET", "/v2"): self._server,
            ("GET", "/v2/health/live"): self._live,
            ("GET", "/v2/health/ready"): self._ready,
            ("GET", "/ping"): self._ping,
            ("GET", "/health"): self._ping,
            ("GET", "/version"): self._version,
            ("GET", "/metrics"): self._figures,
        }

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Called by the ASGI server."""
        if scope["type"] != "http":
            await self._lifespan(receive, send)
            return
        route = "none"
        try:
            route, answer = await self._answered(scope, receive)
        except Refusal as refusal:
            self.metrics.refused[refusal.reason] += 1
            route = refusal.route
            body = invocation.refused(refusal) if route == "invocations" else refusal.body
            headers = tuple((name.encode(), value.encode()) for name, value in refusal.headers)
            answer = Answer(body, refusal.status, JSON, headers)
        except Exception as wrong:  # noqa: BLE001 - the outermost edge
            self._log.error("request failed", path=scope["path"], exc_info=wrong)
            answer = Answer(b'{"error":"This is a mistake in Watchkeeper; its log tells more."}', 500)
        self.metrics.answers[route, answer.status] += 1
        headers_sent = [
            (b"content-type", answer.kind),
            (b"content-length", str(len(answer.body)).encode()),
            *answer.headers,
        ]
        if self.is_draining or (answer.status >= 400 and b"expect" in dict(scope["headers"])):
            headers_sent.append((b"connection", b"close"))
        await send({"type": "http.response.start", "status": answer.status, "headers": headers_sent})
        await send({"type": "http.response.body", "body": answer.body})

    async def _answered(self, scope: Scope, receive: Receive) -> tuple[str, Answer]:
        path, method = scope["path"], scope["method"]
        if method == "POST":
            parts = path.split("/")
            if len(parts) == 5 and parts[4] == "infer" and parts[2] == "models" and parts[1] == "v2":
                return "infer", await self._routed("infer", self._infer(scope, receive, parts[3], None))
            if len(parts) == 7 and path.startswith("/v2/models/") and parts[4] == "versions" and parts[6] == "infer":
                return "infer", await self._routed("infer", self._infer(scope, receive, parts[3], parts[5]))
            if path == "/invocations":
                return "invocations", await self._routed("invocations", self._invoked(scope, receive))
        method = "GET" if method == "HEAD" else method
        fixed = self._fixed.get((method, path.rstrip("/")))
        if fixed is not None:
            return path.strip("/"), await fixed(scope)
        posts = path.endswith(("/infer", "/invocations"))
        if method == "GET" and path.rstrip("/").startswith("/v2/models/") and not posts:
            return "model", await self._model(scope, path.strip("/").split("/"))
        if (posts and method != "POST") or ("GET", path.rstrip("/")) in self._fixed:
            allowed = "POST" if posts else "GET, HEAD"
            words = f"This path takes {allowed}."
            raise Refusal(HTTPStatus.METHOD_NOT_ALLOWED, "method", words, headers=(("allow", allowed),))
        raise Refusal(404, "no-such-route", "There is nothing at this path. Ask POST /v2/models/MODEL/infer.")

    async def _routed(self, route: str, work: Awaitable[Answer]) -> Answer:
        try:
            return await work
        except Refusal as refusal:
            refusal.route = route
            raise

    async def _infer(self, scope: Scope, receive: Receive, name: str, pinned: str | None) -> Answer:
        await self._entry.check(scope, PREDICTS, name)
        served = self._served(name)
        headers = dict(scope["headers"])
        with self._entry.share() as share:
            body = await self._entry.body(scope, receive, headers, share)
            began = time.perf_counter()
            head = _length(headers.get(HEAD))
            first, contract = served.version(pinned), served.contract

            def read() -> tuple[oip.Request, Rows]:
                request = oip.decoded(body, head)
                oip.check_outputs(request)
                sent, number = oip.columns(request, body, head, contract, first.inputs, self._rows)
                return request, contract.rows(sent, number, first.inputs)

            request, rows = await self._made(read, size=len(body))
            given = (request.parameters or {}).get("id")
            event_id, version, reply = await self._predicted(served, rows, first, pinned is not None, given, began)
            told = event_id if rows.ids is None else None

            answered = partial(oip.answered, request, name, version.name, reply, rows.number, contract, told)
            answer, length = await self._made(answered, rows=rows.number)
        if length is None:
            return Answer(answer)
        return Answer(answer, 200, BINARY, ((HEAD, str(length).encode()),))

    async def _invoked(self, scope: Scope, receive: Receive) -> Answer:
        name = self._default
        await self._entry.check(scope, PREDICTS, name)
        if name is None:
            words = "Start the gateway with --default MODEL to answer here, or ask POST /v2/models/MODEL/infer."
            raise Refusal(404, "no-default", words)
        served = self._served(name)
        headers = dict(scope["headers"])
        with self._entry.share() as share:
            body = await self._entry.body(scope, receive, headers, share)
            began = time.perf_counter()
            first, contract = served.version(None), served.contract
            kind = headers.get(b"content-type", b"").decode("latin-1")

            def read() -> Rows:
                sent, number = invocation.columns(body, kind, contract, first.inputs, self._rows)
                return contract.rows(sent, number, first.inputs)

            rows = await self._made(read, size=len(body))
            event_id, version, reply = await self._predicted(served, rows, first, False, None, began)
            told = event_id if rows.ids is None else None
            answered = partial(invocation.answered, version.name, reply, told)
            return Answer(await self._made(answered, rows=rows.number))

    async def _predicted(
        self, served: Served, rows: Rows, first: Version, pinned: bool, given: Any, began: float
    ) -> tuple[str | None, Version, Reply]:
        """Ask, and log what came of it. The event's name is None where nothing is logged."""
        journal = self._switch.journals.get(served.model.name)
        event_id = None if journal is None else _named(given) or journal.name()
        try:
            version, reply = await served.answer(rows, first, pinned=pinned)
        except Refusal as refusal:
            if journal is not None and event_id is not None and refusal.status >= 500:
                await self._logged(journal, rows, event_id, first.name, began, str(refusal))
            raise
        if not served.contract.holds(reply.prediction):
            version.figures.invalid += 1
        version.first = version.first or reply.first()
        if not served.sample:
            served.sample = {name: listed(values[:1]) for name, values in rows.columns.items()}
        if journal is not None and event_id is not None:
            await self._logged(journal, rows, event_id, version.name, began, reply)
        return event_id, version, reply

    async def _logged(
        self, journal: Journal, rows: Rows, event_id: str, version: str, began: float, answer: Reply | str
    ) -> None:
        seconds = time.perf_counter() - began
        await self._made(partial(journal.log, rows, event_id, version, seconds, answer), rows=rows.number)

    def _served(self, name: str) -> Served:
        served = self._switch.models.get(name)
        if served is None:
            words = f"No version of {name[:100]!r} is live here. `watchkeeper release` makes one live."
            raise Refusal(404, "no-such-model", words)
        return served

    async def _server(self, scope: Scope) -> Answer:
        told = {"name": "watchkeeper", "version": installed("watchkeeper"), "extensions": ["binary_tensor_data"]}
        return Answer(_encode(told))

    async def _live(self, scope: Scope) -> Answer:
        return Answer(b'{"live":true}')

    async def _ready(self, scope: Scope) -> Answer:
        """Whether it can answer for every model. A switch that failed is told, and what was live goes on."""
        models = self._switch.models.values()
        ready = not self.is_draining and all(_can_answer(served) for served in models)
        notes = [f"{served.model.name}: {served.problem}" for served in models if served.problem is not None]
        if not self._switch.is_state_there:
            notes.append("The database of the state is away; what is live goes on.")
        return Answer(_encode({"ready": ready, **({"notes": notes} if notes else {})}), 200 if ready else 503)

    async def _ping(self, scope: Scope) -> Answer:
        served = self._switch.models.get(self._default or "")
        return Answer(b"\n", 200 if served is not None and _can_answer(served) else 404)

    async def _version(self, scope: Scope) -> Answer:
        return Answer(f"watchkeeper {installed('watchkeeper')}".encode(), 200, b"text/plain; charset=utf-8")

    async def _figures(self, scope: Scope) -> Answer:
        await self._entry.check(scope, SCRAPES)
        return Answer(await asyncio.to_thread(self.metrics.text), 200, CONTENT_TYPE_LATEST.encode())

    async def _model(self, scope: Scope, parts: list[str]) -> Answer:
        """`v2/models/M`, `v2/models/M/ready`, and both below `versions/V`."""
        name, rest = parts[2], parts[3:]
        await self._entry.check(scope, PREDICTS, name)
        served = self._served(name)
        pinned = rest[1] if rest[:1] == ["versions"] and len(rest) > 1 else None
        rest = rest[2:] if pinned is not None else rest
        if rest == ["ready"]:
            ready = _can_answer(served) if pinned is None else served.version(pinned).is_up
            told = {"name": name, "ready": ready, **({"note": served.problem} if served.problem else {})}
            return Answer(_encode(told), 200 if ready else 503)
        if rest:
            raise Refusal(404, "no-such-route", "There is nothing at this path. Ask GET /v2/models/MODEL.")
        version = served.version(pinned)
        there = [one.name for one in (served.live, served.previous) if one is not None]
        return Answer(_encode(oip.metadata(served.contract, version, there, "watchkeeper")))

    async def _lifespan(self, receive: Receive, send: Send) -> None:
        await receive()
        try:
            await self._switch.start()
        except Exception as wrong:  # noqa: BLE001 - told to the ASGI server, which ends
            self._log.error("not started", exc_info=wrong)
            await send({"type": "lifespan.startup.failed", "message": str(wrong)})
            return
        following = asyncio.create_task(self._switch.follow())
        await send({"type": "lifespan.startup.complete"})
        await receive()
        following.cancel()
        with suppress(asyncio.CancelledError):
            await following
        await self._switch.close()
        await send({"type": "lifespan.shutdown.complete"})


def _can_answer(served: Served) -> bool:
    return any(one is not None and one.is_up for one in (served.live, served.previous))


def _length(given: bytes | None) -> int | None:
    """The header that says how long the JSON is. Raises a `Refusal` for what is no number."""
    if given is None:
        return None
    if not given.isdigit() or len(given) > 12:
        raise Refusal(400, "malformed", "Inference-Header-Content-Length is no number of bytes.")
    return int(given)


def _named(given: Any) -> str | None:
    """The name that a request gives to its event. Raises a `Refusal`."""
    if given is None:
        return None
    try:
        return identifier(given)
    except ValueError as wrong:
        raise Refusal(400, "contract", f"The parameter `id`: {wrong}.") from None
