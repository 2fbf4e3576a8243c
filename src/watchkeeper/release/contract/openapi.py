"""The gateway's routes for one model as an OpenAPI 3.1 document, made from the contract of a version."""

from __future__ import annotations

from typing import Any

from watchkeeper.model.constraint import Type
from watchkeeper.model.time_format import EPOCHS
from watchkeeper.release.contract.contract import Contract
from watchkeeper.release.contract.field import Field
from watchkeeper.release.contract.schema import input_schema, prediction_schema, value_schema

MATRIX = "input"
"""What the one tensor is called that holds all columns side by side."""

_WHOLE = ["INT8", "INT16", "INT32", "INT64", "UINT8", "UINT16", "UINT32", "UINT64"]
_FLOAT = ["FP16", "FP32", "FP64"]
_DATATYPES = {
    Type.INTEGER: _WHOLE + _FLOAT,
    Type.NUMBER: _WHOLE + _FLOAT,
    Type.BOOLEAN: ["BOOL"],
    Type.STRING: ["BYTES"],
    Type.TIMESTAMP: ["BYTES"],
    Type.OTHER: ["BOOL", "BYTES", *_WHOLE, *_FLOAT],
}
_REFUSED = {
    "400": "The body can't be read, or fields of it are unknown, missing or wrong: the text names them.",
    "404": "There is no such model or version here.",
    "413": "The body is too large.",
    "500": "The model failed, and no other version could answer.",
    "503": "No version is loaded, or too much waits: send it again after `Retry-After` seconds.",
    "504": "The model took too long, and no other version could answer.",
}


def openapi(contract: Contract) -> dict[str, Any]:
    """The document. A model's name is one of `[a-z0-9-]`, so it can stand in a path as it is."""
    at = f"/v2/models/{contract.model}"
    return {
        "openapi": "3.1.0",
        "jsonSchemaDialect": "https://json-schema.org/draft/2020-12/schema",
        "info": {
            "title": f"{contract.model} {contract.version}",
            "version": contract.version,
            "description": "Predictions by the Open Inference Protocol V2, and as MLflow's clients ask for them.",
        },
        "paths": {
            "/v2/health/live": {"get": _health("live", "Whether the gateway runs.")},
            "/v2/health/ready": {"get": _health("ready", "Whether it serves its models.")},
            at: {"get": _metadata(contract)},
            f"{at}/ready": {"get": _health("model_ready", f"Whether {contract.model} is served.", "404", "503")},
            f"{at}/infer": {"post": _infer("infer")},
            f"{at}/versions/{{version}}/infer": {"post": _infer("infer_version", versioned=True)},
            "/invocations": {"post": _invocations(contract)},
        },
        "components": {"schemas": _schemas(contract)},
    }


def _schemas(contract: Contract) -> dict[str, Any]:
    text = {"type": "string"}
    return {
        "Input": input_schema(contract),
        "Prediction": prediction_schema(contract),
        "InferRequest": {
            "type": "object",
            "required": ["inputs"],
            "properties": {
                "id": {"type": ["string", "null"]},
                "parameters": {"type": ["object", "null"]},
                "inputs": {"anyOf": [_tensors(contract), {"type": "array", "maxItems": 1, "items": _matrix(contract)}]},
                "outputs": {
                    "type": ["array", "null"],
                    "items": {"type": "object", "required": ["name"], "properties": {"name": text}},
                },
            },
        },
        "InferAnswer": {
            "type": "object",
            "required": ["model_name", "model_version", "outputs"],
            "properties": {
                "id": text,
                "model_name": {"const": contract.model},
                "model_version": {**text, "description": "The version that answered."},
                "parameters": {"type": "object"},
                "outputs": {"type": "array", "items": {"anyOf": [*map(_output, contract.gives), _tensor_of_any()]}},
            },
        },
        "Metadata": {
            "type": "object",
            "required": ["name", "versions", "platform", "inputs", "outputs"],
            "properties": {
                "name": {"const": contract.model},
                "versions": {"type": "array", "items": text},
                "platform": text,
                "inputs": {"type": "array", "items": {"$ref": "#/components/schemas/TensorMetadata"}},
                "outputs": {"type": "array", "items": {"$ref": "#/components/schemas/TensorMetadata"}},
            },
        },
        "TensorMetadata": {
            "type": "object",
            "required": ["name", "datatype", "shape"],
            "properties": {
                "name": text,
                "datatype": text,
                "shape": {"type": "array", "items": {"type": "integer"}},
            },
        },
        "Error": {"type": "object", "required": ["error"], "properties": {"error": text}},
    }


def _tensors(contract: Contract) -> dict[str, Any]:
    """One tensor a column: each that is taken, and any that may come along."""
    needed = [{"contains": {"properties": {"name": {"const": field.name}}}} for field in contract.takes]
    fields = (*contract.takes, *contract.also)
    said: dict[str, Any] = {"type": "array", "items": {"anyOf": [_column(field) for field in fields]}}
    return {**said, "allOf": needed} if needed else said


