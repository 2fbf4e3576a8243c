"""Datasets to train on: what was served, and no label that was not known yet."""

from __future__ import annotations

import csv
import json

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from watched_home import NAME, a_home, a_label, an_event, catch_up, log, micro, the_time
from watchkeeper.lake import events_table
from watchkeeper.sdk import Kind
from watchkeeper.watch.dataset import dataset


def written(home, folder, name="d.parquet", **span):
    made = dataset(home, home.model(NAME), folder / name, **{"as_of": micro(1000), **span})
    return made, pq.read_table(folder / name).sort_by("key").to_pylist() if name.endswith("parquet") else None


@pytest.fixture(scope="module")
def corrected(tmp_path_factory):
    """Six events: 1 has a label after half an hour, 2 after days; that of 3 is corrected; 0 and 5 have none."""
    with a_home(tmp_path_factory.mktemp("corrected")) as home:
        log(home, Kind.EVENT, [an_event(i, i) for i in range(6)], 6)
        log(home, Kind.LABEL, [a_label(3, 10, label=1), a_label(1, 1.5, label=1), a_label(4, 20, label=1)], 20)
        catch_up(home, 24)
        log(home, Kind.LABEL, [a_label(2, 100, label=1), a_label(3, 200, label=0), a_label(3, 50, label=1)], 200)
        log(home, Kind.LABEL, [a_label(9, 12, label=1)], 200)
        catch_up(home, 200)
        yield home


@pytest.mark.parametrize(
    ("hours", "known"),
    [
        (0, {}),
        (1.5, {1: 1}),
        (10, {1: 1, 3: 1}),
        (99.99, {1: 1, 3: 1, 4: 1}),
        (100, {1: 1, 2: 1, 3: 1, 4: 1}),
        (199.99, {1: 1, 2: 1, 3: 1, 4: 1}),
        (1000, {1: 1, 2: 1, 3: 0, 4: 1}),
    ],
)
def test_labels_are_those_that_were_known(corrected, tmp_path, hours, known):
    made, rows = written(corrected, tmp_path, as_of=micro(hours))
    assert {int(row["key"][4:]): row["left"] for row in rows if row["left"] is not None} == known
    assert all(row["left_at"] <= the_time(hours) for row in rows if row["left_at"] is not None)
    assert (made.rows, made.labelled) == (6, len(known))


labels = st.lists(st.tuples(st.integers(0, 7), st.integers(0, 500), st.integers(0, 1)), max_size=30)


@settings(max_examples=12)
@given(st.lists(labels, min_size=1, max_size=2), st.lists(st.integers(-1, 500), min_size=1, max_size=4))
def test_nothing_that_became_known_later_can_leak(tmp_path_factory, batches, moments):
    """Whatever labels come in whatever order, a row has the newest one by then, and the same rows are there always."""
    folder = tmp_path_factory.mktemp("leak")
    with a_home(folder) as home:
        log(home, Kind.EVENT, [an_event(i, i / 10) for i in range(8)], 1)
        for batch in batches:
            log(home, Kind.LABEL, [a_label(i, at, label=value) for i, at, value in batch], 1)
            catch_up(home, 0.5)
        for moment in moments:
            _, rows = written(home, folder, as_of=micro(moment))
            assert [row["key"] for row in rows] == [f"key-{i}" for i in range(8)]
            for i, row in enumerate(rows):
                by_then = [(at, value) for batch in batches for j, at, value in batch if j == i and at <= moment]
                newest = [value for at, value in by_then if at == max(by_then)[0]]
                assert (row["left"] in newest) if by_then else (row["left"] is None and row["left_at"] is None)


def test_features_are_as_they_were_served_and_columns_are_the_model_s(corrected, tmp_path):
    _, rows = written(corrected, tmp_path, start=micro(2), end=micro(4))
    assert [row["key"] for row in rows] == ["key-2", "key-3"]
    served = an_event(2, 2)
    assert list(rows[0]) == list(corrected.model(NAME).columns)
    assert {name: rows[0][name] for name in served.features} == served.features
    assert (rows[0]["ts"], rows[0]["country"], rows[0]["release"]) == (the_time(2), "IT", "v1")
    assert (rows[0]["guess"], rows[0]["p"]) == (0, 0.2)


def test_values_stay_as_they_came(tmp_path):
    """A sentinel, a text that stands for nothing, and personal values: a training set has them, unlike a profile."""
    columns = {
        "age": {"type": "integer", "sentinels": [999]},
        "plan": {"type": "string", "missing": ["n/a"], "pii": True},
    }
    with a_home(tmp_path, columns=columns) as home:
        log(home, Kind.EVENT, [an_event(0, 0, features={"age": 999, "income": None, "plan": "n/a"})], 1)
        catch_up(home, 1)
        _, (row,) = written(home, tmp_path)
        assert (row["age"], row["income"], row["plan"]) == (999, None, "n/a")


def test_formats_follow_the_ending_and_say_the_same(corrected, tmp_path):
    _, rows = written(corrected, tmp_path)
    written(corrected, tmp_path, "d.jsonl")
    written(corrected, tmp_path, "d.csv")
    lines = sorted(map(json.loads, (tmp_path / "d.jsonl").read_text().splitlines()), key=lambda row: row["key"])
    with (tmp_path / "d.csv").open(newline="") as file:
        cells = sorted(csv.DictReader(file), key=lambda row: row["key"])
    for row, line, cell in zip(rows, lines, cells, strict=True):
        assert (line["income"], line["left"]) == (row["income"], row["left"])
        assert float(cell["income"]) == row["income"]
        assert cell["left"] == ("" if row["left"] is None else str(row["left"]))


def test_a_model_without_a_label_has_what_was_sent_under_plain_names(tmp_path):
    bare = dict.fromkeys(("left", "left_at", "guess", "p", "release"))
    with a_home(tmp_path, columns=bare, task="none") as home:
        log(home, Kind.EVENT, [an_event(i, 0, prediction=None if i else {"a": 1}) for i in range(2)], 1)
        log(home, Kind.LABEL, [a_label(0, 3, label="yes")], 4)
        catch_up(home, 4)
        _, rows = written(home, tmp_path)
        assert [(row["prediction"], row["label"], row["version"]) for row in rows] == [
            ('{"a":1}', '"yes"', "v1"),
            (None, None, "v1"),
        ]
        written(home, tmp_path, "d.jsonl")
        assert '"label":"\\"yes\\""' in (tmp_path / "d.jsonl").read_text()


def test_memory_does_not_grow_with_the_span(tmp_path, monkeypatch):
    """However many files were read before, one batch is held."""
    with a_home(tmp_path) as home:
        lake = home.lake(home.model(NAME))
        for part in range(6):
            events = [an_event(0, part * 24 + k / 500, id=f"k{part}-{k}") for k in range(5_000)]
            lake.append_events(events_table(events, micro(0), lake.model, lake.columns), {})
        held = []

        def weigh(target, batches, schema):
            held.extend(pa.total_allocated_bytes() for _ in batches)

        monkeypatch.setattr("watchkeeper.watch.dataset.write_rows", weigh)
        made = dataset(home, lake.model, tmp_path / "d.parquet", as_of=micro(9))
        assert (made.rows, len(held)) == (30_000, 6)
        assert max(held) < 2 * held[0]
