"""What makes one doubt that a file was read as it was meant: data in the header, cells that were never divided."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

import pyarrow as pa
import pyarrow.compute as pc

from watchkeeper.delivery.schema import sign
from watchkeeper.delivery.sniff import VALUE
from watchkeeper.delivery.wording import column, count, listed, plain, value
from watchkeeper.model.declaration import TextFormat

_SIGNS = (";", ",", "\t", "|")
_EXCEL = re.compile(r"sep=(.?)", re.IGNORECASE)
"""A line by which Excel alone is told how cells are divided."""
_UNDIVIDED = 2
"""Delimiters in a name from which it seems to be several names."""


def doubts(name: str, names: Sequence[str], cells: pa.Table, text: TextFormat | None) -> Iterator[str]:
    """What should be looked at before a model of `cells` is trusted, as sentences.

    `names`: the columns as the file names them. `text`: how the text of the file is taken to be written; None for
    formats with types.
    """
    if text is not None and (told := _EXCEL.fullmatch(names[0].strip() if names else "")):
        yield (
            f"{name}: the first line, {value(names[0])}, is there for Excel alone, and stands where the names should. "
            f"Save the file without it, with cells divided by {sign(told[1] or text.delimiter)}, and run init again."
        )
        return
    undivided = [_undivided(at, label, cells) for at, label in enumerate(names)]
    for label, other in ((label, other) for label, other in zip(names, undivided, strict=True) if other):
        what = f"{name}: the column {column(label)} holds {sign(other)} again and again, in its name and in its cells"
        if text is not None and other != text.delimiter:
            yield (
                f"{what}, so the file seems to be divided by it, and saved again by a program that took it for text. "
                f"Ask for the file as it was, or write `delimiter: {other!r}` under `text`."
            )
        else:
            yield f"{what}, so each line seems to stand in quotes as a whole. Ask for the file as it was."
    if text is not None and not text.header:
        yield (
            f"{name}: the first line holds data ({listed([plain(cell, 20) for cell in _first(cells)], 4)}) and no "
            "names, so columns are called by their place. Write their names into the model, in order."
        )
    elif data := _like_data(names):
        yield (
            f"{name}: {count(len(data), 'column')} {'is' if len(data) == 1 else 'are'} called by what looks like data "
            f"({listed([plain(label, 20) for label in data], 4)}), so the line of names seems to be missing. Ask for "
            "the file with its header."
        )
    unnamed = [at for at, label in enumerate(names) if not label.strip() and _holds_any(cells.column(at))]
    if len(unnamed) > 1:
        yield (
            f"{name}: {count(len(unnamed), 'column')} with values have no name. Look whether the cells are divided "
            "as they should be."
        )


def _undivided(at: int, label: str, cells: pa.Table) -> str | None:
    """The delimiter that a column's name and most of its cells hold, or None. A sign before a blank divides words."""
    for other in _SIGNS:
        pattern = f"{re.escape(other)}[^ ]"
        if len(re.findall(pattern, label)) < _UNDIVIDED or not pa.types.is_string(cells.column(at).type):
            continue
        held = pc.drop_null(cells.column(at))
        if len(held) and 2 * pc.sum(pc.match_substring_regex(held, pattern)).as_py() > len(held):
            return other
    return None


def _like_data(names: Sequence[str]) -> list[str]:
    """Names that are numbers or dates, if most are; none where they are a series, as places and years are."""
    found = [name for name in names if VALUE.fullmatch(name.strip())]
    if len(found) < 2 or 2 * len(found) <= len(names):
        return []
    plain_series = all(name.isdigit() or "-" in name for name in found) and found == sorted(
        set(found), key=lambda name: (len(name), name)
    )
    return [] if plain_series else found


def _first(cells: pa.Table) -> list[str]:
    return [str(value) for value in cells.slice(0, 1).to_pylist()[0].values()] if len(cells) else []


def _holds_any(values: pa.ChunkedArray) -> bool:
    return bool(values.null_count < len(values))
