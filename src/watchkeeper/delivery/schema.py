"""Holds the columns of a delivery against those of the model: missing, renamed, doubled, extra, of another type."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from difflib import SequenceMatcher

import pyarrow as pa

from watchkeeper.delivery.convert import from_text, is_read
from watchkeeper.delivery.physical import exchanged, misfit
from watchkeeper.delivery.violation import Violation
from watchkeeper.delivery.wording import column, columns, count, listed, plain
from watchkeeper.model.declaration import Model, Role, TextFormat, Type

DELIMITERS = (",", ";", "\t", "|", ":", "^", "~", " ")
_WORDS = {",": "a comma", ";": "a semicolon", "\t": "a tab", "|": "a bar (|)", " ": "a space"}


def expected(model: Model) -> list[str]:
    """The columns that a delivery must have: all but the ignored."""
    return [name for name, declared in model.columns.items() if declared.role is not Role.IGNORED]


def missing(file: str, names: Sequence[str], model: Model) -> list[Violation]:
    """A violation for each expected column that is not among `names`."""
    here = set(names)
    lacking = [name for name in expected(model) if name not in here]
    extra = [name for name in names if name and name not in model.columns]
    found = []
    for name in lacking:
        likely = renamed(name, list(model.columns), lacking, names, extra)
        message = f"{file}: the column {column(name)} is missing"
        if likely is None:
            message += f"; {_there(names)}."
            remedy = "Ask the sender whether it was dropped on purpose; if so, take it out of the model."
        else:
            message += f"; it seems to be called {column(likely)} now."
            remedy = f"Ask the sender to call it {column(name)} again, or rename it in the model."
        found.append(Violation("missing_column", message, remedy, (name,)))
    return found


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
    """A violation for each name that several columns have."""
    return [
        Violation(
            "duplicate_column",
            f"{file}: {count(times, 'column')} are called {column(name)}, so it can't be told which is meant.",
            "Ask the sender to give each column a name of its own.",
            (name,),
        )
        for name, times in Counter(names).items()
        if times > 1 and name
    ]


def extra_columns(file: str, names: Sequence[str], model: Model) -> list[Violation]:
    """A note for each column that nobody declared; one for all without a name."""
    unnamed = sum(not name.strip() for name in names)
    found = [
        Violation(
            "extra_column",
            f"{file}: the column {column(name)} is not declared in the model.",
            "It was kept and not checked. Add it to the model, with `role: ignored` if it does not matter.",
            (name,),
        )
        for name in names
        if name not in model.columns and name.strip()
    ]
    if unnamed and "" not in model.columns:
        words = f"{file}: {count(unnamed, 'column')} without a name, perhaps from delimiters at the ends of the lines."
        found.append(Violation("extra_column", words, "Ask the sender not to end lines with a delimiter.", ("",)))
    return found


def types(file: str, schema: pa.Schema, model: Model) -> list[Violation]:
    """A violation for each column whose physical type can't be the declared one."""
    found = []
    for field in schema:
        declared = model.columns.get(field.name)
        if declared is None or not is_read(declared) or (what := misfit(field.type, declared)) is None:
            continue
        wanted = "text" if declared.type is Type.STRING else f"type {declared.type}"
        held = "text" if what == "text" else f"values of type {plain(what)}"
        message = f"{file}: the column {column(field.name)} holds {held}, and {wanted} is declared."
        hint = " Declare its `format` if the text is a time." if declared.type is Type.TIMESTAMP else ""
        found.append(
            Violation(
                "type",
                message,
                f"Ask the sender to store it as before, or correct the column's type in the model.{hint}",
                (field.name,),
            )
        )
    return found


def exchanges(file: str, schema: pa.Schema, model: Model) -> list[Violation]:
    """A note for each column that has changed its physical type without losing a value."""
    return [
        Violation(
            "type_change",
            f"{file}: the column {column(field.name)} is stored as {plain(str(field.type))}, not as {declared.type}.",
            "Ask the sender why the type changed; the values were read as declared.",
            (field.name,),
        )
        for field in schema
        if (declared := model.columns.get(field.name)) is not None
        and is_read(declared)
        and exchanged(field.type, declared)
    ]


def header_faults(file: str, line: str, names: Sequence[str], model: Model, text: TextFormat) -> list[Violation]:
    """What is wrong with a CSV header as a whole: another delimiter, or data in its place."""
    wanted = set(expected(model))
    here = len(wanted & set(names))
    if here == len(wanted):
        return []
    for other in DELIMITERS:
        cells = {cell.strip().strip('"') for cell in line.split(other)}
        if other != text.delimiter and len(wanted & cells) > max(here, len(wanted) // 2) and len(cells) > 1:
            words = f"{file}: the cells are divided by {_sign(other)}, not by {_sign(text.delimiter)} as declared."
            remedy = (
                f"Ask the sender for the declared delimiter, or write `delimiter: {other!r}` under `text` in the model."
            )
            return [Violation("delimiter", words, remedy)]
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


def _sign(delimiter: str) -> str:
    return _WORDS.get(delimiter, f"“{plain(delimiter)}”")


def _there(names: Sequence[str]) -> str:
    return f"the file has {columns([name for name in names if name])}" if any(names) else "the file has no columns"
