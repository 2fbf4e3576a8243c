"""Models, baselines, counts and deliveries come back as they were put."""

from __future__ import annotations

from datetime import date

from watchkeeper.state import audit, baseline, count, delivery, model


def test_a_model_gets_a_revision_only_when_its_text_differs(store):
    assert model.put(store, "m", "name: m", now=1, who="ann") == 1
    assert model.put(store, "m", "name: m", now=2, who="bob") == 1
    assert model.put(store, "m", "name: m\ntask: binary", now=3, who="bob") == 2
    assert model.put(store, "m", "name: m", now=4, who="ann") == 3
    assert model.get(store, "m") == model.Declared("m", 3, "name: m", 4, "ann")


def test_what_was_never_added_is_not_there(store):
    assert model.get(store, "m") is None
    assert model.names(store) == []
    assert baseline.current(store, "m") is None


def test_models_are_listed_once_and_in_order(store):
    for name in ("b", "a", "b"):
        model.put(store, name, f"name: {name} {model.names(store)}", now=1, who="ann")
    assert model.names(store) == ["a", "b"]


def test_each_declaration_stands_in_the_audit_trail(store):
    model.put(store, "m", "1", now=1, who="ann")
    model.put(store, "m", "1", now=2, who="ann")
    model.put(store, "m", "2", now=3, who="bob")
    assert [(entry.who, entry.detail) for entry in audit.entries(store, "m")] == [
        ("bob", {"revision": 2}),
        ("ann", {"revision": 1}),
    ]


def test_a_version_has_its_own_baseline_where_there_is_one(store):
    assert baseline.put(store, "m", "b1", "first", "b1.parquet", None, now=1, who="ann")
    assert baseline.put(store, "m", "b2", "new features", "b2.parquet", "v2", now=2, who="ann")
    assert baseline.put(store, "m", "b3", "tariff changed", "b3.parquet", None, now=3, who="ann")
    assert baseline.current(store, "m").name == "b3"
    assert baseline.current(store, "m", "v2").name == "b2"
    assert baseline.current(store, "m", "v3").name == "b3"
    assert [found.name for found in baseline.history(store, "m")] == ["b3", "b2", "b1"]


def test_a_baseline_is_taken_into_use_once_and_audited_once(store):
    assert baseline.put(store, "m", "b1", "first", "b1.parquet", None, now=1, who="ann")
    assert not baseline.put(store, "m", "b1", "again", "b1.parquet", None, now=2, who="bob")
    assert baseline.current(store, "m").reason == "first"
    [entry] = audit.entries(store, "m")
    assert (entry.who, entry.detail["reason"]) == ("ann", "first")


def test_counts_add_up_by_kind_and_day(store):
    days = [date(2024, 1, day) for day in (1, 2, 3)]
    for day in days:
        count.add(store, "m", "drops", 10, day)
        count.add(store, "m", "drops", 1, day)
    count.add(store, "m", "conflicts", 2**40, days[0])
    count.add(store, "m", "rejected", 0, days[0])
    count.add(store, "n", "drops", 1, days[0])
    assert count.totals(store, "m") == {"conflicts": 2**40, "drops": 33}
    assert count.totals(store, "m", days[1], days[2]) == {"drops": 11}


def test_a_file_is_known_by_its_bytes_and_by_how_it_was_read_last(store):
    assert delivery.known(store, "m", "abc") is None
    for taken in (
        delivery.Ingested("m", "abc", "june.csv", 10, 1, "{}"),
        delivery.Ingested("m", "abc", "copy of june.csv", 10, 2, "otherwise"),
    ):
        delivery.put(store, taken)
        assert delivery.known(store, "m", "abc") == taken
    assert delivery.known(store, "n", "abc") is None
