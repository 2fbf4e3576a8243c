"""Replay: recorded requests are asked again; the live model must say the same, the candidate must answer them all."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from watchkeeper.lake import Lake, rows_of
from watchkeeper.lake.extent import extent
from watchkeeper.model import Model, Role, Task
from watchkeeper.release.gate.answering import ALIKE, Asked, answers_to, differing, joined, length
from watchkeeper.release.outcome import Checked, Outcome
from watchkeeper.report import words
from watchkeeper.runtime import Answers

REQUESTS = 256
"""Newest requests that are asked again."""
ALONE = 32
"""Of these so many are asked one by one too."""
_BACK = tuple(3_600_000_000 * hours for hours in (1, 24, 24 * 7, 24 * 30, 24 * 365 * 30))


@dataclass(frozen=True, eq=False)
class Recorded:
    """Requests as they were made, and what was answered then."""

    table: pa.Table
    """The model's columns, as they came."""
    predictions: list[Any]
    scores: NDArray[np.float64]
    """NaN where none was logged."""
    by_class: list[dict[str, float]]


def recorded(lake: Lake, model: Model, version: str) -> Recorded | None:
    """The newest requests that a version answered; None where the lake has none."""
    newest = extent(lake, "events").newest
    if newest is None:
        return None
    for back in _BACK:
        batches = [_mine(batch, version) for batch in lake.events(newest - back, newest + 1)]
        found = sum(len(batch) for batch in batches)
        if found >= REQUESTS or (found and back == _BACK[-1]):
            events = pa.Table.from_batches(batches).sort_by([("time", "descending"), ("id", "ascending")])
            return _recorded(events.slice(0, REQUESTS).combine_chunks(), lake, model)
    return None


def same_as_logged(worker: Asked, past: Recorded, model: Model, version: str) -> Checked:
    """Whether the live artefact says again what was logged: training and serving see the same."""
    now = answers_to(worker, past.table)
    wrong = _unlike(now, past, model)
    rows = past.table.num_rows
    facts = {"rows": int(wrong.sum()), "of": rows, "version": version}
    many = words.plural(rows, "recorded request")
    if not wrong.any():
        sentence = f"{words.inert(version)}, which is live, answers {many} as it did when they were made."
        return Checked("replay", Outcome.PASS, sentence, facts=facts)
    sentence = (
        f"{words.inert(version)}, which is live, answers {int(wrong.sum()):,} of {many} otherwise than was logged."
    )
    remedy = (
        "Look for features that are computed otherwise when serving than in the logs, or for another artefact that "
        f"serves as {words.inert(version)}."
    )
    return Checked("replay", Outcome.FAIL, sentence, remedy, facts)


def answers_well(worker: Asked, requests: pa.Table, model: Model, what: str) -> Checked:
    """Whether a candidate answers every request: rightly typed, with numbers, the same when asked twice or alone."""
    rows = requests.num_rows
    many = words.plural(rows, what)
    facts = {"rows": rows, "alone": min(rows, ALONE)}
    first = answers_to(worker, requests)
    fault = _malformed(first, rows, model)
    if fault is None and differing(first, answers_to(worker, requests)).any():
        fault = "says something else when it is asked the same again"
    if fault is None:
        few = requests.slice(0, ALONE)
        alone = joined([answers_to(worker, few.slice(i, 1)) for i in range(few.num_rows)])
        if differing(answers_to(worker, few), alone).any():
            fault = "says something else of a row alone than of the same row among others"
    if fault is not None:
        remedy = (
            "Mend the model's code: each answer may depend on its own row alone, and has to be a number or a class."
        )
        return Checked("requests", Outcome.FAIL, f"Asked {many}, the candidate {fault}.", remedy, facts)
    sentence = f"The candidate answers {many}; twice the same, and alone as among others."
    return Checked("requests", Outcome.PASS, sentence, facts=facts)


