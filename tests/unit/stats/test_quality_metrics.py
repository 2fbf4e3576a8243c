"""Metrics from summaries against scikit-learn's from raw rows, and whether their intervals and evidence hold."""

from __future__ import annotations

import functools

import numpy as np
import pyarrow as pa
import pytest
from sklearn import datasets, linear_model, metrics
from sklearn.model_selection import cross_val_predict
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from watchkeeper.model import Column, Model, Role, Task, Type
from watchkeeper.profiles.quality import empty_quality, measure_quality, plan_quality
from watchkeeper.stats.evidence import share
from watchkeeper.stats.quality import quality_metrics

LABEL, PREDICTION = (Type.NUMBER, Role.LABEL), (Type.NUMBER, Role.PREDICTION)
SCORE, QUERY = (Type.NUMBER, Role.SCORE), (Type.STRING, Role.QUERY)


def planned(task, table, **roles):
    columns = {name: Column(type=type_, role=role) for name, (type_, role) in roles.items()}
    return plan_quality(Model(name="m", task=task, columns=columns), table)


def metrics_of(plan, table, at=None):
    at = np.zeros(len(table), dtype=np.int64) if at is None else at
    return {m.name: m for m in quality_metrics(measure_quality(plan, table, at, int(at.max(initial=0)) + 1))}


@functools.cache
def tumours():
    """Breast cancer, Wisconsin (UCI 17), with out-of-fold probabilities of a logistic regression."""
    x, y = datasets.load_breast_cancer(return_X_y=True)
    model = make_pipeline(StandardScaler(), linear_model.LogisticRegression(C=0.001))
    return y, cross_val_predict(model, x, y, method="predict_proba")[:, 1]


@functools.cache
def digits():
    """Handwritten digits (UCI 80), with out-of-fold probabilities of a logistic regression."""
    x, y = datasets.load_digits(return_X_y=True)
    model = linear_model.LogisticRegression(C=0.0001, max_iter=500)
    return y, cross_val_predict(model, x, y, method="predict_proba")


@functools.cache
def diabetes():
    """Diabetes (Efron, Hastie, Johnstone, Tibshirani 2004), with out-of-fold predictions of a linear regression."""
    x, y = datasets.load_diabetes(return_X_y=True)
    return y, cross_val_predict(linear_model.LinearRegression(), x, y)


def calibration_error(y, s, bins=10):
    at = np.minimum((s * bins).astype(int), bins - 1)
    return sum(abs(y[at == b].sum() - s[at == b].sum()) for b in range(bins)) / len(y)


def test_binary_metrics_are_those_of_scikit_learn():
    y, s = tumours()
    table = pa.table({"y": y, "s": s})
    found = metrics_of(planned(Task.BINARY, table.slice(0, 300), y=LABEL, s=SCORE), table)
    decided = (s >= 0.5).astype(int)
    exact = {
        "log_loss": metrics.log_loss(y, s),
        "brier": metrics.brier_score_loss(y, s),
        "accuracy": metrics.accuracy_score(y, decided),
        "precision": metrics.precision_score(y, decided),
        "recall": metrics.recall_score(y, decided),
        "f1": metrics.f1_score(y, decided),
    }
    for name, value in exact.items():
        assert found[name].value[0] == pytest.approx(value, rel=1e-12), name
    assert found["calibration_error"].value[0] == pytest.approx(calibration_error(y, s), abs=1e-6)
    assert found["roc_auc"].value[0] == pytest.approx(metrics.roc_auc_score(y, s), abs=3e-5)
    assert found["pr_auc"].value[0] == pytest.approx(metrics.average_precision_score(y, s), abs=1e-4)


