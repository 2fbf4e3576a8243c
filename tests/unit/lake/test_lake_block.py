"""The lake's rows as a block of the model's own columns, and a file's rows as events."""

from datetime import timedelta

import numpy as np
import pyarrow as pa

from lake_room import BEGIN, START, a_label, a_lake, a_model, an_event
from watchkeeper.delivery import deliver
from watchkeeper.engines import Kernels, scan
from watchkeeper.lake import block_of, events_table, from_delivery, labels_of, labels_table, served
from watchkeeper.profiles import TimeWindows, fit

MINUTE = 60_000_000


def block(tmp_path, events, labels=(), model=None, first=1):
    lake = a_lake(tmp_path, model)
    lake.append_events(events_table(events, BEGIN, lake.model, lake.columns), {})
    lake.append_labels(labels_table(list(labels), BEGIN), {})
    table = pa.Table.from_batches(lake.events()).sort_by("time")
    return block_of(table, lake.labels_for(table["id"]), lake.model, first)


def values(made, name):
    return made.table[name].to_pylist()


def test_a_block_has_the_models_own_columns(tmp_path):
    made = block(tmp_path, [an_event(1), an_event(2, version=None)], [a_label(2, 1)], first=11)
    assert made.rows.tolist() == [11, 12]
    assert made.table.column_names == list(a_model().columns)
    assert values(made, "key") == ["e1", "e2"]
    assert values(made, "ts") == [START + timedelta(minutes=i) for i in (1, 2)]
    assert values(made, "release") == ["v1", "unversioned"]
    assert values(made, "churn") == [None, 1]
    assert (values(made, "guess"), values(made, "p")) == ([1, 0], [0.1, 0.2])
    assert (values(made, "age"), values(made, "country")) == ([1, 2], ["DE", "IT"])
    assert pa.types.is_dictionary(made.table.schema.field("plan").type)
    assert made.table.schema.field("key").type == pa.string()
    assert made.invalid == {}


def test_values_of_a_wrong_type_are_invalid_in_the_block(tmp_path):
    events = [an_event(1), an_event(2, features={"age": "old", "plan": 1}), an_event(3, prediction="x")]
    made = block(tmp_path, events, [a_label(1, "yes"), a_label(2, 1)])
    assert {name: bad.tolist() for name, bad in made.invalid.items()} == {
        "age": [False, True, False],
        "plan": [False, True, False],
        "guess": [False, False, True],
        "churn": [True, False, False],
    }
    assert values(made, "churn") == [None, 1, None]


def test_a_span_is_served_with_labels_as_of_a_time_and_with_what_the_service_measured(tmp_path):
    lake = a_lake(tmp_path)
    events = [an_event(i, latency_ms=i / 2, error="late" if i == 61 else None) for i in range(120)]
    lake.append_events(events_table(events, BEGIN, lake.model, lake.columns), {})
    labels = [a_label(i, 1, time=START + timedelta(days=i)) for i in range(120)]
    lake.append_labels(labels_table(labels, BEGIN), {})
    span = (BEGIN + 60 * MINUTE, BEGIN + 120 * MINUTE)
    ((batch, whole),) = served(lake, *span)
    assert whole.rows.tolist() == list(range(1, 61))
    assert values(whole, "churn") == [1] * 60
    assert batch.column("latency_ms").to_pylist() == [i / 2 for i in range(60, 120)]
    assert batch.column("error").to_pylist()[:3] == [None, "late", None]
    ((_, early),) = served(lake, *span, as_of=BEGIN + 69 * 24 * 60 * MINUTE)
    assert values(early, "churn") == [1] * 10 + [None] * 50


def test_sentinels_and_words_for_missing_are_null(tmp_path):
    columns = {"age": {"type": "integer", "sentinels": [-1]}, "plan": {"type": "string", "missing": ["n/a"]}}
    events = [an_event(i, features={"age": age, "plan": plan}) for i, (age, plan) in enumerate([(-1, "n/a"), (3, "")])]
    made = block(tmp_path, events, model=a_model(columns=columns))
    assert (values(made, "age"), values(made, "plan")) == ([None, 3], [None, ""])


def test_scores_of_classes_find_their_columns(tmp_path):
    scores = {name: {"type": "number", "role": "score"} for name in ("p_cat", "p_dog", "p_wild dog")}
    model = a_model(task="multiclass", columns={"p": None, **scores})
    made = block(tmp_path, [an_event(1, scores={"cat": 0.1, "dog": 0.7, "wild dog": 0.2}), an_event(2)], model=model)
    assert values(made, "p_cat") == [0.1, 0.2]  # the second event has one score and no classes
    assert (values(made, "p_dog"), values(made, "p_wild dog")) == ([0.7, None], [0.2, None])


