"""The tree of nodes in a skops file, which describes an estimator: types, and the columns of its training."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from watchkeeper.runtime.failure import Refused

MOST_DEEP = 200
_PLAIN = (
    "bool",
    "bytearray",
    "bytes",
    "complex",
    "dict",
    "float",
    "int",
    "list",
    "map",
    "set",
    "slice",
    "str",
    "tuple",
)
SAFE = frozenset(f"builtins.{name}" for name in _PLAIN) | {"collections.OrderedDict", "collections.defaultdict"}
_WITHIN = ("steps", "transformer_list", "best_estimator_", "estimators_", "regressor_", "estimator_")
"""Where scikit-learn keeps estimators that others ask for the number of columns: it, or the first of several."""


def types(schema: Any, names: set[str]) -> Iterator[str]:
    """All types and functions that the nodes name, but for those of Python itself. Raises `Refused`."""
    seen: set[str] = set()
    for node in _nodes(schema):
        file = node.get("file")
        if file is not None and (not isinstance(file, str) or file not in names):
            raise Refused(f"Its schema.json refers to {file!r}, which is no file of its archive.")
        if "__class__" not in node or node.get("__loader__") in ("JsonNode", "CachedNode"):
            continue
        named = name(node)
        if node.get("__loader__") == "MethodNode":
            content = node.get("content")
            named = _plain(f"{named}.{content.get('func') if isinstance(content, dict) else None}")
        if named not in seen and named not in SAFE:
            seen.add(named)
            yield named


def name(node: dict[str, Any]) -> str:
    """The type of a node. Raises `Refused`."""
    module, called = node.get("__module__"), node.get("__class__")
    if not isinstance(module, str) or not isinstance(called, str):
        raise Refused("Its schema.json holds a node that does not name its type.")
    return _plain(f"{module}.{called}")


def inputs(schema: Any) -> tuple[str, ...] | None:
    """`feature_names_in_` of the estimator, or of the first step of a pipeline that has them."""
    for node in _nodes(schema):
        named = node.get("feature_names_in_")
        if isinstance(named, dict) and isinstance(named.get("content"), list):
            try:
                columns = tuple(json.loads(one["content"]) for one in named["content"])
            except (TypeError, KeyError, ValueError) as error:
                raise Refused("Its schema.json names columns that are no texts.") from error
            if not all(isinstance(one, str) for one in columns):
                raise Refused("Its schema.json names columns that are no texts.")
            return columns
    return None


def width(schema: Any) -> int | None:
    """`n_features_in_` of the estimator, or of the one that it hands its rows to first; None where it has none."""
    node = schema
    for _ in range(MOST_DEEP):
        attributes = _attributes(node)
        stated = _number(attributes.get("n_features_in_"))
        if stated is not None:
            return stated
        within = next((attributes[one] for one in _WITHIN if one in attributes), None)
        if within is None or not name(node).startswith("sklearn."):
            return None
        node = _first(within)
    return None


def _attributes(node: Any) -> dict[str, Any]:
    """The attributes of an object, as nodes."""
    for _ in range(2):  # the object's node, then the one of its dictionary
        node = node.get("content") if isinstance(node, dict) else None
    return node if isinstance(node, dict) else {}


def _number(node: Any) -> int | None:
    """A whole number of a node."""
    try:
        stated = json.loads(node["content"])
    except (TypeError, KeyError, ValueError):
        return None
    return stated if isinstance(stated, int) and not isinstance(stated, bool) and stated > 0 else None


def _first(node: Any) -> Any:
    """The estimator of a node: itself, the first of a list, or the one of a pipeline's first pair (name, estimator)."""
    while isinstance(node, dict) and isinstance(node.get("content"), list) and node["content"]:
        node = node["content"][-1 if node.get("__class__") == "tuple" else 0]
    return node


def _plain(named: str) -> str:
    """The name of a type, which people are told to write into their configuration: refuse what is none."""
    if not all(part.isidentifier() for part in named.split(".")):
        raise Refused(f"Its schema.json names a type {ascii(named)[:100]}, as no type can be called.")
    return named


def _nodes(schema: Any) -> Iterator[dict[str, Any]]:
    """All objects of the schema, those nearest to the root first."""
    level, depth = [schema], 0
    while level:
        if depth > MOST_DEEP:
            raise Refused(f"Its schema.json is nested deeper than {MOST_DEEP} levels.")
        below: list[Any] = []
        for one in level:
            if isinstance(one, dict):
                yield one
                below += one.values()
            elif isinstance(one, list):
                below += one
        level = [one for one in below if isinstance(one, dict | list)]
        depth += 1