def test_the_area_under_the_roc_curve_of_many_rows_is_right_to_the_sixth_digit():
    rng = np.random.default_rng(0)
    s = rng.beta(0.7, 2.0, 50_000)
    y = (rng.random(50_000) < s**1.3).astype(int)
    table = pa.table({"y": y, "s": s})
    found = metrics_of(planned(Task.BINARY, table.slice(0, 20_000), y=LABEL, s=SCORE), table)
    assert found["roc_auc"].value[0] == pytest.approx(metrics.roc_auc_score(y, s), abs=3e-6)
    assert found["pr_auc"].value[0] == pytest.approx(metrics.average_precision_score(y, s), abs=1e-4)


def test_scores_of_few_values_give_the_exact_areas_whatever_their_scale():
    y, s = tumours()
    grades = np.ceil(s * 10)
    table = pa.table({"y": y, "s": grades})
    found = metrics_of(planned(Task.BINARY, table.slice(0, 100), y=LABEL, s=SCORE), table)
    assert found.keys() == {"roc_auc", "pr_auc"}
    assert found["roc_auc"].value[0] == pytest.approx(metrics.roc_auc_score(y, grades), abs=1e-12)
    assert found["pr_auc"].value[0] == pytest.approx(metrics.average_precision_score(y, grades), abs=1e-12)


def test_multiclass_metrics_are_those_of_scikit_learn_even_where_a_class_is_absent():
    y, p = digits()
    columns = {f"p_{c}": p[:, c] for c in range(10)}
    table = pa.table({"y": y, "d": p.argmax(axis=1), **columns})
    at = (y > 4).astype(np.int64)  # the first slice holds no label above 4, the second none below
    plan = planned(Task.MULTICLASS, table, y=LABEL, d=PREDICTION, **dict.fromkeys(columns, SCORE))
    found = metrics_of(plan, table, at)
    for i in range(2):
        truth, scores = y[at == i], p[at == i]
        decided = scores.argmax(axis=1)
        each = {"average": "macro", "zero_division": 0}
        exact = {
            "accuracy": metrics.accuracy_score(truth, decided),
            "precision": metrics.precision_score(truth, decided, **each),
            "recall": metrics.recall_score(truth, decided, **each),
            "f1": metrics.f1_score(truth, decided, **each),
            "log_loss": metrics.log_loss(truth, scores, labels=np.arange(10)),
            "top_k_accuracy": metrics.top_k_accuracy_score(truth, scores, k=2, labels=np.arange(10)),
        }
        assert exact.keys() == found.keys()
        for name, value in exact.items():
            assert found[name].value[i] == pytest.approx(value, rel=1e-12), name


def test_regression_metrics_are_those_of_scikit_learn():
    y, p = diabetes()
    found = metrics_of(
        planned(Task.REGRESSION, pa.table({"y": y, "p": p}), y=LABEL, p=PREDICTION), pa.table({"y": y, "p": p})
    )
    exact = {
        "mae": metrics.mean_absolute_error(y, p),
        "rmse": metrics.root_mean_squared_error(y, p),
        "bias": (p - y).mean(),
        "r2": metrics.r2_score(y, p),
        "mape": metrics.mean_absolute_percentage_error(y, p),
    }
    assert {name: m.value[0] for name, m in found.items()} == pytest.approx(exact, rel=1e-10)


def test_labels_of_zero_are_left_out_of_the_percentage_error():
    table = pa.table({"y": [0.0, 10.0, -4.0], "p": [5.0, 11.0, -3.0]})
    found = metrics_of(planned(Task.REGRESSION, table, y=LABEL, p=PREDICTION), table)["mape"]
    assert (found.value[0], found.rows[0]) == (pytest.approx((0.1 + 0.25) / 2), 2)


