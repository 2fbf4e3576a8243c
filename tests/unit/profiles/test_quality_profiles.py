"""What is counted of labels and predictions, and how it is frozen from a baseline."""

from __future__ import annotations

import json

import numpy as np
import pyarrow as pa
import pytest

from watchkeeper.model import Column, Model, Role, Task, Type
from watchkeeper.profiles import Addition
from watchkeeper.profiles.quality import (
    empty_quality,
    measure_quality,
    plan_quality,
    quality_from_arrow,
    quality_plan_from_dict,
)
from watchkeeper.profiles.quality_ranking import ROWS, hashed

ROLES = {
    "label": (Type.INTEGER, Role.LABEL),
    "prediction": (Type.INTEGER, Role.PREDICTION),
    "score": (Type.NUMBER, Role.SCORE),
    "query": (Type.STRING, Role.QUERY),
    "position": (Type.INTEGER, Role.POSITION),
}


def model(task, *names, positive=None, **more):
    roles = {name: ROLES[name] for name in names} | more
    columns = {name: Column(type=type_, role=role) for name, (type_, role) in roles.items()}
    return Model(name="model", task=task, columns=columns, positive=positive)


def counted(plan, table):
    return measure_quality(plan, table, np.zeros(len(table), dtype=np.int64), 1)


def scores(*names):
    return dict.fromkeys(names, (Type.NUMBER, Role.SCORE))


def test_without_a_label_a_task_or_a_prediction_nothing_is_planned():
    table = pa.table({"label": [0, 1], "score": [0.1, 0.9]})
    assert plan_quality(model(Task.BINARY, "score"), table) is None
    assert plan_quality(model(Task.NONE, "label", "score"), table) is None
    for task in (Task.BINARY, Task.MULTICLASS, Task.REGRESSION, Task.RANKING):
        assert plan_quality(model(task, "label"), table) is None


def test_the_positive_class_is_the_declared_one_else_the_greater():
    table = pa.table({"label": ["no", "yes", "yes"], "prediction": ["no", "no", "yes"]})
    assert plan_quality(model(Task.BINARY, "label", "prediction"), table).classes == ("no", "yes")
    assert plan_quality(model(Task.BINARY, "label", "prediction", positive="no"), table).classes == ("yes", "no")
    only_negative = pa.table({"label": [0, 0], "score": [0.2, 0.3]})
    assert plan_quality(model(Task.BINARY, "label", "score"), only_negative).classes == ("0", "1")


def test_a_prediction_that_names_no_class_is_taken_as_the_score():
    table = pa.table({"label": [0, 1, 1], "prediction": [0.25, 0.5, 0.75]})
    plan = plan_quality(model(Task.BINARY, "label", "prediction"), table)
    assert (plan.prediction, plan.scores, plan.probabilities) == (None, ("prediction",), True)


@pytest.mark.parametrize(
    ("label", "prediction"),
    [
        ([1, 0, 1], [True, False, True]),
        ([True, False, True], [1.0, 0.0, 1.0]),
        (["1", "0", "1"], ["true", "False", "True"]),
    ],
)
def test_labels_and_predictions_of_different_types_agree(label, prediction):
    table = pa.table({"label": label, "prediction": prediction})
    quality = counted(plan_quality(model(Task.BINARY, "label", "prediction"), table), table)
    assert quality.decisions.tolist() == [[[1, 0], [0, 2]]]


def test_rows_without_a_label_are_counted_apart():
    table = pa.table({"label": [1, None, 0, None], "score": [0.9, 0.8, 0.1, None]})
    quality = counted(plan_quality(model(Task.BINARY, "label", "score"), table), table)
    assert (quality.labelled.tolist(), quality.unlabelled.tolist()) == ([2], [2])
    assert quality.scored.tolist() == [[1, 1]]


def test_a_label_that_the_baseline_did_not_hold_is_neither_positive_nor_negative():
    plan = plan_quality(model(Task.BINARY, "label", "score"), pa.table({"label": ["a", "b"], "score": [0.2, 0.7]}))
    quality = counted(plan, pa.table({"label": ["a", "b", "B"], "score": [0.1, 0.9, 0.9]}))
    assert (quality.labelled.tolist(), quality.unlabelled.tolist()) == ([2], [1])


