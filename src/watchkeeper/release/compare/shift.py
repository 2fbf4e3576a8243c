"""Shift: how the scores or values of rows change from one version to another, and the order they bring rows into."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from watchkeeper.model import Model, Role, Task
from watchkeeper.release.compare.flip import part
from watchkeeper.report import mask
from watchkeeper.report.comparison import Errors, Estimate, Head, Lists, Moved, Order, Picture, Scores
from watchkeeper.runtime import Answers
from watchkeeper.stats import agreement, interval, paired

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

STEPS = (0.01, 0.05, 0.1)
"""Probabilities count as moved by more than this; values by these shares of what 90 % of the old ones span."""
QUANTILES = (0.01, 0.05, 0.25, 0.5, 0.75, 0.95, 0.99)
HEADS = (0.01, 0.05, 0.1)
"""Heads of the order that are compared, as shares of the rows."""
DEPTHS = (1, 5, 10)
"""Depths of ranked lists that are compared."""
BINS = 50
FAR = 2.0
"""Values are drawn as they lie, unless they reach so many times as far as 99 % of them: then at the edge."""


def scores(model: Model, answers: Answers) -> Floats | None:
    """One number for each row, shape (n,): a probability of the positive or likeliest class, or the value itself."""
    if model.task is Task.BINARY:
        return answers.score(model.positive)
    if model.task is Task.MULTICLASS:
        return None if answers.scores is None else answers.scores.max(axis=1)
    if model.task in (Task.REGRESSION, Task.RANKING) and answers.prediction is not None:
        return answers.prediction.astype(np.float64)
    return None


def shift(model: Model, old: Floats, new: Floats) -> Scores | None:
    """How they change, of the rows that both versions give a finite score; None where there is none."""
    old, new = both_finite(old, new)
    if not len(old):
        return None
    kind = {Task.BINARY: "probability", Task.MULTICLASS: "confidence"}.get(model.task, "value")
    change = new - old
    low, high = np.quantile(old, [0.05, 0.95]).tolist()
    unit = (high - low) if kind == "value" else 1.0
    size = np.abs(change)
    return Scores(
        what=kind,  # type: ignore[arg-type]
        of=None if kind != "probability" or mask.hidden(model, model.with_role(Role.LABEL)) else model.positive,
        rows=len(old),
        before=float(old.mean()),
        after=float(new.mean()),
        change=mean(change),
        quantiles=dict(zip(map(str, QUANTILES), np.quantile(change, QUANTILES).tolist(), strict=True)),
        mean_absolute=float(size.mean()),
        moved=tuple(Moved(step * unit, part(size > step * unit)) for step in STEPS if unit > 0),
        wasserstein=paired.wasserstein(old, new),
        ks=paired.ks(old, new),
    )


def order(old: Floats, new: Floats) -> Order | None:
    """How the order of all rows changes; None of fewer than two rows."""
    old, new = both_finite(old, new)
    if len(old) < 2:
        return None
    one, other = agreement.places(old, new)
    sizes = sorted({int(np.ceil(share * len(old))) for share in HEADS})
    heads = [Head(k, round(agreement.overlap(one, other, k) * k)) for k in sizes]
    return Order(agreement.spearman(old, new), agreement.kendall(old, new), tuple(heads))


def errors(old: Floats, new: Floats, label: Floats) -> Errors | None:
    """How far values are from the labels; None without labels."""
    known = np.isfinite(old) & np.isfinite(new) & np.isfinite(label)
    if not known.any():
        return None
    before, after = (np.abs(values[known] - label[known]) for values in (old, new))
    return Errors(
        before=float(before.mean()),
        after=float(after.mean()),
        change=mean(after - before),
        nearer=part(after < before),
        farther=part(after > before),
    )


def by_query(old: Floats, new: Floats, query: NDArray[Any]) -> tuple[Ints, Floats, Floats, Ints]:
    """Of each query: its first row, its rank-biased overlap, its overlaps at DEPTHS (queries, depths), its rows."""
    known, codes = np.unique(query, return_inverse=True)
    first, rbo, heads, sizes = [], [], [], []
    by = np.argsort(codes, kind="stable")
    for rows in np.split(by, np.cumsum(np.bincount(codes, minlength=len(known)))[:-1]):
        kept = rows[np.isfinite(old[rows]) & np.isfinite(new[rows])]
        one, other = agreement.places(old[kept], new[kept])
        first.append(int(rows[0]))
        rbo.append(agreement.rank_biased_overlap(one, other))
        heads.append([agreement.overlap(one, other, k) for k in DEPTHS])
        sizes.append(len(kept))
    return np.array(first), np.array(rbo), np.array(heads).reshape(-1, len(DEPTHS)), np.array(sizes)


def lists(rbo: Floats, heads: Floats, sizes: Ints) -> Lists | None:
    """Means over the queries of two rows and more, at each depth over those with more rows; None without any."""
    several = sizes > 1
    if not several.any():
        return None
    rbo, heads, sizes = rbo[several], heads[several], sizes[several]
    longer = {k: heads[sizes > k, i] for i, k in enumerate(DEPTHS)}
    return Lists(
        queries=len(rbo),
        changed=part(rbo < 1 - 1e-12),
        overlap={str(k): mean(held, 0.0, 1.0) for k, held in longer.items() if len(held)},
        rank_biased_overlap=mean(rbo, 0.0, 1.0),
    )


def mean(values: Floats, least: float = -np.inf, most: float = np.inf) -> Estimate:
    """A mean with Student's interval, within what it can be."""
    n = len(values)
    average = float(values.mean()) if n else float("nan")
    variance = float(values.var(ddof=1)) if n > 1 else float("nan")
    low, high = (float(end) for end in interval.mean(average, variance, n))
    return Estimate(average, max(low, least), min(high, most))


def both_finite(old: Floats, new: Floats) -> tuple[Floats, Floats]:
    """The rows that both versions give a finite score."""
    known = np.isfinite(old) & np.isfinite(new)
    return old[known], new[known]


def picture(model: Model, old: Floats, new: Floats) -> Picture | None:
    """Old against new scores, counted in squares; probabilities from 0 to 1, values as they lie."""
    old, new = both_finite(old, new)
    if not len(old):
        return None
    if model.task in (Task.BINARY, Task.MULTICLASS):
        low, high = 0.0, 1.0
    else:
        least, low, high, most = np.quantile(np.concatenate([old, new]), [0.0, 0.005, 0.995, 1.0]).tolist()
        low, high = (least, most) if most - least <= FAR * (high - low) else (low, high)
        low, high = (low, high) if high > low else (low - 0.5, high + 0.5)
    edges = np.linspace(low, high, BINS + 1)
    cells = [np.clip(np.searchsorted(edges, values, "right") - 1, 0, BINS - 1) for values in (old, new)]
    counts = np.bincount(cells[0] * BINS + cells[1], minlength=BINS * BINS).reshape(BINS, BINS)
    return Picture(edges, counts)
