"""A comparison on the terminal: what changes and for whom, in few lines."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from watchkeeper.report import words
from watchkeeper.report.comparison import Comparison, Row
from watchkeeper.report.comparison_words import headline, sentences, shown

if TYPE_CHECKING:
    from rich.console import Console
    from rich.text import Text

WIDTH = 12
"""Room for the question before each sentence."""
MOST_FEATURES = 6


def print_comparison(comparison: Comparison, console: Console, rows: int = 5, written: Sequence[Path] = ()) -> None:
    """Print it: a headline, a line for each question, and the rows that moved most."""
    from rich.text import Text

    labels = f", {comparison.labelled:,} with a label" if comparison.labelled else ", no labels"
    source = words.inert(comparison.source, 80)
    console.print(Text(f"{_plain(headline(comparison))}.", style="bold"))
    console.print(
        Text(f"{comparison.model.name}, {source}: {words.plural(comparison.rows, 'row')}{labels}", style="dim")
    )
    console.print()
    for question, said in sentences(comparison):
        console.print(_line(question, said))
    for note in comparison.notes:
        console.print(_line("Note", words.inert(note, 300)))
    if comparison.moved and rows:
        console.print()
        console.print(
            Text(f"Rows that move most ({min(rows, len(comparison.moved))} of those asked for)", style="bold")
        )
        for row in comparison.moved[:rows]:
            console.print(Text(f"  {_row(row)}"), overflow="ellipsis", no_wrap=True)
    for path in written:
        console.print(Text(f"Written: {words.inert(str(path), 200)}", style="dim"))


def _line(question: str, said: str) -> Text:
    from rich.text import Text

    text = Text(f"{question:<{WIDTH}}", style="dim")
    text.append(_plain(said), style="default not dim")
    return text


def _plain(said: str) -> str:
    return said.replace("`", "")


def _row(row: Row) -> str:
    name = words.inert(row.id, 24) if row.id is not None else f"row {row.row:,}"
    said = shown(row.before) if row.before == row.after else f"{shown(row.before)} → {shown(row.after)}"
    score = f"  {words.number(row.scores[0])} → {words.number(row.scores[1])}" if row.scores else ""
    label = f"  label {shown(row.label)}" if row.label is not None else ""
    held = [f"{words.inert(k, 24)}={words.inert(str(v), 24)}" for k, v in list(row.features.items())[:MOST_FEATURES]]
    return f"{name}  {said}{score}{label}  {' '.join(held)}"