def test_each_of_few_distinct_scores_gets_a_bin_of_its_own():
    deciles = np.arange(1, 11)
    plan = plan_quality(model(Task.BINARY, "label", "score"), pa.table({"label": deciles % 2, "score": deciles}))
    assert not plan.probabilities
    bins = np.searchsorted(np.array(plan.cuts), deciles, side="right")
    assert len(set(bins.tolist())) == 10
    assert (plan.width[bins] == 0).all()


def test_many_scores_make_a_thousand_bins_that_also_cover_what_the_baseline_never_showed():
    s = np.random.default_rng(0).beta(1, 50, 5_000)
    plan = plan_quality(model(Task.BINARY, "label", "score"), pa.table({"label": (s > 0.02).astype(int), "score": s}))
    assert 900 < plan.bins <= 1_000
    beyond = plan.width[plan.left > s.max()]
    assert len(beyond) > 20
    assert beyond.max() < 0.1


def test_columns_that_are_missing_or_empty_count_as_no_labels():
    plan = plan_quality(model(Task.BINARY, "label", "score"), pa.table({"label": [0, 1], "score": [0.2, 0.7]}))
    for table in (pa.table({"other": [1, 2]}), pa.table({"label": pa.nulls(2), "score": [0.1, 0.2]})):
        quality = counted(plan, table)
        assert (quality.labelled.tolist(), quality.unlabelled.tolist()) == ([0], [2])


def test_each_score_column_speaks_for_the_class_that_its_name_ends_in():
    table = pa.table({"label": [1, 2, 11], "p_1": [0.8, 0.1, 0.1], "p_2": [0.1, 0.8, 0.1], "p_11": [0.1, 0.1, 0.8]})
    plan = plan_quality(model(Task.MULTICLASS, "label", **scores("p_1", "p_2", "p_11")), table)
    assert plan.classes == ("1", "2", "11")
    assert plan.scores == ("p_1", "p_2", "p_11")


def test_a_score_column_makes_known_a_class_that_the_baseline_never_showed():
    columns = {f"proba_{name}": [0.25] * 3 for name in ("New York", "paris", "rome", "oslo")}
    table = pa.table({"label": ["new york", "paris", "rome"], **columns})
    plan = plan_quality(model(Task.MULTICLASS, "label", **scores(*columns)), table)
    assert dict(zip(plan.classes, plan.scores, strict=True)) == {
        "new york": "proba_New York",
        "oslo": "proba_oslo",
        "paris": "proba_paris",
        "rome": "proba_rome",
    }


def test_without_a_prediction_column_the_highest_score_decides():
    table = pa.table({"label": ["a", "b", "b"], "p_a": [0.7, 0.6, 0.1], "p_b": [0.3, 0.4, 0.9]})
    quality = counted(plan_quality(model(Task.MULTICLASS, "label", **scores("p_a", "p_b")), table), table)
    assert quality.correct.tolist() == [2]


def test_values_that_the_baseline_did_not_hold_are_told_apart_when_hits_are_counted():
    plan = plan_quality(
        model(Task.MULTICLASS, "label", "prediction"), pa.table({"label": [1, 2, 3], "prediction": [1, 2, 3]})
    )
    quality = counted(plan, pa.table({"label": [1, 8, 8, 9], "prediction": [1, 8, 9, 9]}))
    ((_, (confusion,)),) = quality.tables()
    assert confusion[0, 3, 3] == 3
    assert quality.correct.tolist() == [3]


def test_huge_errors_are_counted_and_overflow_nothing():
    plan = plan_quality(model(Task.REGRESSION, "label", "score"), pa.table({"label": [1.0, 2.0], "score": [1.5, 2.5]}))
    quality = counted(plan, pa.table({"label": [1e300, -1.7e308, 1.0], "score": [-1e300, 1.7e308, np.inf]}))
    assert quality.compared.tolist() == [2]
    assert np.isfinite(quality.moments).all()


