"""Skew: features as they were served, held against what the transform makes of the raw values that were logged."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from watchkeeper.model import Model, Role, WatchkeeperError
from watchkeeper.model.error import NotInstalled
from watchkeeper.report.mask import MASKED
from watchkeeper.report.skew import Example, Skew, Skewed, as_shown
from watchkeeper.stats import interval
from watchkeeper.watch import period

if TYPE_CHECKING:
    from watchkeeper.watch.home import Home

Transform = Callable[[dict[str, Any]], Mapping[str, Any]]

TOLERANCE = 1e-6
"""A feature that goes through single precision is off by 6e-8 of its value; a mistake is larger than this."""
EXAMPLES = 5


class NothingToCompare(WatchkeeperError):
    """No event of the span was logged with its raw values."""


class TransformFailed(WatchkeeperError):
    """The user's transform raised an error; the text names the event."""


def skew(
    model: str,
    transform: Transform,
    *,
    start: str | datetime | None = None,
    end: str | datetime | None = None,
    home: str | Path | None = None,
    tolerance: float = TOLERANCE,
) -> Skew:
    """Recompute the features of a model's events from their raw values, and compare them with those that were served.

    `transform` is called with the raw values of one event as a dict, as they were logged, and returns its features as a
    mapping. `start`, `end`: event times, the end not part of the span; texts and times without a zone are UTC. `home`:
    as for the command line. Numbers are the same if they differ by no more than `tolerance` of the larger one, other
    values if they are equal; a feature that is missing on one side alone differs. Raises `NothingToCompare`,
    `TransformFailed`, `NoSuchModel`.

    Example:
        >>> import watchkeeper as wk
        >>> wk.skew("hotel-cancel", features_of, start="2024-05-01", end="2024-05-02").messages
    """
    try:
        from watchkeeper.watch.home import opened
    except ModuleNotFoundError as missing:
        raise NotInstalled(f"skew needs {missing.name}. Run: pip install 'watchkeeper[server]'") from missing

    with opened(home) as at:
        return compared(at, at.model(model), transform, start=_micro(start), end=_micro(end), tolerance=tolerance)


def compared(
    home: Home,
    model: Model,
    transform: Transform,
    *,
    start: int | None = None,
    end: int | None = None,
    tolerance: float = TOLERANCE,
) -> Skew:
    """The same for an open home; `start` and `end` in microseconds since 1970."""
    from watchkeeper.lake import rows_of
    from watchkeeper.lake.schema import LABELS, declared

    features = declared(model, "features")
    sides = {name: _Side(name) for name in features}
    returned: Counter[str] = Counter()
    rows = without = 0
    for batch in home.lake(model).events(start, end):
        raw = batch.filter(batch["raw"].is_valid())
        without += batch.num_rows - raw.num_rows
        if not raw.num_rows:
            continue
        rows += raw.num_rows
        made = list(_made(raw, transform))
        returned.update(name for row in made for name in row)
        served = rows_of(raw, LABELS.empty_table(), model)
        for name, column in features.items():
            if name in returned:
                sides[name].add(raw["id"], served[name].combine_chunks(), _typed(made, name, column), model, tolerance)
    if not rows:
        raise NothingToCompare(
            f"{model.name}: none of {without:,} events of this span was logged with its raw values, so there is "
            "nothing to recompute features from. Log both: `log.predict(features, raw=…)`."
        )
    found = [sides[name].told() for name in features if name in returned]
    return Skew(
        model=model.name,
        rows=rows,
        without_raw=without,
        tolerance=tolerance,
        columns=tuple(sorted(found, key=lambda one: -one.share)),
        not_computed=tuple(name for name in features if name not in returned),
        not_served=tuple(sorted(name for name in returned if name not in model.columns)),
    )


@dataclass
class _Side:
    """What was counted of a feature so far."""

    name: str
    rows: int = 0
    differing: int = 0
    largest: float | None = None
    examples: list[Example] = field(default_factory=list)

    def add(self, ids: pa.Array, served: pa.Array, made: pa.Array, model: Model, tolerance: float) -> None:
        """Compare a batch."""
        differ = _differ(served, made, tolerance)
        self.rows, self.differing = self.rows + len(served), self.differing + int(differ.sum())
        if pa.types.is_integer(served.type) or pa.types.is_floating(served.type):
            apart = pc.max(pc.abs(pc.subtract(served.cast(pa.float64()), made.cast(pa.float64())))).as_py()
            known = apart is not None and np.isfinite(apart) and differ.any()
            self.largest = max(apart, self.largest or 0.0) if known else self.largest
        key = model.only(Role.ID)
        hides_id, hides = key is not None and model.columns[key].pii, model.columns[self.name].pii
        for place in np.flatnonzero(differ)[: EXAMPLES - len(self.examples)].tolist():
            shown = [f"({MASKED})" if hides else as_shown(side[place].as_py()) for side in (served, made)]
            self.examples.append(Example(f"({MASKED})" if hides_id else ids[place].as_py(), *shown))

    def told(self) -> Skewed:
        """What came out."""
        low, high = (float(end) for end in interval.wilson(self.differing, self.rows))
        return Skewed(self.name, self.rows, self.differing, low, high, self.largest, tuple(self.examples))


def _made(raw: pa.RecordBatch, transform: Transform) -> Iterator[Mapping[str, Any]]:
    """What the transform makes of each event."""
    for key, texts in zip(raw["id"].to_pylist(), raw["raw"].to_pylist(), strict=True):
        values = {name: msgspec.json.decode(text) for name, text in texts}  # a map comes as its pairs
        try:
            made = transform(values)
            if not isinstance(made, Mapping):
                raise TypeError(f"it returned a value of type {type(made).__name__}, not a mapping of features")
        except WatchkeeperError:
            raise
        except Exception as wrong:  # anybody's code; told with the event that it failed on
            raise TransformFailed(
                f"the transform failed on the raw values of event {key!r} ({type(wrong).__name__}: {wrong}). Mend it, "
                "or let it return what was served there."
            ) from wrong
        yield made


def _typed(made: list[Mapping[str, Any]], name: str, column: Any) -> pa.Array:
    """One feature of all events, as the lake would hold it."""
    from watchkeeper.lake.cell import typed

    values = (row.get(name) for row in made)
    return typed([value.item() if isinstance(value, np.generic) else value for value in values], column)[0]


def _differ(served: pa.Array, made: pa.Array, tolerance: float) -> NDArray[np.bool_]:
    alike = pc.equal(served, made)
    if pa.types.is_floating(served.type):
        with np.errstate(invalid="ignore"):
            a, b = (np.asarray(side.fill_null(np.nan)) for side in (served, made))
            near = np.abs(a - b) <= tolerance * np.maximum(np.abs(a), np.abs(b))
        alike = pc.or_(alike, pa.array(near))
    both = np.asarray(pc.and_(served.is_null(), made.is_null()))
    same: NDArray[np.bool_] = np.asarray(alike.fill_null(False)) | both
    return ~same


def _micro(at: str | datetime | None) -> int | None:
    if at is None or isinstance(at, str):
        return None if at is None else period.moment(at)
    return period.moment((at if at.tzinfo else at.replace(tzinfo=UTC)).isoformat())
