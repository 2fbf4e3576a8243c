"""Lineage: the code, environment, settings, data and measurements that a version came from."""

from __future__ import annotations

import json
import math
import platform
import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from hashlib import sha256
from importlib.metadata import distributions
from pathlib import Path
from typing import Any

from watchkeeper.delivery import deliver, expand, is_table
from watchkeeper.delivery import shown as without_keys
from watchkeeper.model import Model, Role, WatchkeeperError, yaml_tree
from watchkeeper.model.clock import instant
from watchkeeper.model.mistake import error, shown
from watchkeeper.model.yaml_file import text_of
from watchkeeper.release.commit import commit_of

MOST_BYTES = 1 << 20
"""Settings and measurements are kept as JSON of at most so many bytes."""
MASKED = "***"

_SECRET = re.compile(
    r"(?:^|[_\-. ])(?:password|passwd|secret|credentials?|api_?key|access_?key|secret_?key|private_?key|auth|"
    r"(?:access|api|auth|bearer|refresh|session|id)[_-]?token|pat)$|^token$"
)
_IN_URL = re.compile(r"(?<=://)[^/\s@]+@")
_WORDS = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")


class BadLineage(WatchkeeperError):
    """What was given as settings, measurements or data of a version can't be kept: the text says what to change."""


def lineage(
    model: Model,
    *,
    folder: Path | None = None,
    parameters: Mapping[str, Any] | None = None,
    config: str | Path | Mapping[str, Any] | None = None,
    data: Any = None,
    data_from: int | None = None,
    data_to: int | None = None,
    metrics: str | Path | Mapping[str, Any] | None = None,
    thresholds: str | Path | Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """All that is known of where a version came from, as JSON holds it; what looks like a secret is masked.

    `folder`: where the code lies, else the working folder. `config`, `metrics`, `thresholds`: JSON or YAML files, or
    mappings. `data`: the training files. `data_from`, `data_to`: the data's period in µs, end not included.
    """
    commit = commit_of(folder or Path.cwd())
    kept = {
        "commit": None if commit is None else commit.hash,
        "dirty": None if commit is None else commit.dirty,
        "environment": environment(),
        "parameters": recorded(parameters or {}),
        "config": recorded(_mapping("config", config)),
        "data": _data(model, data, data_from, data_to),
        "metrics": _numbers("metrics", metrics),
        "thresholds": _numbers("thresholds", thresholds),
    }
    size = len(json.dumps(kept))
    if size > MOST_BYTES:
        raise BadLineage(
            f"settings and measurements have {size:,} bytes, and {MOST_BYTES:,} are kept. Leave tables out."
        )
    return kept


def environment() -> dict[str, Any]:
    """Python's version and the packages that are installed beside it; nothing of the environment's variables."""
    names = ((found.metadata["Name"], found.version) for found in distributions())
    packages = {re.sub(r"[-_.]+", "-", name).lower(): version for name, version in names if name and version}
    return {"python": platform.python_version(), "packages": dict(sorted(packages.items()))}


def recorded(value: Any, name: str = "") -> Any:
    """A value as JSON holds it: objects by their kind's name, numbers that are none as text, secrets masked."""
    if _SECRET.search(_WORDS.sub("_", name).lower()) and value not in (None, "", True, False):
        return MASKED
    match value:
        case None | bool() | int():
            return value
        case float():
            return value if math.isfinite(value) else str(value)
        case str():
            return _IN_URL.sub(f"{MASKED}@", value)
        case date():
            return value.isoformat()
        case Path():
            return str(value)
        case Mapping():
            return {str(key): recorded(item, str(key)) for key, item in value.items()}
        case list() | tuple() | set() | frozenset():
            return [recorded(item) for item in value]
    if hasattr(value, "item") and getattr(value, "ndim", None) == 0:  # a scalar of NumPy
        return recorded(value.item(), name)
    return getattr(value, "__qualname__", None) or type(value).__qualname__


def finite(metrics: Mapping[str, float]) -> dict[str, float]:
    """Those that are numbers: what another program kept may hold NaN."""
    return {name: value for name, value in metrics.items() if math.isfinite(value)}


def _data(model: Model, data: Any, start: int | None, end: int | None) -> dict[str, Any]:
    """The data's period, as given or else as its files' event times tell it; files by their names and SHA-256."""
    if start is not None and end is not None and start >= end:
        raise BadLineage(f"the data's period ends ({instant(end)}) before it starts ({instant(start)}).")
    files = [] if data is None else [_file(model, source) for source in expand(data)]
    first = min((at for _, _, _, span in files for at in span), default=None)
    last = max((at for _, _, _, span in files for at in span), default=None)
    start, end = start if start is not None else first, end if end is not None else last
    return {
        "from": None if start is None else instant(start),
        "to": None if end is None else instant(end),
        "files": [name for name, _, _, _ in files],
        "rows": sum(rows for _, _, rows, _ in files) if files else None,
        "sha256": _together([(digest, name) for name, digest, _, _ in files]),
    }


def _file(model: Model, source: Any) -> tuple[str, str | None, int, list[int]]:
    """Name, SHA-256, rows, and first and last event time of some training data. Raises `BadLineage`."""
    time = model.only(Role.TIMESTAMP)
    assert time is not None, "only models with event times are added"
    alone = {"columns": {time: model.columns[time]}, "primary_key": [], "segments": []}
    delivery = deliver(source, model.model_copy(update=alone), strict=False)
    name = "table" if is_table(source) else without_keys(str(source)).rpartition("/")[2]
    span: list[int] = []
    for block in delivery.blocks():
        span = _wider(span, block.table[time])
    if delivery.rejected:
        raise BadLineage(
            f"--data {delivery.violations[0].message} {delivery.violations[0].remedy} "
            "Or leave --data out, and say --data-from and --data-to."
        )
    return name, delivery.digest, delivery.rows_read, span


def _wider(span: list[int], times: Any) -> list[int]:
    import pyarrow as pa
    import pyarrow.compute as pc

    ends = pc.min_max(times.cast(pa.int64())).as_py()
    known = [*span, *(at for at in ends.values() if at is not None)]
    return [min(known), max(known)] if known else []


def _together(files: Sequence[tuple[str | None, str]]) -> str | None:
    """One file's digest; of several the digest of what `sha256sum` prints of them."""
    if len(files) == 1:
        return files[0][0]
    lines = [f"{digest}  {name}\n" for digest, name in files if digest is not None]
    return sha256("".join(lines).encode()).hexdigest() if files and len(lines) == len(files) else None


def _mapping(what: str, given: str | Path | Mapping[str, Any] | None) -> Mapping[str, Any]:
    """A mapping, or what a JSON or YAML file holds (JSON is YAML)."""
    if given is None or isinstance(given, Mapping):
        return given or {}
    document = yaml_tree.read(text_of(Path(given)), str(given))
    if document.mistakes:
        raise error(document.mistakes, str(given), document.lines)
    if not isinstance(document.data, dict):
        raise BadLineage(f"{given}: {what} are names with their values. Write lines of the form `name: value`.")
    return document.data


def _numbers(what: str, given: str | Path | Mapping[str, Any] | None) -> dict[str, float]:
    return dict(_flat(what, _plain(_mapping(what, given))))


def _plain(given: Mapping[str, Any]) -> dict[str, Any]:
    """NumPy's scalars as Python's."""
    return {str(name): value.item() if hasattr(value, "item") else value for name, value in given.items()}


def _flat(what: str, given: Mapping[str, Any], above: str = "") -> Iterator[tuple[str, float]]:
    """Numbers by name; those of a mapping in it by `name.name`."""
    for key, value in given.items():
        name = f"{above}{key}"
        if isinstance(value, Mapping):
            yield from _flat(what, _plain(value), f"{name}.")
        elif isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
            raise BadLineage(
                f"{what}: {shown(name)} is {shown(value)}, which is no finite number. Mend it or leave it out."
            )
        else:
            yield name, value
