"""Metrics of ranked lists: means over the queries of a sample."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from watchkeeper.profiles.quality_ranking import RankingQuality
from watchkeeper.stats.quality_metric import ENOUGH, MeanLaw, Metric, mean_metric, unbiased

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


def ranking_metrics(profile: RankingQuality) -> Iterator[Metric]:
    """NDCG@k, recall@k, MRR and MAP: means over the queries that have a relevant row (a label above 0).

    NDCG takes the label as gain and averages over the orders of tied rows, as scikit-learn does; recall@k likewise. For
    MRR and MAP tied rows all stand last of their tie (scikit-learn's average precision), so equal scores earn nothing.
    Variance: that of the queries.
    """
    plan, slices = profile.plan, len(profile.labelled)
    columns = (plan.label, plan.scores[0])
    at, values = per_query(profile)
    count = np.bincount(at, minlength=slices)
    for name, x in values.items():
        with np.errstate(divide="ignore", invalid="ignore"):
            mean = np.bincount(at, x, slices) / count
            square = np.bincount(at, x**2, slices) / count
        unit, queries = unbiased(mean, square, count)[None], count[None].astype(np.float64)
        law = MeanLaw(mean, unit, queries, "high", 0.0, 1.0)
        yield mean_metric(name, columns, profile.labelled, count >= ENOUGH, law)


def per_query(profile: RankingQuality) -> tuple[Ints, dict[str, Floats]]:
    """The slice of each query with a relevant row, and its metrics; shape (queries,), in the order of `query`."""
    gain = np.maximum(profile.relevance, 0.0)
    relevant = (gain > 0).astype(np.float64)
    new = _changes(profile.at, profile.query)
    starts = np.flatnonzero(new)
    if not len(starts):
        return np.empty(0, dtype=np.int64), {name: np.empty(0) for name in _names(profile.plan.k)}
    query = np.cumsum(new) - 1
    tie_new = new | _changes(profile.order)
    ties = np.flatnonzero(tie_new)
    tie = np.cumsum(tie_new) - 1
    owner = query[ties]
    size = np.diff(np.append(ties, len(query)))
    first = ties - starts[owner]  # rows of the query ahead of the tie
    last = first + size
    ideal = np.lexsort((-gain, query))
    discount = np.append(0.0, np.cumsum(1 / np.log2(np.arange(2, np.diff(np.append(starts, len(query))).max() + 2))))
    tie_gain, tie_relevant = np.bincount(tie, gain), np.bincount(tie, relevant)
    total = np.bincount(query, relevant)
    found = np.cumsum(tie_relevant)
    found = found - np.append(0.0, found)[tie[starts]][owner]
    rank = np.arange(len(query)) - starts[query]
    values = {}
    for k in profile.plan.k:
        inside = np.minimum(last, k) - np.minimum(first, k)
        dcg = np.bincount(owner, tie_gain / size * (discount[np.minimum(last, k)] - discount[np.minimum(first, k)]))
        top = gain[ideal] * np.where(rank < k, discount[rank + 1] - discount[rank], 0.0)
        with np.errstate(divide="ignore", invalid="ignore"):
            values[f"ndcg@{k}"] = dcg / np.bincount(query, top)
            values[f"recall@{k}"] = np.bincount(owner, tie_relevant * inside / size) / total
    with np.errstate(divide="ignore", invalid="ignore"):
        values["mrr"] = np.maximum.reduceat(np.where(tie_relevant > 0, 1 / last, 0.0), tie[starts])
        values["map"] = np.bincount(owner, tie_relevant * found / last) / total
    some = total > 0
    return profile.at[starts][some], {name: values[name][some] for name in _names(profile.plan.k)}


def _names(ks: tuple[int, ...]) -> list[str]:
    return [*(f"ndcg@{k}" for k in ks), *(f"recall@{k}" for k in ks), "mrr", "map"]


def _changes(*keys: NDArray[np.generic]) -> NDArray[np.bool_]:
    """Where a row differs from the one before it; the first does."""
    new = np.zeros(len(keys[0]), dtype=bool)
    new[:1] = True
    for key in keys:
        new[1:] |= key[1:] != key[:-1]
    return new
