"""Difference: what changes between the answers of two versions to the same rows. It reads nothing and runs nothing."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from watchkeeper.model import Model, Role, Task
from watchkeeper.release.compare import flip, shift
from watchkeeper.release.compare.farthest import Both, farthest
from watchkeeper.release.compare.whom import Measure, by_segment, columns_of
from watchkeeper.report import words
from watchkeeper.report.comparison import Comparison, Segment
from watchkeeper.runtime import Answers

Floats = NDArray[np.float64]
Thresholds = tuple[float | None, float | None]

MOST_ROWS = 20
"""Rows that are named, if nothing else is asked."""


def difference(
    model: Model,
    table: pa.Table,
    old: tuple[str, Answers],
    new: tuple[str, Answers],
    *,
    inputs: pa.Table | None = None,
    source: str = "",
    thresholds: Thresholds = (None, None),
    most: int = MOST_ROWS,
) -> Comparison:
    """What changes from the old version to the new one.

    `table`: the rows as values of the model's columns, with labels where they are known. `old`, `new`: name and answers
    to these rows. `inputs`: the rows as the versions were given them. `thresholds`: learned ones of the old and the new
    version. `most`: how many of the rows that move farthest are named.
    """
    labels = _labels(model, table)
    both = Both(
        model=model,
        table=table,
        inputs=table if inputs is None else inputs,
        decided=flip.decided(model, old[1], new[1], thresholds, labels),
        scores=_scores(model, old[1], new[1]),
        spread=_spread(model, old[1], new[1]),
        label=_values(labels) if model.task is Task.REGRESSION else None,
        query=_query(model, table),
    )
    segments, small, lists = _for_whom(both)
    return Comparison(
        model=model,
        old=old[0],
        new=new[0],
        source=source,
        rows=table.num_rows,
        labelled=0 if labels is None else int(pc.sum(labels.is_valid()).as_py() or 0),
        lists=lists,
        moved=farthest(both, most),
        segments=segments,
        small=small,
        notes=tuple(_notes(both, (old[0], new[0]), thresholds)),
        **_figures(both),
    )


def _figures(both: Both) -> dict[str, Any]:
    """All figures that there are of these answers."""
    told: dict[str, Any] = {}
    if both.decided is not None:
        told |= {"decisions": flip.decisions(both.decided), "churn": flip.churn(both.decided)}
    if both.scores is not None:
        told |= {"scores": shift.shift(both.model, *both.scores), "picture": shift.picture(both.model, *both.scores)}
        if both.model.task in (Task.BINARY, Task.REGRESSION):
            told["order"] = shift.order(*both.scores)
        if both.label is not None:
            told["errors"] = shift.errors(*both.scores, both.label)
    return told


def _for_whom(both: Both) -> tuple[tuple[Segment, ...], int, Any]:
    """Segments, how many were too small, and what changes in ranked lists."""
    columns = columns_of(both.model, both.table)
    if both.query is None or both.scores is None or not len(both.query):
        return *by_segment(list(_measures(both)), columns), None
    first, rbo, heads, sizes = shift.by_query(*both.scores, both.query)
    overlap = Measure("overlap", np.where(sizes > 1, rbo, np.nan))
    return *by_segment([overlap], _of_queries(columns, both.query, first)), shift.lists(rbo, heads, sizes)


def _measures(both: Both) -> Iterator[Measure]:
    """What is compared between segments."""
    if both.decided is not None:
        yield Measure("flipped", np.where(both.decided.known, both.decided.flipped, np.nan), is_share=True)
        gained = (both.decided.new == both.decided.label) - (both.decided.old == both.decided.label).astype(np.float64)
        yield Measure("accuracy", np.where(both.decided.judged, gained, np.nan))
    if both.scores is not None and both.model.task is not Task.MULTICLASS:
        old, new = both.scores
        yield Measure("score", _known(new - old))
        if both.label is not None:
            yield Measure("error", _known(np.abs(new - both.label) - np.abs(old - both.label)))


def _of_queries(columns: dict[str, pa.Array], query: NDArray[Any], first: NDArray[Any]) -> dict[str, pa.Array]:
    """Of each query its segment, of those columns that have one value in each query."""
    codes = np.unique(query, return_inverse=True)[1]
    told = {}
    for name, cells in columns.items():
        of_query = cells.take(pa.array(first))
        same = pc.equal(of_query.take(pa.array(codes)), cells)
        alike = pc.and_(cells.is_null(), of_query.is_null().take(pa.array(codes)))
        if pc.all(pc.or_(pc.fill_null(same, False), alike)).as_py():
            told[name] = of_query
    return told


def _scores(model: Model, old: Answers, new: Answers) -> tuple[Floats, Floats] | None:
    one, other = shift.scores(model, old), shift.scores(model, new)
    return None if one is None or other is None else (one, other)


def _spread(model: Model, old: Answers, new: Answers) -> Floats | None:
    """How far the probabilities of several classes move: half the sum of their differences."""
    if (
        model.task is not Task.MULTICLASS
        or old.scores is None
        or new.scores is None
        or set(old.classes) != set(new.classes)
    ):
        return None
    order = [new.classes.index(name) for name in old.classes]
    return np.asarray(np.abs(old.scores - new.scores[:, order]).sum(axis=1) / 2)


def _query(model: Model, table: pa.Table) -> NDArray[Any] | None:
    """Numbers of the queries of a ranking; one query where the model has no such column."""
    if model.task is not Task.RANKING:
        return None
    column = model.only(Role.QUERY)
    if column is None or column not in table.column_names:
        return np.zeros(table.num_rows, dtype=np.int64)
    cells = table[column].combine_chunks()
    return np.asarray((cells if _is_coded(cells) else cells.dictionary_encode()).indices.fill_null(-1))


def _is_coded(cells: pa.Array) -> bool:
    return bool(pa.types.is_dictionary(cells.type))


def _labels(model: Model, table: pa.Table) -> pa.Array | None:
    label = model.only(Role.LABEL)
    if label is None or label not in table.column_names:
        return None
    cells = table[label].combine_chunks()
    return cells.cast(cells.type.value_type) if _is_coded(cells) else cells


def _values(labels: pa.Array | None) -> Floats | None:
    return None if labels is None else _known(np.asarray(labels.cast(pa.float64()).fill_null(np.nan)))


def _known(values: Floats) -> Floats:
    return np.where(np.isfinite(values), values, np.nan)


def _notes(both: Both, names: tuple[str, str], thresholds: Thresholds) -> Iterator[str]:
    """What a reader must know of how it was compared."""
    if both.decided is not None:
        for name, codes, used, stated in zip(
            names, (both.decided.old, both.decided.new), both.decided.thresholds, thresholds, strict=True
        ):
            missing = int((codes == flip.UNKNOWN).sum())
            if missing:
                yield f"{name} decides nothing of {words.plural(missing, 'row')}."
            if stated is not None and used is None:
                yield f"{name} has a learned threshold, {words.number(stated)}, but gives no probability to use it on."
        one, other = (
            "its prediction as it comes" if used is None else "its threshold" for used in both.decided.thresholds
        )
        if one != other:
            yield f"{names[0]} decides by {one}, {names[1]} by {other}."
    if both.scores is not None:
        lost = int((~np.isfinite(both.scores[0]) | ~np.isfinite(both.scores[1])).sum())
        if lost:
            yield f"{words.plural(lost, 'row')} without a finite score of both versions are left out of scores."
