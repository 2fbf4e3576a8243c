"""Metrics of ranked lists, query by query, so that two rankings of the same queries compare."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from watchkeeper.model import Task
from watchkeeper.profiles.quality_plan import QualityPlan
from watchkeeper.profiles.quality_ranking import ALL, RankingQuality
from watchkeeper.stats.influence import Estimate, mean
from watchkeeper.stats.quality_ranking import per_query

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class RankingRows:
    """Metrics of queries, each of shape (queries,); a query is what a row is elsewhere."""

    values: Mapping[str, Floats]
    """By the metric's name."""

    def of(self, rows: NDArray[np.generic]) -> RankingRows:
        """The same of some queries only."""
        return RankingRows({name: values[rows] for name, values in self.values.items()})


def ranked(query: Ints, relevance: Floats, score: Floats) -> tuple[Ints, RankingRows]:
    """Queries with a relevant row, ascending, and their metrics when rows are ordered by `score`, the highest first.

    `query`: which query each row belongs to, numbers from 0 on. As `quality_ranking.ranking_metrics` has it.
    """
    order = np.lexsort((-relevance, -score, query))
    none = np.zeros(1, dtype=np.int64)
    at, by = np.zeros(len(order), dtype=np.int64), query[order].astype(np.uint64)
    plan = QualityPlan(Task.RANKING, "label", None, ("score",), "query", k=(5, 10))
    limit = np.full(1, ALL)
    held = RankingQuality(plan, none, none, at, limit, by, score[order], relevance[order])
    queries = np.unique(query[relevance > 0])
    return queries, RankingRows(per_query(held)[1])


def estimate(name: str, rows: RankingRows) -> Estimate:
    """The mean of a metric over queries."""
    return mean(rows.values[name], 1.0)
