"""Rows as text once more: tables as standard CSV or JSON lines, every value as it came."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from watchkeeper.delivery.fingerprint import as_text


def unique_names(names: Sequence[str]) -> list[str]:
    """Names for an output: a column without one is called by its place."""
    return [name or f"column_{i + 1}" for i, name in enumerate(names)]


def csv_lines(columns: Sequence[pa.Array]) -> bytes:
    """Rows as CSV (comma, quotes where needed, LF). A missing value is an empty cell."""
    cells = [_quoted(as_text(column)) for column in columns]
    if len(cells) == 1:  # an empty line would be no row
        cells = [pc.if_else(pc.equal(cells[0], ""), '""', cells[0])]
    lines = pc.binary_join_element_wise(*cells, ",")
    return "".join(f"{line}\n" for line in lines.to_pylist()).encode()


def json_lines(table: pa.Table) -> bytes:
    """Rows as JSON objects, one a line. Text stays text, numbers stay numbers; what JSON can't say becomes text."""
    return "".join(f"{json_line(row)}\n" for row in table.to_pylist()).encode()


def json_line(row: dict[str, Any]) -> str:
    """One row as a JSON object."""
    finite = {
        name: str(value) if isinstance(value, float) and not math.isfinite(value) else value
        for name, value in row.items()
    }
    return json.dumps(finite, ensure_ascii=False, default=_said)


def _said(value: object) -> str:
    return value.hex() if isinstance(value, bytes) else str(value)


def _quoted(texts: pa.Array) -> pa.Array:
    filled = pc.fill_null(texts, "")
    special = pc.match_substring_regex(filled, '[",\r\n]')
    if not pc.any(special).as_py():
        return filled
    inside = pc.replace_substring(filled, '"', '""')
    return pc.if_else(special, pc.binary_join_element_wise('"', inside, '"', ""), filled)
