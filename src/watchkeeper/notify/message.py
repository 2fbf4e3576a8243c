"""What is told of one onset."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from watchkeeper.state.alarm import Onset


@dataclass(frozen=True)
class Message:
    """An onset in the words that leave the house; personal values were masked when its finding was made."""

    model: str
    onset: int
    """Its number: who hears it twice, because a process died while it was told, knows by it."""
    at: str
    """When it was noticed, ISO 8601 in UTC."""
    finding: Mapping[str, Any]
    """As in `check --json`."""

    @staticmethod
    def of(onset: Onset) -> Message:
        """The message of an onset."""
        at = datetime.fromtimestamp(onset.at / 1_000_000, UTC)
        return Message(onset.model, onset.id, at.isoformat(), onset.finding)

    @property
    def body(self) -> dict[str, Any]:
        """As JSON holds it."""
        return {"model": self.model, "onset": self.onset, "at": self.at, "finding": dict(self.finding)}

    @property
    def text(self) -> bytes:
        """The same as bytes: ASCII alone."""
        return json.dumps(self.body).encode()
