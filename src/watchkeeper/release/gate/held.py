"""Held-out rows and what was found on them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from watchkeeper.release.outcome import Checked

Values = NDArray[np.generic]


@dataclass(frozen=True, eq=False)
class Held:
    """Held-out rows, which neither model has seen in training; arrays have shape (n,)."""

    table: pa.Table
    """The rows as they came."""
    label: Values
    """What came true: numbers, booleans or texts; None or NaN where it is not known."""
    segments: Mapping[str, Values] = field(default_factory=dict)
    """Columns whose values are judged one by one."""
    groups: Mapping[str, Values] = field(default_factory=dict)
    """Protected columns."""
    time: NDArray[np.int64] | None = None
    """When each row happened, in any unit that counts up."""
    id: Values | None = None
    """Whom each row is about; rows of one entity count together where one has several."""


@dataclass(frozen=True)
class Evaluation:
    """What the held-out rows say of a candidate."""

    checks: tuple[Checked, ...]
    metrics: Mapping[str, Any]
    """By name: value, low, high and rows of the candidate; live, naive, difference with its interval, margin."""
    thresholds: Mapping[str, Any]
    """The threshold learned for the stated need, with the decisions that it makes; empty where none is stated."""
