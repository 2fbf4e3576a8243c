"""Tokens: only their digest is kept, and they end by time, by revocation, and never come back."""

from __future__ import annotations

import re
import resource
from contextlib import closing

import pytest

from watchkeeper.state import Role, audit, open_store, token

MINUTE = 60_000_000


@pytest.mark.parametrize("role", list(Role))
def test_a_token_says_its_role(store, role):
    secret = token.create(store, role, "ci", None, now=1)
    found = token.verify(store, secret, now=2)
    assert (found.role, found.name, found.model) == (role, "ci", None)


def test_a_token_is_long_random_and_recognised_by_its_beginning(store):
    made = {token.create(store, Role.INGEST, "", None, now=1) for _ in range(20)}
    assert len(made) == 20
    assert all(re.fullmatch(r"wk_[A-Za-z0-9_-]{43}", secret) for secret in made)


def test_the_secret_is_nowhere_in_the_database(store):
    secret = token.create(store, Role.ADMIN, "ci", None, now=1)
    with store.reading() as connection:
        for table in ("tokens", "audit"):
            kept = str(connection.exec_driver_sql(f"SELECT * FROM {table}").all())
            assert secret not in kept
            assert secret.removeprefix("wk_") not in kept


@pytest.mark.parametrize("wrong", ["", "wk_", "wk_" + "a" * 43, "ü\ud800\0", "' OR 1=1 --", "x" * 100_000])
def test_what_is_no_token_is_refused(store, wrong):
    token.create(store, Role.INGEST, "ci", None, now=1)
    assert token.verify(store, wrong, now=2) is token.Refusal.UNKNOWN


def test_a_token_with_another_last_letter_is_refused(store):
    secret = token.create(store, Role.INGEST, "ci", None, now=1)
    assert token.verify(store, secret[:-1] + ("A" if secret[-1] != "A" else "B"), now=2) is token.Refusal.UNKNOWN
    assert token.verify(store, secret + "=", now=2) is token.Refusal.UNKNOWN


def test_a_token_ends_at_its_time(store):
    secret = token.create(store, Role.INGEST, "ci", 10, now=1)
    assert token.verify(store, secret, now=9).expires == 10
    assert token.verify(store, secret, now=10) is token.Refusal.EXPIRED


def test_a_token_that_was_revoked_stays_so(store):
    secret = token.create(store, Role.INGEST, "ci", None, now=1)
    [kept] = token.listing(store)
    assert token.revoke(store, kept.id, now=5)
    assert token.verify(store, secret, now=6) is token.Refusal.REVOKED
    assert not token.revoke(store, kept.id, now=7)
    assert token.listing(store)[0].revoked == 5


def test_what_is_not_there_cannot_be_revoked(store):
    assert not token.revoke(store, 4711, now=1)


def test_a_token_for_one_model_is_for_no_other(store):
    secret = token.create(store, Role.INGEST, "ci", None, now=1, model="m")
    found = token.verify(store, secret, now=2)
    assert (found.is_for("m"), found.is_for("n"), found.is_for(None)) == (True, False, False)
    everywhere = token.verify(store, token.create(store, Role.INGEST, "ci", None, now=1), now=2)
    assert everywhere.is_for("m")
    assert everywhere.is_for(None)


def test_the_last_use_is_noted_once_a_minute_at_most(store):
    secret = token.create(store, Role.INGEST, "ci", None, now=0)
    for now, noted in ((5, 5), (6, 5), (4 + MINUTE, 5), (5 + MINUTE, 5 + MINUTE), (MINUTE, 5 + MINUTE)):
        token.verify(store, secret, now)
        assert token.listing(store)[0].used == noted


def test_a_refused_token_is_not_used(store):
    secret = token.create(store, Role.INGEST, "ci", 3, now=0)
    token.verify(store, secret, now=4)
    assert token.listing(store)[0].used is None


def test_who_made_and_who_revoked_a_token_stands_in_the_audit_trail(store):
    token.create(store, Role.INGEST, "ci", None, now=1, model="m", who="ann")
    token.revoke(store, 1, now=2, who="bob")
    revoked, created = audit.entries(store)
    assert (created.who, created.what, created.model, created.detail["role"]) == ("ann", "token created", "m", "ingest")
    assert (revoked.who, revoked.what, revoked.model, revoked.detail) == ("bob", "token revoked", "m", {"token": 1})


def test_a_token_is_good_though_its_use_can_not_be_noted_for_want_of_room(tmp_path, caplog):
    """No file of this process may grow, which SQLite takes for a disk that fails."""
    with closing(open_store(f"sqlite:///{tmp_path / 'state.db'}")) as store:
        secret = token.create(store, Role.INGEST, "ci", None, now=1)
        limits = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (1, limits[1]))
        try:
            found = token.verify(store, secret, now=2)
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        assert found.role is Role.INGEST
        assert "the use of token 1 was not noted" in caplog.text
        assert token.listing(store)[0].used is None
        token.verify(store, secret, now=3)
        assert token.listing(store)[0].used == 3
