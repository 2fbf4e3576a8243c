"""What was seen of a column's values: written under `inferred`, and judged by statistics alone."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from watchkeeper.model.constraint import Constraints, Scalar, Type
from watchkeeper.model.declaration import Role
from watchkeeper.model.facts import Facts, scalar

MOST_VALUES = 50
"""Distinct values up to which they are listed."""
REPEATED = 5
"""Rows that a value has on average before the values are listed."""
NEAR_UNIQUE = 0.5
"""Share of distinct values above which a text is near-unique."""
FEW_TEXTS = 20
"""Distinct texts up to which nothing is called near-unique."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def seen(column: Facts, role: Role, categorical: bool) -> Constraints | None:
    """What the values keep to: whether any is missing, range, known values, length. None for what is not watched."""
    if role is Role.IGNORED or column.type is Type.OTHER or not column.rows:
        return None
    found: dict[str, Any] = {"nullable": False} if column.present == column.rows else {}
    if role is not Role.ID and column.present:
        listed = _values(column) if column.type is Type.STRING or categorical else None
        if listed is not None:
            found["allowed"] = listed
        elif column.type is Type.STRING:
            found["max_length"] = pc.max(pc.utf8_length(column.values)).as_py()
        elif column.type in (Type.INTEGER, Type.NUMBER, Type.TIMESTAMP) and len(column.numbers):
            found |= _limits(column)
    return Constraints(**found) if found else None


def near_unique(column: Facts) -> bool:
    """Whether a text is other in nearly every row, as names, remarks and hashes are."""
    return column.type is Type.STRING and column.distinct > max(FEW_TEXTS, NEAR_UNIQUE * column.present)


def _values(column: Facts) -> list[Scalar] | None:
    """All values, sorted, where they are few and nearly each of them is repeated."""
    if column.distinct > MOST_VALUES or column.present < REPEATED * column.distinct:
        return None
    repeated = sum(rows > 1 for _, rows in column.common)
    if repeated < column.distinct / 2:
        return None
    return sorted((scalar(value) for value, _ in column.common), key=lambda value: (isinstance(value, str), value))


def _limits(column: Facts) -> dict[str, Any]:
    """The smallest and largest finite value, exact also where a double is not."""
    values = column.values
    if pa.types.is_floating(values.type):
        values = values.filter(pc.is_finite(values))
    elif column.type is Type.TIMESTAMP:
        values = values.cast(pa.int64())
    ends = pc.min_max(values).as_py()
    limits = {"minimum": ends["min"], "maximum": ends["max"]}
    if column.type is Type.TIMESTAMP:
        return {name: _EPOCH + timedelta(microseconds=value) for name, value in limits.items()}
    return {name: int(value) if column.type is Type.INTEGER else scalar(value) for name, value in limits.items()}
