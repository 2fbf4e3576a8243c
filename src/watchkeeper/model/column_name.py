"""What a column's name says about it."""

from __future__ import annotations

import re


def word_set(listed: str) -> frozenset[str]:
    """The words of a list that is written as one text."""
    return frozenset(listed.split())


TIME_WORDS = word_set("time date datetime timestamp tstamp ts dt at when epoch datum fecha created updated utc")
PHONE_WORDS = word_set("phone tel telephone mobile fax msisdn cell")
ID_WORDS = word_set("id ids uuid guid key pk rowid hash oid")

_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")


def words(name: str) -> tuple[str, ...]:
    """The lower-case words of a name: `userID`, `user-id` and `User Id` are all ("user", "id")."""
    return tuple(re.findall(r"[^\W_]+", _CAMEL.sub(" ", name).lower()))


def folded(name: str) -> str:
    """A name with its words joined by underscores: `yTrue` and `y true` are `y_true`."""
    return "_".join(words(name))


def like_a_time(name: str) -> bool:
    """Whether a name speaks of a time."""
    return not TIME_WORDS.isdisjoint(words(name))


def like_an_id(name: str) -> bool:
    """Whether a name speaks of an identifier: it ends in such a word, or begins with `id`."""
    found = words(name)
    return bool(found) and (found[-1] in ID_WORDS or found[0] in ("id", "uuid", "guid"))
