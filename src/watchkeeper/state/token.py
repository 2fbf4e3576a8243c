"""Tokens: who may use the HTTP interface, as what, for which model, and for how long."""

from __future__ import annotations

import hashlib
import logging
import secrets
from dataclasses import dataclass
from enum import StrEnum

from sqlalchemy import RowMapping, or_, select

from watchkeeper.state import audit
from watchkeeper.state.role import Role
from watchkeeper.state.store import StateUnavailable, Store
from watchkeeper.state.table import tokens

PREFIX = "wk_"
USED_EVERY = 60_000_000
"""Microseconds: the last use of a token is noted no more often, so that reading does not become writing."""
_LOG = logging.getLogger("watchkeeper.state")


class Refusal(StrEnum):
    """Why a token is not accepted."""

    UNKNOWN = "the token is unknown"
    REVOKED = "the token was revoked"
    EXPIRED = "the token has expired"


@dataclass(frozen=True)
class Token:
    """A token as it is kept: all but the secret."""

    id: int
    role: Role
    name: str
    model: str | None
    """The only model that it is for; None: for all."""
    created: int
    expires: int | None
    revoked: int | None
    used: int | None
    """When it was used last, to the minute."""

    def refusal(self, now: int) -> Refusal | None:
        """Why it is not accepted at `now`; None if it is."""
        if self.revoked is not None:
            return Refusal.REVOKED
        return Refusal.EXPIRED if self.expires is not None and self.expires <= now else None

    def is_for(self, model: str | None) -> bool:
        """Whether it is good for what concerns `model`, or all models (None)."""
        return self.model is None or self.model == model


_FIELDS = [tokens.c[field] for field in Token.__dataclass_fields__]


def create(
    store: Store,
    role: Role,
    name: str,
    expires: int | None,
    now: int,
    *,
    model: str | None = None,
    who: str = "local",
) -> str:
    """Make a token and return it: this once, as only its SHA-256 is kept."""
    secret = PREFIX + secrets.token_urlsafe(32)
    row = {"digest": _digest(secret), "role": role.value, "name": name, "model": model}
    with store.writing() as connection:
        new = tokens.insert().values(**row, created=now, expires=expires).returning(tokens.c.id)
        number = connection.execute(new).scalar_one()
        detail = {"token": number, "role": role.value, "name": name, "expires": expires}
        audit.write(connection, who, "token created", model, detail, now)
    return secret


def verify(store: Store, token: str, now: int) -> Token | Refusal:
    """The token with this secret, or why it is not accepted; what it may do is for the caller to decide.

    It is looked up by its digest, so the time that takes says nothing about how near a guess was. Where its use can't
    be noted, as when the disk is full, the log says so and the token is as good as before.
    """
    query = select(*_FIELDS).where(tokens.c.digest == _digest(token))
    with store.reading() as connection:
        row = connection.execute(query).mappings().first()
    if row is None:
        return Refusal.UNKNOWN
    found = _token(row)
    refusal = found.refusal(now)
    if refusal is None and (found.used is None or found.used <= now - USED_EVERY):
        _use(store, found.id, now)
    return refusal or found


def revoke(store: Store, id: int, now: int, *, who: str = "local") -> bool:
    """Refuse a token from now on; False if there is none of that number, or it was revoked before."""
    change = tokens.update().where(tokens.c.id == id, tokens.c.revoked.is_(None)).values(revoked=now)
    with store.writing() as connection:
        row = connection.execute(change.returning(tokens.c.model)).first()
        if row is not None:
            audit.write(connection, who, "token revoked", row.model, {"token": id}, now)
    return row is not None


def listing(store: Store) -> list[Token]:
    """All tokens, oldest first."""
    with store.reading() as connection:
        return [_token(row) for row in connection.execute(select(*_FIELDS).order_by(tokens.c.id)).mappings()]


def _use(store: Store, id: int, now: int) -> None:
    is_old = or_(tokens.c.used.is_(None), tokens.c.used <= now - USED_EVERY)
    try:
        with store.writing() as connection:
            connection.execute(tokens.update().where(tokens.c.id == id, is_old).values(used=now))
    except StateUnavailable as failed:
        _LOG.warning("the use of token %d was not noted: %s", id, failed)


def _token(row: RowMapping) -> Token:
    return Token(**{**row, "role": Role(row["role"])})


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode("utf-8", "backslashreplace")).hexdigest()
