"""A home with a model of real data, candidates of known worth as ONNX files, and held-out rows to judge them by.

Hourly bicycle rentals and weather (tests/data): is the hour busy, that is, are more than 200 bicycles rented? Models
are trained on 2011, and held to January to April 2012.
"""

from __future__ import annotations

from contextlib import contextmanager
from datetime import UTC, datetime
from functools import cache
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from watchkeeper.release import registry
from watchkeeper.release.gate.gate import gate
from watchkeeper.state import deployment
from watchkeeper.state.deployment import Action
from watchkeeper.watch.add import add
from watchkeeper.watch.home import opened

BIKES = Path(__file__).parent / "data" / "bike_sharing.parquet"
NAME = "bikes"
FEATURES = ("hour", "weekday", "temp", "hum", "windspeed")
START = datetime(2012, 1, 1, tzinfo=UTC)
NOW = int(datetime(2012, 5, 1, tzinfo=UTC).timestamp()) * 1_000_000
YAML = """\
name: bikes
task: binary
window: week
positive: true
columns:
  id: {type: string, role: id, drift: false}
  at: {type: timestamp, role: timestamp}
  weathersit: {type: integer, role: segment, categorical: true}
  hour: {type: integer}
  weekday: {type: integer}
  temp: {type: integer}
  hum: {type: number}
  windspeed: {type: integer}
  busy: {type: boolean, role: label}
"""


def rows(start, end):
    """Hours from `start` up to `end` (ISO dates) with their label, one row each."""
    table = pq.read_table(BIKES)
    at = table["ts"].cast(pa.timestamp("us", tz="UTC"))
    ends = [pa.scalar(datetime.fromisoformat(day).replace(tzinfo=UTC), at.type) for day in (start, end)]
    inside = pc.and_(pc.greater_equal(at, ends[0]), pc.less(at, ends[1]))
    made = {
        "id": pa.array([f"b{i}" for i in range(table.num_rows)]),
        "at": at,
        "weathersit": table["weathersit"].cast(pa.int64()),
        "hour": pc.hour(at),
        "weekday": pc.day_of_week(at),
        "temp": table["temp"].cast(pa.int64()),
        "hum": table["hum"],
        "windspeed": table["windspeed"].cast(pa.int64()),
        "busy": pc.greater(table["cnt"], 200),
    }
    return pa.table(made).filter(inside)


def matrix(table, features=FEATURES):
    return np.column_stack([np.asarray(table[name], dtype=np.float32) for name in features])


def fitted(kind, features=FEATURES, table=None):
    """A classifier of a kind, trained on 2011 or on the table."""
    from sklearn.ensemble import GradientBoostingClassifier, RandomForestClassifier
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler
    from sklearn.tree import DecisionTreeClassifier

    made = {
        "constant": lambda: DecisionTreeClassifier(min_samples_leaf=100_000),
        "plain": lambda: make_pipeline(StandardScaler(), LogisticRegression()),
        "boosted": lambda: GradientBoostingClassifier(n_estimators=40, max_depth=4, random_state=0),
        "forest": lambda: RandomForestClassifier(30, max_depth=9, random_state=0),
    }[kind]()
    table = rows("2011-01-01", "2012-01-01") if table is None else table
    return made.fit(matrix(table, features), np.asarray(table["busy"].to_pylist()).astype(int))


def onnx(model, width):
    """The bytes of its ONNX file, which takes one matrix."""
    from skl2onnx import to_onnx
    from skl2onnx.common.data_types import FloatTensorType

    return to_onnx(
        model, initial_types=[("input", FloatTensorType([None, width]))], options={"zipmap": False}
    ).SerializeToString()


@cache
def artefact(kind, features=FEATURES):
    """The ONNX file of a classifier of a kind."""
    return onnx(fitted(kind, features), len(features))


def held_out(folder, table=None, name="latest.parquet"):
    """The file of held-out rows."""
    path = folder / name
    pq.write_table(rows("2012-01-01", "2012-05-01") if table is None else table, path)
    return str(path)


@contextmanager
def home(folder, *, yaml=YAML, gate_lines="", live="plain", config=""):
    """A home with the model, its baseline of 2011, and `v1` live, of the kind named."""
    pq.write_table(rows("2011-01-01", "2012-01-01"), folder / "train.parquet")
    (folder / "m.yaml").write_text(yaml + gate_lines)
    (folder / "home").mkdir()
    (folder / "home" / "config.yaml").write_text(config)
    with opened(folder / "home") as found:
        add(found, folder / "m.yaml", [str(folder / "train.parquet")], now=NOW, who="ann")
        if live is not None:
            register(found, folder, live)
            put_live(found, "v1")
        yield found


LINEAGE = {"data": {"from": "2011-01-01T00:00:00Z", "to": "2012-01-01T00:00:00Z", "files": [], "rows": 8645}}


def register(found, folder, kind, *, features=FEATURES, lineage=LINEAGE, **more):
    """Register a classifier of a kind, or the bytes of a file; gives the version's name."""
    path = folder / "model.onnx"
    path.write_bytes(kind if isinstance(kind, bytes) else artefact(kind, features))
    made = registry.register(found, NAME, path, inputs=list(features), lineage=lineage, now=NOW, who="ann", **more)
    return made.version


def put_live(found, version):
    """Put a version live without a verdict."""
    log = deployment.log(found.store, NAME)
    after = log[-1].id if log else None
    assert deployment.add(found.store, NAME, version, Action.FORCE, "test", None, NOW, "ann", after=after)


def gated(found, version, holdout, **more):
    """The gate's verdict."""
    return gate(found, NAME, version, holdout, now=NOW, who="ann", **more)


def outcome_of(verdict, name):
    """What a check said; all of that name must agree."""
    outcomes = {check.outcome.value for check in verdict.checks if check.name == name}
    assert len(outcomes) == 1, (name, outcomes, verdict.checks)
    return outcomes.pop()
