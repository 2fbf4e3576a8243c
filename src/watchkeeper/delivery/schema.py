"""Holds the columns of a delivery against those of the model: missing, renamed, doubled, extra, of another type."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from difflib import SequenceMatcher

import pyarrow as pa

from watchkeeper.delivery.convert import from_text, is_read
from watchkeeper.delivery.physical import exchanged, misfit
from watchkeeper.delivery.violation import Violation
from watchkeeper.delivery.wording import column, columns, count, listed, plain
from watchkeeper.model.declaration import Column, Model, Role, TextFormat, Type
from watchkeeper.model.time_format import has_time_of_day

DELIMITERS = (",", ";", "\t", "|", ":", "^", "~", " ")
_WORDS = {",": "a comma", ";": "a semicolon", "\t": "a tab", "|": "a bar (|)", " ": "a space"}


def expected(model: Model) -> list[str]:
    """The columns that a delivery must have: all but the ignored."""
    return [name for name, declared in model.columns.items() if declared.role is not Role.IGNORED]


def missing(file: str, names: Sequence[str], model: Model) -> list[Violation]:
    """What is said of expected columns that are not among `names`: of those that seem renamed, and of the others."""
    here, wanted = set(names), expected(model)
    lacking = [name for name in wanted if name not in here]
    extra = [name for name in names if name and name not in model.columns]
    found = {name: renamed(name, list(model.columns), lacking, names, extra) for name in lacking}
    moved = {name: likely for name, likely in found.items() if likely is not None}
    gone = [name for name in lacking if name not in moved]
    violations = [_moved(file, moved)] if moved else []
    if gone:
        violations.append(_none(file, gone, names) if len(gone) == len(wanted) > 1 else _gone(file, gone, names))
    return violations


def _moved(file: str, moved: Mapping[str, str]) -> Violation:
    name, likely = next(iter(moved.items()))
    if len(moved) == 1:
        words = f"{file}: the column {column(name)} is missing; it seems to be called {column(likely)} now."
        remedy = f"Ask the sender to call it {column(name)} again, or rename it in the model."
    else:
        pairs = listed([f"{column(old)} to {column(new)}" for old, new in moved.items()])
        words = f"{file}: {count(len(moved), 'column')} are missing and seem to be renamed, {pairs}."
        remedy = "Ask the sender for the names as they were, or rename the columns in the model."
    return Violation("missing_column", words, remedy, tuple(moved))


def _gone(file: str, gone: Sequence[str], names: Sequence[str]) -> Violation:
    one = len(gone) == 1
    what = f"the column {column(gone[0])} is missing" if one else f"{count(len(gone), 'column')} are missing"
    words = f"{file}: {what}{'' if one else f', {columns(gone)}'}; {_there(names)}."
    it = "it was dropped on purpose; if so, take it" if one else "they were dropped on purpose; if so, take them"
    return Violation("missing_column", words, f"Ask the sender whether {it} out of the model.", tuple(gone))


def _none(file: str, gone: Sequence[str], names: Sequence[str]) -> Violation:
    words = f"{file} has none of the {count(len(gone), 'column')} that are expected, {columns(gone)}; {_there(names)}."
    return Violation("missing_column", words, "Ask the sender whether this is the right file.", tuple(gone))


def renamed(
    name: str, declared: Sequence[str], lacking: Sequence[str], names: Sequence[str], extra: Sequence[str]
) -> str | None:
    """The extra column that a missing one is probably called now: by likeness of the name, else by its place."""
    scores = {other: SequenceMatcher(None, _folded(name), _folded(other)).ratio() for other in extra}
    best = max(scores, key=lambda other: scores[other], default=None)
    if best is not None and scores[best] >= 0.6:
        return best
    at = declared.index(name)
    for other in extra:
        place = names.index(other)
        before = declared[at - 1] if at else None
        behind = declared[at + 1] if at + 1 < len(declared) else None
        here_before = names[place - 1] if place else None
        here_behind = names[place + 1] if place + 1 < len(names) else None
        if before == here_before and behind == here_behind:
            return other
    return extra[0] if len(extra) == len(lacking) == 1 else None


def doubled(file: str, names: Sequence[str]) -> list[Violation]:
    """What is said of names that several columns have."""
    times = {name: many for name, many in Counter(names).items() if many > 1 and name}
    if not times:
        return []
    called = listed([f"{many} {column(name)}" for name, many in times.items()])
    words = f"{count(next(iter(times.values())), 'column')} are called {column(next(iter(times)))}"
    said = words if len(times) == 1 else f"several columns share a name ({called})"
    return [
        Violation(
            "duplicate_column",
            f"{file}: {said}, so it can't be told which is meant.",
            "Ask the sender to give each column a name of its own.",
            tuple(times),
        )
    ]


def extra_columns(file: str, names: Sequence[str], model: Model) -> list[Violation]:
    """What is said of columns that nobody declared, and of those without a name."""
    unnamed = sum(not name.strip() for name in names)
    extra = [name for name in names if name not in model.columns and name.strip()]
    found = []
    if extra:
        one = len(extra) == 1
        what = f"the column {column(extra[0])} is" if one else f"{count(len(extra), 'column')} are"
        words = f"{file}: {what} not declared in the model{'' if one else f', {columns(extra)}'}."
        remedy = (
            "It was kept and not checked. Add it to the model, with `role: ignored` if it does not matter."
            if one
            else "They were kept and not checked. Add them to the model, with `role: ignored` if they do not matter."
        )
        found.append(Violation("extra_column", words, remedy, tuple(extra)))
    if unnamed and "" not in model.columns:
        words = f"{file}: {count(unnamed, 'column')} without a name, perhaps from delimiters at the ends of the lines."
        found.append(Violation("extra_column", words, "Ask the sender not to end lines with a delimiter.", ("",)))
    return found


def types(file: str, schema: pa.Schema, model: Model) -> list[Violation]:
    """What is said of columns whose physical type can't be the declared one, alike ones together."""
    unlike: dict[tuple[str, Type], list[str]] = {}
    for field in schema:
        declared = model.columns.get(field.name)
        if declared is not None and is_read(declared) and (what := misfit(field.type, declared)) is not None:
            unlike.setdefault((what, declared.type), []).append(field.name)
    found = []
    for (what, declared_type), names in unlike.items():
        wanted = "text" if declared_type is Type.STRING else f"type {declared_type}"
        held = "text" if what == "text" else f"values of type {plain(what)}"
        hint = " Declare a `format` if the text is a time." if declared_type is Type.TIMESTAMP else ""
        words = f"{file}: {_these(names, 'holds', 'hold')} {held}, and {wanted} is declared."
        remedy = f"Ask the sender to store such values as before, or correct the type in the model.{hint}"
        found.append(Violation("type", words, remedy, tuple(names)))
    return found


