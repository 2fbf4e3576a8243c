"""Maps from text to text, built column by column."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa

from watchkeeper.lake.cell import json_text


class TextMap:
    """Collects names and JSON texts of some rows; the others have no map at all."""

    def __init__(self, rows: int) -> None:
        self._rows = rows
        self._held: dict[int, dict[str, str]] = {}

    def put(self, row: int, name: str, value: Any, *, beside: str = "") -> None:
        """Keep a value as JSON; where the name is taken, `beside` is put before it."""
        held = self._held.setdefault(row, {})
        while name in held and beside:
            name = f"{beside}.{name}"
        held[name] = json_text(value)

    def array(self) -> pa.Array:
        """The maps as a column; null where nothing was put."""
        return mapped([self._held.get(row) for row in range(self._rows)] if self._held else [None] * self._rows)


def json_maps(dicts: Sequence[Mapping[str, Any] | None]) -> pa.Array:
    """Each value as JSON text."""
    return mapped([d and {name: json_text(value) for name, value in d.items()} for d in dicts])


def mapped(dicts: Sequence[Mapping[str, Any] | None], kind: pa.DataType | None = None) -> pa.Array:
    """A map column; null where there is none or it is empty."""
    kind = kind or pa.string()
    if not any(dicts):
        return pa.nulls(len(dicts), pa.map_(pa.string(), kind))
    sizes = np.array([len(d) if d else 0 for d in dicts], dtype=np.int64)
    offsets = np.append(0, np.cumsum(sizes)).astype(np.int32)
    # A null offset marks a row without a map; the last offset is never null.
    positions = pa.array(offsets, mask=np.append(sizes == 0, False))
    keys = pa.array([name for d in dicts if d for name in d], pa.string())
    items = pa.array([value for d in dicts if d for value in d.values()], kind)
    return pa.MapArray.from_arrays(positions, keys, items)
