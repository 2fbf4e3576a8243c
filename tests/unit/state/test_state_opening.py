"""A state is found, made, brought up to date, and told apart from what this version can't read."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
from pathlib import Path

import psycopg
import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory

from watchkeeper.model import ModelError
from watchkeeper.state import NoHome, StateIsNewer, StateUnavailable, UnknownDatabase, model, open_store
from watchkeeper.state.schema import MIGRATIONS
from watchkeeper.state.table import REVISION, metadata


def test_the_migrations_lead_to_the_tables_as_they_are_defined(store):
    with store.reading() as connection:
        differences = compare_metadata(MigrationContext.configure(connection), metadata)
    assert differences == []


def test_the_comparison_would_see_a_difference(store):
    """Lest the test above pass because nothing is compared."""
    other = sa.MetaData()
    for table in metadata.tables.values():
        table.to_metadata(other)
    other.tables["leases"].append_column(sa.Column("more", sa.Text))
    other.tables["counts"].c["amount"].type = sa.Text()
    with store.reading() as connection:
        differences = compare_metadata(MigrationContext.configure(connection), other)
    assert len(differences) == 2


def test_all_indexes_hold_for_what_they_are_meant_for(store):
    """Partial indexes are not part of the comparison."""
    with store.reading() as connection:
        found = {
            index["name"]: index["dialect_options"][f"{connection.dialect.name}_where"]
            for table in ("windows", "notices")
            for index in sa.inspect(connection).get_indexes(table)
            if f"{connection.dialect.name}_where" in index["dialect_options"]
        }
    assert {name: str(where).strip("()") for name, where in found.items()} == {
        "ix_windows_due": "touches > handled",
        "ix_notices_waiting": "next IS NOT NULL",
    }


def test_the_newest_migration_is_the_one_that_the_code_expects():
    assert ScriptDirectory(str(MIGRATIONS)).get_current_head() == REVISION


def test_opening_again_changes_nothing(state_url):
    for expected in ([], ["m"]):
        store = open_store(state_url)
        assert model.names(store) == expected
        model.put(store, "m", "name: m", now=1, who="me")
        store.close()


def test_a_database_newer_than_the_code_is_refused_in_words(state_url, store):
    with store.writing() as connection:
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = '9999'")
    with pytest.raises(
        StateIsNewer, match=rf"written by a newer Watchkeeper \(schema 9999; this one knows {REVISION}\)"
    ):
        open_store(state_url)


OPEN = """
import sys
from watchkeeper.state import model, open_store
sys.stdin.readline()
store = open_store(sys.argv[1])
model.put(store, sys.argv[2], "name: m", 1, "me")
"""


def test_processes_that_open_a_new_state_at_once_all_find_it_whole(state_url):
    started = [
        subprocess.Popen([sys.executable, "-c", OPEN, state_url, f"m{i}"], stdin=subprocess.PIPE) for i in range(2)
    ]
    for process in started:
        process.stdin.close()  # now
    assert [process.wait() for process in started] == [0] * 2
    store = open_store(state_url)
    assert model.names(store) == ["m0", "m1"]
    store.close()


def test_a_migration_that_is_cut_off_leaves_nothing_behind(state_url, monkeypatch):
    from watchkeeper.state import schema

    def cut(connection, where):
        migrate(connection, where)
        raise KeyboardInterrupt

    migrate = schema._migrate
    monkeypatch.setattr(schema, "_migrate", cut)
    with pytest.raises(KeyboardInterrupt):
        open_store(state_url)
    monkeypatch.undo()
    store = open_store(state_url)
    model.put(store, "m", "name: m", now=1, who="me")
    store.close()


def test_a_home_keeps_its_state_in_a_file(tmp_path):
    store = open_store(tmp_path)
    model.put(store, "m", "name: m", now=1, who="me")
    store.close()
    with sqlite3.connect(tmp_path / "state.db") as read:
        assert read.execute("PRAGMA journal_mode").fetchone() == ("wal",)
        assert read.execute("SELECT name FROM models").fetchall() == [("m",)]
    read.close()


@pytest.mark.parametrize("name", ["with space", "per%20cent", "ünï", "a?b#c", "a'b"])
def test_a_home_may_have_any_name(tmp_path, name):
    home = tmp_path / name
    home.mkdir()
    open_store(home).close()
    assert (home / "state.db").exists()


def test_a_home_that_names_postgresql_keeps_its_state_there(tmp_path, postgresql, monkeypatch):
    monkeypatch.setenv("STATE_URL", postgresql.new())
    (tmp_path / "config.yaml").write_text("state: ${STATE_URL}\n")
    store = open_store(tmp_path)
    with store.reading() as connection:
        assert connection.dialect.name == "postgresql"
    store.close()
    assert not (tmp_path / "state.db").exists()


def test_a_home_that_is_not_there_is_told_how_it_is_made(tmp_path):
    with pytest.raises(NoHome, match="`watchkeeper add"):
        open_store(tmp_path / "none")
    assert not (tmp_path / "none").exists()


@pytest.mark.parametrize("url", ["mysql://a:secret@b/c", "sqlite://", "sqlite:///:memory:", "postgresql://[::secret"])
def test_a_url_that_is_no_place_for_state_is_refused_without_being_shown(url):
    with pytest.raises(UnknownDatabase, match="postgresql://") as told:
        open_store(url)
    assert "secret" not in str(told.value)


def test_a_mistake_in_the_home_s_config_names_file_and_line(tmp_path):
    (tmp_path / "config.yaml").write_text("\nstat: postgresql://a\n")
    with pytest.raises(ModelError, match=r"config.yaml, line 2: stat is no field .* Did you mean 'state'"):
        open_store(tmp_path)


def test_a_server_that_is_not_there_is_told_without_the_password(tmp_path):
    with pytest.raises(StateUnavailable, match=r"can't be used .* Check that the server runs") as told:
        open_store(f"postgresql://me:secret@/state?host={tmp_path}")
    assert "secret" not in str(told.value)
    assert told.value.exit_code == 4


def test_a_database_that_is_not_there_is_told_how_it_is_made(postgresql):
    with pytest.raises(StateUnavailable, match="createdb"):
        open_store(postgresql.url("nothing_of_that_name"))


@pytest.mark.parametrize("right", ["none", "usage"])
def test_a_user_without_rights_is_told_which_are_missing(postgresql, right):
    url = postgresql.new()
    name = url.rpartition("%3D")[2]
    with psycopg.connect(postgresql.url("postgres")) as connection:
        connection.execute(f"CREATE ROLE {name} LOGIN")
        if right == "usage":
            connection.execute(f"GRANT USAGE ON SCHEMA {name} TO {name}")
    with pytest.raises(StateUnavailable, match=r"\((permission denied|no schema).*grant"):
        open_store(url.replace("postgres@", f"{name}@"))


def test_a_file_that_is_no_database_is_left_alone_and_named(tmp_path):
    (tmp_path / "state.db").write_bytes(b"this is a letter to my aunt" * 100)
    before = (tmp_path / "state.db").read_bytes()
    with pytest.raises(StateUnavailable, match=r"state.db can't be used \(file is not a database\). Put a backup"):
        open_store(tmp_path)
    assert (tmp_path / "state.db").read_bytes() == before


def test_migrations_lie_beside_the_code_so_that_a_wheel_has_them():
    assert (MIGRATIONS / "env.py").is_file()
    assert list((MIGRATIONS / "versions").glob("0*.py"))


def test_a_fork_opens_connections_of_its_own(store):
    model.put(store, "before", "name: m", now=1, who="me")
    child = os.fork()
    if child == 0:
        code = 1
        try:
            model.put(store, "child", "name: m", now=1, who="me")
            code = 0
        finally:
            os._exit(code)
    model.put(store, "parent", "name: m", now=1, who="me")
    _, status = os.waitpid(child, 0)
    assert os.waitstatus_to_exitcode(status) == 0
    assert model.names(store) == ["before", "child", "parent"]


def test_text_that_no_database_holds_is_written_as_an_escape(store):
    model.put(store, "m", "a\0b \ud800 ü 🙂", now=1, who="me")
    assert model.get(store, "m").yaml == "a\\x00b \\ud800 ü 🙂"


def test_a_full_disk_is_told_and_nothing_is_half_written(tmp_path):
    store = open_store(tmp_path)
    with store.writing() as connection:
        pages = connection.exec_driver_sql("PRAGMA page_count").scalar()
    store.close()
    store = open_store(tmp_path)
    with store.reading() as connection:
        connection.exec_driver_sql(f"PRAGMA max_page_count = {pages}")
    with pytest.raises(StateUnavailable, match="Free some space"):
        model.put(store, "m", "x" * 100_000, now=1, who="me")
    assert model.names(store) == []
    with store.reading() as connection:
        connection.exec_driver_sql("PRAGMA max_page_count = 1000000")
    assert model.put(store, "m", "x" * 100_000, now=1, who="me") == 1
    store.close()


def test_the_state_of_a_home_is_found_from_wherever_a_program_runs(tmp_path, monkeypatch):
    (tmp_path / "home").mkdir()
    monkeypatch.chdir(tmp_path)
    store = open_store(Path("home"))
    monkeypatch.chdir("/")
    store.close()
    model.put(store, "m", "name: m", now=1, who="me")
    assert model.names(store) == ["m"]
    store.close()


def test_a_backup_taken_while_others_write_opens_as_a_whole_state(tmp_path):
    store = open_store(tmp_path)
    model.put(store, "m", "name: m", now=1, who="me")
    with store.writing() as connection:
        connection.exec_driver_sql("INSERT INTO leases VALUES ('half', 'me', 10)")
        copying = sqlite3.connect(tmp_path / "state.db", isolation_level=None)
        copying.execute("VACUUM INTO ?", [str(tmp_path / "copy.db")])
        copying.close()
    store.close()
    copy = open_store(f"sqlite:///{tmp_path / 'copy.db'}")
    assert model.names(copy) == ["m"]
    with pytest.raises(sa.exc.DBAPIError, match="only ever added to"), copy.writing() as connection:
        connection.exec_driver_sql("DELETE FROM audit")
    copy.close()
