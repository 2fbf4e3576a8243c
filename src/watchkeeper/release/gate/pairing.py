"""Reads labels and both models' answers into rows that compare, by task."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from watchkeeper.model import Model, Role, Task
from watchkeeper.profiles.quality_cells import class_counts, class_name, codes, in_order
from watchkeeper.release.gate.held import Held, Values
from watchkeeper.release.gate.sides import CannotEvaluate, Ranking, Rows, Sides
from watchkeeper.report.words import inert
from watchkeeper.runtime import Answers
from watchkeeper.stats.influence_binary import BinaryRows
from watchkeeper.stats.influence_multiclass import MulticlassRows
from watchkeeper.stats.influence_ranking import ranked
from watchkeeper.stats.influence_regression import RegressionRows

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]


def paired(model: Model, held: Held, candidate: Answers, live: Answers | None) -> Sides:
    """Put labels and answers beside each other. Raises `CannotEvaluate`."""
    n = len(held.label)
    for whose, answers in (("the candidate", candidate), ("the live model", live)):
        given = () if answers is None else (answers.prediction, answers.scores)
        wrong = next((len(values) for values in given if values is not None and len(values) != n), None)
        if wrong is not None:
            raise CannotEvaluate(f"{whose} gave {wrong:,} answers to {n:,} held-out rows. Give one for each row.")
    held = replace(held, id=_entity(model, held))
    match model.task:
        case Task.BINARY:
            return _joined(held, *_binary(model, held, candidate, live))
        case Task.REGRESSION:
            return _joined(held, *_regression(held, candidate, live))
        case Task.MULTICLASS:
            return _joined(held, *_multiclass(held, candidate, live))
        case Task.RANKING:
            return _ranking(model, held, candidate, live)
    raise CannotEvaluate(f"a model of task {model.task} has no metrics. Write `task:` in its YAML.")


def _entity(model: Model, held: Held) -> Values | None:
    """Whom rows are about: the ids as given, or where each stands once, the first other id column that repeats."""
    if model.task is Task.RANKING or (held.id is not None and _repeats(pa.array(held.id, from_pandas=True))):
        return held.id
    for name in model.with_role(Role.ID):
        if name in held.table.column_names and _repeats(column := held.table[name].combine_chunks()):
            found: Values = column.to_numpy(zero_copy_only=False)
            return found
    return held.id


def _repeats(ids: pa.Array) -> bool:
    return bool(pc.count_distinct(ids, mode="only_valid").as_py() < len(ids) - ids.null_count)


def numbers_of(values: Values) -> Floats:
    """Values as doubles, NaN where there is none. Raises `CannotEvaluate` where they are no numbers."""
    if values.dtype.kind in "fiub":
        return values.astype(np.float64)
    try:
        return np.asarray(pa.array(values, from_pandas=True).cast(pa.float64()).to_numpy(zero_copy_only=False))
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError, pa.ArrowTypeError) as wrong:
        raise CannotEvaluate(f"numbers were expected, and there is something else: {inert(str(wrong), 120)}") from wrong


Side = tuple[Rows, Bools]
"""Rows of a model, and which of them it answered."""


Read = tuple[Task, Bools, Side, Side | None, Mapping[str, Any]]
"""Which rows have a label, both models' answers, and further fields of `Sides`."""


def _joined(
    held: Held, task: Task, labelled: Bools, candidate: Side, live: Side | None, more: Mapping[str, Any]
) -> Sides:
    """Keep the rows that have a label and that both answered."""
    ours, answered = candidate
    theirs = None if live is None else live[0]
    paired = labelled & answered if live is None else labelled & answered & live[1]
    chosen = np.flatnonzero(paired)
    every = len(chosen) == len(labelled)
    return Sides(
        task=task,
        rows=chosen,
        candidate=ours if every else ours.of(chosen),
        live=theirs if every or theirs is None else theirs.of(chosen),
        cluster=_clusters(held.id, chosen),
        unlabelled=int((~labelled).sum()),
        unanswered=int((labelled & ~answered).sum()),
        unpaired=int((labelled & answered & ~paired).sum()),
        **more,
    )


