"""Who may do what: nobody anything, unless a rule in the table of routes says so."""

from __future__ import annotations

import ipaddress
import time
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from hashlib import sha256

import anyio.to_thread
from starlette.requests import Request

from watchkeeper.server.problem import Problem
from watchkeeper.state import Role, StateUnavailable, Store, token
from watchkeeper.state.token import Refusal, Token

TRUST_SECONDS = 5.0
"""A token that was good stays so for as long; then the state is asked again: so long may a revoked one live on."""
MOST_TOKENS = 10_000
LOCAL_NAMES = ("localhost", "127.0.0.1", "[::1]")
FORWARDED = ("forwarded", "via", "x-forwarded-for", "x-forwarded-host", "x-real-ip")


class Open(StrEnum):
    """Who needs no token."""

    NOBODY = "nobody"
    THIS_MACHINE = "programs on the server's own machine"
    EVERYBODY = "everybody"


@dataclass(frozen=True)
class Rule:
    """The roles that may use a route, and who may without a token."""

    roles: frozenset[Role]
    open: Open = Open.NOBODY


SENDS = Rule(frozenset({Role.INGEST, Role.ADMIN}))
READS = Rule(frozenset({Role.VIEWER, Role.OPERATOR, Role.ADMIN}))
SCRAPES = Rule(READS.roles, Open.THIS_MACHINE)
EVERYBODY = Rule(frozenset(Role), Open.EVERYBODY)


@dataclass
class _Trusted:
    token: Token
    until: float


class Access:
    """Checks the token of a request against a rule."""

    def __init__(self, store: Store, is_loopback: bool, clock: Callable[[], float] = time.time) -> None:
        """`is_loopback`: the server listens on a loopback address alone."""
        self._store = store
        self._is_loopback = is_loopback
        self._clock = clock
        self._trusted: dict[bytes, _Trusted] = {}

    async def check(self, request: Request, rule: Rule) -> None:
        """Raises a 401 for a token that is missing, unknown, expired or revoked, a 403 for one that may not do this."""
        if rule.open is Open.EVERYBODY or (rule.open is Open.THIS_MACHINE and self._is_local(request)):
            return
        found = await self._verified(_bearer(request))
        if isinstance(found, Refusal):
            raise _unknown(f"{found}.")
        if found.role not in rule.roles:
            *most, last = sorted(rule.roles)
            allowed = f"{', '.join(most)} or {last}" if most else last
            raise Problem(
                403, "role-not-allowed", f"Tokens of role {found.role} may not do this; those of {allowed} may."
            )
        if not found.is_for(request.path_params.get("model")):
            raise Problem(403, "model-not-allowed", f"This token is for the model {found.model} alone.")

    async def _verified(self, given: str) -> Token | Refusal:
        """The token, or why it is not accepted; asked anew only now and then, but no token outlives its expiry.

        While one request asks anew the others go on, and while the state is away the tokens last seen good stay so.
        """
        now = self._clock()
        micros = int(now * 1_000_000)
        digest = sha256(given.encode("utf-8", "surrogatepass")).digest()
        trusted = self._trusted.get(digest)
        if trusted is not None:
            if trusted.until > now:
                return trusted.token.refusal(micros) or trusted.token
            trusted.until = now + TRUST_SECONDS
        try:
            found = await anyio.to_thread.run_sync(token.verify, self._store, given, micros)
        except StateUnavailable:
            if trusted is None:
                raise
            return trusted.token.refusal(micros) or trusted.token
        if isinstance(found, Token):
            if len(self._trusted) >= MOST_TOKENS:
                self._trusted.clear()
            self._trusted[digest] = _Trusted(found, now + TRUST_SECONDS)
        else:
            self._trusted.pop(digest, None)
        return found

    def _is_local(self, request: Request) -> bool:
        """Whether a program on this machine asks: not a proxy for others, nor a browser led here by another name."""
        peer = request.client.host if request.client else ""
        name = request.headers.get("host", "").lower()
        name = name.rpartition(":")[0] if not name.endswith("]") and ":" in name else name
        return (
            self._is_loopback
            and _is_loopback(peer)
            and name in LOCAL_NAMES
            and not any(header in request.headers for header in FORWARDED)
        )


def is_loopback(host: str) -> bool:
    """Whether only this machine reaches this address."""
    return host == "localhost" or _is_loopback(host)


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _bearer(request: Request) -> str:
    scheme, _, given = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not given.strip():
        raise _unknown("this needs a token. Make one with `watchkeeper token create`.")
    return given.strip()


def _unknown(why: str) -> Problem:
    return Problem(
        401,
        "unauthorised",
        f"Not allowed: {why} It is sent as `Authorization: Bearer wk_…`.",
        headers={"WWW-Authenticate": 'Bearer realm="watchkeeper"'},
    )
