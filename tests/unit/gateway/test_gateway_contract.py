"""What is sent is held against the declared columns, and each that is wrong is named."""

from __future__ import annotations

from datetime import UTC, datetime

import numpy as np
import pytest

from watchkeeper.gateway.contract import Contract
from watchkeeper.gateway.refusal import Broken
from watchkeeper.model import Model

MODEL = Model.model_validate(
    {
        "name": "m",
        "columns": {
            "age": {"type": "integer", "minimum": 0, "maximum": 120, "nullable": False},
            "income": {"type": "number", "maximum": 1000},
            "vip": {"type": "boolean"},
            "plan": {"type": "string", "allowed": ["free", "paid"]},
            "code": {"type": "string", "pattern": "[A-Z]{3}", "max_length": 5},
            "card": {"type": "string", "pii": True, "allowed": ["a"]},
            "born": {"type": "timestamp", "minimum": datetime(1900, 1, 1, tzinfo=UTC)},
            "key": {"type": "string", "role": "id"},
            "at": {"type": "timestamp", "role": "timestamp", "format": "epoch_ms"},
            "gone": {"type": "number", "role": "ignored"},
            "left": {"type": "integer", "role": "label"},
            "guess": {"type": "integer", "role": "prediction", "allowed": [0, 1]},
        },
    }
)
CONTRACT = Contract(MODEL)
BOOLEAN_LABEL = {"type": "boolean", "role": "label"}


def rows(number=1, **columns):
    return CONTRACT.rows(columns, number, ("age",))


def test_good_values_are_taken_as_they_are():
    found = rows(2, age=[1, 2], income=[1.5, None], vip=[True, None], plan=["free", "paid"], born=["1990-05-01", None])
    assert found.columns["income"] == [1.5, None]
    assert found.ids is None
    assert found.times is None


@pytest.mark.parametrize(
    ("column", "value", "words"),
    [
        ("age", "12", "'age' is not a whole number: '12' (row 0)."),
        ("age", 1.5, "'age' is not a whole number: 1.5 (row 0)."),
        ("age", True, "'age' is not a whole number: true (row 0)."),
        ("age", None, "'age' is missing, and it must not be (row 0)."),
        ("age", -1, "'age' is below 0: -1 (row 0)."),
        ("age", 121, "'age' is above 120: 121 (row 0)."),
        ("age", 2**70, "'age' is a whole number beyond 64 bits: 1180591620717411303424 (row 0)."),
        ("income", 1000.5, "'income' is above 1000: 1000.5 (row 0)."),
        ("income", [1.0], "'income' is not a number"),
        ("vip", 1, "'vip' is not true or false: 1 (row 0)."),
        ("plan", "gold", "'plan' is none of 'free', 'paid': 'gold'"),
        ("code", "abc", "'code' does not match '[A-Z]{3}'"),
        ("code", "ABCDEF", "'code' has more than 5 characters"),
        ("card", "4711", "'card' is none of the 1 allowed values (row 0)."),
        ("born", "yesterday", "'born' is not a time: 'yesterday' (row 0)."),
        ("born", "1800-01-01", "'born' is below 1900-01-01 00:00:00+00:00: '1800-01-01' (row 0)."),
        ("left", 1, "'left' is the label, which becomes known later: leave it out"),
        ("guess", 1, "'guess' is the prediction, which is what is asked for: leave it out"),
        ("agee", 1, "'agee' is no column of m. Did you mean 'age'?"),
    ],
)
def test_a_column_that_is_wrong_is_named(column, value, words):
    with pytest.raises(Broken) as refused:
        rows(**{"age": [1], column: [value]})
    assert words in str(refused.value)
    assert refused.value.status == 400


def test_all_columns_that_are_wrong_are_named_at_once():
    with pytest.raises(Broken, match=r"'plan' is none of .* 'vip' is not .* 'age' is missing, which the model takes"):
        rows(plan=["gold"], vip=["no"])


