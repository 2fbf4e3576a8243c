"""Held-out rows and answers of two models, drawn so that what is true of them is known."""

import numpy as np
import pyarrow as pa

from watchkeeper.model import Column, Model, Need, Role, Task, Type
from watchkeeper.release.gate.evaluate import evaluate
from watchkeeper.release.gate.held import Held
from watchkeeper.runtime import Answers

BINARY = Model(name="b", task=Task.BINARY, columns={"y": Column(type=Type.INTEGER, role=Role.LABEL)})
NUMBERS = Model(name="r", task=Task.REGRESSION, columns={"y": Column(type=Type.NUMBER, role=Role.LABEL)})
CLASSES = Model(name="c", task=Task.MULTICLASS, columns={"y": Column(type=Type.STRING, role=Role.LABEL)})
RANKED = Model(
    name="q",
    task=Task.RANKING,
    columns={
        "y": Column(type=Type.NUMBER, role=Role.LABEL),
        "query": Column(type=Type.STRING, role=Role.QUERY),
        "item": Column(type=Type.STRING, role=Role.ID),
    },
)


def scored(p):
    """Answers of a binary model that gives these probabilities."""
    p = np.asarray(p, dtype=float)
    return Answers((p >= 0.5).astype(np.int64), np.stack([1 - p, p], axis=1), (0, 1))


def world(n, seed=0, noise=0.0):
    """Labels, and the probabilities of a model that errs by so much."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=n)
    label = (rng.random(n) < 1 / (1 + np.exp(-1.5 * x))).astype(np.int64)
    return label, 1 / (1 + np.exp(-1.5 * (x + np.random.default_rng(seed + 1).normal(size=n) * noise)))


def held(label, table=None, **more):
    """Held-out rows of these labels."""
    return Held(pa.table({"y": label}) if table is None else table, np.asarray(label), **more)


def outcomes(model, rows, candidate, live=None, past=None, **need):
    """The evaluation, and outcomes of its checks by name (and metric, where there is one)."""
    found = evaluate(model, rows, candidate, live, Need.model_validate(need), past)
    by = {}
    for check in found.checks:
        by.setdefault(check.name, []).append(check.outcome.value)
    return found, {name: told[0] if len(told) == 1 else told for name, told in by.items()}