def _malformed(answers: Answers, rows: int, model: Model) -> str | None:
    """What is wrong with answers as such."""
    if not length(answers):
        return "gives neither predictions nor scores"
    if length(answers) != rows:
        return f"gives {length(answers):,} answers to {rows:,} rows"
    if answers.scores is not None:
        if len(answers.scores) != rows:
            return f"gives scores of {len(answers.scores):,} rows for {rows:,}"
        if not np.isfinite(answers.scores).all():
            return f"gives no number as a score in {int((~np.isfinite(answers.scores)).any(axis=1).sum()):,} rows"
        if (answers.scores < -1e-6).any() or (answers.scores > 1 + 1e-6).any():
            return "gives probabilities below 0 or above 1"
    if answers.prediction is not None and answers.prediction.dtype.kind == "f":
        holes = int((~np.isfinite(answers.prediction)).sum())
        if holes:
            return f"predicts no number (NaN or infinite) in {holes:,} rows"
    numeric = answers.prediction is None or answers.prediction.dtype.kind in "iufb"
    if model.task in (Task.REGRESSION, Task.RANKING) and not numeric:
        return "predicts texts where numbers are wanted"
    return None


def _mine(batch: pa.RecordBatch, version: str) -> pa.RecordBatch:
    """Events that a version answered without an error."""
    asked = pc.and_(pc.equal(batch.column("version"), version), pc.is_null(batch.column("error")))
    return batch.filter(asked.fill_null(False))


def _recorded(events: pa.Table, lake: Lake, model: Model) -> Recorded | None:
    table = rows_of(events, lake.labels_for(pa.array([], pa.string())), model)
    name = model.only(Role.PREDICTION) or "prediction"
    predictions = [_said(value) for value in table[name].to_pylist()]
    scores = np.asarray(events["score"].combine_chunks().fill_null(np.nan), dtype=np.float64)
    by_class = [dict(pairs or ()) for pairs in events["scores"].to_pylist()]
    told = [p is not None or s == s or bool(c) for p, s, c in zip(predictions, scores.tolist(), by_class, strict=True)]
    if not any(told):
        return None
    kept = np.flatnonzero(told)
    return Recorded(
        table.take(pa.array(kept)).combine_chunks(),
        [predictions[i] for i in kept],
        scores[kept],
        [by_class[i] for i in kept],
    )


def _said(value: Any) -> Any:
    """A prediction as it was sent, where it was kept as a text because no column was declared for it."""
    if not isinstance(value, str):
        return value
    try:
        return json.loads(value)
    except ValueError:
        return value


def _unlike(now: Answers, past: Recorded, model: Model) -> NDArray[np.bool_]:
    """Rows in which what was logged is not what is said now; a prediction that is a decision may follow the score."""
    rows = len(past.predictions)
    wrong = np.zeros(rows, dtype=bool)
    if length(now) != rows:
        return ~wrong
    score = now.score(model.positive)
    for i in range(rows):
        logged, figure = past.predictions[i], float(past.scores[i])
        if past.by_class[i] and now.scores is not None:
            wrong[i] |= any(
                not _near(value, now.scores[i][at])
                for name, value in past.by_class[i].items()
                if (at := _place(now.classes, name)) is not None
            )
        if figure == figure and score is not None:
            wrong[i] |= not _near(figure, float(score[i]))
        elif figure == figure and now.scores is not None and not past.by_class[i]:
            wrong[i] |= not _near(figure, float(now.scores[i].max()))
        elif logged is not None and now.prediction is not None:
            wrong[i] |= not _same(logged, now.prediction[i])
    return wrong


def _place(classes: Sequence[Any], name: str) -> int | None:
    return next((i for i, value in enumerate(classes) if str(value) == name or json.dumps(value) == name), None)


def _same(logged: Any, said: Any) -> bool:
    value = said.item() if isinstance(said, np.generic) else said
    if isinstance(logged, int | float) and isinstance(value, int | float):
        return _near(float(logged), float(value))
    return str(logged) == str(value)


def _near(one: float, other: float) -> bool:
    share, much = ALIKE
    return bool(np.isclose(one, other, rtol=share, atol=much))
