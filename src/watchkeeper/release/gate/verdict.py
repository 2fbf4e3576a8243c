"""Verdict: what the gate said of a version, and how it is kept and published as JSON."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from watchkeeper.model import replacing
from watchkeeper.model.clock import instant
from watchkeeper.release.outcome import Checked, Outcome

SCHEMA_VERSION = 1
"""Raised when a script that reads the JSON would have to change."""


@dataclass(frozen=True, repr=False)
class Gate:
    """What the gate said of a version."""

    model: str
    version: str
    live: str | None
    """The version that it was held against."""
    outcome: Outcome
    checks: tuple[Checked, ...]
    metrics: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    """By name: the candidate's value and its interval, the live model's, the naive baseline's, the difference."""
    thresholds: Mapping[str, Any] = field(default_factory=dict)
    """The threshold that was learned for the stated need."""
    holdout: Mapping[str, Any] = field(default_factory=dict)
    """Name, rows, those used, those left out and why, SHA-256, and the span of event times in microseconds."""
    notes: tuple[str, ...] = ()
    """What could not be looked at, and what else must be known."""
    of: Mapping[str, Any] | None = None
    """Version and number of the verdict on which this one rests, where a model was trained anew on everything."""
    at: int = 0
    seconds: float = 0.0
    number: int | None = None
    """The verdict's number, once it is kept."""

    def __repr__(self) -> str:
        """In short."""
        return f"<Gate {self.model} {self.version}: {self.outcome.value}, {len(self.checks)} checks>"

    @property
    def failed(self) -> list[Checked]:
        """What speaks against the version: what failed, then what is inconclusive."""
        return [one for kind in (Outcome.FAIL, Outcome.INCONCLUSIVE) for one in self.checks if one.outcome is kind]

    @property
    def exit_code(self) -> int:
        """0 PASS, 1 FAIL, 3 INCONCLUSIVE."""
        return {Outcome.PASS: 0, Outcome.FAIL: 1, Outcome.INCONCLUSIVE: 3}[self.outcome]

    def to_json(self) -> str:
        """As `gate --json` writes it."""
        return to_json(self)

    def to_html(self, path: str | Path) -> None:
        """Write the report: one self-contained page."""
        from watchkeeper.report.gate_page import write_gate

        write_gate(as_dict(self), path)

    def show(self, *, err: bool = False) -> None:
        """Print it: to standard output, or to standard error with `err`."""
        from rich.console import Console

        from watchkeeper.report.gate_terminal import print_gate

        print_gate(as_dict(self), Console(stderr=err))


def as_dict(gate: Gate) -> dict[str, Any]:
    """The verdict as JSON-safe values; NaN and infinities are null, times are RFC 3339 in UTC."""
    span = {end: None if gate.holdout.get(end) is None else instant(gate.holdout[end]) for end in ("from", "to")}
    return {
        "schema_version": SCHEMA_VERSION,
        "model": gate.model,
        "version": gate.version,
        "live": gate.live,
        "outcome": gate.outcome.value,
        "at": instant(gate.at),
        "seconds": _safe(gate.seconds),
        "holdout": _safe({**gate.holdout, **span}),
        "checks": [
            {
                "name": one.name,
                "outcome": one.outcome.value,
                "sentence": _safe(one.sentence),
                "remedy": _safe(one.remedy),
                "facts": _safe(one.facts),
            }
            for one in gate.checks
        ],
        "metrics": _safe(gate.metrics),
        "thresholds": _safe(gate.thresholds),
        "notes": _safe(gate.notes),
        "of": _safe(gate.of),
    }


def to_json(gate: Gate) -> str:
    """The verdict as JSON text: ASCII alone, so no terminal or encoding stands in its way."""
    return json.dumps(as_dict(gate), indent=2, allow_nan=False)


def write_json(gate: Gate, path: Path) -> None:
    """Write it, whole or not at all."""
    with replacing(path) as temporary:
        temporary.write_text(to_json(gate) + "\n", encoding="utf-8")


def schema() -> dict[str, Any]:
    """The JSON Schema (2020-12) of `gate --json`, which is also what is kept of each verdict."""
    text, some_text = {"type": "string"}, {"type": ["string", "null"]}
    count = {"type": "integer", "minimum": 0}
    outcome = {"enum": [one.value for one in Outcome]}
    free = {"type": "object", "description": "What a program may read; by name."}
    check = _object(
        {
            "name": {**text, "description": "Such as non_inferiority or time_leak."},
            "outcome": outcome,
            "sentence": {**text, "description": "What was found, with its figures and their units."},
            "remedy": {**text, "description": "What to do where it did not pass; may be empty."},
            "facts": free,
        }
    )
    span = {**some_text, "description": "Event time, RFC 3339, UTC; null where the model has none."}
    holdout = {
        "name": {**text, "description": "The file's name, or last:7d."},
        "rows": {**count, "description": "Rows that were there."},
        "used": {**count, "description": "Good rows with a label, which were judged by."},
        "bad": {**count, "description": "Rows that were set aside."},
        "unlabelled": count,
        "left_over": {**count, "description": "Rows that were not drawn, because there are more than anybody needs."},
        "sha256": some_text,
        "from": span,
        "to": span,
    }
    of = _object({"version": text, "gate": {"type": "integer"}})
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "watchkeeper gate --json",
        **_object(
            {
                "schema_version": {"const": SCHEMA_VERSION},
                "model": text,
                "version": text,
                "live": {**some_text, "description": "The version it was held against; null where none was live."},
                "outcome": outcome,
                "at": {**text, "description": "RFC 3339, UTC."},
                "seconds": {"type": "number", "minimum": 0},
                "holdout": _object(holdout),
                "checks": {"type": "array", "items": check, "minItems": 1},
                "metrics": {
                    "type": "object",
                    "additionalProperties": free,
                    "description": "By name: value, low, high and rows of the candidate, the live model and the naive "
                    "baseline, and the difference with its interval and its margin.",
                },
                "thresholds": free,
                "notes": {"type": "array", "items": text},
                "of": {
                    "anyOf": [{"type": "null"}, of],
                    "description": "The verdict on which this one rests, of a model that was trained anew.",
                },
            }
        ),
    }


def write_schema(path: Path) -> None:
    """Write the schema as it is published in the documentation."""
    path.write_text(json.dumps(schema(), indent=2) + "\n", encoding="utf-8")


def _object(properties: dict[str, Any]) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }


def _safe(value: Any) -> Any:
    """A value as JSON holds it."""
    if isinstance(value, np.generic | np.ndarray):
        value = value.tolist()
    if isinstance(value, str):
        # A lone surrogate (from an undecodable file name) is no text that JSON could hold.
        return str(value).encode("utf-8", "replace").decode("utf-8")
    if isinstance(value, Mapping):
        return {str(name): _safe(part) for name, part in value.items()}
    if isinstance(value, Sequence):
        return [_safe(part) for part in value]
    if value is None or isinstance(value, bool | int):
        return value
    number = float(value)
    return number if math.isfinite(number) else None
