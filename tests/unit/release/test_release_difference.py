"""What changes between two models' answers to real rows: every figure against an outside oracle."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest
from scipy import stats
from sklearn.metrics import accuracy_score, confusion_matrix, mean_absolute_error

import compared
from watchkeeper.release.compare.difference import difference
from watchkeeper.report.comparison import as_dict, to_json
from watchkeeper.runtime import Answers


@pytest.fixture(scope="module")
def table():
    return compared.later()


@pytest.fixture(scope="module")
def both(table):
    return compared.answers("plain", table), compared.answers("tree", table)


@pytest.fixture(scope="module")
def found(table, both):
    return difference(compared.the_model(), table, ("v7", both[0]), ("v8", both[1]), source="later.parquet")


def test_flips_are_the_cells_off_the_diagonal_with_wilsons_interval(found, both):
    matrix = confusion_matrix(both[0].prediction, both[1].prediction)
    assert [list(row) for row in found.decisions.matrix] == matrix.tolist()
    flipped, rows = matrix.sum() - np.trace(matrix), matrix.sum()
    assert (found.decisions.flipped.count, found.decisions.flipped.of) == (flipped, rows)
    oracle = stats.binomtest(int(flipped), int(rows)).proportion_ci(method="wilson")
    assert (found.decisions.flipped.low, found.decisions.flipped.high) == pytest.approx((oracle.low, oracle.high))
    turns = {(one.before, one.after): one.rows.count for one in found.decisions.turns}
    assert turns == {(False, True): matrix[0, 1], (True, False): matrix[1, 0]}
    assert found.decisions.classes == (False, True)


def test_churn_is_what_the_labels_say_of_flips(found, table, both):
    label = np.asarray(table["busy"]).astype(int)
    before, after = both[0].prediction == label, both[1].prediction == label
    assert found.churn.good.count == (~before & after).sum() > 0
    assert found.churn.bad.count == (before & ~after).sum() > 0
    assert found.churn.accuracy == pytest.approx([accuracy_score(label, one.prediction) for one in both])
    assert found.churn.net.value == pytest.approx(after.mean() - before.mean())
    oracle = stats.binomtest(found.churn.good.count, found.churn.good.count + found.churn.bad.count)
    assert found.churn.p == pytest.approx(oracle.pvalue, rel=1e-6)
    assert found.churn.lost == pytest.approx((before & ~after).sum() / before.sum())


def test_scores_and_order_are_those_of_scipy(found, both):
    old, new = (one.scores[:, 1] for one in both)
    change = new - old
    assert found.scores.change.value == pytest.approx(change.mean())
    oracle = stats.ttest_rel(new, old).confidence_interval()
    assert (found.scores.change.low, found.scores.change.high) == pytest.approx((oracle.low, oracle.high))
    assert found.scores.wasserstein == pytest.approx(stats.wasserstein_distance(old, new))
    assert found.scores.ks == pytest.approx(stats.ks_2samp(old, new).statistic)
    assert found.scores.quantiles["0.95"] == pytest.approx(np.quantile(change, 0.95))
    assert [one.rows.count for one in found.scores.moved] == [(np.abs(change) > x).sum() for x in (0.01, 0.05, 0.1)]
    assert found.order.spearman == pytest.approx(stats.spearmanr(old, new).statistic)
    assert found.order.kendall == pytest.approx(stats.kendalltau(old, new).statistic)


def test_the_rows_that_move_most_are_named_with_features_and_personal_values_are_masked(found, table, both):
    size = np.abs(both[1].scores[:, 1] - both[0].scores[:, 1])
    told = [abs(row.scores[1] - row.scores[0]) for row in found.moved]
    assert told == pytest.approx(np.sort(size)[::-1][:20])
    first = found.moved[0]
    assert first.id == table["key"][first.row - 1].as_py()
    assert first.features["temp"] == table["temp"][first.row - 1].as_py()
    assert first.features["phone"] == first.features["who"] == "(masked)"
    text = to_json(found)
    assert "+49-" not in text
    assert "secret" not in text


def test_each_version_decides_by_its_own_learned_threshold(table, both):
    model = compared.the_model()
    found = difference(model, table, ("v7", both[0]), ("v8", both[1]), thresholds=(0.3, 0.6))
    expected = (both[0].scores[:, 1] >= 0.3) != (both[1].scores[:, 1] >= 0.6)
    assert found.decisions.flipped.count == expected.sum()
    assert found.decisions.thresholds == (0.3, 0.6)
    alone = difference(model, table, ("v7", both[0]), ("v8", both[1]), thresholds=(None, 0.6))
    assert any("v7 decides by its prediction" in note for note in alone.notes)


def test_a_threshold_without_a_probability_is_said(table, both):
    bare = Answers(both[1].prediction)
    found = difference(compared.the_model(), table, ("v7", both[0]), ("v8", bare), thresholds=(None, 0.6))
    assert found.scores is None
    assert any("gives no probability" in note for note in found.notes)


def test_a_segment_for_which_alone_something_changes_is_told_and_others_are_not(table, both):
    wet = np.asarray(pc.equal(table["weather"], "wet"))
    moved = np.where(wet, both[1].scores[:, 1], both[0].scores[:, 1])
    new = Answers((moved > 0.5).astype(int), np.column_stack([1 - moved, moved]), (0, 1))
    found = difference(compared.the_model(), table, ("v7", both[0]), ("v8", new))
    first = next(one for one in found.told if one.measure == "flipped")
    assert first.name == "weather=wet"
    assert first.rest.value == 0.0
    assert first.here.value == pytest.approx((both[0].prediction != new.prediction)[wet].mean())
    assert not any(one.column == "who" for one in found.told)
    shown = {one["segment"] for one in as_dict(found)["segments"] if one["column"] == "who"}
    assert shown == {"who=(masked 1)", "who=(masked 2)"}


def test_segments_are_told_by_mistake_no_more_often_than_promised():
    rng = np.random.default_rng(3)
    model = compared.the_model(city={"type": "string", "role": "segment"})
    wrong = 0
    for _ in range(120):
        n = 600
        table = pa.table({"city": rng.choice(list("abcdefgh"), n), "busy": rng.random(n) < 0.5})
        old = rng.random(n)
        new = np.clip(old + rng.normal(0, 0.2, n), 0, 1)
        said = [Answers((s > 0.5).astype(int), np.column_stack([1 - s, s]), (0, 1)) for s in (old, new)]
        wrong += bool(difference(model, table, ("a", said[0]), ("b", said[1]), most=0).told)
    assert wrong <= stats.binom.ppf(0.9999, 120, 0.05)


def test_too_small_segments_are_counted_and_not_judged():
    n = 100
    model = compared.the_model(city={"type": "string", "role": "segment"})
    table = pa.table({"city": ["rare"] * 5 + ["common"] * 95})
    said = Answers(np.array(([0, 1] * n)[:n])), Answers(np.array([1] * n))
    found = difference(model, table, ("a", said[0]), ("b", said[1]))
    assert found.small == 2  # beside 5 others, the common one can't be told apart from the rest either
    assert found.segments == ()


def test_classes_turn_into_one_another_as_in_the_confusion_matrix(table):
    model = compared.the_model("multiclass", "level")
    old, new = (compared.answers(kind, table, "level") for kind in ("plain", "tree"))
    found = difference(model, table, ("v1", old), ("v2", new))
    labels = ["high", "low", "middle"]
    assert found.decisions.classes == tuple(labels)
    assert np.array(found.decisions.matrix).tolist() == confusion_matrix(old.prediction, new.prediction).tolist()
    distance = np.abs(old.scores - new.scores).sum(axis=1) / 2
    assert found.moved[0].row == int(np.argmax(distance)) + 1


def test_classes_of_a_personal_label_are_numbered(table):
    old, new = (compared.answers(kind, table, "level") for kind in ("plain", "tree"))
    model = compared.the_model("multiclass", "level", level={"type": "string", "role": "label", "pii": True})
    found = difference(model, table, ("v1", old), ("v2", new))
    assert found.decisions.classes == ("(masked 1)", "(masked 2)", "(masked 3)")
    assert "middle" not in to_json(found)
    assert found.churn.good.count > 0


def test_values_are_compared_with_each_other_and_with_labels(table):
    model = compared.the_model("regression", "cnt")
    old, new = compared.answers("poor", table, "cnt"), compared.answers("value", table, "cnt")
    found = difference(model, table, ("v1", old), ("v2", new))
    label = np.asarray(table["cnt"])
    assert found.decisions is None
    assert found.scores.mean_absolute == pytest.approx(mean_absolute_error(old.prediction, new.prediction))
    assert found.errors.before == pytest.approx(mean_absolute_error(label, old.prediction))
    assert found.errors.after == pytest.approx(mean_absolute_error(label, new.prediction))
    oracle = stats.ttest_rel(np.abs(new.prediction - label), np.abs(old.prediction - label)).confidence_interval()
    assert (found.errors.change.low, found.errors.change.high) == pytest.approx((oracle.low, oracle.high))


def test_ranked_lists_are_compared_query_by_query():
    model = compared.the_model("ranking", "gain", q={"type": "string", "role": "query"})
    table = pa.table({"q": ["a"] * 3 + ["b"] * 2 + ["c"], "gain": [1.0, 0, 0, 1, 0, 1]})
    old, new = Answers(np.array([3.0, 2, 1, 2, 1, 1])), Answers(np.array([3.0, 1, 2, 2, 1, 5]))
    found = difference(model, table, ("v1", old), ("v2", new))
    assert found.lists.queries == 2  # a list of one row has no order
    assert found.lists.changed.count == 1
    # `a`: agreement 1, 1/2, 1, 1, ... with weights 0.1, 0.09, ...: 1 - 0.09/2; `b`: 1.
    assert found.lists.rank_biased_overlap.value == pytest.approx((1 - 0.045 + 1) / 2)
    assert found.lists.overlap["1"].value == 1.0
    assert [row.places for row in found.moved] == [(2, 3), (3, 2)]


def test_rows_without_an_answer_are_left_out_and_said(table, both):
    scores = both[1].scores.copy()
    scores[:7] = np.nan
    prediction = np.array([None] * 7 + both[1].prediction[7:].tolist(), dtype=object)
    found = difference(compared.the_model(), table, ("v7", both[0]), ("v8", Answers(prediction, scores, (0, 1))))
    assert found.decisions.flipped.of == table.num_rows - 7
    assert found.scores.rows == table.num_rows - 7
    assert "v8 decides nothing of 7 rows." in found.notes


@pytest.mark.parametrize("task", ["binary", "multiclass", "regression", "ranking"])
def test_no_rows_are_compared_without_a_figure(task):
    model = compared.the_model(task, "out")
    empty = Answers(np.empty(0), np.empty((0, 2)), (0, 1)) if task in ("binary", "multiclass") else Answers(np.empty(0))
    found = difference(model, pa.table({"out": pa.array([], pa.float64())}), ("a", empty), ("b", empty))
    assert found.rows == 0
    assert found.scores is None
    assert found.moved == ()


def test_labels_of_truth_meet_predictions_of_numbers_and_of_texts(table, both):
    words = np.where(both[1].prediction == 1, "1", "0")
    found = difference(compared.the_model(), table, ("v7", both[0]), ("v8", Answers(words)))
    assert found.decisions.flipped.count == (both[0].prediction != both[1].prediction).sum()
