"""Compare: two registered versions answer the same rows, each in a process of its own, and what changes is told."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa

from watchkeeper.model import Model, WatchkeeperError
from watchkeeper.release import registry
from watchkeeper.release.compare.difference import MOST_ROWS, difference
from watchkeeper.release.gate.answering import BATCH, answers_to, joined, length
from watchkeeper.release.gate.holdout import Told
from watchkeeper.release.gate.source import rows_to_compare
from watchkeeper.report.comparison import Comparison
from watchkeeper.runtime import Answers, Worker
from watchkeeper.state import gate as gates
from watchkeeper.state.version import Version
from watchkeeper.watch.home import Home, opened


class CannotCompare(WatchkeeperError):
    """Two versions can't be compared on these rows: the text says which columns or answers are missing."""


def compared(
    home: Home, model: str, old: str, new: str, on: str, *, rows: int = MOST_ROWS, told: Told | None = None
) -> Comparison:
    """What changes from the version `old` to the version `new`, on the rows of a file or of `last:7d`.

    Both answer every row anew. `rows`: how many of those that move farthest are named. Raises `NoSuchModel`,
    `NoSuchVersion`, `NoSuchFile`, `CannotGate`, `CannotCompare`, and what a model's process raises.
    """
    declared = home.model(model)
    versions = [registry.one(home, model, name) for name in (old, new)]
    held = rows_to_compare(home, declared, on, told=told)
    before, after = (_answers(home, version, held.inputs, held.name, told) for version in versions)
    return difference(
        declared,
        held.table,
        (old, before),
        (new, after),
        inputs=held.inputs,
        source=held.name,
        thresholds=(threshold(home, declared, versions[0]), threshold(home, declared, versions[1])),
        most=rows,
    )


def compare(
    model: str, old: str, new: str, on: str | Path, *, rows: int = MOST_ROWS, home: str | Path | None = None
) -> Comparison:
    """The same from Python: `watchkeeper.compare("hotel-cancel", "v7", "v8", "latest.parquet")`.

    `home`: without it $WATCHKEEPER_HOME, else `.watchkeeper`. Raises `WatchkeeperError`.
    """
    with opened(home) as at:
        return compared(at, model, old, new, str(on), rows=rows)


def threshold(home: Home, model: Model, version: Version) -> float | None:
    """The threshold that was learned for a version: the one that it was registered with, else that of the gate."""
    registered = _only(version.detail.get("lineage", {}).get("thresholds"))
    if registered is not None:
        return registered
    verdict = gates.latest(home.store, model.name, version.version)
    return None if verdict is None else _only(verdict.result.get("thresholds"))


def _only(kept: Any) -> float | None:
    """The threshold of the score among those that are kept: the one called so, else the only one."""
    if not isinstance(kept, Mapping):
        return None
    found = {name: _number(value) for name, value in kept.items()}
    for name in ("threshold", "score"):
        if name in found:
            return found[name]
    numbers = [value for value in found.values() if value is not None]
    return numbers[0] if len(numbers) == 1 else None


def _number(value: Any) -> float | None:
    if isinstance(value, Mapping):
        value = value.get("threshold", value.get("value"))
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None


def _answers(home: Home, version: Version, inputs: pa.Table, name: str, told: Told | None) -> Answers:
    """What a version says to all rows."""
    servable = registry.servable(home, version)
    missing = [column for column in servable.inputs if column not in inputs.column_names]
    if missing:
        raise CannotCompare(
            f"{version.version} takes the column {missing[0]!r}, but {name} has none. Give rows with all columns that "
            "both versions take."
        )
    with Worker(servable, home.config.serving) as worker:
        answers = joined(list(_batches(worker, inputs, told)))
    if inputs.num_rows and length(answers) != inputs.num_rows:
        raise CannotCompare(
            f"{version.version} gave {length(answers):,} answers to {inputs.num_rows:,} rows, so they can't be told "
            "apart. Mend the model, such that it answers each row once."
        )
    return answers


def _batches(worker: Worker, inputs: pa.Table, told: Told | None) -> Iterator[Answers]:
    for first in range(0, inputs.num_rows, BATCH):
        batch = inputs.slice(first, BATCH)
        yield answers_to(worker, batch)
        if told:
            told(batch.num_rows)