def test_values_of_personal_columns_are_not_repeated():
    with pytest.raises(Broken) as refused:
        rows(age=[1], card=["4711"])
    assert "4711" not in str(refused.value)


def test_ids_and_times_of_events_are_taken_from_their_columns():
    found = rows(2, age=[1, 2], key=["a", "b"], at=[0, 1500])
    assert list(found.ids) == ["a", "b"]
    assert [moment.timestamp() for moment in found.times] == [0.0, 1.5]


def test_an_ignored_column_may_be_sent_and_is_left_aside():
    assert "gone" not in rows(age=[1], gone=[1.0]).columns


@pytest.mark.parametrize("number", [3, 200])
def test_arrays_are_held_to_the_same(number):
    good = np.arange(number, dtype=np.int32) % 100
    assert list(rows(number, age=good).columns["age"]) == good.tolist()
    assert list(rows(number, age=good.astype(np.float64)).columns["age"]) == good.tolist()
    assert list(rows(number, age=good.astype(np.float16)).columns["age"]) == good.tolist()
    with pytest.raises(Broken, match="below 0"):
        rows(number, age=good - 1)
    with pytest.raises(Broken, match="is not a whole number"):
        rows(number, age=good + 0.5)
    with pytest.raises(Broken, match="above 1000"):
        rows(number, age=good, income=np.full(number, 2000.0))
    income = np.array([np.nan] + [1.0] * (number - 1))
    assert rows(number, age=good, income=income).number == number
    with pytest.raises(Broken, match=r"is missing, and it must not be \(row 0\)"):
        rows(number, age=income)


def test_a_number_of_more_than_64_bits_is_taken_where_numbers_need_not_be_whole():
    for sent in ([2**70], [1.5, 2**70], np.array([2**63] * 100, np.uint64)):
        model = Model.model_validate({"name": "m", "columns": {"x": {"type": "number"}}})
        found = Contract(model).rows({"x": sent}, len(sent), ("x",)).columns["x"]
        assert {type(value) for value in list(found)} <= {float, np.float64}


def test_what_is_no_number_is_missing_also_in_a_list():
    assert rows(2, age=[1, 2], income=[float("nan"), 1.0]).columns["income"] == [None, 1.0]
    with pytest.raises(Broken, match="'age' is missing"):
        rows(age=[float("nan")])


def test_predictions_are_held_to_their_own_column():
    assert CONTRACT.holds([0, 1, 1])
    assert CONTRACT.holds(None)
    assert not CONTRACT.holds([0, 2])
    assert not CONTRACT.holds(["yes"])


def test_predictions_are_held_to_the_labels_where_they_have_no_column_of_their_own():
    label = {"type": "string", "role": "label", "inferred": {"allowed": ["no", "yes"]}}
    contract = Contract(Model.model_validate({"name": "m", "task": "binary", "columns": {"y": label}}))
    assert contract.holds(["no", "yes"])
    assert not contract.holds(["no", "maybe"])
    assert not contract.holds(np.array([0, 1]))
    contract = Contract(Model.model_validate({"name": "m", "task": "binary", "columns": {"y": BOOLEAN_LABEL}}))
    for good in ([True, False], [1, 0], [1.0], np.array([0, 1]), np.array([True] * 100)):
        assert contract.holds(good), good
    for bad in ([2], ["again"], [0.5], np.arange(100)):
        assert not contract.holds(bad), bad


def test_what_a_regression_predicts_is_a_number():
    label = {"type": "integer", "role": "label", "minimum": 0}
    contract = Contract(Model.model_validate({"name": "m", "task": "regression", "columns": {"y": label}}))
    for good in ([7.5, -1.0], [7], np.array([0.5] * 100)):
        assert contract.holds(good), good
    assert not contract.holds(["much"])


def test_where_nothing_is_declared_any_prediction_holds():
    contract = Contract(Model.model_validate({"name": "m", "columns": {"x": {"type": "number"}}}))
    for good in ([7.5], [1], ["a"], [True], np.array([0.5] * 100), np.arange(100)):
        assert contract.holds(good), good