def test_a_column_whose_type_or_role_has_changed_keeps_its_past(tmp_path):
    block(tmp_path, [an_event(1, features={"age": 30, "plan": "a"})])
    columns = {"age": {"type": "number"}, "plan": {"type": "string", "role": "segment"}, "guess": None}
    columns["guess"] = {"type": "string", "role": "prediction"}
    made = block(
        tmp_path, [an_event(2, features={"age": 1.5, "plan": "b"}, prediction="no")], model=a_model(columns=columns)
    )
    assert (values(made, "age"), values(made, "plan")) == ([30.0, 1.5], ["a", "b"])
    assert values(made, "guess") == ["1", "no"]


def a_file(rows=200):
    numbers = np.arange(rows)
    return pa.table(
        {
            "age": pa.array(numbers % 90),
            "income, net": pa.array(numbers / 4),
            "plan": pa.array([None if i % 7 == 0 else "abc"[i % 3] for i in range(rows)]),
            "member": pa.array(numbers % 2 == 0),
            "joined": pa.array([START] * rows, pa.timestamp("us", tz="UTC")),
            "country": pa.array(["DE", "IT"] * (rows // 2)),
            "weight": pa.array(numbers * 1.0),
            "ts": pa.array([START + timedelta(minutes=int(i)) for i in numbers], pa.timestamp("us", tz="UTC")),
            "key": pa.array([f"e{i}" for i in numbers]),
            "release": pa.array(["v1"] * rows),
            "churn": pa.array([None if i % 5 == 0 else i % 2 for i in range(rows)]),
            "guess": pa.array(numbers % 2),
            "p": pa.array(numbers % 10 / 10),
        }
    )


def test_a_file_through_the_lake_gives_the_profiles_of_the_file(tmp_path):
    model, lake = a_model(), a_lake(tmp_path)
    (direct,) = deliver(a_file(), model).blocks()
    brought = from_delivery(direct, model, lake.columns, BEGIN, "file")
    assert not brought.skipped.any()
    lake.append_events(brought.events, {"sha": 1})
    lake.append_labels(brought.labels, {"sha": 1})
    edges, kernels = fit(model, [direct.table]), Kernels()
    blocks = [block_of(batch, lake.labels_for(batch.column("id")), model) for batch in lake.events()]
    ours = scan(edges, model, blocks, TimeWindows("hour"), ["country"], kernels=kernels)
    theirs = scan(edges, model, [direct], TimeWindows("hour"), ["country"], kernels=kernels)
    assert ours.slices == theirs.slices
    assert ours.rows.tolist() == theirs.rows.tolist()
    for name, column in theirs.columns.items():
        assert ours.columns[name].null.tolist() == column.null.tolist(), name
        if hasattr(column, "counts"):
            assert ours.columns[name].counts.tolist() == column.counts.tolist(), name


def test_an_event_of_a_file_is_a_duplicate_of_the_same_event_from_a_service(tmp_path):
    model, lake = a_model(), a_lake(tmp_path)
    (direct,) = deliver(a_file(), model).blocks()
    lake.append_events(from_delivery(direct, model, lake.columns, BEGIN, "file").events, {})
    row = a_file().to_pylist()[1]
    features = {name: row[name] for name in ("age", "income, net", "plan", "member")} | {"joined": "01.01.2024"}
    event = an_event(1, features=features, context={"country": "IT", "weight": 1.0})
    done = lake.append_events(events_table([event], BEGIN, model, lake.columns), {})
    assert (done.new, done.duplicates, done.conflicts) == (0, 1, 0)


def test_rows_without_id_or_time_are_skipped_and_invalid_cells_are_marked(tmp_path):
    text = "key,ts,age,churn\na,2024-01-01,1,1\n,2024-01-01,2,0\nb,,3,1\nc,2024-01-02,old,\n"
    path = tmp_path / "data.csv"
    path.write_text(text)
    names = ("key", "ts", "age", "churn")
    model = a_model(columns={name: None for name in a_model().columns if name not in names})
    lake = a_lake(tmp_path, model)
    (direct,) = deliver(path, model).blocks()
    brought = from_delivery(direct, model, lake.columns, BEGIN, "data.csv")
    assert brought.skipped.tolist() == [False, True, True, False]
    assert brought.events["id"].to_pylist() == ["a", "c"]
    assert brought.events["invalid"].to_pylist() == [None, [("age", "null")]]
    assert [(row["id"], row["label"]) for row in brought.labels.to_pylist()] == [("a", "1")]
    labels, skipped = labels_of(direct, model, BEGIN)
    assert (labels["id"].to_pylist(), skipped.tolist()) == (["a"], [False, True, True, True])


def test_rows_of_a_file_without_an_id_column_have_the_key_or_their_number_as_id(tmp_path):
    (direct,) = deliver(a_file(4), a_model()).blocks()
    table = direct.table.drop_columns(["key"])
    bare = type(direct)(direct.rows, table)
    columns = a_lake(tmp_path).columns
    assert from_delivery(bare, a_model(), columns, BEGIN, "f.csv").events["id"].to_pylist()[:2] == [
        "f.csv:1",
        "f.csv:2",
    ]
    keyed = a_model(primary_key=["country", "age"])
    assert from_delivery(bare, keyed, columns, BEGIN, "f").events["id"].to_pylist()[:2] == ["DE|0", "IT|1"]
