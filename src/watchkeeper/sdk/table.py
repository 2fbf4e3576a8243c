"""Table: many predictions at once, from a dict of columns, pandas, Polars or Arrow, as events."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from watchkeeper.sdk.error import SDKError
from watchkeeper.sdk.record import Event
from watchkeeper.sdk.value import identifier, moment

ROWS_AT_ONCE = 1024
INDEX = "__index_level_"
"""How pandas calls its index when it hands a table over; it is no column of the user's."""


class TableError(SDKError):
    """A table can't be read as predictions: its form is unknown, or a column is missing or of another length."""


class Plan:
    """Which column of a table is what. Columns that are nothing else are features, unless `features` names them."""

    def __init__(
        self,
        *,
        id: str,
        time: str | None,
        version: str | None,
        prediction: str | None,
        score: str | None,
        features: Sequence[str] | None,
        raw: Sequence[str],
        context: Sequence[str],
    ) -> None:
        self._single = {
            role: column
            for role, column in {"id": id, "time": time, "prediction": prediction, "score": score}.items()
            if column is not None
        }
        self._version = version
        self._features = features
        self._raw, self._context = raw, context

    def events(self, data: Any) -> Iterator[Event | str]:
        """One event a row, or the sentence that says why a row is none."""
        for columns in chunks(data):
            yield from self._events(columns)

    def _events(self, columns: dict[str, list[Any]]) -> Iterator[Event | str]:
        taken = {*self._single.values(), *self._raw, *self._context}
        features = [name for name in columns if name not in taken] if self._features is None else self._features
        missing = sorted({*taken, *features} - columns.keys())
        if missing:
            raise TableError(f"The table has no column {missing[0]!r}; it has {', '.join(map(repr, columns))}.")
        single = {role: columns[name] for role, name in self._single.items()}
        now = datetime.now(UTC)
        for row in range(len(single["id"])):
            value = {role: cells[row] for role, cells in single.items()}
            try:
                yield Event(
                    id=identifier(value["id"]),
                    time=moment(_zoned(value["time"])) if "time" in value else now,
                    features={name: columns[name][row] for name in features},
                    version=self._version,
                    prediction=value.get("prediction"),
                    score=value.get("score"),
                    raw={name: columns[name][row] for name in self._raw} or None,
                    context={name: columns[name][row] for name in self._context} or None,
                )
            except (ValueError, TypeError, OverflowError, OSError) as error:
                yield f"row {row}: {error}"


def chunks(data: Any) -> Iterator[dict[str, list[Any]]]:
    """A table's columns as lists of Python values, some rows at a time; a dict of columns comes whole."""
    if isinstance(data, Mapping):
        yield _lists(data)
    elif hasattr(data, "__arrow_c_stream__"):
        yield from _from_arrow(data)
    else:
        raise TableError(
            f"A table of type {type(data).__name__} can't be read; give a dict of columns, or a table of pandas, "
            "Polars, Arrow or anything else that has `__arrow_c_stream__`."
        )


def _lists(data: Mapping[Any, Iterable[Any]]) -> dict[str, list[Any]]:
    columns = {str(name): _list(column) for name, column in data.items()}
    lengths = {len(column) for column in columns.values()}
    if len(lengths) > 1:
        raise TableError(
            f"The columns differ in length: {', '.join(f'{n!r} has {len(c)}' for n, c in columns.items())}."
        )
    return columns


def _list(column: Any) -> list[Any]:
    if getattr(getattr(column, "dtype", None), "kind", "") == "M":
        column = column.astype("datetime64[us]")  # finer ones become bare numbers in NumPy
    return list(column.tolist() if hasattr(column, "tolist") else column)


def _from_arrow(data: Any) -> Iterator[dict[str, list[Any]]]:
    import pyarrow as pa

    reader = pa.RecordBatchReader.from_stream(data)
    for whole in reader:
        for start in range(0, whole.num_rows, ROWS_AT_ONCE):
            part = whole.slice(start, ROWS_AT_ONCE)
            yield {
                name: _values(part.column(index))
                for index, name in enumerate(part.schema.names)
                if not name.startswith(INDEX)
            }


def _values(column: Any) -> list[Any]:
    """An Arrow column as Python values; times to the microsecond, which is all that an event knows."""
    import pyarrow as pa

    if pa.types.is_timestamp(column.type) and column.type.unit == "ns":
        column = column.cast(pa.timestamp("us", column.type.tz), safe=False)
    return list(column.to_pylist())


def _zoned(value: Any) -> Any:
    """A table's time without an offset is UTC, as everywhere in Watchkeeper."""
    return value.replace(tzinfo=UTC) if isinstance(value, datetime) and value.tzinfo is None else value
