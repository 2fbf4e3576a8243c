"""Calibration: probabilities mean what they say, and predictions are right on average."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from watchkeeper.model import Need
from watchkeeper.release.gate.claim import Claim, Question
from watchkeeper.release.gate.found import Found, json_number, told
from watchkeeper.release.outcome import Outcome
from watchkeeper.report.words import number
from watchkeeper.stats.influence import Estimate, mean
from watchkeeper.stats.influence_binary import BinaryRows
from watchkeeper.stats.influence_regression import RegressionRows
from watchkeeper.stats.interval import Floats
from watchkeeper.stats.quality_binary import CALIBRATION_BINS
from watchkeeper.stats.quality_metric import GapLaw
from watchkeeper.stats.trial import Trial


def measure(found: Found) -> None:
    """Tell the bias (mean prediction - mean label) and, of probabilities, the calibration error with its interval."""
    rows = found.both.candidate
    if isinstance(rows, RegressionRows):
        _tell(found, "bias", found.law(mean(rows.error)))
    if isinstance(rows, BinaryRows) and rows.score is not None and len(found.both):
        _tell(found, "bias", found.law(mean(rows.score - rows.positive)))
        law, by_chance = error(found, rows.score, rows)
        ends = told(law, found.confidence)
        low = max(0.0, law.low(found.confidence) - by_chance)
        found.metrics["calibration_error"] = ends | {"low": json_number(low), "rows": len(found.both)}


def calibration(found: Found, need: Need) -> Question | None:
    """The calibration error, or the bias either way, stays below the stated bound; None where none is stated."""
    most, rows = need.calibration, found.both.candidate
    if most is None:
        return None
    if isinstance(rows, BinaryRows) and rows.score is not None and len(found.both):
        law, by_chance = error(found, rows.score, rows)
        metric, p = "calibration_error", (law.below(most), law.above(most + by_chance))
    elif isinstance(rows, RegressionRows):
        law = found.law(mean(rows.error))
        metric, p = "bias", (max(law.below(most), law.above(-most)), min(law.above(most), law.below(-most)))
    else:
        reason = found.few or "the models give no probabilities"
        return Question("calibration", (Claim(1.0, 1.0, {}, reason),), lambda own: f"It can't be judged: {reason}.")
    facts = {"metric": metric, **found.metrics[metric], "bound": most}
    claim = Claim(*p, facts, found.few)

    def words(own: Sequence[tuple[Claim, Outcome]]) -> str:
        said = f"{metric} is {number(facts['value'])}, between {number(facts['low'])} and {number(facts['high'])}"
        if found.few:
            return f"{said}; that tells nothing: {found.few}."
        verdict = {
            Outcome.PASS: "which it keeps to",
            Outcome.FAIL: "which it breaks",
            Outcome.INCONCLUSIVE: "which is left open",
        }[own[0][1]]
        either = " either way" if metric == "bias" else ""
        return f"{said}; at most {number(most)}{either} is allowed, {verdict}."

    return Question("calibration", (claim,), words, "Recalibrate the candidate, for example by isotonic regression.")


def error(found: Found, score: Floats, rows: BinaryRows) -> tuple[Trial, float]:
    """Expected calibration error in ten even bins of the score (Naeini et al. 2015), and what chance may add to it.

    The mean size of the bins' gaps is a mean over rows of ±(label - score), the sign being the bin's: its influence.
    Sizes of gaps that are none are above 0 by chance, so the interval reaches down by as much as that can be.
    """
    bins = np.minimum((score * CALIBRATION_BINS).astype(np.int64), CALIBRATION_BINS - 1)
    residual = rows.positive - score
    count = np.bincount(bins, minlength=CALIBRATION_BINS)
    safe = np.maximum(count, 1)
    gap = np.bincount(bins, residual, CALIBRATION_BINS) / safe
    unit = np.bincount(bins, (residual - gap[bins]) ** 2, CALIBRATION_BINS) / np.maximum(count - 1, 1)
    size = mean(np.where(gap[bins] < 0, -residual, residual))
    by_chance = float(GapLaw(gap[None], unit[None], count[None]).by_chance()[0])
    return found.law(Estimate(size.value, size.influence, 1.0)), by_chance


def _tell(found: Found, name: str, law: Trial) -> None:
    found.metrics[name] = told(law, found.confidence) | {"rows": len(found.both)}
