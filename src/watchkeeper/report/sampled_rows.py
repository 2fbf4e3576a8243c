"""Rows of a profile file's sample, for people and as JSON."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import numpy as np

from watchkeeper.model import WatchkeeperError
from watchkeeper.profiles import ProfileFile
from watchkeeper.report import words

if TYPE_CHECKING:
    from rich.console import Console

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class NoSample(WatchkeeperError):
    """Rows were asked for, and the profiles hold none."""


def sampled(file: ProfileFile, columns: Sequence[str], rows: int) -> list[dict[str, Any]]:
    """Up to so many rows of the sample over everything: a name and a cell a column. Raises `NoSample`."""
    sample = file.profiles.whole.sample
    if sample is None:
        raise NoSample(
            "these profiles hold no rows: an earlier release wrote them, or all of their columns are personal. "
            "Profile the data again with this release."
        )
    names = [name for name in columns or file.profiles.columns if name in sample.rows.column_names]
    return list(sample.rows.slice(0, rows).select(names).to_pylist())


def json_rows(rows: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """The same with cells that JSON has: times in ISO 8601 (UTC), null for what is not finite."""
    return [{name: _plain(cell) for name, cell in row.items()} for row in rows]


def print_rows(rows: Sequence[Mapping[str, Any]], console: Console) -> None:
    """One line a column, so that wide tables can be read; as many rows beside each other as there is room for."""
    from rich.table import Table
    from rich.text import Text

    console.print(f"\n{words.plural(len(rows), 'row')} of the sample, by chance and not by order:", markup=False)
    names = [words.inert(name, 32) for name in rows[0]] if rows else []
    texts = [[_cell(cell) for cell in row.values()] for row in rows]
    for together in _side_by_side(texts, console.width - max(map(len, names), default=0)):
        table = Table(box=None, padding=(0, 2, 0, 0), show_header=False)
        table.add_column(no_wrap=True)
        for _ in together:
            table.add_column(no_wrap=True, justify="right")
        for name, cells in zip(names, zip(*together, strict=True), strict=True):
            table.add_row(*map(Text, (name, *cells)))
        console.print(table)
        console.print()


def _side_by_side(texts: Sequence[Sequence[str]], width: int) -> Iterator[list[Sequence[str]]]:
    held: list[Sequence[str]] = []
    used = 0
    for cells in texts:
        needed = 2 + max(map(len, cells), default=0)
        if held and used + needed > width:
            yield held
            held, used = [], 0
        held.append(cells)
        used += needed
    if held:
        yield held


def _cell(value: Any) -> str:
    """A cell of a sampled row for people."""
    if isinstance(value, bool) or value is None:
        return words.MISSING if value is None else str(value).lower()
    if isinstance(value, datetime):
        return words.moment((value - _EPOCH) / timedelta(microseconds=1))
    return words.inert(value, 24) if isinstance(value, str) else words.number(value)


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.replace(tzinfo=None).isoformat()
    return None if isinstance(value, float) and not np.isfinite(value) else value
