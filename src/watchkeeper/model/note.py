"""What inference says about itself: how sure it is of a line of the model, and why."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Note:
    """Why a field has its value. `confidence` is 0 to 1, or None where a person or a contract declared it."""

    confidence: float | None
    reason: str

    def __str__(self) -> str:
        return self.reason if self.confidence is None else f"{self.confidence:.2f}: {self.reason}"


@dataclass(frozen=True)
class ColumnNotes:
    """The notes on one column: by field, and remarks on what a person may want to change."""

    fields: Mapping[str, Note] = field(default_factory=dict)
    remarks: tuple[str, ...] = ()
