"""A document of sections, for people: the same as Markdown and as a page, with everything foreign made inert."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from watchkeeper.report import words

LIMIT = 4_000
"""Longer text is cut in its middle."""
_MARKUP = re.compile(r"([\\`*\[\]<>|~$&]|(?<![^\W_])_|_(?![^\W_])|^[#+=-])")
_NUMBERED = re.compile(r"^(\d+)([.)])(?=\s|$)")
_LINKED = re.compile(r"(\b(?:https?|ftp):|\bwww)([/.])", re.IGNORECASE)


@dataclass(frozen=True)
class Table:
    """Rows of cells; the first cell of a row names it."""

    head: Sequence[str]
    rows: Sequence[Sequence[str]]
    right: frozenset[int] = frozenset()
    """Columns of numbers."""


@dataclass(frozen=True)
class Items:
    """Sentences or names, one a line."""

    items: Sequence[str]


Block = str | Table | Items


@dataclass(frozen=True)
class Section:
    """A title and what stands below it."""

    title: str
    blocks: Sequence[Block] = field(default_factory=tuple)


@dataclass(frozen=True)
class Document:
    """A title, a line about it, and sections. Nothing in it is escaped: that is done where it is written."""

    title: str
    lead: str
    sections: Sequence[Section]
    foot: str = ""


def to_markdown(document: Document) -> str:
    """As Markdown (CommonMark with tables): no foreign text can become markup, code or a link."""
    parts = [f"# {escaped(document.title)}", escaped(document.lead)]
    for section in document.sections:
        parts.append(f"## {escaped(section.title)}")
        parts += [_block(block) for block in section.blocks]
    return "\n\n".join([*parts, *([f"*{escaped(document.foot)}*"] if document.foot else [])]) + "\n"


def escaped(text: str) -> str:
    """Text as Markdown shows it: what steers is shown as an escape, what marks up gets a backslash."""
    plain = _MARKUP.sub(r"\\\1", words.inert(text, LIMIT).strip())
    return _NUMBERED.sub(r"\1\\\2", _LINKED.sub(r"\1\\\2", plain))


def _block(block: Block) -> str:
    if isinstance(block, str):
        return escaped(block)
    if isinstance(block, Items):
        return "\n".join(f"- {escaped(item)}" for item in block.items)
    return "\n".join(_lines(block))


def _lines(table: Table) -> Iterator[str]:
    yield f"| {' | '.join(escaped(cell) for cell in table.head)} |"
    yield f"| {' | '.join('---:' if i in table.right else '---' for i in range(len(table.head)))} |"
    for row in table.rows:
        yield f"| {' | '.join(escaped(cell) for cell in row)} |"
