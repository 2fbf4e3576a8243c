"""Loads and writes `watchkeeper.yaml`."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from watchkeeper.model import yaml_text, yaml_tree
from watchkeeper.model.constraint import Constraints
from watchkeeper.model.declaration import Column, Model, TextFormat
from watchkeeper.model.mistake import Mistake, ModelError, error, no_column, said, shown, spelled
from watchkeeper.model.mistake import Path as At
from watchkeeper.model.need import Cost, Gap, Margin, Need, StatedNeed
from watchkeeper.model.note import ColumnNotes, Note
from watchkeeper.model.override import Override, written
from watchkeeper.model.replacing import replacing

_FIELDS = {
    "": tuple(Model.model_fields),
    "columns": tuple(Column.model_fields),
    "inferred": tuple(Constraints.model_fields),
    "checks": tuple(map(written, Override.model_fields)),
    "text": tuple(TextFormat.model_fields),
    "gate": tuple(Need.model_fields),
    "gate.metrics": tuple(Margin.model_fields),
    "gate.threshold": tuple(StatedNeed.model_fields),
    "gate.threshold.cost": tuple(Cost.model_fields),
    "gate.gaps": tuple(Gap.model_fields),
}


def load(path: str | Path) -> Model:
    """Read a model. Raises `ModelError` with every mistake in the file: its line, its field, and the fix."""
    return parse(text_of(Path(path)), str(path))


def parse(text: str, source: str = "watchkeeper.yaml") -> Model:
    """Read a model from YAML text; `source` names it in errors."""
    document = yaml_tree.read(text, source)
    mistakes = list(document.mistakes)
    if not isinstance(document.data, dict):
        begin = "name: my-model\ncolumns:\n  age:\n    type: integer"
        raise ModelError(f"{source} holds no model. Make one with `watchkeeper init`, or begin it so:\n{begin}")
    try:
        model = Model.model_validate(document.data)
    except ValidationError as invalid:
        mistakes += said(invalid, document.data, _FIELDS)
        placed = {found.path for found in mistakes}
        mistakes += (found for found in _unknown_columns(document.data) if found.path not in placed)
    else:
        if not mistakes:
            return model
    raise error(mistakes, source, document.lines)


def dump(
    model: Model,
    path: str | Path | None = None,
    *,
    notes: Mapping[str, ColumnNotes] | None = None,
    about: Mapping[str, Note] | None = None,
) -> str:
    """Write a model as commented YAML, to `path` where one is given, and return the text.

    `load` reads the same model back. `notes` explains fields of columns, `about` fields of the model. The file is
    written whole or not at all. Raises `CannotWrite`.
    """
    text = yaml_text.text(model, notes or {}, about or {})
    if path is not None:
        with replacing(Path(path)) as neighbour:
            neighbour.write_text(text, encoding="utf-8", newline="\n")
    return text


def text_of(path: Path) -> str:
    """The text of a file a person wrote. Raises `ModelError` where it can't be read, or is no UTF-8 of sane size."""
    try:
        with path.open("rb") as file:
            raw = file.read(yaml_tree.MOST_BYTES + 1)
    except OSError as failed:
        raise ModelError(f"{path} can't be read: {failed.strerror}. Check the path and its permissions.") from failed
    if len(raw) > yaml_tree.MOST_BYTES:
        raise ModelError(f"{path} is larger than {yaml_tree.MOST_BYTES >> 20} MiB: is it a data file?")
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as broken:
        line = raw.count(b"\n", 0, broken.start) + 1
        raise ModelError(f"{path}, line {line}: this is no UTF-8 text. Save the file as UTF-8.") from broken


def _unknown_columns(data: dict[str, Any]) -> list[Mistake]:
    """Names in `primary_key`, `segments` and `ignore` that are no columns, or ignored: pydantic looks last for them."""
    columns = data.get("columns")
    if not isinstance(columns, dict):
        return []
    checks = data.get("checks")
    rules = {name: rule for name, rule in checks.items() if isinstance(rule, dict)} if isinstance(checks, dict) else {}
    named: list[tuple[At, Any]] = [((field,), data.get(field)) for field in ("primary_key", "segments")]
    named += [(("checks", name, "ignore"), rule.get("ignore")) for name, rule in rules.items()]
    mistakes = []
    for field, names in named:
        for place, name in enumerate(names if isinstance(names, list) else ()):
            at = (*field, place)
            if isinstance(name, str) and name not in columns:
                mistakes.append(Mistake(at, f"{spelled(at)}: {no_column(name, columns)}"))
            elif field == ("primary_key",) and isinstance(name, str) and _is_ignored(columns[name]):
                text = f"{spelled(at)}: the column {shown(name)} is ignored, and a key column can't be"
                mistakes.append(Mistake(at, f"{text}; give it `role: id`, or take it out of the key"))
    return mistakes


def _is_ignored(column: Any) -> bool:
    return isinstance(column, dict) and column.get("role") == "ignored"