def exchanges(file: str, schema: pa.Schema, model: Model) -> list[Violation]:
    """Notes on columns that have changed their physical type without losing a value, alike ones together."""
    alike: dict[tuple[str, Type], list[str]] = {}
    for field in schema:
        declared = model.columns.get(field.name)
        if declared is not None and is_read(declared) and exchanged(field.type, declared):
            alike.setdefault((str(field.type), declared.type), []).append(field.name)
    return [
        Violation(
            "type_change",
            f"{file}: {_these(names, 'is', 'are')} stored as {plain(stored)}, not as {declared_type}.",
            "Ask the sender why the type changed; the values were read as declared.",
            tuple(names),
        )
        for (stored, declared_type), names in alike.items()
    ]


def bare_dates(file: str, schema: pa.Schema, model: Model) -> list[Violation]:
    """A note on times that are stored as dates: what time of day they had is gone."""
    names = [
        field.name
        for field in schema
        if pa.types.is_date(field.type) and (it := model.columns.get(field.name)) and is_read(it) and _has_time(it)
    ]
    if not names:
        return []
    words = f"{file}: {_these(names, 'holds', 'hold')} dates alone, and times of day are expected: they are lost."
    remedy = "Ask the sender to store such values as timestamps again, or correct the model."
    return [Violation("type_change", words, remedy, tuple(names))]


def _has_time(declared: Column) -> bool:
    """Whether a column's format or limits show that its times have a time of day."""
    if declared.type is not Type.TIMESTAMP:
        return False
    limits = [(own.minimum, own.maximum) for own in (declared, declared.inferred) if own is not None]
    exact = [at for pair in limits for at in pair if isinstance(at, datetime)]
    by_format = declared.format not in (None, "iso8601") and has_time_of_day(declared.format or "")
    return by_format or any(at.time() != datetime.min.time() for at in exact)


def _these(names: Sequence[str], one: str, many: str) -> str:
    return f"the column {column(names[0])} {one}" if len(names) == 1 else f"the columns {columns(names)} {many}"


def header_faults(
    file: str,
    line: str,
    names: Sequence[str],
    model: Model,
    text: TextFormat,
    lines: Callable[[], Iterable[Sequence[str]]],
) -> list[Violation]:
    """What is wrong with a CSV header as a whole: another delimiter, a title or data in its place.

    `lines`: gives the cells of the first lines, empty lines too.
    """
    wanted = set(expected(model))
    here = len(wanted & set(names))
    if here == len(wanted):
        return []
    for other in DELIMITERS:
        cells = {cell.strip().strip('"') for cell in line.split(other)}
        if other != text.delimiter and len(wanted & cells) > max(here, len(wanted) // 2) and len(cells) > 1:
            words = f"{file}: the cells are divided by {sign(other)}, not by {sign(text.delimiter)} as declared."
            remedy = (
                f"Ask the sender for the declared delimiter, or write `delimiter: {other!r}` under `text` in the model."
            )
            return [Violation("delimiter", words, remedy)]
    for number, row in enumerate(lines(), start=1):
        if len(wanted & set(row)) > max(here, len(wanted) // 2):
            title = plain(" ".join(filter(None, names)), 40)
            words = f"{file}: the first line looks like a title (“{title}”); the names of the columns stand in line "
            remedy = "Ask the sender to leave out what stands above the names."
            return [Violation("header", f"{words}{number}.", remedy)]
    if here == 0 and len(names) == len(model.columns) and _is_data(names, model):
        shown = listed([plain(name, 20) for name in names], 4)
        words = f"{file}: the first line holds data ({shown}), not the names of the columns."
        return [
            Violation(
                "header", words, "Ask the sender for a header, or write `header: false` under `text` in the model."
            )
        ]
    return []


def _is_data(cells: Sequence[str], model: Model) -> bool:
    """Whether cells read as values of the model's columns, in order; text alone proves nothing."""
    typed = 0
    for cell, declared in zip(cells, model.columns.values(), strict=True):
        if not is_read(declared) or declared.type is Type.STRING or not cell:
            continue
        read = from_text(pa.array([cell], pa.string()), declared, empty_is_null=False)
        if read.invalid is not None:
            return False
        typed += 1
    return typed > 0


def _folded(name: str) -> str:
    return "".join(letter for letter in name.lower() if letter.isalnum())


def sign(delimiter: str) -> str:
    """A delimiter in words."""
    return _WORDS.get(delimiter, f"“{plain(delimiter)}”")


def _there(names: Sequence[str]) -> str:
    return f"the file has {columns([name for name in names if name])}" if any(names) else "the file has no columns"
