"""A result as JSON for machines: exactly the published schema, nothing rounded.

Sentences are for people, so they hold no value of a personal column; figures and segments are data and stay
as they are.
"""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import TYPE_CHECKING, Any

from watchkeeper.report import mask

if TYPE_CHECKING:
    from watchkeeper.budget import Change, Finding
    from watchkeeper.delivery import BadRow
    from watchkeeper.model import Model
    from watchkeeper.report.result import Result

SCHEMA_VERSION = 1
"""Raised when a script that reads the JSON would have to change."""

FINDING = (
    "kind", "check", "metric", "columns", "severity", "value", "expected", "effect", "evidence",
    "rows", "window", "segment", "version", "message", "remedy", "priority",
)  # fmt: skip


def as_dict(result: Result) -> dict[str, Any]:
    """The result as JSON-safe values; NaN and infinities are null."""
    rejected = result.verdict.value == "reject_file"
    return {
        "schema_version": SCHEMA_VERSION,
        "verdict": result.verdict.value,
        "rows": {
            "read": int(result.rows_read),
            "good": 0 if rejected else int(result.rows_good),
            "quarantined": int(result.rows_quarantined),
        },
        "quarantined": [_bad_row(bad, result.model) for bad in result.quarantined],
        "quarantined_truncated": bool(result.quarantined_truncated),
        "baseline": {"windows": int(result.baseline_windows), "source": result.baseline_source},
        "findings": [finding_as_dict(finding, result.model) for finding in result.findings],
    }


def to_json(result: Result) -> str:
    """The result as JSON text: ASCII alone, so no terminal or encoding stands in its way."""
    return json.dumps(as_dict(result), indent=2, allow_nan=False)


def finding_as_dict(finding: Finding, model: Model) -> dict[str, Any]:
    """One finding as JSON-safe values."""
    entry = {name: _safe(getattr(finding, name)) for name in FINDING}
    words = {"message": _safe(mask.sentence(finding, model)), "remedy": _safe(mask.advice(finding, model))}
    return entry | words | {"change": None if finding.change is None else _change(finding.change)}


def _change(change: Change) -> dict[str, Any]:
    return {"kind": change.kind, "since": _safe(change.since), "between": _safe(change.between)}


def _bad_row(bad: BadRow, model: Model) -> dict[str, Any]:
    entry = {"row": int(bad.row), "columns": _safe(bad.columns), "reason": _safe(mask.fault(bad, model))}
    return entry if bad.file is None else {**entry, "file": _safe(bad.file)}


def _safe(value: Any) -> Any:
    if isinstance(value, str):
        # A lone surrogate (from an undecodable file name) is no text that JSON could hold.
        return str(value).encode("utf-8", "replace").decode("utf-8")
    if isinstance(value, tuple | list):
        return [_safe(part) for part in value]
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, int):
        return value
    number = float(value)
    return number if math.isfinite(number) else None


def schema() -> dict[str, Any]:
    """The JSON Schema (2020-12) of `check --json`."""
    count = {"type": "integer", "minimum": 0}
    text, number = {"type": "string"}, {"type": ["number", "null"]}
    names = {"type": "array", "items": text, "description": "Names of columns; may be empty."}
    row = _object(
        {
            "row": {"type": "integer", "minimum": 1, "description": "Number among the data rows, from 1."},
            "columns": names,
            "reason": text,
            "file": {**text, "description": "The file's name; only where several were checked."},
        },
        optional=("file",),
    )
    instants = {"type": "array", "items": text, "minItems": 2, "maxItems": 2}
    change = _object(
        {
            "kind": {"enum": ["jump", "drift"], "description": "At once, or little by little."},
            "since": {**text, "description": "Start of the first changed window, ISO 8601, UTC; else its name."},
            "between": {**instants, "description": "Between these with 95 % probability."},
        }
    )
    finding = _object(
        {
            "kind": {"enum": ["violation", "change"], "description": "Certain, or measured and judged by the budget."},
            "check": text,
            "metric": text,
            "columns": names,
            "severity": {"enum": ["info", "warning", "alarm"]},
            "value": {**number, "description": "In the metric's unit."},
            "expected": {
                "description": "Lowest and highest value that would not be a warning; null where an end is open.",
                "anyOf": [{"type": "null"}, {"type": "array", "items": number, "minItems": 2, "maxItems": 2}],
            },
            "effect": {**number, "description": "The change against the baseline, in the metric's unit."},
            "evidence": {**number, "description": '-ln p in nats against "nothing changed".'},
            "rows": {"type": ["integer", "null"], "minimum": 0, "description": "Rows behind the value."},
            "window": {"type": ["string", "null"], "description": "start/end, ISO 8601, UTC, half-open."},
            "segment": {"type": ["string", "null"], "description": "column=value"},
            "version": {"type": ["string", "null"]},
            "message": text,
            "remedy": text,
            "priority": {
                "enum": ["page", "digest", None],
                "description": "Where it goes, by what may come of it; null for an info.",
            },
            "change": {
                "description": "When it began; null where there is nothing before it in time.",
                "anyOf": [{"type": "null"}, change],
            },
        }
    )
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "watchkeeper check --json",
        **_object(
            {
                "schema_version": {"const": SCHEMA_VERSION},
                "verdict": {"enum": ["accept", "accept_with_warning", "quarantine_rows", "reject_file"]},
                "rows": _object(
                    {
                        "read": count,
                        "good": {**count, "description": "0 where the file is rejected."},
                        "quarantined": count,
                    }
                ),
                "quarantined": {
                    "type": "array",
                    "items": row,
                    "maxItems": 10_000,
                    "description": "One entry a row; the first 10,000.",
                },
                "quarantined_truncated": {"type": "boolean"},
                "baseline": _object({"windows": count, "source": {"enum": ["files", "time", "blocks", "one"]}}),
                "findings": {"type": "array", "items": finding, "description": "Worst first."},
            }
        ),
    }


def write_schema(path: Path) -> None:
    """Write the schema as it is published in the documentation."""
    path.write_text(json.dumps(schema(), indent=2) + "\n", encoding="utf-8")


def _object(properties: dict[str, Any], optional: tuple[str, ...] = ()) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": properties,
        "required": [name for name in properties if name not in optional],
        "additionalProperties": False,
    }
