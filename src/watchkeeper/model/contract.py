"""Reads the contracts that teams already have, and says what of them can't be honoured."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from watchkeeper.model import frictionless, odcs, yaml_tree
from watchkeeper.model.mistake import ModelError, shown
from watchkeeper.model.term import Contract, Terms
from watchkeeper.model.yaml_file import text_of


def read_contract(path: str | Path, table: str | None = None) -> Contract:
    """Read a Frictionless Data Package, resource or Table Schema, or an Open Data Contract v3; JSON or YAML.

    `table` names the one that is meant where the contract holds several. Nothing it refers to is opened or fetched.
    Raises `ModelError` that names the file, the path in the document, and the fix; all mistakes at once.
    """
    document = _document(text_of(Path(path)), str(path))
    data = document.data
    if not isinstance(data, dict):
        raise ModelError(f"{path} holds no contract: {_KNOWN}")
    terms = Terms(document.source, document.lines, list(document.mistakes))
    if "apiVersion" in data or "kind" in data:
        contract = odcs.read(data, terms, table)
    elif {"resources", "schema", "fields"} & data.keys():
        contract = frictionless.read(data, terms, table)
    else:
        raise ModelError(
            f"{path} holds {', '.join(map(shown, list(data)[:5])) or 'nothing'}, which is no contract: {_KNOWN}"
        )
    terms.settle()
    return contract


_KNOWN = (
    "give a Frictionless Data Package (`resources`), a resource (`schema`), a Table Schema (`fields`), "
    "or an Open Data Contract v3 (`apiVersion: v3…`, `kind: DataContract`)."
)


def _document(text: str, source: str) -> yaml_tree.Document:
    if not text.lstrip().startswith(("{", "[")):
        return yaml_tree.read(text, source)
    document = yaml_tree.Document(source)

    def once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for key, value in pairs:
            if key in found:
                raise ModelError(f"{source}: {shown(key)} stands twice in one object; keep one.")
            found[key] = value
        return found

    try:
        document.data = json.loads(text, object_pairs_hook=once)
    except json.JSONDecodeError as broken:
        raise ModelError(
            f"{source}, line {broken.lineno}, column {broken.colno}: this is no JSON ({broken.msg})."
        ) from broken
    except RecursionError as deep:
        raise ModelError(f"{source}: its objects are nested too deep to be a contract.") from deep
    return document
