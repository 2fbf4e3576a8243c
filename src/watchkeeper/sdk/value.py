"""Value: how what a service has at hand – NumPy scalars, pandas times, UUIDs – becomes what a record holds."""

from __future__ import annotations

from collections.abc import Mapping, Set
from datetime import UTC, datetime
from typing import Any
from uuid import UUID


def plain(value: Any) -> Any:
    """A value of a type that msgspec does not know, as one that it does; no library is imported for it."""
    if isinstance(value, datetime):
        return _pure(value)
    if getattr(getattr(value, "dtype", None), "kind", "") == "M" and not getattr(value, "shape", ()):
        return str(value)  # a NumPy time: its own text, since NumPy would give a bare number of nanoseconds
    for method in ("item", "tolist"):
        if callable(convert := getattr(value, method, None)):
            try:
                return convert()
            except ValueError:  # more than one item: the next method gives a list
                continue
    if isinstance(value, Mapping):
        return dict(value)
    if isinstance(value, Set):
        return list(value)
    for kind in (str, int, float):
        if isinstance(value, kind):
            return kind(value)
    raise TypeError(f"a value of type {type(value).__name__} can't be recorded")


def moment(value: Any) -> datetime:
    """A time with an offset, from a datetime, RFC 3339 text or seconds since 1970. Raises `ValueError` otherwise."""
    if isinstance(value, str):
        value = datetime.fromisoformat(value)
    if isinstance(value, datetime):
        if value.tzinfo is None:
            raise ValueError(f"the time {value} has no offset; use datetime.now(UTC), for example")
        return _pure(value)
    if hasattr(value, "item"):
        value = value.item()
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ValueError(f"{value!r} is no time")
    return datetime.fromtimestamp(value, UTC)


def identifier(value: Any) -> str:
    """An id as text. A float is refused: `4711.0` would never meet its label `4711`."""
    if isinstance(value, str):
        return str(value)
    if isinstance(value, UUID) or (hasattr(value, "__index__") and not isinstance(value, bool)):
        return str(value)
    raise ValueError(f"{value!r} can't be an id; give text or an integer")


def _pure(value: datetime) -> datetime:
    """The same moment as a plain `datetime` in UTC; without an offset it stays without."""
    zone = None
    if value.tzinfo is not None:
        value, zone = value.astimezone(UTC), UTC
    return datetime(
        value.year, value.month, value.day, value.hour, value.minute, value.second, value.microsecond, tzinfo=zone
    )
