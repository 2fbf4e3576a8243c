"""The JSON schema of `watchkeeper.yaml`, for editors."""

from __future__ import annotations

from typing import Any

from watchkeeper.model.declaration import Model
from watchkeeper.model.override import JUDGED, OUTSIDE

NAME = "watchkeeper.schema.json"
"""The file that the first line of a model names."""


def json_schema() -> dict[str, Any]:
    """JSON Schema (draft 2020-12) of a model, with a description of every field."""
    schema = Model.model_json_schema()
    judged = JUDGED | OUTSIDE
    known = dict.fromkeys([*judged, *(metric for metrics in judged.values() for metric in metrics)])
    schema["properties"]["checks"]["properties"] = {name: {"$ref": "#/$defs/Override"} for name in known}
    for part in (schema["$defs"]["Constraints"], schema["$defs"]["Column"]):
        for field in ("minimum", "maximum"):
            described = part["properties"][field]
            described["anyOf"] = [
                {"type": ["number", "null"]},
                {"type": "string", "description": "A date such as 2014-01-31."},
            ]
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema, "title": "Watchkeeper model"}
