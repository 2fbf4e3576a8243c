"""Training data, as far as it is known: which rows and entities a candidate has seen, and up to when."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from watchkeeper.delivery import deliver, digest_of, expand
from watchkeeper.delivery.fingerprint import row_hashes, scattered
from watchkeeper.model import Model, Role, Type, WatchkeeperError

Hashes = NDArray[np.uint64]
Told = Callable[[int], None]


class CannotRead(WatchkeeperError):
    """A training file is not what the model declares, so nothing can be looked for in it."""

    exit_code = 4


@dataclass(frozen=True, eq=False)
class Training:
    """What is known of the rows that a candidate was trained on."""

    files: tuple[str, ...]
    rows: int
    features: Hashes
    """Of each row a hash of its features, sorted, shape (rows,)."""
    ids: Hashes
    """Of each row a hash of its id, shape (rows,), in the same order; empty where the model has no id."""
    newest: int | None
    """The last event time, microseconds since 1970."""
    missing: Mapping[str, int]
    """Of each feature the rows without a value."""


def known_files(lineage: Mapping[str, Any], asked: Sequence[str]) -> tuple[list[str], list[str]]:
    """The files that the candidate was trained on, as asked for, else as its lineage names them; and what is not there.

    Files of the lineage must lie in the working folder with the bytes that were registered.
    """
    if asked:
        return [str(source) for named in asked for source in expand([named])], []
    data = lineage.get("data")
    named = data.get("files") if isinstance(data, Mapping) else None
    names = [name for name in named or () if isinstance(name, str)]
    there = names if names and all(Path(name).is_file() for name in names) else []
    digests = [digest_of(Path(name)) for name in there]
    if len(there) > 1:  # as `sha256sum` prints them
        lines = "".join(f"{digest}  {name}\n" for digest, name in zip(digests, there, strict=True))
        digests = [sha256(lines.encode()).hexdigest()]
    same = isinstance(data, Mapping) and digests == [data.get("sha256")]
    return (there, []) if same else ([], names)


def trained_on(files: Sequence[str], model: Model, features: Sequence[str], told: Told | None = None) -> Training:
    """Read training files once, and keep a few bytes of each row. Raises `CannotRead`."""
    seen: list[Hashes] = []
    ids: list[Hashes] = []
    newest: int | None = None
    lacking = dict.fromkeys(features, 0)
    key, time = id_columns(model), model.only(Role.TIMESTAMP)
    asked = {name: model.columns[name] for name in {*features, *key, *([time] if time else [])}}
    alone = model.model_copy(update={"columns": asked, "primary_key": [], "segments": []})
    for file in files:
        delivery = deliver(file, alone, strict=False)
        for block in delivery.blocks():
            seen.append(hashed(block.table, features))
            for name in features:
                lacking[name] += missing(block.table, name)
            if key and set(key) <= set(block.table.column_names):
                ids.append(hashed(block.table, key))
            if time is not None and time in block.table.column_names and model.columns[time].type is Type.TIMESTAMP:
                moments = block.table[time].cast(pa.int64()).drop_null()
                last = np.asarray(moments.combine_chunks()).max(initial=np.iinfo(np.int64).min)
                newest = int(last) if newest is None else max(newest, int(last))
            if told:
                told(len(block.rows))
        if delivery.rejected:
            raise CannotRead(f"training data: {delivery.violations[0].message} {delivery.violations[0].remedy}")
    none = np.empty(0, dtype=np.uint64)
    rows = np.concatenate(seen) if seen else none
    own = np.concatenate(ids) if ids and sum(map(len, ids)) == len(rows) else none
    order = np.argsort(rows, kind="stable")
    return Training(tuple(files), len(rows), rows[order], own[order] if len(own) else none, newest, lacking)


def hashed(table: pa.Table, columns: Sequence[str]) -> Hashes:
    """Of each row a hash of these cells, shape (rows,): equal numbers are equal, be they written 1 or 1.0."""
    cells = [_plain(table[name].combine_chunks()) for name in columns if name in table.column_names]
    return scattered(row_hashes(cells, table.num_rows))


def missing(table: pa.Table, name: str) -> int:
    """Rows without a value: null, or not a number, or all where there is no such column."""
    if name not in table.column_names:
        return int(table.num_rows)
    return int(pc.sum(pc.is_null(table[name], nan_is_null=True)).as_py() or 0)


def id_columns(model: Model) -> list[str]:
    """The columns that name a row: the id, else the primary key, unless that is the time alone."""
    key = [name for name in [model.only(Role.ID)] if name] or model.primary_key
    return [] if key == [model.only(Role.TIMESTAMP)] else list(key)


def seen_by(known: Hashes, rows: Hashes) -> NDArray[np.bool_]:
    """Which of the rows are among the known ones, which are sorted."""
    if not len(known):
        return np.zeros(len(rows), dtype=bool)
    at = np.minimum(np.searchsorted(known, rows), len(known) - 1)
    return np.asarray(known[at] == rows)


def data_end(lineage: Mapping[str, Any]) -> int | None:
    """The end of the candidate's data period as it was registered, microseconds since 1970; None where it was not."""
    data = lineage.get("data")
    text = data.get("to") if isinstance(data, Mapping) else None
    if isinstance(text, int) and not isinstance(text, bool):
        return text
    try:
        at = datetime.fromisoformat(text) if isinstance(text, str) else None
    except ValueError:
        return None
    if at is None:
        return None
    return round((at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp() * 1_000_000)


def _plain(cells: pa.Array) -> pa.Array:
    if pa.types.is_integer(cells.type) or pa.types.is_floating(cells.type):
        numbers = cells.cast(pa.float64(), safe=False)  # beyond 2**53 neighbours meet, on both sides alike
        return pa.array(np.asarray(numbers.fill_null(0)) + 0.0, mask=~np.asarray(numbers.is_valid()))
    return cells
