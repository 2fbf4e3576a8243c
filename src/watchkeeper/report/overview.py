"""The overview on the page: each row a link to its finding, and what the script needs to tell every cell."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from markupsafe import Markup

from watchkeeper.budget import Finding
from watchkeeper.model import Model
from watchkeeper.report import mask, words
from watchkeeper.report.markup import cut
from watchkeeper.report.strip import QUALITY, Level, Row, Strip, counted, drawn

MOST_ROWS = 300
"""Rows to each side (loud, quiet)."""
SPOKEN = 300_000
"""Characters of sentences kept for the cells; past it a cell is told by its severity alone."""


@dataclass(frozen=True)
class Overview:
    """The strip ready to be shown."""

    title: str
    strip: Strip
    loud: Markup
    quiet: Markup
    as_before: int
    """Columns without a warning or an alarm."""
    cells: Markup
    """What each cell says, as JSON."""


def overview(found: Strip, anchors: Mapping[str, str], model: Model) -> Overview:
    """Rows as links to `anchors` (by column, or `QUALITY`); a quiet column links to its line in the table."""
    loud, quiet = found.loud[:MOST_ROWS], found.quiet[:MOST_ROWS]
    cell = "metric" if found.by_metric else "window"
    return Overview(
        title=_title(found),
        strip=found,
        loud=_rows(loud, 0, anchors, cell),
        quiet=_rows(quiet, len(loud), anchors, cell),
        as_before=sum(row.column is not None for row in found.quiet),
        cells=_cells([*loud, *quiet], found.heads, model),
    )


def anchor(column: str) -> str:
    """The fragment of a column's line in the table; names may hold anything, so it is a digest."""
    return f"c{hashlib.sha256(column.encode('utf-8', 'surrogatepass')).hexdigest()[:8]}"


def _title(found: Strip) -> str:
    by = "metric by metric" if found.by_metric else f"over {words.plural(len(found.heads), 'window')}"
    loud = sum(row.column is not None for row in found.loud)
    total = loud + sum(row.column is not None for row in found.quiet)
    columns = words.plural(total, "column")
    if loud and total == 1:
        return f"The only column, {by}"
    return f"{loud:,} of {columns} with findings, {by}" if loud else f"{columns} {by}"


def _rows(rows: Sequence[Row], first: int, anchors: Mapping[str, str], cell: str) -> Markup:
    return Markup().join(_row(row, first + i, anchors, cell) for i, row in enumerate(rows))


def _row(row: Row, number: int, anchors: Mapping[str, str], cell: str) -> Markup:
    if row.column is None:
        target = anchors.get(QUALITY, "findings") if row.name == QUALITY else "findings"
    else:
        target = anchors.get(row.column) or anchor(row.column)
    told = counted(row, cell)
    return Markup('<a class="r" href="#{}" data-r="{}" title="{}"><b>{}</b>{}<i>{}</i></a>').format(
        target, number, f"{row.name}: {told}", cut(row.name), drawn(row), told
    )


def _cells(rows: Sequence[Row], heads: Sequence[str], model: Model) -> Markup:
    """Sentences once each, and for every row the sentence of its cells, the cells not judged, and those that stir."""
    sentences: dict[str, int] = {}
    room = SPOKEN
    listed: list[Any] = []
    for row in rows:
        said: dict[int, int] = {}
        for cell, found in sorted(row.cells.items()):
            severity = str(found[0].severity).capitalize()
            sentence = _said(severity, found, model) if room > 0 else f"{severity}: open the column to read more."
            if sentence not in sentences:
                room -= len(sentence)
            said[cell] = sentences.setdefault(sentence, len(sentences))
        levels = [[i for i, at in enumerate(row.levels) if at is one] for one in (Level.UNKNOWN, Level.STIRRING)]
        listed.append([said, *levels])
    text = json.dumps({"heads": heads, "sentences": list(sentences), "rows": listed}, separators=(",", ":"))
    # `<` may not stand in a script element: `</script>` would end it.
    return Markup(text.replace("<", "\\u003c"))  # noqa: S704


def _said(severity: str, found: Sequence[Finding], model: Model) -> str:
    more = f" And {words.plural(len(found) - 1, 'more finding')}." if len(found) > 1 else ""
    return f"{severity}. {mask.message(found[0], model, 240)}{more}"
