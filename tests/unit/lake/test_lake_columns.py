"""Events become typed columns, and nothing that was sent is lost or guessed."""

from datetime import UTC, datetime

import pyarrow as pa
import pytest

from lake_room import BEGIN, a_model, an_event
from watchkeeper.lake import event_columns, events_table
from watchkeeper.lake.cell import typed
from watchkeeper.lake.naming import column_of, stored
from watchkeeper.model import Column


def row(event, model=None):
    model = model or a_model()
    kept = events_table([event], BEGIN, model, event_columns(model)).to_pylist()[0]
    maps = ("raw", "scores", "other", "invalid")
    return kept | {name: kept[name] and dict(kept[name]) for name in maps}


def test_a_feature_has_the_type_that_the_model_declares():
    features = {"age": 41.0, "income, net": 3, "plan": "a", "member": True, "joined": "31.12.2023"}
    kept = row(an_event(1, features=features))["features"]
    assert kept == {
        "age": 41,
        "income, net": 3.0,
        "plan": "a",
        "member": True,
        "joined": datetime(2023, 12, 31, tzinfo=UTC),
    }
    assert type(kept["age"]) is int


@pytest.mark.parametrize(
    ("name", "value", "text"),
    [
        ("age", "41", '"41"'),
        ("age", 41.5, "41.5"),
        ("age", True, "true"),
        ("age", 2**63, str(2**63)),
        ("income, net", False, "false"),
        ("income, net", "NaN", '"NaN"'),
        ("plan", 7, "7"),
        ("plan", {"a": [1]}, '{"a":[1]}'),
        ("member", 1, "1"),
        ("joined", "31.02.2024", '"31.02.2024"'),
        ("joined", 12, "12"),
        ("country", 5, "5"),
    ],
)
def test_a_value_of_another_type_is_null_and_its_text_is_kept(name, value, text):
    group = "context" if name == "country" else "features"
    kept = row(an_event(1, **{"features": {"plan": "a"}, "context": {}, group: {name: value}}))
    assert kept[group][name] is None
    assert kept["invalid"] == {name: text}


def test_nan_is_missing_and_infinity_is_a_number():
    column = Column(type="number")
    cells, wrong = typed([float("nan"), float("inf"), None, 1], column)
    assert cells.to_pylist() == [None, float("inf"), None, 1.0]
    assert wrong == []


def test_times_come_in_the_declared_format_or_as_rfc_3339():
    cells, wrong = typed(
        ["1.2.2024", "2024-02-01T01:00:00+01:00", "soon", None], Column(type="timestamp", format="%d.%m.%Y")
    )
    moment = datetime(2024, 2, 1, tzinfo=UTC)
    assert cells.to_pylist() == [moment, moment, None, None]
    assert wrong == [2]
    cells, wrong = typed([1706745600, "1706745600", 1e300], Column(type="timestamp", format="epoch_s"))
    assert cells.to_pylist() == [moment, moment, None]
    assert wrong == [2]


def test_what_the_model_does_not_declare_is_kept_as_json():
    event = an_event(1, features={"age": 1, "new": [1, "é"]}, context={"country": "DE", "new": None})
    assert row(event)["other"] == {"new": '[1,"é"]', "context.new": "null"}


def test_a_value_that_is_nested_too_deeply_does_not_stop_the_others():
    deep = []
    for _ in range(5_000):
        deep = [deep]
    kept = row(an_event(1, features={"age": 1, "new": deep, "plan": deep}))
    assert kept["other"] == {"new": '"nested too deeply to be kept"'}
    assert (kept["features"]["age"], kept["features"]["plan"]) == (1, None)


def test_a_declared_column_is_found_in_features_and_in_context():
    event = an_event(1, features={"age": 1, "country": "FR"}, context={"plan": "b"})
    kept = row(event)
    assert (kept["context"]["country"], kept["features"]["plan"], kept["other"]) == ("FR", "b", None)
    kept = row(an_event(1, features={"age": 1, "country": "FR"}, context={"country": "DE", "age": 2}))
    assert (kept["context"]["country"], kept["features"]["age"]) == ("DE", 1)
    assert kept["other"] == {"country": '"FR"', "context.age": "2"}


def test_rows_of_different_shapes_stand_in_one_table():
    model = a_model()
    events = [an_event(0), an_event(1, features={"plan": "z", "age": 3}), an_event(2, features={}), an_event(3)]
    features = events_table(events, BEGIN, model, event_columns(model))["features"].to_pylist()
    assert [f["age"] for f in features] == [0, 3, None, 3]
    assert [f["plan"] for f in features] == ["a", "z", None, "a"]


def test_raw_values_scores_and_what_went_wrong_are_kept():
    event = an_event(1, raw={"city": "Rome", "n": 1}, scores={"a": 0.5}, latency_ms=2.5, error="late")
    kept = row(event)
    assert kept["raw"] == {"city": '"Rome"', "n": "1"}
    assert (kept["scores"], kept["latency_ms"], kept["error"]) == ({"a": 0.5}, 2.5, "late")


def test_a_prediction_that_is_not_declared_is_text():
    model = a_model(columns={"guess": None})
    assert row(an_event(1, prediction="yes"), model)["prediction"] == "yes"
    assert row(an_event(1, prediction=[1]), model)["prediction"] == "[1]"
    assert row(an_event(1, prediction="yes"))["invalid"] == {"guess": '"yes"'}


def test_names_that_delta_can_not_tell_apart_are_encoded_and_read_back():
    names = {"Age": "integer", "age": "integer", "a b,c=;{}()\n": "number", "50%": "string", "": "string"}
    known = stored(names, [])
    assert len({name.casefold() for name in known.values()}) == len(names)
    assert {column_of(kept): name for name, kept in known.items()} == {name: name for name in names}
    assert known["Age"] == "Age"
    assert known["a b,c=;{}()\n"] == "a b,c=;{}()\n"


def test_a_changed_type_gets_a_field_of_its_own_and_the_first_one_stays():
    first = stored({"x": "integer"}, [])
    later = stored({"x": "number"}, [pa.field("x", pa.int64())])
    assert (first["x"], later["x"], column_of(later["x"])) == ("x", "x%number", "x")
    fields = [pa.field("x", pa.int64()), pa.field("x%number", pa.float64())]
    assert stored({"x": "integer"}, fields) == first
    assert stored({"x": "number"}, fields) == later
