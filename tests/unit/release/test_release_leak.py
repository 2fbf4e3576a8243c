"""What the gate finds in held-out rows themselves, without asking a model."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import numpy as np
import pyarrow as pa
import pytest

import gated
from watchkeeper.model import Column, Model, Task, Type
from watchkeeper.release.gate import leak, overlap
from watchkeeper.release.gate.holdout import Holdout
from watchkeeper.release.gate.training import CannotRead, data_end, known_files, trained_on

FEATURES = list(gated.FEATURES)
MODEL = Model.model_validate(
    {
        "name": "bikes",
        "task": "binary",
        "columns": {
            "id": {"type": "string", "role": "id"},
            "at": {"type": "timestamp", "role": "timestamp"},
            **{name: {"type": "number"} for name in gated.FEATURES},
            "busy": {"type": "boolean", "role": "label"},
        },
    }
)

DUE = MODEL.model_copy(update={"columns": {**MODEL.columns, "due": Column(type=Type.TIMESTAMP)}})


def holdout(table):
    return Holdout("latest.parquet", table, table, table.num_rows)


def changed(table, **columns):
    for name, values in columns.items():
        table = table.set_column(table.column_names.index(name), name, pa.array(values, table[name].type))
    return table


@pytest.fixture(scope="module")
def training(tmp_path_factory):
    import pyarrow.parquet as pq

    path = tmp_path_factory.mktemp("train") / "train.parquet"
    pq.write_table(gated.rows("2011-01-01", "2012-01-01"), path)
    return trained_on([str(path)], MODEL, FEATURES)


def micro(text):
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()) * 1_000_000


def test_rows_before_the_end_of_training_are_counted():
    held = holdout(gated.rows("2011-12-31", "2012-01-03"))
    found = leak.time_leak(held, MODEL, micro("2012-01-01"), "as it was registered")
    assert (found.outcome, found.facts["rows"]) == ("FAIL", 24)
    assert "24 of 71 held-out rows" in found.sentence
    assert "1 January 2012, as it was registered" in found.sentence


def test_rows_that_begin_where_training_ends_are_later():
    held = holdout(gated.rows("2012-01-01", "2012-01-03"))
    assert leak.time_leak(held, MODEL, micro("2012-01-01"), "").outcome == "PASS"


def test_without_a_known_period_nothing_is_claimed_and_that_is_said():
    held = holdout(gated.rows("2012-01-01", "2012-01-03"))
    assert leak.time_leak(held, MODEL, None, "") is None
    assert "is not known" in next(iter(leak.notes(None, None, [], FEATURES)))


def test_training_rows_are_found_under_other_times_and_ids(training):
    old, new = gated.rows("2011-03-01", "2011-04-01"), gated.rows("2012-04-01", "2012-05-01")
    rows = min(len(old), len(new))
    disguised = changed(old.slice(0, rows), id=new["id"].to_pylist()[:rows], at=new["at"].to_pylist()[:rows])
    found = overlap.rows_seen(holdout(disguised), FEATURES, training)
    assert (found.outcome, found.facts["rows"]) == ("FAIL", rows)


def test_training_files_without_a_feature_are_told_and_never_taken_as_empty(tmp_path):
    import pyarrow.parquet as pq

    pq.write_table(gated.rows("2011-01-01", "2011-02-01").drop_columns(["hum"]), tmp_path / "train.parquet")
    with pytest.raises(CannotRead, match="hum"):
        trained_on([str(tmp_path / "train.parquet")], MODEL, FEATURES)


def test_rows_that_are_alike_by_chance_are_no_leak(training):
    """Of two coarse features nearly every pair of values stands in the training data."""
    coarse = ["hour", "weekday"]
    held = holdout(gated.rows("2012-04-01", "2012-05-01"))
    assert overlap.rows_seen(held, FEATURES, training).outcome == "PASS"
    found = overlap.rows_seen(held, coarse, trained_on(training.files, MODEL, coarse))
    assert found.facts["rows"] == held.table.num_rows
    assert found.outcome == "PASS"


def test_rows_that_are_common_may_be_more_so_by_now(training, tmp_path):
    """While its sensors are silent, a station says the same in every row: in training seldom, later for days."""
    import pyarrow.parquet as pq

    def silent(table, rows):
        return changed(table, **{name: np.where(rows, -200.0, table[name].to_numpy()) for name in FEATURES})

    old, new = gated.rows("2011-01-01", "2012-01-01"), gated.rows("2012-04-01", "2012-05-01")
    for often in (1, 40):
        pq.write_table(silent(old, np.arange(len(old)) < often), tmp_path / "train.parquet")
        held = holdout(silent(new, np.arange(len(new)) < 200))
        found = overlap.rows_seen(held, FEATURES, trained_on([str(tmp_path / "train.parquet")], MODEL, FEATURES))
        assert found.facts["rows"] >= 200
        assert found.outcome == "PASS"


def test_ids_that_begin_anew_in_each_file_are_no_leak(training):
    new = gated.rows("2012-04-01", "2012-05-01")
    renumbered = changed(new, id=[f"b{i}" for i in range(len(new))])
    found = overlap.entity_overlap(holdout(renumbered), FEATURES, training, MODEL, in_order=True)
    assert found.outcome == "PASS"
    assert "ids seem to begin anew" in found.sentence


def test_the_same_ids_with_the_same_features_are_the_same_rows(training):
    held = holdout(gated.rows("2011-12-01", "2012-02-01"))
    found = overlap.entity_overlap(held, FEATURES, training, MODEL, in_order=True)
    assert (found.outcome, found.facts["rows"]) == ("FAIL", gated.rows("2011-12-01", "2012-01-01").num_rows)


@pytest.mark.parametrize(("in_order", "outcome"), [(True, "PASS"), (False, "FAIL")])
def test_entities_that_return_are_a_leak_unless_all_their_rows_are_later(tmp_path, in_order, outcome):
    import pyarrow.parquet as pq

    old = gated.rows("2011-01-01", "2011-06-01")
    path = tmp_path / "train.parquet"
    pq.write_table(changed(old, id=[f"customer {i % 50}" for i in range(len(old))]), path)
    new = gated.rows("2012-04-01", "2012-05-01")
    held = holdout(changed(new, id=[f"customer {i % 60}" for i in range(len(new))]))
    known = trained_on([str(path)], MODEL, FEATURES)
    found = overlap.entity_overlap(held, FEATURES, known, MODEL, in_order=in_order)
    assert (found.outcome, found.facts["shared"], found.facts["of"]) == (outcome, 50, 60)


def test_a_feature_that_holds_a_time_after_its_event_is_named_unless_it_is_known_beforehand():
    table = gated.rows("2012-04-01", "2012-04-08")
    due = [at + timedelta(days=1 if i % 10 == 0 else -1) for i, at in enumerate(table["at"].to_pylist())]
    held = holdout(table.append_column("due", pa.array(due, table["at"].type)))
    found = leak.future_feature(held, DUE, [*FEATURES, "due"], [])
    assert (found.outcome, found.facts["columns"], found.facts["rows"]) == ("FAIL", ["due"], (len(due) + 9) // 10)
    assert leak.future_feature(held, DUE, [*FEATURES, "due"], ["due"]) is None


def test_a_feature_as_good_as_the_whole_model_fails_unless_it_is_known_beforehand():
    table = gated.rows("2012-01-01", "2012-05-01")
    label = np.asarray(table["busy"].to_pylist())
    noise = np.random.default_rng(0).normal(0, 1, len(label))
    held = holdout(changed(table, windspeed=np.round(100 * (label * 3.0 + noise)).astype(int)))
    alone = leak.lone_feature(held, MODEL, FEATURES, label, 0.983, [])
    assert alone.outcome == "FAIL"
    assert alone.facts["column"] == "windspeed"
    assert leak.lone_feature(held, MODEL, FEATURES, label, 0.999, []).outcome == "PASS"
    assert leak.lone_feature(held, MODEL, FEATURES, label, 0.983, ["windspeed"]).outcome == "PASS"


def test_rows_older_than_the_newest_labels_can_not_tell():
    held = holdout(gated.rows("2012-01-01", "2012-01-08"))
    assert leak.newest_period(held, MODEL, micro("2012-01-14")).outcome == "PASS"
    late = leak.newest_period(held, MODEL, micro("2012-03-01"))
    assert late.outcome == "INCONCLUSIVE"
    assert "--holdout last:7d" in late.remedy


def test_one_number_alone_as_every_label_can_not_tell():
    table = gated.rows("2012-01-01", "2012-01-08")
    model = MODEL.model_copy(update={"task": Task.REGRESSION})
    assert leak.labels(holdout(table), model, np.arange(len(table))).outcome == "PASS"
    assert leak.labels(holdout(table), model, np.full(len(table), 7)).outcome == "INCONCLUSIVE"


def test_files_of_the_lineage_count_only_with_the_bytes_that_were_registered(tmp_path, monkeypatch):
    from hashlib import sha256

    monkeypatch.chdir(tmp_path)
    (tmp_path / "a.csv").write_text("x\n1\n")
    (tmp_path / "b.csv").write_text("x\n2\n")
    digests = {name: sha256((tmp_path / name).read_bytes()).hexdigest() for name in ("a.csv", "b.csv")}
    both = sha256("".join(f"{digest}  {name}\n" for name, digest in digests.items()).encode()).hexdigest()
    one = {"data": {"files": ["a.csv"], "sha256": digests["a.csv"]}}
    assert known_files(one, []) == (["a.csv"], [])
    assert known_files({"data": {"files": ["a.csv", "b.csv"], "sha256": both}}, []) == (["a.csv", "b.csv"], [])
    (tmp_path / "a.csv").write_text("x\n3\n")
    assert known_files(one, []) == ([], ["a.csv"])
    assert known_files({}, []) == ([], [])


@pytest.mark.parametrize("to", ["2012-01-01", "2012-01-01T00:00:00Z", "2012-01-01T01:00:00+01:00"])
def test_the_end_of_the_data_period_is_read_as_it_was_registered(to):
    assert data_end({"data": {"to": to}}) == micro("2012-01-01")
    assert data_end({"data": {"to": None}}) is None
    assert data_end({}) is None
