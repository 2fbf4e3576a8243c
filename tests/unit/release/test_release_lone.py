"""What single features achieve, against scikit-learn and simulation."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest
from sklearn.metrics import roc_auc_score

import gated
from watchkeeper.model import Model
from watchkeeper.release.gate.lone import lone


def model(task, **types):
    columns = {name: {"type": kind} for name, kind in types.items()}
    return Model.model_validate({"name": "m", "task": task, "columns": columns})


def test_areas_are_those_of_scikit_learn_and_their_interval_is_what_chance_makes():
    table = gated.rows("2012-01-01", "2012-05-01")
    label, temp = (np.asarray(table[name].to_pylist()) for name in ("busy", "temp"))
    (found,) = lone(table, ["temp"], label, model("binary", temp="integer"))
    assert found.value == pytest.approx(roc_auc_score(label, temp), abs=1e-12)
    draw = np.random.default_rng(0)
    drawn = (draw.integers(0, len(label), len(label)) for _ in range(400))
    error = np.std([roc_auc_score(label[rows], temp[rows]) for rows in drawn])
    assert found.value - found.low == pytest.approx(1.96 * error, rel=0.12)


def test_a_feature_that_is_missing_exactly_where_the_label_is_true_is_found():
    """Such as a date of cancellation, which only cancelled bookings have."""
    label = np.arange(2_000) % 3 == 0
    table = pa.table({"left": pa.array([None if yes else 7.0 for yes in label]), "age": np.arange(2_000) % 50 * 1.0})
    best, other = lone(table, ["age", "left"], label, model("binary", left="number", age="number"))
    assert (best.column, best.metric) == ("left", "roc_auc")
    assert best.low > 0.99
    assert other.value < 0.6


def test_codes_and_texts_are_found_though_they_have_no_order():
    draw = np.random.default_rng(2)
    label = draw.integers(0, 3, 3_000)
    texts = np.array([["x", "m", "b"], ["c", "q", "y"]])[draw.integers(0, 2, 3_000), label]
    (found,) = lone(pa.table({"note": texts.tolist()}), ["note"], label, model("multiclass", note="string"))
    assert found.low > 0.99


def test_noise_is_not_called_a_feature_however_many_values_it_has():
    draw = np.random.default_rng(3)
    label = draw.integers(0, 2, 1_000).astype(bool)
    table = pa.table({"name": [f"n{i}" for i in draw.integers(0, 900, 1_000)], "x": draw.normal(size=1_000)})
    for one in lone(table, ["name", "x"], label, model("binary", name="string", x="number")):
        assert one.value < 0.58


def test_of_values_the_share_of_variance_that_one_feature_explains_is_told():
    draw = np.random.default_rng(4)
    x = draw.normal(size=4_000)
    label = 3 * x + draw.normal(size=4_000) * 0.1
    table = pa.table({"x": x, "bent": (x**2).tolist()})
    best, other = lone(table, ["x", "bent"], label, model("regression", x="number", bent="number"))
    assert best.column == "x"
    assert best.value == pytest.approx(np.corrcoef(x, label)[0, 1] ** 2, abs=0.002)
    assert best.low < best.value
    assert other.value < 0.2
