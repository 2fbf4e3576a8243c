#!/usr/bin/env python3
"""The gate's promises against made candidates whose true difference from the live model is known exactly.

    python benchmarks/gate.py [--candidates 2000] [--rows 200 1000 5000 50000] [--parts margin tasks threshold …]

Five tables in Markdown, for docs/guides/gate-statistics.md. *margin*: binary (ROC AUC, margin 0.01) and regression
(MAE, margin 5 %), candidates that are better, as good, worse by the margin and by twice the margin. *tasks*: the same
for accuracy, MRR and several classes, with fewer rows. *threshold*: the same for decisions by a learned threshold, for
rare positive rows and for entities with five rows each. *family*: many claims at once. *skill*: nothing is live. Two
promises are held against the Monte-Carlo interval (Clopper-Pearson, 95 %) of what was counted: of candidates worse by
the margin or more at most 5 % PASS, and of those no worse than the margin at most 5 % FAIL.
"""

from __future__ import annotations

import argparse
import time
from collections import Counter
from collections.abc import Callable, Iterator
from functools import partial

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from scipy import optimize, special, stats

from watchkeeper.model import Column, Model, Need, Role, Task, Type
from watchkeeper.release.gate.evaluate import evaluate
from watchkeeper.release.gate.held import Held
from watchkeeper.release.outcome import Outcome, together
from watchkeeper.runtime import Answers

Floats = NDArray[np.float64]
Trial = tuple[Held, Answers, Answers | None]

KINDS = {"better by the margin": -1.0, "no worse": 0.0, "worse by the margin": 1.0, "worse by twice the margin": 2.0}
"""Kinds of candidates, and how many margins each is worse than the live model."""
SHARE, AUC, AREA_MARGIN, ERROR_MARGIN, MARGIN = 0.3, 0.8, 0.01, 0.05, 0.01
NOTHING = pa.table({"row": pa.array([], pa.int64())})


def model(task: Task) -> Model:
    """A model with a label, and queries where it ranks."""
    columns = {"y": Column(type=Type.NUMBER, role=Role.LABEL), "q": Column(type=Type.INTEGER, role=Role.QUERY)}
    return Model(name="made", task=task, columns=columns)


def alike(rng: np.random.Generator, n: int, correlation: float) -> tuple[Floats, Floats]:
    """Two columns of normal noise, as two models of the same data err."""
    common, one, other = rng.normal(size=(3, n))
    own = np.sqrt(1 - correlation)
    return np.sqrt(correlation) * common + own * one, np.sqrt(correlation) * common + own * other


def areas(rng: np.random.Generator, n: int, worse: float) -> Trial:
    """Calibrated scores of two normal classes, whose area is Phi(d / sqrt 2), errors correlated by 0.9."""
    label = rng.random(n) < SHARE
    told = []
    for area, noise in zip((AUC - worse * AREA_MARGIN, AUC), alike(rng, n, 0.9), strict=True):
        apart = np.sqrt(2) * special.ndtri(area)
        steep = max(apart, 0.1)  # a candidate without skill still says something
        score = special.expit(steep * (label * apart + noise) - steep * apart / 2 + special.logit(SHARE))
        told.append(Answers(None, np.stack([1 - score, score], axis=1), (0, 1)))
    return Held(NOTHING, label.astype(np.int64)), told[0], told[1]


def errors(rng: np.random.Generator, n: int, worse: float) -> Trial:
    """Normal errors, whose mean size is in proportion to their spread, correlated by 0.8."""
    label, (one, other) = rng.normal(0, 3, n), alike(rng, n, 0.8)
    return Held(NOTHING, label), Answers(label + one * (1 + worse * ERROR_MARGIN)), Answers(label + other)


def decisions(rng: np.random.Generator, n: int, worse: float) -> Trial:
    """Decisions right in 90 % of rows, and others in which the two models differ: 2 % lost by chance, 2 % won."""
    label, u = rng.random(n) < 0.5, rng.random(n)
    live = (u > 0.02) & (u < 0.92)
    candidate = u < 0.90 - worse * MARGIN
    return Held(NOTHING, label), Answers(label == candidate), Answers(label == live)


def classes(rng: np.random.Generator, n: int, worse: float) -> Trial:
    """The same with four classes of 40, 30, 20 and 10 %."""
    label, u = rng.choice(4, n, p=[0.4, 0.3, 0.2, 0.1]), rng.random(n)
    live, candidate = (u > 0.02) & (u < 0.92), u < 0.90 - worse * MARGIN
    wrong = (label + 1) % 4
    return Held(NOTHING, label), Answers(np.where(candidate, label, wrong)), Answers(np.where(live, label, wrong))