def test_a_baseline_of_extreme_values_is_planned_without_a_warning():
    table = pa.table({"label": [1.7e308, -1.7e308, 0.0] * 10, "score": [-1.7e308, 1.7e308, 1.0] * 10})
    quality = counted(plan_quality(model(Task.REGRESSION, "label", "score"), table), table)
    assert quality.compared.tolist() == [30]
    assert np.isfinite(quality.moments).all()
    scores_ = pa.table({"label": [0, 1, 1] * 10, "score": [-1.7e308, 1.7e308, 1.0] * 10})
    assert np.isfinite(plan_quality(model(Task.BINARY, "label", "score"), scores_).cuts).all()


def test_probabilities_of_nought_and_one_have_bins_of_their_own():
    s = np.concatenate([np.zeros(50), np.ones(50), np.random.default_rng(0).random(900)])
    plan = plan_quality(model(Task.BINARY, "label", "score"), pa.table({"label": np.arange(1_000) % 2, "score": s}))
    assert plan.probabilities
    assert plan.width[0] == plan.width[-1] == 0


def test_a_bounded_sample_of_queries_is_complete_and_does_not_depend_on_how_rows_come():
    rng = np.random.default_rng(1)
    query = rng.permutation(np.repeat(np.arange(8_000), 20))
    table = pa.table(
        {"query": pa.array([f"q{i}" for i in query]), "score": rng.normal(size=len(query)), "label": query % 3}
    )
    plan = plan_quality(model(Task.RANKING, "label", "query", "score"), table)
    whole = counted(plan, table)
    assert ROWS - 20 < len(whole.at) <= ROWS
    _, sizes = np.unique(whole.query, return_counts=True)
    assert (sizes == 20).all()
    parts = [counted(plan, table.slice(begin, 7_001)) for begin in range(0, len(table), 7_001)]
    added = parts[-1]
    for part in parts[:-1]:
        added = added.summed([added, part], Addition.stay(2, len(added.labelled)))
    for name in ("at", "limit", "query", "order", "relevance", "labelled"):
        assert np.array_equal(getattr(added, name), getattr(whole, name))


def test_a_query_larger_than_the_sample_leaves_it_empty_and_harms_nothing():
    n = ROWS + 5
    table = pa.table({"query": ["same"] * n, "score": np.arange(n, dtype=float), "label": np.ones(n, dtype=int)})
    quality = counted(plan_quality(model(Task.RANKING, "label", "query", "score"), table), table)
    assert len(quality.at) == 0
    assert quality.labelled.tolist() == [n]


def test_hashes_of_texts_do_not_depend_on_what_stands_beside_them():
    words = ["", "a", "ab", "ba", "ü", "q-17", "q-71", None]
    whole, there = hashed(pa.table({"q": words}), "q")
    assert there.tolist() == [True] * 7 + [False]
    assert len(set(whole[:7].tolist())) == 7
    for i, word in enumerate(words[:7]):
        alone, _ = hashed(pa.table({"q": pa.array([word, "zz"]).dictionary_encode()}), "q")
        assert alone[0] == whole[i]


@pytest.mark.parametrize("task", [Task.BINARY, Task.MULTICLASS, Task.REGRESSION, Task.RANKING])
def test_plan_and_counts_survive_being_written(task):
    rng = np.random.default_rng(2)
    names = ("label", "query", "score") if task is Task.RANKING else ("label", "prediction", "score")
    table = pa.table(
        {
            "label": rng.integers(0, 2, 200),
            "prediction": rng.integers(0, 2, 200),
            "score": rng.random(200),
            "query": [f"q{i}" for i in rng.integers(0, 20, 200)],
        }
    )
    plan = plan_quality(model(task, *names), table)
    again = quality_plan_from_dict(json.loads(json.dumps(plan.to_dict())))
    assert again == plan
    quality = measure_quality(plan, table, rng.integers(0, 3, 200), 4)
    written = quality_from_arrow(again, quality.to_arrow())
    for name in vars(quality).keys() - {"plan"}:
        assert np.array_equal(getattr(written, name), getattr(quality, name)), name
    assert quality_from_arrow(plan, empty_quality(plan, 0).to_arrow()).labelled.shape == (0,)
