"""Mistakes in what a person wrote, each with its place and what to write instead."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any

from watchkeeper.model.error import WatchkeeperError

if TYPE_CHECKING:
    from pydantic import ValidationError

Path = tuple[str | int, ...]


class ModelError(WatchkeeperError):
    """A model or a contract can't be used as it is written: the text says where, and what to write instead."""


@dataclass(frozen=True)
class Mistake:
    """One mistake: the path to it in the document, and a sentence that names the fix."""

    path: Path
    text: str


def error(mistakes: Iterable[Mistake], source: str, lines: Mapping[Path, int]) -> ModelError:
    """All mistakes in one error, one a line, in the order of the file. `lines` gives 1-based lines by path."""
    placed = sorted(((_line(found.path, lines), found) for found in mistakes), key=lambda at: at[0])
    return ModelError("\n".join(f"{source}{f', line {line}' if line else ''}: {found.text}" for line, found in placed))


def spelled(path: Path) -> str:
    """A path as a person would write it: `columns.age.role`, `primary_key[1]`, `columns['a b'].type`."""
    text = ""
    for step in path:
        if isinstance(step, int):
            text += f"[{step}]"
        elif step.isidentifier() or (text and step.replace("-", "_").replace("$", "_").isidentifier()):
            text += f".{step}" if text else step
        else:
            text += f"[{shown(step)}]"
    return text


def shown(value: object) -> str:
    """A value as it would be written in Python, shortened, and without anything that a terminal obeys."""
    words = {None: "null", True: "true", False: "false"}
    if value is None or isinstance(value, bool):
        return words[value]
    text = ascii(value) if isinstance(value, str) and not value.isprintable() else repr(value)
    return text if len(text) <= 60 else f"{text[:40]}…{text[-15:]}"


def nearest(word: str, known: Iterable[str], meant: Mapping[str, str] | None = None) -> str | None:
    """The known word that was probably meant; `meant` holds other words for some."""
    choices = list(known)
    if meant and meant.get(word.lower()) in choices:
        return meant[word.lower()]
    folded = {choice.lower(): choice for choice in choices}
    close = get_close_matches(word.lower(), folded, n=1, cutoff=0.6)
    return folded[close[0]] if close else None


def no_such(word: str, known: Sequence[str], meant: Mapping[str, str] | None = None, most: int = 30) -> str:
    """What to write instead of an unknown word: a guess where one is near, and all choices, the nearest first."""
    guess = nearest(word, known, meant)
    ordered = [guess, *(choice for choice in known if choice != guess)] if guess else list(known)
    rest = f", … ({len(ordered):,} in all)" if len(ordered) > most else ""
    choices = ", ".join(ordered[:most]) + rest
    return f"Did you mean {guess!r}? Known are {choices}." if guess else f"Known are {choices}."


def no_column(name: str, columns: Iterable[str]) -> str:
    """What is wrong with the name of a column that is not there, with a guess where one is near."""
    guess = nearest(name, columns)
    hint = f". Did you mean {shown(guess)}?" if guess else ""
    return f"there is no column {shown(name)} under `columns`{hint}"


def _line(path: Path, lines: Mapping[Path, int]) -> int:
    return next((lines[path[:depth]] for depth in range(len(path), -1, -1) if path[:depth] in lines), 0)


# What pydantic finds, said in words ---------------------------------------------------------------------------------

_MEANT = {
    "target": "label",
    "outcome": "label",
    "predicted": "prediction",
    "forecast": "prediction",
    "y": "label",
    "truth": "label",
    "time": "timestamp",
    "date": "timestamp",
    "datetime": "timestamp",
    "event_time": "timestamp",
    "int": "integer",
    "long": "integer",
    "float": "number",
    "double": "number",
    "decimal": "number",
    "numeric": "number",
    "bool": "boolean",
    "str": "string",
    "text": "string",
    "category": "string",
    "categorical": "string",
    "key": "id",
    "ignore": "ignored",
    "skip": "ignored",
    "group": "segment",
    "sensitive": "protected",
    "probability": "score",
    "proba": "score",
    "rank": "position",
    "classification": "binary",
    "multi-class": "multiclass",
    "enum": "allowed",
    "values": "allowed",
    "required": "nullable",
    "min": "minimum",
    "max": "maximum",
    "regex": "pattern",
    "null_values": "missing",
}
"""Words that other tools use, and ours for the same."""