def ranks(rng: np.random.Generator, n: int, worse: float) -> Trial:
    """Queries with one relevant item, first in 80 % of lists and else second: MRR is 0.9; the lists differ in 6 %."""
    u = rng.random(n)
    live, candidate = (u > 0.03) & (u < 0.83), u < 0.80 - 2 * worse * MARGIN
    relevance = np.tile([1.0, 0.0], n)
    table = pa.table({"q": np.repeat(np.arange(n), 2)})
    scores = [np.stack([np.where(first, 1.0, 0.0), np.full(n, 0.5)], axis=1).ravel() for first in (candidate, live)]
    return Held(table, relevance), Answers(scores[0]), Answers(scores[1])


def of_segments(rng: np.random.Generator, n: int, worse: Floats) -> Trial:
    """Regression in five segments of equal size, in each of which the candidate is worse by so many margins."""
    held, _, live = errors(rng, n, 0.0)
    assert live is not None
    assert live.prediction is not None
    segment = np.arange(n) % len(worse)
    own = np.sqrt(0.8) * (live.prediction - held.label) + np.sqrt(0.2) * rng.normal(size=n)
    candidate = held.label + own * (1 + worse[segment] * ERROR_MARGIN)
    return Held(NOTHING, held.label, {"segment": segment}), Answers(candidate), live