@pytest.mark.parametrize("by_position", [False, True])
def test_ranking_metrics_are_those_of_scikit_learn_ties_included(by_position):
    rng = np.random.default_rng(3)
    sizes = rng.integers(2, 25, 150)
    query = np.repeat(np.arange(150), sizes)
    order = np.round(rng.normal(size=len(query)), 1)
    gain = np.where(rng.random(len(query)) < 0.3, rng.integers(1, 4, len(query)), 0)
    shown = pa.table({"q": [f"q{i}" for i in query], "o": -order if by_position else order, "y": gain})
    role = (Type.NUMBER, Role.POSITION) if by_position else SCORE
    found = metrics_of(planned(Task.RANKING, shown, q=QUERY, o=role, y=LABEL), shown)
    exact = {name: [] for name in found}
    for i in range(150):
        g, s = gain[query == i], order[query == i]
        if g.any():
            last = np.array([(s >= x).sum() for x in s])
            exact["map"].append(metrics.average_precision_score(g > 0, s))
            exact["mrr"].append(1 / last[g > 0].min())
            for k in (5, 10):
                exact[f"ndcg@{k}"].append(metrics.ndcg_score([g], [s], k=k))
                inside = [np.clip(k - (s > x).sum(), 0, (s == x).sum()) / (s == x).sum() for x in s[g > 0]]
                exact[f"recall@{k}"].append(np.mean(inside))
    assert {name: m.value[0] for name, m in found.items()} == pytest.approx({n: np.mean(v) for n, v in exact.items()})


def test_slices_without_rows_have_no_metrics_and_raise_no_warning():
    y, s = tumours()
    table = pa.table({"y": y, "s": s, "p": s, "q": [str(i % 40) for i in range(len(y))]})
    for task, roles in (
        (Task.BINARY, {"y": LABEL, "s": SCORE}),
        (Task.MULTICLASS, {"y": LABEL, "s": SCORE, "p": PREDICTION}),
        (Task.REGRESSION, {"y": LABEL, "p": PREDICTION}),
        (Task.RANKING, {"y": LABEL, "s": SCORE, "q": QUERY}),
    ):
        plan = planned(task, table, **roles)
        before = metrics_of(plan, table)
        for name, metric in {m.name: m for m in quality_metrics(empty_quality(plan, 2))}.items():
            assert np.isnan(metric.value).all(), name
            assert np.isnan(metric.against(before[name])).all(), name
            assert len(metric.band(before[name], np.array([5.0, 9.0]))[0]) == 2
        for rows in (1, 2):
            for name, metric in metrics_of(plan, table.slice(0, rows)).items():
                assert np.isnan(metric.against(before[name])).all(), name


def drawn(n, windows, seed, shift=0.0):
    """Scores, and labels that follow them; `shift` makes them too high by that much in ln(p/(1-p))."""
    rng = np.random.default_rng(seed)
    z = rng.normal(-0.5, 1.5, n * windows)
    y = (rng.random(n * windows) < 1 / (1 + np.exp(-z))).astype(int)
    table = pa.table({"y": y, "s": 1 / (1 + np.exp(-(z + shift)))})
    return table, np.repeat(np.arange(windows), n)


def guessed(n, windows, seed):
    """Labels, and estimates that miss them by an exponential error."""
    rng = np.random.default_rng(seed)
    p = rng.normal(50, 10, n * windows)
    return pa.table({"y": p + rng.exponential(2, n * windows) - 2, "s": p}), np.repeat(np.arange(windows), n)


@pytest.mark.parametrize(
    ("make", "task", "least"),
    [
        (drawn, Task.BINARY, {"calibration_error": 0.9, "pr_auc": 0.91}),
        (guessed, Task.REGRESSION, {"rmse": 0.87, "r2": 0.87}),
    ],
)
def test_intervals_hold_the_truth_about_as_often_as_they_say(make, task, least):
    many, _ = make(400_000, 1, 11)
    plan = planned(task, many.slice(0, 5_000), y=LABEL, s=SCORE if task is Task.BINARY else PREDICTION)
    truth = metrics_of(plan, many)
    for name, metric in metrics_of(plan, *make(200, 1_500, 12)).items():
        if name != "mape":
            low, high = metric.interval
            held = ((low <= truth[name].value) & (truth[name].value <= high)).mean()
            assert least.get(name, 0.925) < held <= 1, name


