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
    from rich.table import Table

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
    console.print(_lines([*sentences(comparison), *(("Note", words.inert(note, 300)) for note in comparison.notes)]))
    if comparison.moved and rows:
        console.print()
        console.print(
            Text(f"Rows that move most ({min(rows, len(comparison.moved))} of those asked for)", style="bold")
        )
        for row in comparison.moved[:rows]:
            console.print(Text(f"  {_row(row)}"), overflow="ellipsis", no_wrap=True)
    for path in written:
        console.print(Text(f"Written: {words.inert(str(path), 200)}", style="dim"))


def _lines(told: Sequence[tuple[str, str]]) -> Table:
    from rich.table import Table
    from rich.text import Text

    grid = Table.grid(padding=(0, 2))
    for question, said in told:
        grid.add_row(Text(question, style="dim", no_wrap=True), Text(_plain(said)))
    return grid


def _plain(said: str) -> str:
    return said.replace("`", "")


def _row(row: Row) -> str:
    name = words.inert(row.id, 24) if row.id is not None else f"row {row.row:,}"
    said = "" if row.before is None and row.after is None else f"  {_turn(shown(row.before), shown(row.after))}"
    score = f"  {words.number(row.scores[0])} → {words.number(row.scores[1])}" if row.scores else ""
    place = f"  place {row.places[0]:,} → {row.places[1]:,}" if row.places and not said else ""
    label = f"  label {shown(row.label)}" if row.label is not None else ""
    held = [f"{words.inert(k, 24)}={words.inert(str(v), 24)}" for k, v in list(row.features.items())[:MOST_FEATURES]]
    return f"{name}{said}{place}{score}{label}  {' '.join(held)}"


def _turn(before: str, after: str) -> str:
    return before if before == after else f"{before} → {after}"
