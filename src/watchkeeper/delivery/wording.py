"""How values, columns and rows are named in sentences: short, and without anything that a terminal obeys."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

SHOWN = 60
"""The most characters of a value that a sentence holds."""


def plain(text: str, most: int = SHOWN) -> str:
    """`text` shortened, with control, format and other invisible characters written as escapes."""
    cut = text if len(text) <= most else f"{text[: most - 1]}…"
    return (
        cut
        if cut.isprintable()
        else "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in cut)
    )


def value(text: str) -> str:
    """A value in quotation marks."""
    return f"“{plain(text)}”"


def column(name: str) -> str:
    """A column's name, set off from the sentence."""
    return f"`{plain(name)}`"


def columns(names: Iterable[str], most: int = 5) -> str:
    """Several columns' names."""
    return listed([column(name) for name in names], most)


def listed(items: Sequence[str], most: int = 5) -> str:
    """`a, b and c`, or `a, b and 7 more`."""
    kept = list(items) if len(items) <= most else [*items[: most - 1], f"{len(items) - most + 1:,} more"]
    return kept[0] if len(kept) == 1 else f"{', '.join(kept[:-1])} and {kept[-1]}" if kept else ""


def count(number: int, what: str) -> str:
    """`1 row`, `2,000 rows`."""
    return f"{number:,} {what}{'' if number == 1 else 's'}"
