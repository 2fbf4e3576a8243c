"""Versions, verdicts and the deployment log, on both databases: nothing in them ever changes."""

import pytest
from alembic import command
from alembic.config import Config
from sqlalchemy import create_engine, inspect, text
from sqlalchemy.exc import DBAPIError

from watchkeeper.state import audit, deployment, gate, open_store, version
from watchkeeper.state import model as models
from watchkeeper.state.deployment import Action
from watchkeeper.state.schema import MIGRATIONS


def a_version(store, name=None, model="hotel", at=1):
    return version.add(store, model, name, "onnx", "ab" * 32, "m.onnx", 9, {"inputs": ["nights"]}, at, "ann")


def live(store, name, after=None, at=1, action=Action.RELEASE, model="hotel", who="ann"):
    return deployment.add(store, model, name, action, "why", None, at, who, after=after)


def test_a_version_comes_back_as_it_was_registered(store):
    kept = a_version(store, "2.1-rc")
    assert version.get(store, "hotel", "2.1-rc") == kept
    assert (kept.detail, kept.artifact, kept.size, kept.who) == ({"inputs": ["nights"]}, "ab" * 32, 9, "ann")
    assert version.get(store, "hotel", "2.1") is None
    assert version.get(store, "other", "2.1-rc") is None


def test_versions_without_a_name_are_numbered_on_and_models_do_not_share_numbers(store):
    names = [a_version(store, name).version for name in (None, "v7", None, "v09", "v2x", None, "V99", None)]
    assert names == ["v1", "v7", "v8", "v09", "v2x", "v9", "V99", "v10"]
    assert a_version(store, model="other").version == "v1"
    assert [one.version for one in version.listing(store, "hotel")] == names


def test_a_name_that_is_taken_is_not_given_again_and_nothing_is_written(store):
    first = a_version(store, "v1", at=1)
    assert a_version(store, "v1", at=2) is None
    assert version.get(store, "hotel", "v1") == first
    assert [entry.what for entry in audit.entries(store, "hotel")] == ["version registered"]


def test_the_newest_verdict_counts(store):
    assert gate.latest(store, "hotel", "v1") is None
    gate.add(store, "hotel", "v1", "FAIL", {"checks": [1]}, 1, "ann")
    number = gate.add(store, "hotel", "v1", "PASS", {"checks": [2]}, 2, "bob")
    gate.add(store, "hotel", "v2", "INCONCLUSIVE", {}, 3, "bob")
    found = gate.latest(store, "hotel", "v1")
    assert (found.id, found.outcome, found.result, found.who) == (number, "PASS", {"checks": [2]}, "bob")


def test_each_release_is_audited_with_its_reason(store):
    live(store, "v1", action=Action.FORCE)
    (entry,) = audit.entries(store, "hotel")
    assert (entry.what, entry.who, entry.detail["version"], entry.detail["why"]) == (
        "version live by force",
        "ann",
        "v1",
        "why",
    )


def test_who_decided_on_an_older_state_changes_nothing(store):
    first = live(store, "v1")
    assert live(store, "v2", after=None) is None
    second = live(store, "v2", after=first.id)
    assert live(store, "v3", after=first.id) is None
    assert deployment.log(store, "hotel") == [first, second]
    assert deployment.newest(store) == {"hotel": second.id}


def test_models_do_not_disturb_one_another(store):
    first = live(store, "v1")
    other = live(store, "v1", model="other")
    assert live(store, "v2", after=first.id) is not None
    assert deployment.newest(store)["other"] == other.id


def test_the_log_up_to_a_time_holds_what_was_live_then(store):
    first = live(store, "v1", at=10)
    second = live(store, "v2", after=first.id, at=20)
    assert [deployment.log(store, "hotel", at) for at in (9, 10, 19, 20)] == [[], [first], [first], [first, second]]


STATEMENTS = (
    "UPDATE {table} SET who = 'eve'",
    "DELETE FROM {table}",
    "UPDATE {table} SET at = 0 WHERE id = 1",
)


@pytest.mark.parametrize("statement", STATEMENTS)
@pytest.mark.parametrize("table", ["deployments", "gates", "audit"])
def test_the_database_itself_refuses_to_change_or_forget(store, table, statement):
    gate.add(store, "hotel", "v1", "PASS", {}, 1, "ann")
    live(store, "v1")
    with pytest.raises(DBAPIError, match=r"only ever added to|append"), store.writing() as connection:
        connection.execute(text(statement.format(table=table)))
    assert [row.who for row in deployment.log(store, "hotel")] == ["ann"]
    assert gate.latest(store, "hotel", "v1").who == "ann"


def test_nothing_can_be_put_in_the_place_of_a_row(store):
    live(store, "v1")
    postgresql = "://" in store.where
    verb = "INSERT" if postgresql else "INSERT OR REPLACE"
    rest = " ON CONFLICT (id) DO UPDATE SET version = 'v9'" if postgresql else ""
    row = (
        "INTO deployments (id, model, version, action, why, at, who) VALUES (1, 'hotel', 'v9', 'release', '', 1, 'eve')"
    )
    with pytest.raises(DBAPIError), store.writing() as connection:
        connection.execute(text(f"{verb} {row}{rest}"))
    assert [one.version for one in deployment.log(store, "hotel")] == ["v1"]


def test_postgresql_does_not_let_a_table_be_emptied_at_once(postgresql):
    store = open_store(postgresql.new())
    live(store, "v1")
    with pytest.raises(DBAPIError, match="only ever added to"), store.writing() as connection:
        connection.execute(text("TRUNCATE deployments"))
    store.close()


def test_a_state_of_the_release_before_keeps_what_it_holds_when_the_tables_are_added(state_url):
    _of_the_first_release(state_url)
    store = open_store(state_url)
    assert models.get(store, "hotel").yaml == "name: hotel"
    assert [entry.what for entry in audit.entries(store)] == ["model added"]
    assert a_version(store).version == "v1"
    assert live(store, "v1") is not None
    store.close()
    again = open_store(state_url)
    assert [row.version for row in deployment.log(again, "hotel")] == ["v1"]
    again.close()


def _of_the_first_release(url):
    """A state as it was before there were versions, with a model in it."""
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    engine = create_engine(url.replace("postgresql://", "postgresql+psycopg://"))
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "0001")
        connection.execute(
            text("INSERT INTO models (name, revision, yaml, at, who) VALUES ('hotel', 1, 'name: hotel', 5, 'ann')")
        )
        connection.execute(
            text("INSERT INTO audit (at, who, what, model, detail) VALUES (5, 'ann', 'model added', 'hotel', '{}')")
        )
        assert not inspect(connection).has_table("deployments")
    engine.dispose()
