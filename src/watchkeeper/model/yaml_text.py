"""Writes a model as YAML: only what differs from the defaults, each line with the reason behind it."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime

from watchkeeper.model.constraint import Constraints, Strict
from watchkeeper.model.declaration import Column, Model
from watchkeeper.model.note import ColumnNotes, Note
from watchkeeper.model.override import Override, written

HEADER = """\
# yaml-language-server: $schema=watchkeeper.schema.json
#
# What these data are, as Watchkeeper understands them. This file is yours to edit.
#
# Beside `type` stands what is declared: a row that breaks a line there is set aside.
# Under `inferred` stands what was seen in the data: statistics judge it, and no row is set aside for it.
# To declare a line, move it out of `inferred`, up beside `type`.
#
# A comment says how sure the inference was, from 0 to 1, and why. Lines left out have their default values.
"""

_ORDER = ("type", "role", "format", "decimal", "categorical", "missing", "sentinels", "drift", "pii")
_PLAIN = re.compile(r"[^\W\d](?:[\w./()%@+-]|[ ](?=[\w(]))*")
_RESERVED = {"true", "false", "yes", "no", "on", "off", "null", "y", "n", "none", "nan", "inf"}


def text(model: Model, notes: Mapping[str, ColumnNotes], about: Mapping[str, Note]) -> str:
    """The whole file. `notes` explains columns' fields, `about` the model's own."""
    return HEADER + "\n" + "".join(f"{line}\n" for line in _model(model, notes, about))


def _model(model: Model, notes: Mapping[str, ColumnNotes], about: Mapping[str, Note]) -> Iterator[str]:
    for name in Model.model_fields:
        value = getattr(model, name)
        if name == "columns":
            continue
        if isinstance(value, Strict):
            if value != _default(Model, name):
                yield f"{name}:"
                yield from _fields(value, tuple(type(value).model_fields), {}, "  ")
        elif name == "checks":
            yield from _overrides(model.checks, about.get(name))
        elif name == "name" or value != _default(Model, name):
            yield _line(name, value, about.get(name), "")
    yield ""
    yield "columns:" if model.columns else "columns: {}"
    for name, column in model.columns.items():
        yield from _column(name, column, notes.get(name, ColumnNotes()))


def _overrides(checks: Mapping[str, Override], note: Note | None) -> Iterator[str]:
    if checks:
        yield "checks:" + _reason(note)
    for name, override in checks.items():
        said = ((written(field), getattr(override, field)) for field in Override.model_fields)
        lines = ", ".join(f"{field}: {scalar(value)}" for field, value in said if value is not None)
        yield f"  {scalar(name)}: {{{lines}}}"


def _column(name: str, column: Column, notes: ColumnNotes) -> Iterator[str]:
    key = scalar(name)
    if len(key) > 1_000:  # YAML 1.2 §7.4: a key before its colon has at most 1,024 characters
        yield f"  ? {key}"
        yield "  :"
    else:
        yield f"  {key}:"
    yield from (f"    # {_comment(remark)}" for remark in notes.remarks)
    yield from _fields(column, (*_ORDER, *Constraints.model_fields), notes.fields, "    ")
    if column.inferred is not None:
        lines = list(_fields(column.inferred, tuple(Constraints.model_fields), {}, "      "))
        yield "    inferred:" if lines else "    inferred: {}"
        yield from lines


def _fields(part: Strict, names: tuple[str, ...], notes: Mapping[str, Note], indent: str) -> Iterator[str]:
    for name in names:
        value, default = getattr(part, name), _default(type(part), name)
        if value != default or type(value) is not type(default):
            yield _line(name, value, notes.get(name), indent)


def _default(part: type[Strict], name: str) -> object:
    return part.model_fields[name].get_default(call_default_factory=True)


def _line(name: str, value: object, note: Note | None, indent: str) -> str:
    return f"{indent}{name}: {scalar(value)}" + _reason(note)


def _reason(note: Note | None) -> str:
    return f"  # {_comment(str(note))}" if note else ""


def _comment(words: str) -> str:
    """One line of comment: nothing in it can end the line."""
    return "".join(sign if sign.isprintable() else ascii(sign)[1:-1] for sign in words)


def scalar(value: object) -> str:
    """A value, a list or a mapping, on one line of YAML 1.2 that YAML 1.1 reads alike."""
    if isinstance(value, Strict):
        value = {
            name: of for name in type(value).model_fields if (of := getattr(value, name)) != _default(type(value), name)
        }
    if isinstance(value, dict):
        return "{" + ", ".join(f"{scalar(name)}: {scalar(of)}" for name, of in value.items()) + "}"
    if isinstance(value, list | tuple):
        return f"[{', '.join(scalar(item) for item in value)}]"
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    if isinstance(value, datetime):
        moment = value.astimezone(UTC).replace(tzinfo=None)
        return moment.date().isoformat() if moment.time() == datetime.min.time() else f"{moment.isoformat()}Z"
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, float):
        if not math.isfinite(value):
            return ".nan" if math.isnan(value) else ".inf" if value > 0 else "-.inf"
        return str(int(value)) if value.is_integer() and abs(value) < 1e15 else repr(value)
    if isinstance(value, int):
        return str(value)
    return _string(str(value))


def _string(words: str) -> str:
    """A text, in quotes wherever YAML could take it for anything else."""
    if _PLAIN.fullmatch(words) and words.lower() not in _RESERVED and len(words) <= 200:
        return words
    return '"' + "".join(_escaped(sign) for sign in words) + '"'


def _escaped(sign: str) -> str:
    if sign in '"\\':
        return "\\" + sign
    if sign.isprintable():
        return sign
    code = ord(sign)
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"
