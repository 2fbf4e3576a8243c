"""The two models' answers beside the labels, row by row: what every metric of the gate is measured of."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from watchkeeper.model import Task, WatchkeeperError
from watchkeeper.report.words import plural
from watchkeeper.stats.influence import Estimate, unknown
from watchkeeper.stats.influence_binary import SCORED, BinaryRows, decision
from watchkeeper.stats.influence_multiclass import MULTICLASS, MulticlassRows
from watchkeeper.stats.influence_ranking import RankingRows, estimate
from watchkeeper.stats.influence_regression import REGRESSION, RegressionRows

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]
Rows = BinaryRows | MulticlassRows | RegressionRows | RankingRows


class CannotEvaluate(WatchkeeperError):
    """Held-out rows and answers do not fit the model's declaration, so that nothing can be measured."""


@dataclass(frozen=True, eq=False)
class Ranking:
    """Rows of the queries that both models ranked; arrays of shape (rows,)."""

    used: Ints
    """Their places among the held-out rows."""
    query: Ints
    """Which query each belongs to."""
    relevance: Floats


@dataclass(frozen=True, eq=False)
class Sides:
    """Labels and answers of the rows that both models answered; of rankings, queries stand for rows."""

    task: Task
    rows: Ints
    """Their places among the held-out rows, shape (n,)."""
    candidate: Rows
    live: Rows | None
    """None where nothing is live."""
    cluster: Ints | None
    """Which entity each row is about, numbers from 0 on; None where no entity has two."""
    unlabelled: int = 0
    """Held-out rows without a label."""
    unanswered: int = 0
    """Labelled rows to which the candidate gave no valid answer."""
    unpaired: int = 0
    """Rows that the candidate answered and the live model did not."""
    positive: str = ""
    """Binary: the class that scores speak for."""
    scored: bool = False
    """Whether both models give probabilities."""
    classes: tuple[str, ...] = ()
    """Several classes: their names, by number."""
    ranking: Ranking | None = None
    """Rankings: the rows of the queries."""

    def __len__(self) -> int:
        return len(self.rows)

    def of(self, chosen: NDArray[np.generic]) -> Sides:
        """The same of some rows only."""
        cluster = self.cluster
        if cluster is not None:
            cluster = pa.array(cluster[chosen]).dictionary_encode().indices.to_numpy().astype(np.int64)
        live = None if self.live is None else self.live.of(chosen)
        return replace(self, rows=self.rows[chosen], candidate=self.candidate.of(chosen), live=live, cluster=cluster)

    @property
    def probabilities(self) -> bool:
        """Whether the candidate gives any."""
        rows = self.candidate
        return isinstance(rows, BinaryRows | MulticlassRows) and rows.score is not None

    @property
    def counted(self) -> str:
        """How many count, in words."""
        return plural(len(self), "query", "queries") if self.task is Task.RANKING else plural(len(self), "row")

    @cached_property
    def same(self) -> bool:
        """Whether both models answered alike everywhere."""
        return self.live is not None and _alike(self.candidate, self.live)

    @cached_property
    def few(self) -> str:
        """Why no metric can be judged of so few rows, or nothing."""
        if isinstance(self.candidate, BinaryRows):
            positive = int(self.candidate.positive.sum())
            least = min(positive, len(self) - positive)
            if least < OF_EACH:
                return f"{least:,} of {len(self):,} rows are of the rarer class, and {OF_EACH} are needed"
        return ""


OF_EACH = 10
"""Rows of each class that a binary metric needs: the corrections for few rows hold from here on."""


def metric(name: str, rows: Rows) -> Estimate:
    """A metric by its name."""
    if isinstance(rows, RegressionRows):
        return REGRESSION[name](rows)
    if isinstance(rows, MulticlassRows):
        missing = name == "log_loss" and rows.score is None
        return unknown(len(rows.label)) if missing else MULTICLASS[name](rows)
    if isinstance(rows, RankingRows):
        return estimate(name, rows)
    if name in SCORED:
        return unknown(len(rows.positive)) if rows.score is None else SCORED[name](rows)
    return decision(name, rows)


def _alike(one: Rows, other: Rows) -> bool:
    if isinstance(one, BinaryRows) and isinstance(other, BinaryRows):
        scores = one.score is None or other.score is None or np.array_equal(one.score, other.score)
        return scores and np.array_equal(one.decided, other.decided)
    if isinstance(one, RankingRows) and isinstance(other, RankingRows):
        return all(np.array_equal(values, other.values[name]) for name, values in one.values.items())
    if isinstance(one, MulticlassRows) and isinstance(other, MulticlassRows):
        scores = one.score is None or other.score is None or np.array_equal(one.score, other.score)
        return scores and np.array_equal(one.predicted, other.predicted)
    assert isinstance(one, RegressionRows)
    assert isinstance(other, RegressionRows)
    return np.array_equal(one.predicted, other.predicted)
