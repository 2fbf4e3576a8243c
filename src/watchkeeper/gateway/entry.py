"""Entry: who may ask, and a request's body, read within bounds."""

from __future__ import annotations

from functools import lru_cache

from starlette.requests import ClientDisconnect, Request
from starlette.types import Message, Receive, Scope

from watchkeeper.gateway.refusal import Busy, Refusal
from watchkeeper.model.gateway import Gateway
from watchkeeper.server import body
from watchkeeper.server.access import EVERYBODY, FORWARDED, LOCAL_NAMES, Access, Open, Rule, is_loopback
from watchkeeper.server.limit import Limits
from watchkeeper.server.load import Load, Share
from watchkeeper.server.problem import Problem
from watchkeeper.state import Role, StateUnavailable, Store

PREDICTS = Rule(frozenset({Role.PREDICT, Role.ADMIN}), Open.THIS_MACHINE)
"""Who may ask for predictions, and what models take."""
SCRAPES = Rule(frozenset({Role.VIEWER, Role.OPERATOR, Role.ADMIN}), Open.THIS_MACHINE)
_GUARDED = frozenset({b"authorization", b"host", *(name.encode() for name in FORWARDED)})
_LOCAL = frozenset(name.encode() for name in LOCAL_NAMES)
__all__ = ["EVERYBODY", "PREDICTS", "SCRAPES", "Entry"]


class Entry:
    """The door of one gateway."""

    def __init__(self, store: Store, limits: Gateway, is_private: bool) -> None:
        self._access = Access(store, is_private)
        self._is_private = is_private
        self._limits = Limits(
            body_bytes=limits.body_bytes,
            decoded_bytes=limits.decoded_bytes,
            waiting_bytes=limits.waiting_bytes,
            connections=limits.connections,
        )
        self._load = Load(limits.waiting_bytes)

    @property
    def held(self) -> int:
        """Bytes of the requests under way."""
        return self._load.held

    async def check(self, scope: Scope, rule: Rule, model: str | None = None) -> None:
        """Raises a `Refusal` where the request may not do this."""
        if self._is_private and rule.open is Open.THIS_MACHINE and self._is_plainly_local(scope):
            return
        scope["path_params"] = {"model": model}
        try:
            await self._access.check(Request(scope), rule)
        except Problem as problem:
            raise _refusal(problem) from None
        except StateUnavailable:
            raise Refusal(503, "state", "Tokens can't be looked up just now. Ask again in a second.") from None

    def share(self) -> Held:
        """What one request holds of the memory, as a block that lasts until it is answered."""
        return Held(self._load)

    async def body(self, scope: Scope, receive: Receive, headers: dict[bytes, bytes], share: Share) -> bytes:
        """The whole body, decompressed. Raises a `Refusal` where it is too large, too slow or broken."""
        length = headers.get(b"content-length", b"")
        if not (length.isdigit() and int(length) > self._limits.body_bytes) and b"content-encoding" not in headers:
            first = await receive()
            if first["type"] == "http.request" and not first.get("more_body"):
                content: bytes = first.get("body", b"")
                if len(content) <= self._limits.body_bytes:
                    share.take(len(content))
                    return content
            receive = _again(first, receive)
        try:
            return await body.read(Request(scope, receive), self._limits, share)
        except Problem as problem:
            raise _refusal(problem) from None
        except ClientDisconnect:
            raise Refusal(400, "disconnected", "The client went away before its body was complete.") from None

    def _is_plainly_local(self, scope: Scope) -> bool:
        """The usual case, without looking at all that `Access` looks at: nothing is forwarded, and no token sent."""
        host = b""
        for name, value in scope["headers"]:
            if name in _GUARDED:
                if name != b"host":
                    return False
                host = value
        client = scope.get("client")
        host = host.lower()
        host = host.rpartition(b":")[0] if not host.endswith(b"]") and b":" in host else host
        return host in _LOCAL and client is not None and _is_loopback(client[0])


class Held(Share):
    """The bytes that one request holds."""

    def __enter__(self) -> Held:
        return self

    def __exit__(self, *_: object) -> None:
        self.load.held -= self.held

    def take(self, size: int) -> None:
        """Hold so many bytes more. Raises `Busy` where all requests together would hold too much."""
        if self.load.held + size > self.load.most:
            raise Busy(f"Requests of more than {self.load.most:,} bytes are under way. Ask again in a second.")
        self.load.held += size
        self.held += size


_is_loopback = lru_cache(maxsize=1_000)(is_loopback)


def _again(first: Message, receive: Receive) -> Receive:
    """A `receive` that gives a message once more that was taken already."""
    given = [first]

    async def replayed() -> Message:
        return given.pop() if given else await receive()

    return replayed


def _refusal(problem: Problem) -> Refusal:
    headers = [(name.lower(), value) for name, value in problem.headers.items()]
    return Refusal(problem.status, problem.reason, problem.detail, headers=headers)
