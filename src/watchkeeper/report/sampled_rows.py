"""Rows of a profile file's sample, for people and as JSON."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

import numpy as np

from watchkeeper.model import WatchkeeperError
from watchkeeper.profiles import ProfileFile
from watchkeeper.report import words

if TYPE_CHECKING:
    from rich.console import Console


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
    if not names:
        raise NoSample(
            f"the sampled rows hold no {words.join([words.name(name) for name in columns], most=3)}: "
            "personal columns are left out of them. Leave --rows out, or name other columns."
        )
    return list(sample.rows.slice(0, rows).select(names).to_pylist())


def unsampled(file: ProfileFile, columns: Sequence[str]) -> list[str]:
    """Those columns that the sampled rows lack."""
    sample = file.profiles.sample
    return [name for name in columns or file.profiles.columns if sample and name not in sample.rows.column_names]


def json_rows(rows: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """The same with cells that JSON has: times in ISO 8601 (UTC), null for what is not finite."""
    return [{name: _plain(cell) for name, cell in row.items()} for row in rows]


def print_rows(rows: Sequence[Mapping[str, Any]], console: Console, left_out: Sequence[str] = ()) -> None:
    """One line a column, so that wide tables can be read; as many rows beside each other as there is room for."""
    from rich.cells import cell_len
    from rich.table import Table
    from rich.text import Text

    told = f"{words.plural(len(rows), 'row')} of the sample, drawn by chance"
    if left_out:
        told += f", without {words.join([words.name(name) for name in left_out], most=3)}"
    console.print(f"\n{told}:", markup=False, highlight=False)
    names = [words.inert(name, max(12, min(32, console.width // 3))) for name in rows[0]] if rows else []
    texts = [[_cell(cell) for cell in row.values()] for row in rows]
    for i, together in enumerate(_side_by_side(texts, console.width - max(map(cell_len, names), default=0) - 2)):
        table = Table(box=None, padding=(0, 2, 0, 0), show_header=False)
        table.add_column(no_wrap=True)
        for _ in together:
            table.add_column(no_wrap=True, justify="right")
        for name, cells in zip(names, zip(*together, strict=True), strict=True):
            table.add_row(*map(Text, (name, *cells)))
        if i:
            console.print()
        console.print(table)


def _side_by_side(texts: Sequence[Sequence[str]], width: int) -> Iterator[list[Sequence[str]]]:
    from rich.cells import cell_len

    held: list[Sequence[str]] = []
    used = 0
    for cells in texts:
        needed = 2 + max(map(cell_len, cells), default=0)
        if held and used + needed > width:
            yield held
            held, used = [], 0
        held.append(cells)
        used += needed
    if held:
        yield held


def _cell(value: Any) -> str:
    """A cell of a sampled row as data have it: numbers without thousands separators, times as ISO 8601 (UTC)."""
    if isinstance(value, bool) or value is None:
        return words.MISSING if value is None else str(value).lower()
    if isinstance(value, datetime):
        at = value.replace(tzinfo=None)
        return str(at.date()) if at.time() == datetime.min.time() else str(at)
    return (
        words.inert(value, 24)
        if isinstance(value, str)
        else f"{value:.10g}"
        if isinstance(value, float)
        else f"{value}"
    )


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.replace(tzinfo=None).isoformat()
    return None if isinstance(value, float) and not np.isfinite(value) else value