def normal_scores(rng: np.random.Generator, n: int, apart: tuple[float, float], share: float, each: int = 1) -> Trial:
    """Calibrated scores of classes that lie so far apart for candidate and live model; `each` rows of an entity."""
    label = np.repeat(rng.random(n // each) < share, each)
    told = []
    for d, noise in zip(apart, alike(rng, n // each, 0.5), strict=True):
        own = np.repeat(noise, each) * np.sqrt(0.5) + rng.normal(size=len(label)) * np.sqrt(0.5) if each > 1 else noise
        score = special.expit(d * (label * d + own) - d**2 / 2 + special.logit(share))
        told.append(Answers(None, np.stack([1 - score, score], axis=1), (0, 1)))
    return Held(NOTHING, label.astype(np.int64), id=np.arange(len(label)) // each), told[0], told[1]


def false_positives(apart: float, recall: float) -> float:
    """The false positive rate at a recall."""
    return float(special.ndtr(special.ndtri(recall) - apart))


def mean_cost(apart: float) -> float:
    """The least mean cost of a row, where missing a positive one costs twice as much as a false alarm."""
    cut = (np.log(0.5) + apart**2 / 2 - special.logit(SHARE)) / apart
    return float(2 * SHARE * special.ndtr(cut - apart) + (1 - SHARE) * special.ndtr(-cut))


Made = Callable[[np.random.Generator, int], Trial]


def counted(
    task: Task, need: Need, made: Made, n: int, candidates: int, check: str | None = None, metric: str | None = None
) -> Counter[Outcome]:
    """Outcomes of so many candidates: of the whole gate, or of one check (of one metric)."""
    of = model(task)
    found: Counter[Outcome] = Counter()
    for seed in range(candidates):
        held, candidate, live = made(np.random.default_rng([seed, n]), n)
        checks = evaluate(of, held, candidate, live, need).checks
        judged = [one for one in checks if check in (None, one.name) and metric in (None, one.facts.get("metric"))]
        found[together(judged)] += 1
    return found


def line(words: str, found: Counter[Outcome], promised: Outcome | None) -> str:
    """A line of a table; the promised share, at most 5 %, with its interval and whether it holds."""
    total = found.total()
    shares = " | ".join(f"{found[outcome] / total:.1%}" for outcome in Outcome)
    if promised is None:
        return f"| {words} | {shares} | |"
    low, high = stats.binomtest(found[promised], total).proportion_ci(method="exact")
    held = "holds" if low <= 0.05 else "BROKEN"
    return f"| {words} | {shares} | {promised} {low:.1%} to {high:.1%}: {held} |"


def kinds(
    name: str,
    task: Task,
    need: Need,
    made: Callable[..., Trial],
    n: int,
    candidates: int,
    metric: str | None = None,
) -> Iterator[str]:
    """A line for each kind of candidate; what is judged is non-inferiority, in a metric."""
    for kind, worse in KINDS.items():
        found = counted(task, need, lambda rng, n, w=worse: made(rng, n, w), n, candidates, "non_inferiority", metric)
        yield line(f"{name} | {n:,} | {kind}", found, Outcome.FAIL if worse <= 0 else Outcome.PASS)


def margin(rows: list[int], candidates: int) -> Iterator[str]:
    """Binary and regression models."""
    area = Need(metrics={"roc_auc": {"margin": AREA_MARGIN}})
    error = Need(metrics={"mae": {"margin": f"{ERROR_MARGIN * 100:g} %"}})
    for n in rows:
        yield from kinds("ROC AUC", Task.BINARY, area, areas, n, candidates)
    for n in rows:
        yield from kinds("MAE", Task.REGRESSION, error, errors, n, candidates)


def tasks(rows: list[int], candidates: int) -> Iterator[str]:
    """Shares of few rows, and queries."""
    for n in (n for n in rows if n <= 5_000):
        share = Need(metrics={"accuracy": {"margin": MARGIN}})
        yield from kinds("accuracy", Task.BINARY, share, decisions, n, candidates)
        yield from kinds("accuracy, 4 classes", Task.MULTICLASS, share, classes, n, candidates)
        yield from kinds("MRR (queries)", Task.RANKING, Need(metrics={"mrr": {"margin": MARGIN}}), ranks, n, candidates)


def threshold(rows: list[int], candidates: int) -> Iterator[str]:
    """Decisions by learned thresholds, rare classes, entities with several rows."""
    rate = Need(metrics={"false_positive_rate": {"margin": 0.03}}, threshold={"recall": 0.9})
    cost = Need(threshold={"cost": {"false_positive": 1.0, "false_negative": 2.0}})
    area = Need(metrics={"roc_auc": {"margin": AREA_MARGIN}})
    usual, strong = 1.6, np.sqrt(2) * special.ndtri(AUC)

    def at_recall(rng: np.random.Generator, n: int, worse: float) -> Trial:
        positive = n * SHARE
        surest = stats.binom.isf(0.95, int(positive), 0.1)  # the place of the threshold among positive rows
        recall = 1 - (surest - 0.5) / positive
        wanted = false_positives(usual, recall) + worse * 0.03
        return normal_scores(rng, n, (special.ndtri(recall) - special.ndtri(wanted), usual), SHARE)

    def at_cost(rng: np.random.Generator, n: int, worse: float) -> Trial:
        wanted = mean_cost(usual) * (1 + worse * 0.05)
        return normal_scores(rng, n, (optimize.brentq(lambda d: mean_cost(d) - wanted, 0.5, 3), usual), SHARE)

    def at_area(rng: np.random.Generator, n: int, worse: float, share: float, each: int) -> Trial:
        return normal_scores(rng, n, (np.sqrt(2) * special.ndtri(AUC - worse * AREA_MARGIN), strong), share, each)

    for n in (n for n in rows if 1_000 <= n <= 5_000):
        yield from kinds("false positives at 90 % recall", Task.BINARY, rate, at_recall, n, candidates)
        yield from kinds("cost at its best threshold", Task.BINARY, cost, at_cost, n, candidates, "cost")
        rare = partial(at_area, share=0.02, each=1)
        yield from kinds("ROC AUC, 2 % positive", Task.BINARY, area, rare, n, candidates)
        five = partial(at_area, share=SHARE, each=5)
        yield from kinds("ROC AUC, 5 rows an entity", Task.BINARY, area, five, n, candidates)


def family(rows: list[int], candidates: int) -> Iterator[str]:
    """Several claims at once: MAE and RMSE, whole and in five segments, twelve in all."""
    limit = {"margin": f"{ERROR_MARGIN * 100:g} %"}
    need = Need(metrics={"mae": limit, "rmse": limit}, segment_margin=1.0)
    for n in (n for n in rows if 1_000 <= n <= 5_000):
        for words, worse, promised in (
            ("better by the margin everywhere", np.full(5, -1.0), Outcome.FAIL),
            ("at the margin everywhere, so every claim is barely met", np.full(5, 1.0), Outcome.FAIL),
            ("worse by the margin in one segment, better in the others", np.array([1.0, -2, -2, -2, -2]), Outcome.PASS),
        ):
            found = counted(Task.REGRESSION, need, lambda rng, n, w=worse: of_segments(rng, n, w), n, candidates)
            yield line(f"12 claims | {n:,} | {words}", found, promised)


def skill(rows: list[int], candidates: int) -> Iterator[str]:
    """Nothing is live: areas of candidates with no skill, with a tenth of the way to perfect answers, and with more."""

    def of_area(rng: np.random.Generator, n: int, area: float) -> Trial:
        held, candidate, _ = areas(rng, n, (AUC - area) / AREA_MARGIN)
        return held, candidate, None

    for n in (n for n in rows if n <= 5_000):
        for area, promised in ((0.5, Outcome.PASS), (0.55, Outcome.FAIL), (0.6, Outcome.FAIL)):
            found = counted(Task.BINARY, Need(), lambda rng, n, a=area: of_area(rng, n, a), n, candidates, "skill")
            yield line(f"skill | {n:,} | ROC AUC {area:g}", found, promised)


def main() -> None:
    """Print the tables that are asked for."""
    parts = {part.__name__: part for part in (margin, tasks, threshold, family, skill)}
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--candidates", type=int, default=2_000)
    parser.add_argument("--rows", type=int, nargs="+", default=[200, 1_000, 5_000, 50_000])
    parser.add_argument("--parts", nargs="+", choices=parts, default=list(parts))
    asked = parser.parse_args()
    for name in asked.parts:
        began = time.process_time()
        print(f"\n{name}, {asked.candidates:,} candidates a line\n")
        print("| what | rows | candidates | PASS | FAIL | INCONCLUSIVE | promised at most 5 % |")
        print("|---|---|---|---|---|---|---|")
        for text in parts[name](asked.rows, asked.candidates):
            print(text, flush=True)
        print(f"\n{time.process_time() - began:.0f} s of CPU")


if __name__ == "__main__":
    main()
