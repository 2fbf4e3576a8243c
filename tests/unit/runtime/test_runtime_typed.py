from __future__ import annotations

import numpy as np
import pytest

from watchkeeper.runtime import WrongAnswer, WrongInput, answered, typed


def test_a_missing_number_is_nan_where_numbers_are_real():
    assert np.isnan(typed.floats([1.5, None, 2], "age", np.float32)).tolist() == [False, True, False]
    assert typed.floats([True, False], "age", np.float64).tolist() == [1.0, 0.0]


@pytest.mark.parametrize("values", [["12"], [1.0, "12"], [None, "x"], [[1.0]], [1.0, [1.0]], np.array(["a"])])
def test_a_text_is_never_taken_for_a_number(values):
    with pytest.raises(WrongInput, match="age: takes numbers"):
        typed.floats(values, "age", np.float32)


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ([1, None], "is missing"),
        ([1.0, float("nan")], "is missing"),
        (np.array([np.inf]), "is missing"),
        ([1.5], "a fraction"),
        (["1"], "one of the values is none"),
        ([1 << 40], "from -2147483648 to 2147483647"),
        ([1 << 63], "from -2147483648 to 2147483647"),
    ],
)
def test_what_is_no_whole_number_is_told_and_never_rounded(values, said):
    with pytest.raises(WrongInput, match=f"nights: .*{said}"):
        typed.integers(values, "nights", np.int32)


def test_whole_numbers_may_come_as_real_ones():
    assert typed.integers([2.0, 3], "nights", np.int64).tolist() == [2, 3]
    assert typed.integers(np.array([2.0]), "nights", np.int64).dtype == np.int64
    assert typed.integers([], "nights", np.int64).tolist() == []


def test_true_and_false_may_come_as_one_and_zero_and_as_nothing_else():
    assert typed.booleans([True, False], "yes").tolist() == [True, False]
    assert typed.booleans([1, 0.0], "yes").tolist() == [True, False]
    for values in ([2], [None, True], ["true"], [float("nan")]):
        with pytest.raises(WrongInput, match="yes: takes true and false"):
            typed.booleans(values, "yes")


def test_texts_are_texts():
    assert typed.texts(["Ås", ""], "city").tolist() == ["Ås", ""]
    assert typed.texts(np.array(["Ås"]), "city").dtype == object
    with pytest.raises(WrongInput, match="is missing"):
        typed.texts(["Ås", None], "city")
    with pytest.raises(WrongInput, match="is a number"):
        typed.texts([3], "city")


def test_python_gets_columns_as_they_come():
    assert typed.as_come([1, 2]).dtype == np.int64
    assert np.isnan(typed.as_come([1, None]))[1]
    assert typed.as_come([True, False]).dtype == bool
    assert typed.as_come([True, None]).tolist() == [True, None]
    assert typed.as_come(["Ås", None]).tolist() == ["Ås", None]
    assert typed.as_come([1 << 70]).dtype == object


def test_answers_of_impossible_shape_are_told():
    for prediction in (np.zeros(3), np.zeros((2, 2)), np.float64(1)):
        with pytest.raises(WrongAnswer, match="one prediction a row"):
            answered.answers(prediction, None, (), 2)
    with pytest.raises(WrongAnswer, match="one line a row"):
        answered.answers([0, 1], np.zeros((3, 2)), (), 2)
    with pytest.raises(WrongAnswer, match="2 scores a row, but has 3 classes"):
        answered.answers([0, 1], np.zeros((2, 2)), ("a", "b", "c"), 2)
    with pytest.raises(WrongAnswer, match="no numbers"):
        answered.answers([0, 1], [["a", "b"]] * 2, (), 2)


def test_without_a_prediction_the_most_probable_class_is_it():
    scores = np.array([[0.2, 0.8], [0.9, 0.1]])
    assert answered.answers(None, scores, ("no", "yes"), 2).prediction.tolist() == ["yes", "no"]
    assert answered.answers(None, scores, (), 2).prediction.tolist() == [1, 0]


@pytest.mark.parametrize(
    "values",
    [
        np.array([None, 1], dtype=object),
        np.array([float("nan"), "a"], dtype=object),
        np.array(["2026-01-01"], dtype="datetime64[D]"),
        np.array([b"bytes"]),
        np.array([1j]),
        np.array([1 << 70], dtype=object),
        np.array([{}], dtype=object),
        np.array([np.inf]),
    ],
)
def test_predictions_that_are_no_values_are_told(values):
    with pytest.raises(WrongAnswer):
        answered.check(answered.answers(values, None, (), len(values)))


def test_predictions_of_numpys_own_types_are_made_pythons():
    said = np.array([np.float64(1.5), np.str_("a"), np.int64(2), np.bool_(True)], dtype=object)
    given = answered.answers(said, None, (), 4)
    answered.check(given)
    assert [type(value) for value in given.prediction] == [float, str, int, bool]


def test_one_column_of_predictions_is_flattened():
    assert answered.answers(np.array([[1.0], [2.0]]), None, (), 2).prediction.tolist() == [1.0, 2.0]