def _clusters(id: Values | None, chosen: Ints) -> Ints | None:
    """The number of each row's entity; None where none has two rows. A row without an id is one of its own."""
    if id is None or not len(chosen):
        return None
    encoded = pa.array(id[chosen], from_pandas=True).dictionary_encode()
    if len(encoded.dictionary) + encoded.null_count == len(chosen):
        return None
    known: Ints = encoded.indices.fill_null(-1).to_numpy(zero_copy_only=False).astype(np.int64)
    alone = known < 0
    known[alone] = len(encoded.dictionary) + np.arange(int(alone.sum()))
    return known


def _regression(held: Held, candidate: Answers, live: Answers | None) -> Read:
    label = numbers_of(held.label)

    def side(answers: Answers, whose: str) -> Side:
        if answers.prediction is None:
            raise CannotEvaluate(f"{whose} predicts no values. A model of task regression must.")
        predicted = numbers_of(answers.prediction)
        return RegressionRows(label, predicted), np.isfinite(predicted)

    theirs = None if live is None else side(live, "the live model")
    return Task.REGRESSION, np.isfinite(label), side(candidate, "the candidate"), theirs, {}


def _binary(model: Model, held: Held, candidate: Answers, live: Answers | None) -> Read:
    given = {"the candidate": candidate} | ({} if live is None else {"the live model": live})
    told = {whose: answers.prediction for whose, answers in given.items() if answers.prediction is not None}
    table = pa.table(
        {name: pa.array(values, from_pandas=True) for name, values in {"label": held.label, **told}.items()}
    )
    names = {name for column in table.column_names for name in class_counts(table, column)}
    names |= {class_name(one) for answers in given.values() for one in answers.classes}
    positive = positive_of(model, names)
    others = in_order(names - {positive})
    if len(others) > 1:
        listed = inert(", ".join([*others[:4], positive]))
        raise CannotEvaluate(f"a binary model has two classes, and labels and answers hold {len(names):,}: {listed}.")
    read = dict(zip(table.column_names, codes(table, table.column_names, (*others, positive)), strict=True))
    label, labelled = read["label"]
    scores = {whose: score_of(answers, positive) for whose, answers in given.items()}
    scored = all(score is not None for score in scores.values())

    def side(whose: str) -> Side:
        score, valid = scores[whose], np.ones(len(label), dtype=bool)
        if score is None and whose not in read:
            raise CannotEvaluate(f"{whose} gives neither classes nor probabilities of two classes.")
        if score is not None:
            valid = (score >= 0) & (score <= 1)
        decided = score >= 0.5 if score is not None else np.zeros(len(label), dtype=bool)
        if whose in read:
            decision, known = read[whose]
            decided, valid = decision == len(others), valid & known
        return BinaryRows(label == len(others), score, decided), valid

    theirs = None if live is None else side("the live model")
    return Task.BINARY, labelled, side("the candidate"), theirs, {"positive": positive, "scored": scored}


def _multiclass(held: Held, candidate: Answers, live: Answers | None) -> Read:
    given = {"the candidate": candidate} | ({} if live is None else {"the live model": live})
    predicted = {whose: _predicted(answers, whose) for whose, answers in given.items()}
    table = pa.table(
        {name: pa.array(values, from_pandas=True) for name, values in {"label": held.label, **predicted}.items()}
    )
    names = {name for column in table.column_names for name in class_counts(table, column)}
    classes = in_order(names | {class_name(one) for answers in given.values() for one in answers.classes})
    read = dict(zip(table.column_names, codes(table, table.column_names, classes), strict=True))
    label, labelled = read["label"]
    scored = all(answers.scores is not None for answers in given.values())

    def side(whose: str) -> Side:
        decision, valid = read[whose]
        scores, score = given[whose].scores, None
        if scores is not None:
            column = {class_name(one): i for i, one in enumerate(given[whose].classes)}
            place = np.array([column.get(name, -1) for name in classes])[label]
            score = np.where(place >= 0, scores[np.arange(len(label)), place], 0.0)
            valid = valid & ((scores >= 0) & (scores <= 1)).all(axis=1)
        return MulticlassRows(label, decision, score, len(classes)), valid

    theirs = None if live is None else side("the live model")
    return Task.MULTICLASS, labelled, side("the candidate"), theirs, {"scored": scored, "classes": tuple(classes)}