def _column(field: Field) -> dict[str, Any]:
    counted = _WHOLE + _FLOAT if field.column.format in EPOCHS else []
    return _tensor(
        {"const": field.name},
        {"type": "array", "items": {"type": "integer", "minimum": 0}, "minItems": 1, "maxItems": 2},
        {"enum": _DATATYPES[field.type] + counted},
        value_schema(field),
    )


def _matrix(contract: Contract) -> dict[str, Any]:
    order = ", ".join(field.name for field in contract.takes)
    rows = [{"type": "integer", "minimum": 1}, {"const": len(contract.takes)}]
    shape = {"type": "array", "prefixItems": rows, "minItems": 2, "maxItems": 2}
    said = _tensor({"const": MATRIX}, shape, {"enum": ["BOOL", "BYTES", *_WHOLE, *_FLOAT]}, None)
    return {**said, "description": f"All columns side by side, in this order: {order}."}


def _output(field: Field) -> dict[str, Any]:
    shape = {"type": "array", "items": {"type": "integer"}}
    return _tensor({"const": field.name}, shape, {"type": "string"}, value_schema(field))


def _tensor_of_any() -> dict[str, Any]:
    shape = {"type": "array", "items": {"type": "integer"}}
    return _tensor({"type": "string"}, shape, {"type": "string"}, None)


def _tensor(name: Any, shape: Any, datatype: Any, items: dict[str, Any] | None) -> dict[str, Any]:
    """A tensor. Its values follow the JSON as binary data where `binary_data_size` says how many bytes they have."""
    values: dict[str, Any] = {"type": "array"}
    if items is not None:
        values["items"] = {"anyOf": [items, {"type": "array", "items": items}]}  # [n] flat, [n, 1] nested
    return {
        "type": "object",
        "required": ["name", "shape", "datatype"],
        "properties": {
            "name": name,
            "shape": shape,
            "datatype": datatype,
            "parameters": {"type": "object", "properties": {"binary_data_size": {"type": "integer"}}},
            "data": values,
        },
    }


def _infer(operation: str, *, versioned: bool = False) -> dict[str, Any]:
    said: dict[str, Any] = {
        "summary": "Predict." if not versioned else "Predict with one of the versions that are loaded.",
        "operationId": operation,
        "requestBody": _json("InferRequest", required=True),
        "responses": _answers("InferAnswer", *_REFUSED),
    }
    if versioned:
        said["parameters"] = [{"name": "version", "in": "path", "required": True, "schema": {"type": "string"}}]
    return said


def _invocations(contract: Contract) -> dict[str, Any]:
    rows = {"type": "array", "items": {"$ref": "#/components/schemas/Input"}, "minItems": 1}
    names = [field.name for field in (*contract.takes, *contract.also)]
    split = {
        "type": "object",
        "required": ["data"],
        "properties": {
            "columns": {
                "type": "array",
                "items": {"enum": names},
            },
            "data": {"type": "array", "items": {"type": "array"}},
        },
    }
    columns = {"type": "object", "additionalProperties": True}
    forms: dict[str, Any] = {"dataframe_records": rows, "dataframe_split": split, "inputs": {"anyOf": [columns, rows]}}
    given = next(field for field in contract.gives if field.name == "prediction")
    answer = {
        "type": "object",
        "required": ["predictions", "model_version"],
        "properties": {
            "predictions": {"type": "array", "items": value_schema(given)},
            "model_version": {"type": "string"},
        },
    }
    body = {
        "oneOf": [{"type": "object", "required": [form], "properties": {form: said}} for form, said in forms.items()]
    }
    return {
        "summary": f"Predict as MLflow's server does, where the gateway was started with --default {contract.model}.",
        "operationId": "invocations",
        "requestBody": {"required": True, "content": {"application/json": {"schema": body}}},
        "responses": {
            "200": {"description": "Predictions.", "content": {"application/json": {"schema": answer}}},
            **{code: _refusal(text) for code, text in {**_REFUSED, "415": "No such body is read here."}.items()},
        },
    }


def _metadata(contract: Contract) -> dict[str, Any]:
    return {
        "summary": f"What {contract.model} takes and gives.",
        "operationId": "metadata",
        "responses": _answers("Metadata", "404"),
    }


def _health(operation: str, summary: str, *codes: str) -> dict[str, Any]:
    refusals = {code: _refusal(_REFUSED[code]) for code in codes}
    said = {"200": {"description": "Yes."}, "503": {"description": "Not now."}} if operation != "live" else {}
    return {
        "summary": summary,
        "operationId": operation,
        "responses": {"200": {"description": "Yes."}, **said, **refusals},
    }


def _answers(name: str, *codes: str) -> dict[str, Any]:
    return {
        "200": {"description": "Done.", **_json(name)},
        **{code: _refusal(_REFUSED[code]) for code in codes},
    }


def _json(name: str, **more: Any) -> dict[str, Any]:
    return {**more, "content": {"application/json": {"schema": {"$ref": f"#/components/schemas/{name}"}}}}


def _refusal(said: str) -> dict[str, Any]:
    return {"description": said, **_json("Error")}
