"""Rows as text once more: tables as standard CSV or JSON lines, every value as it came."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import types

from watchkeeper.delivery.fingerprint import as_text
from watchkeeper.model.uuid_text import is_uuid


def unique_names(names: Sequence[str]) -> list[str]:
    """Names for an output: a column without one is called by its place."""
    return [name or f"column_{i + 1}" for i, name in enumerate(names)]


def csv_lines(columns: Sequence[pa.Array]) -> list[str]:
    """Rows as CSV (comma, quotes where needed). A missing value is an empty cell."""
    cells = [_quoted(as_text(column)) for column in columns]
    if len(cells) == 1:  # an empty line would be no row
        cells = [pc.if_else(pc.equal(cells[0], ""), '""', cells[0])]
    lines: list[str] = pc.binary_join_element_wise(*cells, ",").to_pylist()
    return lines


def json_lines(table: pa.Table) -> list[str]:
    """Rows as JSON objects. Text stays text, numbers stay numbers; what JSON can't say becomes text."""
    columns = [
        as_text(column.combine_chunks()) if types.is_temporal(column.type) or is_uuid(column.type) else column
        for column in table.columns
    ]
    rows = pa.table(columns, names=table.column_names).to_pylist()
    return [json.dumps(_finite(row), ensure_ascii=False, default=_said) for row in rows]


def _finite(row: dict[str, Any]) -> dict[str, Any]:
    return {name: str(v) if isinstance(v, float) and not math.isfinite(v) else v for name, v in row.items()}


def _said(value: object) -> str:
    return value.hex() if isinstance(value, bytes) else str(value)


def _quoted(texts: pa.Array) -> pa.Array:
    filled = pc.fill_null(texts, "")
    special = pc.match_substring_regex(filled, '[",\r\n]')
    if not pc.any(special).as_py():
        return filled
    inside = pc.replace_substring(filled, '"', '""')
    return pc.if_else(special, pc.binary_join_element_wise('"', inside, '"', ""), filled)
