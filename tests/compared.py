"""What the tests of comparison share: two versions' answers to hours of real bike rentals."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.tree import DecisionTreeClassifier

from watchkeeper.model import Model
from watchkeeper.runtime import Answers

BIKES = Path(__file__).parent / "data" / "bike_sharing.parquet"
INPUTS = ["temp", "hum", "windspeed", "hour"]
COLUMNS = {
    "key": {"type": "string", "role": "id"},
    "ts": {"type": "timestamp", "role": "timestamp"},
    "temp": {"type": "number"},
    "hum": {"type": "number"},
    "windspeed": {"type": "number"},
    "hour": {"type": "number"},
    "weather": {"type": "string", "role": "segment"},
    "who": {"type": "string", "role": "protected", "pii": True},
    "phone": {"type": "string", "pii": True},
    "busy": {"type": "boolean", "role": "label"},
}


def the_model(task: str = "binary", label: str = "busy", **columns) -> Model:
    kept = {name: column for name, column in COLUMNS.items() if name != "busy"}
    kind = {"binary": "boolean", "multiclass": "string"}.get(task, "number")
    kept |= {label: {"type": kind, "role": "label"}} | columns
    return Model.model_validate({"name": "bikes", "task": task, "columns": kept})


@cache
def rows() -> pa.Table:
    """Real hours, with what was busy."""
    raw = pq.read_table(BIKES)
    count = np.asarray(raw["cnt"], dtype=np.float64)
    return pa.table(
        {
            "key": [f"h{i}" for i in range(len(count))],
            "ts": raw["ts"].cast(pa.timestamp("us", "UTC")),
            "temp": raw["temp"].cast(pa.float64()),
            "hum": raw["hum"],
            "windspeed": raw["windspeed"].cast(pa.float64()),
            "hour": pc.hour(raw["ts"]).cast(pa.float64()),
            "weather": [("fine", "mist", "wet", "wet")[w - 1] for w in raw["weathersit"].to_pylist()],
            "who": ["secret-a" if i % 3 else "secret-b" for i in range(len(count))],
            "phone": [f"+49-{i}" for i in range(len(count))],
            "busy": count > 200,
            "level": np.where(count > 300, "high", np.where(count > 80, "middle", "low")),
            "cnt": count,
        }
    )


def inputs(table: pa.Table) -> np.ndarray:
    return np.column_stack([np.asarray(table[name]) for name in INPUTS]).astype(np.float32)


@cache
def fitted(kind: str, label: str = "busy"):
    """A model that learned from the first year: `plain` goes by the weather, `tree` by all."""
    first = rows().slice(0, 8_000)
    x, y = inputs(first), np.asarray(first[label])
    if kind == "value":
        return LinearRegression().fit(x, y)
    if kind == "poor":
        return LinearRegression().fit(x[:, :1], y)
    made = {
        "plain": lambda: make_pipeline(StandardScaler(), LogisticRegression()),
        "tree": lambda: DecisionTreeClassifier(max_depth=6, random_state=0),
    }[kind]()
    return made.fit(x, y.astype(int) if y.dtype == bool else y)


def answers(kind: str, table: pa.Table, label: str = "busy") -> Answers:
    """What a model says."""
    model, x = fitted(kind, label), inputs(table)
    if kind == "poor":
        return Answers(model.predict(x[:, :1]))
    if kind == "value":
        return Answers(model.predict(x))
    classes = tuple(value.item() if hasattr(value, "item") else value for value in model.classes_)
    return Answers(model.predict(x), model.predict_proba(x), classes)


def later(n: int = 6_000) -> pa.Table:
    """Hours that no model has seen."""
    return rows().slice(9_000, n)