_EXPECTED = {
    "int_": "a whole number",
    "float_": "a number",
    "datetime_": "a date such as 2014-01-31",
    "date_": "a day such as 2014-01-31",
    "bool_": "true or false",
    "string_type": "a text (in quotes, if it looks like something else)",
    "list_type": "a list such as [a, b]",
    "dict_type": "indented lines of the form `field: value`",
    "model_": "indented lines of the form `field: value`",
}
"""What to write where pydantic's error type begins with the key."""


def said(
    invalid: ValidationError, document: Any, fields: Mapping[str, Sequence[str]], whole: str = "a model"
) -> Iterator[Mistake]:
    """The mistakes that pydantic found in `document`, one for each place. `whole` is what the document is.

    `fields` gives the names that are known in each part: `""` for the document itself, of a model then `columns`,
    `inferred` (a column's) and `checks`, and any other part under its own name, such as `text` or `gate.threshold`.
    """
    places: dict[Path, list[Any]] = {}
    for fault in invalid.errors(include_url=False):
        own = tuple(fault["ctx"]["at"]) if fault["type"] == "mistake" else ()
        places.setdefault(_within(document, (*fault["loc"], *own), fault["type"]), []).append(fault)
    for path, faults in places.items():
        yield Mistake(path, _sentence(path, faults, fields, whole))


def _within(document: Any, loc: Path, kind: str) -> Path:
    """`loc` cut where it leaves the document: pydantic goes on with the branch of a union."""
    path: Path = ()
    for step in loc:
        inside = (isinstance(document, dict) and step in document) or (
            isinstance(document, list) and isinstance(step, int) and step < len(document)
        )
        if not inside:
            return (*path, step) if kind == "missing" else path
        document = document[step]
        path = (*path, step)
    return path


def _sentence(path: Path, faults: list[Any], fields: Mapping[str, Sequence[str]], whole: str) -> str:
    where, first = spelled(path), faults[0]
    match first["type"]:
        case "extra_forbidden":
            part, known = _part(path, fields, whole)
            guess = nearest(str(path[-1]), known, _MEANT)
            hint = f"Did you mean {guess!r}?" if guess else no_such(str(path[-1]), known)
            return f"{where} is no field of {part}. {hint}"
        case "missing":
            return f"{spelled(path[:-1]) or 'the model'} needs a line `{path[-1]}:`"
        case "mistake":
            return f"{where}: {first['msg']}"
        case "enum" | "literal_error":
            known = [choice.strip(" '") for choice in first["ctx"]["expected"].replace(" or ", ", ").split(", ")]
            return f"{where} can't be {shown(first['input'])}. {no_such(str(first['input']), known, _MEANT)}"
    wanted = [_EXPECTED[kind] for kind in _EXPECTED if any(fault["type"].startswith(kind) for fault in faults)]
    if "a number" in wanted and "a whole number" in wanted:
        wanted.remove("a whole number")
    if wanted:
        return f"{where} can't be {shown(first['input'])}: write {' or '.join(wanted)}"
    said = first["msg"][0].lower() + first["msg"][1:]
    return f"{where} can't be {shown(first['input'])}: {said}"


def _part(path: Path, fields: Mapping[str, Sequence[str]], whole: str) -> tuple[str, Sequence[str]]:
    if path[0] == "columns" and len(path) == 3:
        return "a column", fields["columns"]
    if path[0] == "columns" and len(path) == 4:
        return "`inferred`", fields["inferred"]
    if path[0] == "checks":
        return "an override", fields["checks"]
    for depth in range(len(path) - 1, 0, -1):
        part = ".".join(map(str, path[:depth]))
        if part in fields:
            return f"`{part}`", fields[part]
    return whole, fields[""]
