"""Infers what columns are for, from their names and values; where it is unsure, a column stays a feature."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np

from watchkeeper.model import column_name
from watchkeeper.model.constraint import Type
from watchkeeper.model.declaration import Role
from watchkeeper.model.facts import Facts
from watchkeeper.model.note import Note
from watchkeeper.model.role_name import (
    CLASS_PREFIXES,
    COUNTERS,
    EVENT_TIMES,
    INDEXES,
    LABEL_TIMES,
    LABELS,
    OTHER_TIMES,
    OUTCOMES,
    POSITIONS,
    PREDICTIONS,
    PROPENSITIES,
    PROTECTED,
    QUERIES,
    SCORE_WORDS,
    SCORES,
    SPANS,
    VERSIONS,
    WEIGHTS,
    Named,
)

LEAST = 0.6
"""The confidence from which a role is taken over; below, it is a remark."""

_SINGLE = (
    *(Role.TIMESTAMP, Role.LABEL, Role.PREDICTION, Role.LABEL_TIME),
    *(Role.VERSION, Role.POSITION, Role.QUERY, Role.PROPENSITY, Role.WEIGHT),
)
"""Roles that one column has at most."""


def infer_roles(
    facts: Mapping[str, Facts], declared: Mapping[str, Role]
) -> tuple[dict[str, Role], dict[str, Note], dict[str, str]]:
    """Roles by column, the notes on those that are not plain features, and remarks on roles that were not sure enough.

    `declared` roles win; a role that only one column can have is not given to a second.
    """
    roles = dict(declared)
    notes = {name: Note(None, "declared") for name in declared}
    remarks: dict[str, str] = {}
    proposals: list[tuple[Role, str, Note]] = []
    for role, judge in _JUDGES.items():
        found = ((name, judge(column)) for name, column in facts.items() if name not in declared)
        proposals += [(role, name, note) for name, note in found if note]
    proposals += _event_time(facts, declared)
    proposals += _class_scores(facts)
    proposals.sort(key=lambda proposal: -(proposal[2].confidence or 0))
    for role, name, note in [*proposals, *_outcomes(facts, declared, proposals)]:
        taken = role in _SINGLE and role in roles.values()
        if name in roles:
            continue
        if (note.confidence or 0) >= LEAST and not taken:
            roles[name], notes[name] = role, note
        elif role not in (Role.ID, Role.TIMESTAMP) and name not in remarks:
            remarks[name] = f"maybe role: {role} ({note})" + (", but another column has it" if taken else "")
    for name, column in facts.items():
        roles.setdefault(name, Role.FEATURE)
        if roles[name] is Role.FEATURE and not PROTECTED.isdisjoint(column.words) and name not in remarks:
            remarks[name] = "maybe role: protected, if groups are to be compared by it"
    return roles, notes, remarks


def _by_name(names: Named, fits: Callable[[Facts], bool], what: str) -> Callable[[Facts], Note | None]:
    def judge(column: Facts) -> Note | None:
        confidence = names.get(column.folded)
        return Note(confidence, what) if confidence and fits(column) else None

    return judge


def _numeric(column: Facts) -> bool:
    return column.type in (Type.INTEGER, Type.NUMBER) and bool(len(column.numbers))


def _score(column: Facts) -> Note | None:
    if not _numeric(column):
        return None
    if column.folded in SCORES:
        sure = SCORES[column.folded]
        return (
            Note(min(0.95, sure + 0.05), "named so, and within 0 to 1")
            if column.within(0, 1)
            else Note(sure, "named as the score")
        )
    if column.words and column.words[0] in SCORE_WORDS and len(column.words) > 1 and column.within(0, 1):
        return Note(0.8, "named as the score of a class, and within 0 to 1")
    if column.words[:1] in (("pred",), ("predicted",), ("prediction",)) and not set(SCORE_WORDS).isdisjoint(
        column.words
    ):
        return Note(0.85, "named as a predicted score")
    return (
        Note(0.4, "named as a score of some kind")
        if column.words[-1:] == ("score",) and "propensity" not in column.words
        else None
    )


def _prediction(column: Facts) -> Note | None:
    if column.type is Type.TIMESTAMP or not column.present:
        return None
    if column.folded in PREDICTIONS:
        return Note(PREDICTIONS[column.folded], "named as the prediction")
    begins = column.words[:1] in (("pred",), ("predicted",), ("prediction",)) and len(column.words) > 1
    return (
        Note(0.75, "its name begins so")
        if begins and set(SCORE_WORDS).isdisjoint(column.words) and column.words[-1] != "id"
        else None
    )


def _label(column: Facts) -> Note | None:
    if (
        column.type is Type.TIMESTAMP
        or not column.present
        or (column.type is Type.STRING and column.distinct > column.present / 2)
    ):
        return None
    if column.folded in LABELS:
        return Note(LABELS[column.folded], "named as the label")
    if column.words[-1:] in (("label",), ("target",)) and column.words[0] not in ("pred", "predicted", "prediction"):
        return Note(0.65, "its name ends so")
    return None


def _identifier(column: Facts) -> Note | None:
    if not column.unique or column.type not in (Type.INTEGER, Type.STRING):
        return None
    if column_name.like_an_id(column.name):
        return Note(0.95 if column.rows >= 20 else 0.75, "named as an identifier, and no two rows share a value")
    if column.words[-1:] and column.words[-1] in COUNTERS:
        return Note(0.7, "named as a number of something, and no two rows share a value")
    if column.rows < 50 or not SPANS.isdisjoint(column.words):
        return None
    if column.consecutive:
        return Note(0.7, "counts the rows without a gap")
    return Note(0.7, "no two rows share a value, and all have the same length") if _fixed_width(column) else None


def _fixed_width(column: Facts) -> bool:
    """Whether these are texts of one length, without blanks, such as UUIDs and hashes."""
    if column.type is not Type.STRING:
        return False
    lengths = {len(str(text)) for text in column.values[:1_000].to_pylist()}
    return (
        len(lengths) == 1
        and lengths.pop() >= 8
        and not any(" " in str(text) for text in column.values[:1_000].to_pylist())
    )


def _ignored(column: Facts) -> Note | None:
    if column.type is Type.OTHER:
        return Note(1.0, "values of this kind are not watched")
    if not column.present and column.rows:
        return Note(0.95, f"no value in {column.rows:,} rows")
    if column.folded in INDEXES and column.consecutive:
        return Note(0.96, "the row numbers that a data frame wrote")
    return None


def _version(column: Facts) -> bool:
    return column.type in (Type.STRING, Type.INTEGER) and 0 < column.distinct <= max(50, column.rows // 100)


def _position(column: Facts) -> bool:
    return (
        column.type is Type.INTEGER and column.within(0, 1_000) and column.least <= 1 and column.distinct < column.rows
    )


def _query(column: Facts) -> bool:
    return column.type in (Type.INTEGER, Type.STRING) and 1 < column.distinct <= 0.9 * column.present


def _label_time(column: Facts) -> bool:
    return column.type is Type.TIMESTAMP


_JUDGES: dict[Role, Callable[[Facts], Note | None]] = {
    Role.IGNORED: _ignored,
    Role.ID: _identifier,
    Role.LABEL: _label,
    Role.PREDICTION: _prediction,
    Role.SCORE: _score,
    Role.VERSION: _by_name(VERSIONS, _version, "named as the model's version"),
    Role.POSITION: _by_name(POSITIONS, _position, "named as the place in a list"),
    Role.QUERY: _by_name(QUERIES, _query, "named as a query, and rows share it"),
    Role.PROPENSITY: _by_name(
        PROPENSITIES, lambda column: _numeric(column) and column.within(0, 1), "named so, and within 0 to 1"
    ),
    Role.WEIGHT: _by_name(WEIGHTS, lambda column: _numeric(column) and column.least >= 0, "named as a weight of rows"),
    Role.LABEL_TIME: _by_name(LABEL_TIMES, _label_time, "named as the label's time"),
}


def _outcomes(
    facts: Mapping[str, Facts], declared: Mapping[str, Role], proposals: list[tuple[Role, str, Note]]
) -> list[tuple[Role, str, Note]]:
    """Labels by what they stand beside: `click` is one where a position, a score or a propensity was logged with it."""
    sure = {role for role, _, note in proposals if (note.confidence or 0) >= LEAST} | set(declared.values())
    context = bool(sure & {Role.POSITION, Role.PROPENSITY, Role.SCORE, Role.PREDICTION})
    note = Note(
        0.75 if context else 0.5, "named as an outcome" + (", beside what was shown or predicted" if context else "")
    )
    return [
        (Role.LABEL, name, note) for name, column in facts.items() if column.folded in OUTCOMES and column.distinct == 2
    ]


def _class_scores(facts: Mapping[str, Facts]) -> list[tuple[Role, str, Note]]:
    """Scores of the classes, one a column: `p_1`, `p_2` and so on, which add up to 1 in every row."""
    groups: dict[str, list[Facts]] = {}
    for column in facts.values():
        if (
            column.type is Type.NUMBER
            and column.words[:1]
            and column.words[0] in CLASS_PREFIXES
            and len(column.words) > 1
        ):
            groups.setdefault(column.words[0], []).append(column)
    found = []
    for group in groups.values():
        full = len(group) > 1 and all(column.within(0, 1) and len(column.numbers) == column.rows for column in group)
        if full and bool((np.abs(np.sum([column.numbers for column in group], axis=0) - 1) < 0.01).all()):
            note = Note(0.95, f"with {len(group) - 1} others it adds up to 1 in every row")
            found += [(Role.SCORE, column.name, note) for column in group]
    return found


def _event_time(facts: Mapping[str, Facts], declared: Mapping[str, Role]) -> list[tuple[Role, str, Note]]:
    """The time of the event among the columns of times: by name, by completeness, by running on through the file."""
    times = [column for name, column in facts.items() if column.type is Type.TIMESTAMP and name not in declared]
    found = []
    for column in times:
        complete, runs_on = 0 < 0.99 * column.rows <= column.present, column.onward > 0.9
        if not complete or column.folded in LABEL_TIMES or not OTHER_TIMES.isdisjoint(column.words):
            continue
        named = EVENT_TIMES.get(column.folded, 0.0)
        sure = max(named, 0.75 if runs_on else 0.65 if len(times) == 1 else 0.5)
        reasons = [
            *(["named as the time of the event"] if named else []),
            *(["the only time"] if len(times) == 1 else []),
            *(["runs on through the file"] if runs_on else []),
            "never missing" if column.present == column.rows else "nearly never missing",
        ]
        found.append((Role.TIMESTAMP, column.name, Note(sure, ", ".join(reasons))))
    return found
