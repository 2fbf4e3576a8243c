"""Reads YAML 1.2 into plain values, with the line of each: no tags are obeyed, no anchors can explode."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from watchkeeper.model.mistake import Mistake, ModelError, Path, shown, spelled

MOST_BYTES = 32 * 1024 * 1024
MOST_NODES = 2_000_000
"""Values in a document once its aliases are written out."""
MOST_DEPTH = 64

_INTEGER = re.compile(r"[-+]?(?:0|[1-9][0-9]{0,40})")
_BASED = re.compile(r"0o[0-7]{1,40}|0x[0-9a-fA-F]{1,40}")
_FLOAT = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+\.[0-9]*|[0-9]+(?=[eE]))(?:[eE][-+]?[0-9]+)?")
_INFINITE = re.compile(r"[-+]?\.(?:inf|Inf|INF)")
_WORDS = {"true": True, "false": False, "null": None, "~": None, "": None}


@dataclass
class Document:
    """What a file says: its values, where each stands, and what is wrong with it as YAML."""

    source: str
    data: Any = None
    lines: dict[Path, int] = field(default_factory=dict)
    """1-based line of each key and list item, by path."""
    mistakes: list[Mistake] = field(default_factory=list)


def read(text: str, source: str) -> Document:
    """Read one YAML document. `source` names it in errors.

    Scalars follow YAML 1.2: `yes` and `on` are texts, and so is a whole number with a leading zero, as that is a code.
    Keys are always texts. Raises `ModelError` with the line where the text is no YAML.
    """
    from ruamel.yaml import YAML
    from ruamel.yaml.error import MarkedYAMLError, YAMLError

    reader = _Reader(Document(source))
    try:
        reader.document(iter(YAML(typ="safe", pure=True).parse(text)))
    except MarkedYAMLError as broken:
        mark = broken.problem_mark or broken.context_mark
        place = f", line {mark.line + 1}" if mark else ""
        words = " ".join(part for part in (broken.context, broken.problem) if part)
        raise ModelError(
            f"{source}{place}: this is no YAML ({words}). Look for a missing colon, an open quote or uneven "
            "indentation; indent with spaces, and put texts with special signs in quotes."
        ) from broken
    except YAMLError as broken:
        first = str(broken).strip().splitlines()[0]
        raise ModelError(f"{source}: this is no YAML ({first}). Save it as plain UTF-8 text.") from broken
    return reader.out


class _Reader:
    """Builds values from the parser's events; one pass, no recursion deeper than the document may be."""

    def __init__(self, out: Document) -> None:
        self.out = out
        self.nodes = 0
        self.anchors: dict[str, tuple[Any, int]] = {}

    def document(self, events: Iterator[Any]) -> None:
        for event in events:
            match type(event).__name__:
                case "ScalarEvent" | "SequenceStartEvent" | "MappingStartEvent" | "AliasEvent":
                    self.out.data = self.value(event, events, ())
                case "DocumentStartEvent" if self.out.lines or self.out.data is not None:
                    raise self.refused(event, "a second document begins here; keep one document in a file")

    def value(self, event: Any, events: Iterator[Any], path: Path) -> Any:
        before = self.nodes
        self.nodes += 1
        if len(path) > MOST_DEPTH:
            raise self.refused(event, f"lines are nested more than {MOST_DEPTH} deep")
        kind = type(event).__name__
        if kind == "AliasEvent":
            value = self.alias(event)
        else:
            if event.tag not in (None, "!", "tag:yaml.org,2002:str"):
                self.note(path, f"the tag {shown(event.tag)} is not obeyed; take it out")
            if kind == "SequenceStartEvent":
                value = list(self.items(events, path))
            elif kind == "MappingStartEvent":
                value = self.mapping(events, path)
            else:
                plain = event.style is None and event.tag is None
                value = resolved(event.value) if plain else event.value
            if event.anchor:
                self.anchors[event.anchor] = (value, self.nodes - before)
        if self.nodes > MOST_NODES:
            raise self.refused(event, f"the document holds more than {MOST_NODES:,} values, or its aliases make it so")
        return value

    def alias(self, event: Any) -> Any:
        if event.anchor not in self.anchors:
            raise self.refused(event, f"*{event.anchor} names nothing that was finished before; write the lines out")
        value, size = self.anchors[event.anchor]
        self.nodes += size
        return value

    def items(self, events: Iterator[Any], path: Path) -> Iterator[Any]:
        for place, event in enumerate(events):
            if type(event).__name__ == "SequenceEndEvent":
                return
            self.out.lines[(*path, place)] = event.start_mark.line + 1
            yield self.value(event, events, (*path, place))

    def mapping(self, events: Iterator[Any], path: Path) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for event in events:
            if type(event).__name__ == "MappingEndEvent":
                break
            if type(event).__name__ != "ScalarEvent":
                raise self.refused(event, "a key must be a text")
            key, line = event.value, event.start_mark.line + 1
            at = (*path, key)
            if key == "<<" and event.style is None:
                self.note(at, "`<<` is not obeyed; write the lines out", line)
            if key in found:
                first = self.out.lines[at]
                self.note((*at, ""), f"{spelled(at)} stands here a second time, first on line {first}; keep one", line)
                self.value(next(events), events, (*at, ""))
            else:
                self.out.lines[at] = line
                found[key] = self.value(next(events), events, at)
        return found

    def note(self, path: Path, text: str, line: int | None = None) -> None:
        if line is not None:
            self.out.lines.setdefault(path, line)
        self.out.mistakes.append(Mistake(path, text))

    def refused(self, event: Any, text: str) -> ModelError:
        return ModelError(f"{self.out.source}, line {event.start_mark.line + 1}: {text}.")


def resolved(text: str) -> bool | int | float | str | None:
    """The value of a plain scalar by the core schema of YAML 1.2."""
    lower = text.lower()
    if lower in _WORDS and text in (lower, lower.capitalize(), lower.upper()):
        return _WORDS[lower]
    if _INTEGER.fullmatch(text):
        return int(text)
    if _BASED.fullmatch(text):
        return int(text, 0)
    if _FLOAT.fullmatch(text):
        return float(text)
    if _INFINITE.fullmatch(text) or lower == ".nan":
        return float(lower.replace(".", ""))
    return text