@pytest.mark.parametrize(("make", "task"), [(drawn, Task.BINARY), (guessed, Task.REGRESSION)])
def test_evidence_is_seldom_when_nothing_changed(make, task):
    plan = planned(task, make(3_000, 1, 20)[0], y=LABEL, s=SCORE if task is Task.BINARY else PREDICTION)
    nats: dict[str, list[float]] = {}
    for seed in range(10):
        before = metrics_of(plan, make(3_000, 1, 100 + seed)[0])
        for name, metric in metrics_of(plan, *make(100, 300, 200 + seed)).items():
            nats.setdefault(name, []).extend(metric.against(before[name]).tolist())
    for name, found in nats.items():
        for x in (2.0, 4.0):
            assert np.mean(np.array(found) > x) < 1.5 * np.exp(-x), (name, x)


def test_a_model_that_fails_is_told_from_a_few_hundred_rows():
    plan = planned(Task.BINARY, drawn(3_000, 1, 1)[0], y=LABEL, s=SCORE)
    before = metrics_of(plan, drawn(3_000, 1, 2)[0])
    broken, _ = drawn(300, 1, 3)
    broken = broken.set_column(1, "s", pa.array(np.random.default_rng(4).permutation(broken["s"].to_numpy())))
    found = metrics_of(plan, broken)
    assert {name for name in found if found[name].against(before[name])[0] > 12} >= {"roc_auc", "log_loss", "accuracy"}
    too_sure = metrics_of(plan, drawn(300, 1, 5, shift=1.5)[0])
    assert too_sure["calibration_error"].against(before["calibration_error"])[0] > 12
    assert too_sure["roc_auc"].against(before["roc_auc"])[0] < 3


def test_a_better_model_is_no_evidence_of_harm():
    plan = planned(Task.BINARY, drawn(3_000, 1, 1)[0], y=LABEL, s=SCORE)
    before = metrics_of(plan, drawn(3_000, 1, 2)[0])
    y = drawn(300, 1, 3)[0]["y"]
    perfect = metrics_of(plan, pa.table({"y": y, "s": np.where(y.to_numpy() == 1, 0.999, 0.001)}))
    for name, metric in perfect.items():
        assert metric.against(before[name])[0] < 1, name
    assert perfect["roc_auc"].interval[0][0] < 0.99  # 300 rows can't prove perfection


def test_the_band_turns_the_evidence_round():
    for make, task, role in ((drawn, Task.BINARY, SCORE), (guessed, Task.REGRESSION, PREDICTION)):
        plan = planned(task, make(3_000, 1, 1)[0], y=LABEL, s=role)
        before = metrics_of(plan, make(3_000, 1, 2)[0])
        for name, metric in metrics_of(plan, *make(60, 400, 3)).items():
            for limit in (2.0, 3.0, 5.0):  # a threshold is never lower
                low, high = metric.band(before[name], np.full(400, limit))
                loud = metric.against(before[name]) > limit
                outside = (metric.value < low - 1e-12) | (metric.value > high + 1e-12)
                known = ~np.isnan(metric.against(before[name]))
                assert (loud == outside)[known].all(), (name, limit)


def test_evidence_for_f1_is_that_of_the_share_behind_it():
    y, s = tumours()
    table = pa.table({"y": y, "s": s})
    plan = planned(Task.BINARY, table, y=LABEL, s=SCORE)
    now, before = metrics_of(plan, table.slice(0, 200))["f1"], metrics_of(plan, table.slice(200))["f1"]
    decided = s >= 0.5
    hits, either = (decided & (y == 1)), (decided | (y == 1))
    nats = share(hits[:200].sum(), either[:200].sum(), hits[200:].sum(), either[200:].sum(), side="down")
    assert now.against(before)[0] == pytest.approx(float(nats))
