"""The statistical part of the gate: what held-out rows say of a candidate beside the live model. Pure: no I/O."""

from __future__ import annotations

from collections.abc import Iterator

import pyarrow as pa

from watchkeeper.model import Model, Need
from watchkeeper.release.gate.calibration import calibration, measure
from watchkeeper.release.gate.claim import answered
from watchkeeper.release.gate.decision import decided, learned, threshold, thresholds
from watchkeeper.release.gate.found import Found
from watchkeeper.release.gate.gap import gaps
from watchkeeper.release.gate.held import Evaluation, Held
from watchkeeper.release.gate.no_worse import level, no_worse
from watchkeeper.release.gate.pairing import paired
from watchkeeper.release.gate.segment import segments
from watchkeeper.release.gate.sides import Sides
from watchkeeper.release.gate.skill import skill
from watchkeeper.release.outcome import Checked, Outcome
from watchkeeper.report.words import join, plural
from watchkeeper.runtime import Answers
from watchkeeper.stats.influence_binary import BinaryRows
from watchkeeper.stats.influence_multiclass import MulticlassRows


def evaluate(
    model: Model, held: Held, candidate: Answers, live: Answers | None, need: Need, past: pa.Table | None = None
) -> Evaluation:
    """Everything that the rows say: metrics of candidate, live model and a naive baseline, thresholds, and the checks.

    `need` is the model's own, `model.gate`, unless another is tried. `past`: items and labels of a ranking's training
    rows, where they are known. Raises `CannotEvaluate` where labels or answers do not fit the model's declaration.
    """
    both = paired(model, held, candidate, live)
    margins = need.margins(model.task, both.scored)
    by = learned(both, need)
    found = Found(both if by is None else decided(both, by), _few(both, need), need.confidence)
    measure(found)
    for name in margins:
        found.of(name)  # told of the candidate even where nothing is live to compare it with
    calibrated = calibration(found, need)
    questions = [
        *(no_worse(found, name, margin) for name, margin in margins.items() if both.live is not None),
        skill(found, model, held, tuple(margins), need, past),
        *(level(found, name, least) for name, least in need.level.items()),
        *segments(found, held, margins, need),
        *gaps(found, held, need),
        *([calibrated] if calibrated is not None else []),
        *([threshold(found, need, by)] if need.threshold is not None else []),
    ]
    checks = [*_answers(both), *_classes(found), *answered(questions, need.confidence)]
    return Evaluation(tuple(checks), found.metrics, {} if by is None else thresholds(found, by))


def _few(both: Sides, need: Need) -> str:
    """Why the rows are too few to judge anything by, or nothing."""
    if len(both) < need.min_rows:
        return f"there are {both.counted} with labels, and {need.min_rows:,} are needed"
    return both.few


def _answers(both: Sides) -> Iterator[Checked]:
    """Whether the candidate answers: a model that leaves hard rows out must not look better for it."""
    facts = {"rows": len(both), "unanswered": both.unanswered, "unlabelled": both.unlabelled, "unpaired": both.unpaired}
    if both.unanswered:
        said = f"It gives no valid answer to {plural(both.unanswered, 'labelled row')}."
        remedy = "Make it answer every row: with a finite value, or with probabilities between 0 and 1."
        yield Checked("answers", Outcome.FAIL, said, remedy, facts)
        return
    said = f"It answers every labelled row; {both.counted} count"
    if both.unpaired:
        said += f", and {plural(both.unpaired, 'row')} that the live model does not answer are left out"
    yield Checked("answers", Outcome.PASS if len(both) else Outcome.INCONCLUSIVE, f"{said}.", "", facts)


def _classes(found: Found) -> Iterator[Checked]:
    """That all rows are of one class, and what can't be told of them; nothing where there are several."""
    rows = found.both.candidate
    if not isinstance(rows, BinaryRows | MulticlassRows) or not len(found.both):
        return
    label = rows.positive if isinstance(rows, BinaryRows) else rows.label
    if (label != label[0]).any():
        return
    untold = [name for name, one in found.metrics.items() if one["value"] is None]
    without = f"{join(untold)} can't be told, and " if untold else ""
    said = (
        f"The {found.both.counted} hold one class only, so {without}nothing shows whether the candidate tells classes "
        "apart: the gate is INCONCLUSIVE."
    )
    facts = {"rows": len(found.both), "untold": untold}
    yield Checked("classes", Outcome.INCONCLUSIVE, said, "Hold out more rows, with other outcomes too.", facts)
