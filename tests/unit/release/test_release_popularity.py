"""The naive baseline of rankings, as the gate learns it from the files of the training."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from sklearn.metrics import ndcg_score

from watchkeeper.model import load
from watchkeeper.release import registry
from watchkeeper.release.gate.gate import gate
from watchkeeper.release.gate.popularity import trained_items
from watchkeeper.watch.add import add
from watchkeeper.watch.home import opened

NOW = int(datetime(2026, 3, 1, tzinfo=UTC).timestamp()) * 1_000_000
YAML = """\
name: shelf
task: ranking
window: day
columns:
  row: {type: string, role: id, drift: false}
  item: {type: string, role: id, drift: false}
  search: {type: string, role: query, drift: false}
  at: {type: timestamp, role: timestamp}
  match: {type: number}
  bought: {type: number, role: label}
"""
PREDICT = "def predict(rows, path=None):\n    return rows['match']\n"


def shelf(start, queries, seed):
    """Searches with ten of thirty items each; items with higher numbers are bought more often."""
    rng = np.random.default_rng(seed)
    item = np.concatenate([rng.permutation(30)[:10] for _ in range(queries)])
    bought = (rng.random(len(item)) < 0.05 + 0.5 * item / 30).astype(float)
    return pa.table(
        {
            "row": [f"{seed}-{i}" for i in range(len(item))],
            "item": [f"i{one}" for one in item],
            "search": [f"s{seed}-{i // 10}" for i in range(len(item))],
            "at": [start + timedelta(minutes=i // 10) for i in range(len(item))],
            "match": bought + rng.normal(size=len(item)),
            "bought": bought,
        }
    )


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    made = tmp_path_factory.mktemp("shelf")
    pq.write_table(shelf(datetime(2026, 1, 1, tzinfo=UTC), 1_500, 1), made / "train.parquet")
    pq.write_table(shelf(datetime(2026, 2, 1, tzinfo=UTC), 500, 2), made / "held.parquet")
    (made / "m.yaml").write_text(YAML)
    (made / "predict.py").write_text(PREDICT)
    return made


def test_the_gate_learns_popularity_from_the_training_files(folder):
    function, train = f"{folder / 'predict.py'}:predict", [str(folder / "train.parquet")]
    with opened(folder / "home", make=True) as home:
        add(home, folder / "m.yaml", train, now=NOW, who="ann")
        registry.register(home, "shelf", inputs=["match"], function=function, now=NOW, who="ann")
        asked = {"model_fn": function, "now": NOW, "who": "ann"}
        chance = gate(home, "shelf", "v1", str(folder / "held.parquet"), **asked)
        known = gate(home, "shelf", "v1", str(folder / "held.parquet"), train=train, **asked)
    past, held = pq.read_table(folder / "train.parquet"), pq.read_table(folder / "held.parquet")
    items = past.group_by("item").aggregate([("bought", "mean")])
    shares = dict(zip(items["item"].to_pylist(), items["bought_mean"].to_pylist(), strict=True))
    label = np.asarray(held["bought"]).reshape(-1, 10)
    score = np.array([shares[one] for one in held["item"].to_pylist()]).reshape(-1, 10)
    told = label.sum(axis=1) > 0
    assert known.metrics["ndcg@10"]["naive"] == pytest.approx(ndcg_score(label[told], score[told]), abs=0.003)
    assert chance.metrics["ndcg@10"]["naive"] == pytest.approx(ndcg_score(label[told], 0 * score[told]), abs=1e-9)
    assert known.metrics["ndcg@10"]["naive"] > chance.metrics["ndcg@10"]["naive"] + 0.05


def test_files_without_labels_tell_nothing_of_popularity(folder):
    model = load(folder / "m.yaml")
    whole = [str(folder / "train.parquet"), str(folder / "held.parquet")]
    assert trained_items(whole, model).num_rows == 20_000
    pq.write_table(pq.read_table(whole[0]).drop_columns(["bought"]), folder / "bare.parquet")
    assert trained_items([whole[0], str(folder / "bare.parquet")], model) is None
