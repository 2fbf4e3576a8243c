"""Missing: features that a candidate was trained with, and that the held-out rows lack."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from watchkeeper.checks import column
from watchkeeper.profiles import ProfileFile
from watchkeeper.release.gate.holdout import Holdout
from watchkeeper.release.gate.training import Training, missing
from watchkeeper.release.outcome import Checked, Outcome
from watchkeeper.report import words

AWAY = 0.95
"""A feature that so many held-out rows lack is as good as absent."""
FILLED = 0.5
"""One that no more rows lacked was there to be learned from."""


@dataclass(frozen=True)
class Usual:
    """How often features were missing in the candidate's training rows, or in the model's baseline."""

    source: str
    """Which of the two, in words."""
    shares: Mapping[str, float]
    """By column, as far as that is known."""


def in_training(training: Training) -> Usual:
    """What is usual by the training rows."""
    return Usual("training rows", {name: count / max(training.rows, 1) for name, count in training.missing.items()})


def in_baseline(baseline: ProfileFile) -> Usual:
    """What is usual by the baseline."""
    whole = baseline.profiles.whole
    rows = max(int(whole.rows.sum()), 1)
    counts = {name: int(column.missing(one).sum()) for name, one in whole.columns.items()}
    return Usual("the baseline's rows", {name: count / rows for name, count in counts.items()})


def missing_feature(holdout: Holdout, features: Sequence[str], usual: Usual, least: int) -> Checked | None:
    """Whether nearly all held-out rows lack a feature that was there to be learned from; None where nothing tells.

    That is a FAIL, as more rows of the kind would not tell either: the candidate is judged without what it was trained
    with. Of fewer rows than `least` nothing is decided.
    """
    known, rows = [name for name in features if name in usual.shares], holdout.table.num_rows
    if not known or not rows:
        return None
    shares = {name: missing(holdout.table, name) / rows for name in known}
    away = [name for name in known if shares[name] >= AWAY and usual.shares[name] <= FILLED]
    many = words.plural(rows, "held-out row")
    facts = {"columns": away, "rows": rows, "missing": [shares[name] for name in away]}
    facts["usual"] = [usual.shares[name] for name in away]
    if not away:
        sentence = f"The {many} have the features that {usual.source} have."
        return Checked("missing_feature", Outcome.PASS, sentence, facts=facts)
    parts = [
        f"{words.name(n)} ({words.percent(shares[n])}, where {words.percent(usual.shares[n])} of {usual.source} do)"
        for n in away
    ]
    sentence = (
        f"Nearly all of {many} lack {words.join(parts, 5)}: the candidate was judged without what it was trained with."
    )
    remedy = (
        "Look at the feed or the join that brings it. Then hold out rows that have it, or train a candidate without it "
        "if it stays away."
    )
    outcome = Outcome.FAIL if rows >= least else Outcome.INCONCLUSIVE
    return Checked("missing_feature", outcome, sentence, remedy, facts)