def _predicted(answers: Answers, whose: str) -> Values:
    """Classes that are predicted: those of the highest probability where the model names none."""
    if answers.prediction is not None:
        return answers.prediction
    if answers.scores is None or len(answers.classes) != answers.scores.shape[1]:
        raise CannotEvaluate(f"{whose} gives neither classes nor probabilities of classes that it names.")
    names = np.array([class_name(one) for one in answers.classes], dtype=object)
    best: NDArray[np.object_] = names[np.argmax(np.nan_to_num(answers.scores, nan=-1.0), axis=1)]
    best[~np.isfinite(answers.scores).all(axis=1)] = None
    return best


def _ranking(model: Model, held: Held, candidate: Answers, live: Answers | None) -> Sides:
    """Queries stand for rows: those of which each labelled row was answered by both, and one is relevant."""
    column = next((name for name in model.with_role(Role.QUERY) if name in held.table.column_names), None)
    if column is None:
        raise CannotEvaluate("rankings are judged by query, and no column of the rows has the role `query`.")
    encoded = held.table[column].combine_chunks().dictionary_encode()
    query: Ints = encoded.indices.fill_null(-1).to_numpy(zero_copy_only=False).astype(np.int64)
    relevance = numbers_of(held.label)
    given = [candidate] if live is None else [candidate, live]
    scores = [numbers_of(answers.prediction) for answers in given if answers.prediction is not None]
    if len(scores) < len(given):
        raise CannotEvaluate("a model of task ranking must predict a score of each row.")
    labelled = np.isfinite(relevance) & (query >= 0)
    answered = [labelled & np.isfinite(score) for score in scores]
    broken = np.unique(query[labelled & ~np.logical_and.reduce(answered)])
    used = np.flatnonzero(labelled & ~np.isin(query, broken))
    of_queries = [ranked(query[used], relevance[used], score[used]) for score in scores]
    queries = of_queries[0][0]
    first = used[np.unique(query[used], return_index=True)[1]]
    first = first[np.isin(query[first], queries)]
    return Sides(
        task=Task.RANKING,
        rows=first,
        candidate=of_queries[0][1],
        live=None if live is None else of_queries[1][1],
        cluster=_clusters(_asker(model, held, used, query[used]), first),
        unlabelled=int((~labelled).sum()),
        unanswered=int((labelled & ~answered[0]).sum()),
        unpaired=int((answered[0] & ~answered[-1]).sum()),
        ranking=Ranking(used, query[used], relevance[used]),
    )


def _asker(model: Model, held: Held, used: Ints, query: Ints) -> Values | None:
    """Whom queries are about: the id column with one value in each query. One that names what is ranked has several."""
    columns = [
        held.table[name].combine_chunks() for name in model.with_role(Role.ID) if name in held.table.column_names
    ]
    for column in [*([] if held.id is None else [pa.array(held.id, from_pandas=True)]), *columns]:
        if pairs(query, column.take(pa.array(used)))[0] == len(np.unique(query)):
            found: Values = column.to_numpy(zero_copy_only=False)
            return found
    return None


def pairs(query: Ints, column: pa.Array) -> tuple[int, int]:
    """How many pairs of a query and a value there are, a missing one being a value too; and how many values."""
    encoded = column.dictionary_encode()
    code = encoded.indices.fill_null(-1).to_numpy(zero_copy_only=False).astype(np.int64)
    return len(np.unique(query * (len(encoded.dictionary) + 1) + code)), len(encoded.dictionary)


def positive_of(model: Model, names: set[str]) -> str:
    """The class that scores speak for: as declared, else 1 of 0 and 1, else the last in order."""
    if model.positive is not None:
        return class_name(model.positive)
    return "1" if names <= {"0", "1"} else in_order(names)[-1]


def score_of(answers: Answers, positive: str) -> Floats | None:
    """Probabilities of the positive class, shape (n,); None where the model gives none of two classes."""
    if answers.scores is None or answers.scores.ndim != 2 or answers.scores.shape[1] != 2:
        return None
    names = [class_name(one) for one in answers.classes]
    return answers.scores[:, names.index(positive) if positive in names else 1].astype(np.float64)
