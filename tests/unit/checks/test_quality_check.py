"""The quality check: which metrics it judges, what it says, and when it stays quiet."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from watchkeeper.checks import quality
from watchkeeper.checks.run import measured as measurements_of
from watchkeeper.model import Column, Model, Role, Task, Type
from watchkeeper.profiles import Baseline, Slice, fit, merge, profile

NUMBER = Type.NUMBER
FIT = 4_000


def scored(n, seed, noise=0.0):
    """Labels, the scores that made them (blurred by `noise`), and the decisions made of the scores."""
    rng = np.random.default_rng(seed)
    z = rng.normal(0, 2, n)
    y = (rng.random(n) < 1 / (1 + np.exp(-z))).astype(int)
    s = 1 / (1 + np.exp(-(z + noise * rng.normal(0, 2, n))))
    return {"churned": y, "score": s, "decision": (s >= 0.5).astype(int)}


def estimated(n, seed, off=0.0):
    rng = np.random.default_rng(seed)
    p = rng.normal(100, 30, n)
    return {"demand": p + rng.normal(0, 5, n), "forecast": p + off}


def measured(task, roles, baseline, *windows):
    """Measurements of the windows, by metric; the baseline is cut in four."""
    columns = {name: Column(type=type_, role=role) for name, (type_, role) in roles.items()}
    before = pa.table({name: baseline[name] for name in roles})
    edges = fit(Model(name="m", task=task, columns=columns), [before])
    quarters = np.arange(len(before)) * 4 // len(before)
    reference = Baseline(profile(edges, before, quarters, [Slice(label=str(i)) for i in range(4)]), "blocks")
    tables = [pa.table({name: window[name] for name in roles}) for window in windows]
    parts = [profile(edges, t, np.zeros(len(t), dtype=np.int64), [Slice(label=f"w{i}")]) for i, t in enumerate(tables)]
    return {m.metric: m for m in measurements_of(merge(parts), reference, [quality.CHECK])}


BINARY = {
    "churned": (Type.INTEGER, Role.LABEL),
    "score": (NUMBER, Role.SCORE),
    "decision": (Type.INTEGER, Role.PREDICTION),
}
REGRESSION = {"demand": (NUMBER, Role.LABEL), "forecast": (NUMBER, Role.PREDICTION)}


def test_one_metric_is_judged_for_each_thing_that_can_go_wrong_and_the_rest_reported():
    found = measured(Task.BINARY, BINARY, scored(FIT, 1), scored(500, 2), scored(500, 3))
    assert {name for name, m in found.items() if m.judged} == {"roc_auc", "calibration_error", "accuracy"}
    assert found.keys() >= {"pr_auc", "log_loss", "brier", "precision", "recall", "f1"}
    assert found["roc_auc"].columns == ("churned", "score")
    assert found["recall"].columns == ("churned", "decision")
    for m in found.values():
        assert m.value.shape == m.rows.shape == m.effect.shape == m.interval[0].shape == (2,)
        assert (m.interval[0] <= m.value).all()
        assert (m.value <= m.interval[1]).all()


def test_an_unchanged_model_speaks_for_nothing_and_a_failing_one_loudly():
    found = measured(Task.BINARY, BINARY, scored(FIT, 1), scored(500, 2), scored(500, 3, noise=2))
    for m in found.values():
        if m.judged:
            assert m.evidence[0] < 5, m.metric
            assert m.evidence[1] > 20, m.metric
            low, high = m.band(np.full(2, 8.0))
            assert low[0] <= m.value[0] <= high[0], m.metric
            assert not low[1] <= m.value[1] <= high[1], m.metric


def test_the_finding_says_what_fell_from_what_on_how_many_rows_and_what_is_usual():
    auc = measured(Task.BINARY, BINARY, scored(FIT, 1), scored(500, 3, noise=2))["roc_auc"]
    low, high = auc.band(np.full(1, 8.0))
    said = quality.CHECK.say(auc, 0, (float(low[0]), float(high[0])))
    assert said == (
        "The model's ROC AUC fell from 0.865 to 0.657 (95 % interval 0.608 to 0.703), `score` against `churned` on 500 "
        "labelled rows; at least 0.78 is usual."
    )


def test_an_error_is_a_multiple_of_the_baselines_and_bias_of_its_error():
    found = measured(Task.REGRESSION, REGRESSION, estimated(FIT, 1), estimated(300, 2), estimated(300, 3, off=-6))
    assert {name for name, m in found.items() if m.judged} == {"mae", "bias"}
    assert found["mae"].scale == found["bias"].scale == found["mae"].was(0)
    assert found["bias"].evidence[0] < 5
    assert found["bias"].evidence[1] > 50
    assert found["bias"].effect[1] < -5
    said = quality.CHECK.say(found["bias"], 1, (-1.5, 1.5))
    assert "bias fell" in said
    assert said.endswith("-1.5 to 1.5 is usual.")


def test_too_few_labels_are_no_evidence():
    late = scored(500, 3, noise=2)
    late["churned"] = [int(y) if i < 19 else None for i, y in enumerate(late["churned"])]
    for m in measured(Task.BINARY, BINARY, scored(FIT, 1), late).values():
        assert m.rows[0] <= 19
        assert m.evidence is None or np.isnan(m.evidence[0])


def test_a_window_without_any_label_is_passed_over():
    unlabelled = scored(500, 3)
    unlabelled["churned"] = pa.nulls(500, pa.int64())
    assert measured(Task.BINARY, BINARY, scored(FIT, 1), unlabelled) == {}


def test_decisions_without_scores_are_judged_by_accuracy_and_f1():
    roles = {name: BINARY[name] for name in ("churned", "decision")}
    found = measured(Task.BINARY, roles, scored(FIT, 1), scored(500, 2))
    assert {name for name, m in found.items() if m.judged} == {"accuracy", "f1"}
