"""Infers what a model predicts, and what names a row, from columns whose roles are known."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from watchkeeper.model.constraint import Scalar, Type
from watchkeeper.model.declaration import Role, Task
from watchkeeper.model.facts import Facts, scalar
from watchkeeper.model.note import Note

_YES = ("true", "yes", "y", "t", "positive", "pos", "1", "1.0")
_MICROSECONDS = {"day": 86_400e6, "week": 7 * 86_400e6, "month": 30.4 * 86_400e6}
_ENOUGH = 150
"""Rows that a window should have, in the middle of all windows: a little less than the 200 that are good."""


def infer_task(facts: Mapping[str, Facts], roles: Mapping[str, Role]) -> tuple[Task, Note | None]:
    """The task, from the label's values, else the prediction's, else the score's."""
    by_role = {role: facts[name] for name, role in reversed(list(roles.items())) if name in facts}
    label, shown = by_role.get(Role.LABEL), Role.POSITION in by_role or Role.SCORE in by_role
    if Role.QUERY in by_role and shown and label is not None:
        return Task.RANKING, Note(0.85, "rows share a query and have a place or a score in it")
    for role, sure in ((Role.LABEL, 0.95), (Role.PREDICTION, 0.8)):
        column = by_role.get(role)
        if column is not None and column.present:
            task, confidence, reason = _of_values(column)
            return task, Note(sure * confidence, f"the {role} {column.name} {reason}")
    if Role.SCORE in by_role and by_role[Role.SCORE].within(0, 1):
        return Task.BINARY, Note(0.6, "there is a score within 0 to 1")
    return Task.NONE, None


def _of_values(column: Facts) -> tuple[Task, float, str]:
    several = f"has {column.distinct:,} values"
    if column.distinct <= 2:
        return Task.BINARY, 1.0 if column.distinct == 2 else 0.6, several
    if column.type in (Type.STRING, Type.BOOLEAN):
        return Task.MULTICLASS, 0.95, several
    whole = bool((column.numbers == np.round(column.numbers)).all())
    if (
        whole
        and column.distinct <= 20
        and column.most - column.least < 3 * column.distinct
        and column.present >= 10 * column.distinct
    ):
        return Task.MULTICLASS, 0.7, f"has {column.distinct} whole numbers as values"
    return Task.REGRESSION, 0.95, several


def infer_positive(label: Facts, score: Facts | None) -> tuple[Scalar | None, Note | None]:
    """The value of a binary label that a score speaks for: 1, true or yes, else that with the higher scores.

    Without a score it is the rarer one.
    """
    if label.distinct != 2:
        return None, None
    (common, _), (rarer, rows) = label.common
    for value in (common, rarer):
        if str(value).lower() in _YES:
            return scalar(value), Note(0.95, "named so")
    if score is not None and score.type in (Type.NUMBER, Type.INTEGER):
        means = [_mean_score(label, value, score) for value in (common, rarer)]
        if np.isfinite(means).all() and means[0] != means[1]:
            higher = common if means[0] > means[1] else rarer
            return scalar(higher), Note(0.9, f"{score.name} is higher where it is the label")
    return scalar(rarer), Note(0.6, f"the rarer one, in {rows / label.present:.1%} of rows")


def _mean_score(label: Facts, value: Scalar, score: Facts) -> float:
    scores = score.values.filter(pc.fill_null(pc.equal(label.values, value), False)).cast(pa.float64(), safe=False)
    mean = pc.mean(scores.filter(pc.fill_null(pc.is_finite(scores), False))).as_py()
    return float("nan") if mean is None else float(mean)


def infer_key(
    facts: Mapping[str, Facts], roles: Mapping[str, Role], notes: Mapping[str, Note]
) -> tuple[list[str], Note | None]:
    """The columns that together name a row: the likeliest identifier, or one that is so with the event time."""
    ids = [facts[name] for name, role in roles.items() if role is Role.ID and name in facts and facts[name].unique]
    if ids:
        sure = {column.name: notes[column.name].confidence for column in ids}
        best = max(ids, key=lambda column: 1.0 if sure[column.name] is None else float(sure[column.name] or 0))
        reason = f"never missing, and no two of the {best.rows:,} rows looked at share a value"
        return [best.name], Note(0.95 if sure[best.name] is None else sure[best.name], reason)
    time = next((facts[name] for name, role in roles.items() if role is Role.TIMESTAMP and name in facts), None)
    if time is None or time.rows < 100 or time.present < time.rows:
        return [], None
    declared = [facts[name] for name, role in roles.items() if role is Role.ID and name in facts]
    read = [name for name in facts if roles.get(name) is not Role.IGNORED]
    for column in declared or [facts[name] for name in read if facts[name].words[-1:] == ("id",)]:
        if column.present == column.rows and column.distinct > 1 and _unique_together(column, time):
            return [column.name, time.name], Note(0.65, "no two rows share both, and neither is ever missing")
    return [], None


def _unique_together(a: Facts, b: Facts) -> bool:
    pairs = pa.table({"a": a.values, "b": b.values}).group_by(["a", "b"]).aggregate([])
    return bool(len(pairs) == a.rows)


def infer_window(time: Facts) -> tuple[str, Note | None]:
    """The shortest of day, week and month that usually holds enough rows."""
    moments = time.numbers
    if len(moments) < 2:
        return "day", None
    rows = {
        window: int(np.median(np.unique(np.floor(moments / length), return_counts=True)[1]))
        for window, length in _MICROSECONDS.items()
    }
    window = next((window for window, middle in rows.items() if middle >= _ENOUGH), "month")
    return window, Note(None, f"a {window} usually holds {rows[window]:,} of the rows looked at")
