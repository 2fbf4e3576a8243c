"""Naive baselines: what any model must beat before it is worth serving."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from watchkeeper.model import Model, Role, Task
from watchkeeper.profiles.quality_cells import class_counts, codes, in_order
from watchkeeper.release.gate.held import Held
from watchkeeper.release.gate.pairing import numbers_of
from watchkeeper.release.gate.sides import Rows, Sides
from watchkeeper.stats.influence_binary import BinaryRows
from watchkeeper.stats.influence_multiclass import MulticlassRows
from watchkeeper.stats.influence_ranking import RankingRows, ranked
from watchkeeper.stats.influence_regression import RegressionRows

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

SKILLED = {
    Task.BINARY: ("roc_auc", "pr_auc", "log_loss", "brier", "balanced_accuracy", "f1", "accuracy"),
    Task.MULTICLASS: ("log_loss", "accuracy", "balanced_accuracy", "f1"),
    Task.REGRESSION: ("mae", "rmse", "r2", "mape"),
    Task.RANKING: ("ndcg@10", "ndcg@5", "map", "mrr", "recall@10", "recall@5"),
}
"""Metrics that a constant answer can't win, by task, the one to choose first; recall alone can be had for free."""

OF_SCORES = ("roc_auc", "pr_auc", "log_loss", "brier")
"""Metrics that need probabilities."""

PERFECT = dict.fromkeys(("log_loss", "brier", "mae", "rmse", "mape"), 0.0)
"""What perfect answers reach; 1 in all other metrics."""


def skill_metric(sides: Sides, gated: tuple[str, ...]) -> str:
    """The metric in which skill is judged: the first that is gated and can show it, else the task's first."""
    known = SKILLED[sides.task]
    return next(name for name in (*gated, *known) if name in known and (sides.probabilities or name not in OF_SCORES))


def constant(model: Model, held: Held, sides: Sides, name: str, train: pa.Table | None) -> Rows:
    """The best constant answer for a metric: shares of classes, the majority, mean or median; of rankings, popularity.

    Learned from the training rows where they are given; else from the held-out rows themselves, which makes it as
    strong as a constant can be there, so a model that beats it would beat an honest one too. Popularity is the mean
    label of an item in training; without training rows, or without a column of items, the order is by chance.
    """
    column = next(model.with_role(Role.LABEL), "")
    past = train if train is not None and column in train.column_names and len(train) else None
    rows = sides.candidate
    match rows:
        case BinaryRows():
            n = len(rows.positive)
            share = rows.positive.sum() / max(n, 1) if past is None else _shares(past, column).get(sides.positive, 0.0)
            return BinaryRows(rows.positive, np.full(n, share), np.full(n, name == "f1" or share >= 0.5))
        case MulticlassRows():
            return _majority(
                rows, None if past is None else [_shares(past, column).get(one, 0.0) for one in sides.classes]
            )
        case RegressionRows():
            label = rows.label if past is None else numbers_of(past[column].to_numpy())
            label = label[np.isfinite(label)]
            best = np.mean if name in ("rmse", "r2") else np.median
            middle = float(best(label)) if len(label) else 0.0
            return RegressionRows(rows.label, np.full(len(rows.label), middle))
    return _popular(model, held, sides, past)


def last_value(held: Held, sides: Sides) -> Rows | None:
    """The label known last before each row: of the same entity where entities repeat, else of all rows in time.

    Probabilities are the shares of labels after such a one. None where nothing orders rows, or there is no such thing.
    The first row of an entity has no earlier label: it takes the median, or the majority.
    """
    rows = sides.candidate
    if held.time is None or isinstance(rows, RankingRows) or not len(sides):
        return None
    before = _before(held.time[sides.rows], sides.cluster)
    match rows:
        case RegressionRows():
            return RegressionRows(rows.label, np.where(before < 0, np.median(rows.label), rows.label[before]))
        case BinaryRows():
            known = MulticlassRows(rows.positive.astype(np.int64), rows.positive.astype(np.int64), None, 2)
        case MulticlassRows():
            known = rows
    usual = int(np.bincount(known.label, minlength=known.classes).argmax())
    told = np.where(before < 0, usual, known.label[before])
    after = np.bincount(told * known.classes + known.label, minlength=known.classes**2).reshape(known.classes, -1)
    shares = after / np.maximum(after.sum(axis=1, keepdims=True), 1)
    if isinstance(rows, BinaryRows):
        return BinaryRows(rows.positive, shares[told, 1], told == 1)
    return MulticlassRows(known.label, told, shares[told, known.label], known.classes)


def _before(time: Ints, cluster: Ints | None) -> Ints:
    """The row before each, in time, of the same entity; -1 for the first."""
    order = np.argsort(time, kind="stable") if cluster is None else np.lexsort((time, cluster))
    earlier = np.append(-1, order[:-1])
    if cluster is not None:
        earlier[1:][cluster[order[1:]] != cluster[order[:-1]]] = -1
    before = np.empty(len(time), dtype=np.int64)
    before[order] = earlier
    return before


def _shares(table: pa.Table, column: str) -> dict[str, float]:
    counts = class_counts(table, column)
    return {name: count / sum(counts.values()) for name, count in counts.items()}


def _majority(rows: MulticlassRows, shares: list[float] | None) -> MulticlassRows:
    """The commonest class, and the shares of all."""
    found = np.bincount(rows.label, minlength=rows.classes) / max(len(rows.label), 1)
    known = found if shares is None else np.array(shares)
    return MulticlassRows(rows.label, np.full(len(rows.label), int(known.argmax())), known[rows.label], rows.classes)


def _popular(model: Model, held: Held, sides: Sides, past: pa.Table | None) -> Rows:
    """Items in the order of their mean label in training; in no order where that is not known."""
    ranking = sides.ranking
    assert ranking is not None
    score = np.zeros(len(ranking.query))
    item = _item(model, held.table, ranking.used, ranking.query)
    if past is not None and item is not None and item in past.column_names:
        column = next(model.with_role(Role.LABEL))
        tables = pa.table({"then": past[item]}), pa.table({"now": held.table[item].take(pa.array(ranking.used))})
        names = in_order({name for table in tables for name in class_counts(table, table.column_names[0])})
        (then, known), (now, here) = codes(tables[0], ["then"], names)[0], codes(tables[1], ["now"], names)[0]
        label = numbers_of(past[column].to_numpy())
        usable = known & np.isfinite(label)
        total, count = (
            np.bincount(then[usable], label[usable], len(names)),
            np.bincount(then[usable], minlength=len(names)),
        )
        usual = total.sum() / max(count.sum(), 1)
        score = np.where(here, ((total + usual) / (count + 1))[now], usual)
    return ranked(ranking.query, ranking.relevance, score)[1]


def _item(model: Model, table: pa.Table, used: Ints, query: Ints) -> str | None:
    """The id column that names what is ranked: each once in a query, some in several."""
    for name in model.with_role(Role.ID):
        if name in table.column_names:
            item = table[name].take(pa.array(used)).combine_chunks().dictionary_encode()
            code = item.indices.fill_null(0).to_numpy(zero_copy_only=False).astype(np.int64)
            pairs = len(np.unique(query * (len(item.dictionary) + 1) + code))
            if pairs == len(query) and len(item.dictionary) < len(query):
                return name
    return None
