"""The audit trail can be added to, and nothing else."""

from __future__ import annotations

import pytest
from sqlalchemy.exc import DBAPIError

from watchkeeper.state import audit


def trail(store):
    return [(entry.who, entry.what, entry.model, entry.detail, entry.at) for entry in audit.entries(store)]


def test_entries_come_back_newest_first(store):
    audit.append(store, "ann", "model added", "m", {"a": [1, None]}, now=1)
    audit.append(store, "bob", "erased", None, {}, now=2)
    assert trail(store) == [("bob", "erased", None, {}, 2), ("ann", "model added", "m", {"a": [1, None]}, 1)]


def test_entries_are_read_by_model_and_page_by_page(store):
    for i in range(10):
        audit.append(store, "ann", str(i), "even" if i % 2 == 0 else "odd", {}, now=i)
    assert [entry.what for entry in audit.entries(store, "odd")] == ["9", "7", "5", "3", "1"]
    first = audit.entries(store, most=4)
    assert [entry.what for entry in audit.entries(store, before=first[-1].id, most=4)] == ["5", "4", "3", "2"]


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE audit SET who = 'nobody'",
        "UPDATE audit SET who = 'nobody' WHERE id = 1",
        "DELETE FROM audit",
        "DELETE FROM audit WHERE id = 1",
    ],
)
def test_the_database_refuses_to_change_what_was_written(store, statement):
    audit.append(store, "ann", "model added", "m", {}, now=1)
    with pytest.raises(DBAPIError, match="only ever added to"), store.writing() as connection:
        connection.exec_driver_sql(statement)
    assert trail(store) == [("ann", "model added", "m", {}, 1)]


ROW = "(id, at, who, what, detail) VALUES (1, 1, 'nobody', 'x', '{}')"


def test_the_database_refuses_to_replace_what_was_written(store):
    audit.append(store, "ann", "model added", "m", {}, now=1)
    with store.reading() as connection:
        is_sqlite = connection.dialect.name == "sqlite"
    statement = (
        f"INSERT OR REPLACE INTO audit {ROW}"
        if is_sqlite
        else f"INSERT INTO audit {ROW} ON CONFLICT (id) DO UPDATE SET who = 'nobody'"
    )
    with pytest.raises(DBAPIError, match="only ever added to"), store.writing() as connection:
        connection.exec_driver_sql(statement)
    assert trail(store) == [("ann", "model added", "m", {}, 1)]


def test_postgresql_refuses_to_empty_the_trail(store):
    audit.append(store, "ann", "model added", "m", {}, now=1)
    with store.reading() as connection:
        statement = "DELETE FROM audit" if connection.dialect.name == "sqlite" else "TRUNCATE audit"
    with pytest.raises(DBAPIError, match="only ever added to"), store.writing() as connection:
        connection.exec_driver_sql(statement)
    assert len(trail(store)) == 1


def test_what_hostile_input_says_is_kept_as_it_is_said(store):
    audit.append(store, "a'; DROP TABLE audit; --\0", "x", None, {"path": "\ud800\0", "formula": "=1+1"}, now=1)
    [entry] = audit.entries(store)
    assert entry.who == "a'; DROP TABLE audit; --\\x00"
    assert entry.detail == {"path": "\ud800\0", "formula": "=1+1"}
