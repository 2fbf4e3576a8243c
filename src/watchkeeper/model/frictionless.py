"""Frictionless: Data Package v2, Data Resource and Table Schema (datapackage.org/standard)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from watchkeeper.model.column_name import word_set
from watchkeeper.model.constraint import Type
from watchkeeper.model.mistake import Path, no_such, shown
from watchkeeper.model.term import Contract, Terms, number
from watchkeeper.model.time_format import format_fault

_TYPES = {
    "string": Type.STRING,
    "integer": Type.INTEGER,
    "number": Type.NUMBER,
    "boolean": Type.BOOLEAN,
    "date": Type.TIMESTAMP,
    "datetime": Type.TIMESTAMP,
    "yearmonth": Type.TIMESTAMP,
    "year": Type.INTEGER,
    "time": Type.STRING,
    "duration": Type.STRING,
    "geopoint": Type.STRING,
    "list": Type.STRING,
    "object": Type.OTHER,
    "array": Type.OTHER,
    "geojson": Type.OTHER,
}
_FORMATS = {"date": "%Y-%m-%d", "datetime": "iso8601", "yearmonth": "%Y-%m"}
_READ_AS_TEXT = ("time", "duration", "geopoint", "list")

_PACKAGE = word_set(
    "resources name id title description profile homepage version created keywords image contributors licenses sources"
)
_RESOURCE = word_set(
    "name type path data profile title description homepage format mediatype encoding bytes hash schema dialect "
    "sources licenses"
)
_SCHEMA = word_set("fields fieldsMatch missingValues primaryKey uniqueKeys foreignKeys name title description profile")
_FIELD = word_set(
    "name type format title description example constraints categories categoriesOrdered missingValues rdfType "
    "decimalChar groupChar bareNumber trueValues falseValues"
)
_CONSTRAINTS = word_set(
    "required unique minLength maxLength minimum maximum exclusiveMinimum exclusiveMaximum pattern enum jsonSchema"
)
_OF_NUMBERS = ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "enum")
_DIALECT = word_set("header delimiter quoteChar lineTerminator nullSequence caseSensitiveHeader csvddfVersion")
_DIALECT_DEFAULTS = {"doubleQuote": True, "skipInitialSpace": False, "headerRows": [1], "headerJoin": " "}
_TRUE, _FALSE = {"true", "t", "yes", "1"}, {"false", "f", "no", "0"}


def read(data: Mapping[str, Any], terms: Terms, table: str | None) -> Contract:
    """Read a descriptor of a package, a resource or a schema."""
    if "resources" in data:
        terms.leftover((), data, _PACKAGE, "a Data Package")
        tables: dict[str, tuple[Path, Mapping[str, Any]]] = {}
        for place, held in enumerate(terms.items(("resources",), data["resources"])):
            resource = terms.mapping(("resources", place), held)
            if "schema" in resource:
                tables[str(resource.get("name", place))] = (("resources", place), resource)
        name = terms.chosen(("resources",), tables, table)
        terms.settle()
        path, resource = tables[str(name)]
        return _resource(resource, path, terms, "Frictionless Data Package")
    if "schema" in data:
        return _resource(data, (), terms, "Frictionless Data Resource")
    return _schema(data, (), terms, "Frictionless Table Schema", None, {}, [])


def _resource(resource: Mapping[str, Any], path: Path, terms: Terms, standard: str) -> Contract:
    terms.leftover(path, resource, _RESOURCE, "a Data Resource")
    schema = resource["schema"]
    if isinstance(schema, str):
        terms.wrong(
            (*path, "schema"),
            f"{shown(schema)} is elsewhere, and is not opened: put it here, or give that file as the contract",
        )
        terms.settle()
    text: dict[str, Any] = {}
    missing: list[str] = []
    dialect = resource.get("dialect")
    if isinstance(dialect, str):
        terms.ignore(
            (*path, "dialect"), f"{shown(dialect)} is elsewhere, and is not opened; the dialect is told from the files"
        )
    else:
        text, missing = _dialect(terms.mapping((*path, "dialect"), dialect), (*path, "dialect"), terms)
    if resource.get("format") == "tsv":
        text.setdefault("delimiter", "\t")
    if isinstance(resource.get("encoding"), str):
        text |= terms.text(path, {"encoding": resource["encoding"]})
    name = resource.get("name")
    fields = terms.mapping((*path, "schema"), schema)
    return _schema(fields, (*path, "schema"), terms, standard, str(name) if name else None, text, missing)


def _dialect(dialect: Mapping[str, Any], path: Path, terms: Terms) -> tuple[dict[str, Any], list[str]]:
    ours = {"delimiter": "delimiter", "quoteChar": "quote", "header": "header"}
    text = terms.text(path, {ours[key]: value for key, value in dialect.items() if key in ours})
    for key, value in dialect.items():
        if key not in _DIALECT and not key.startswith("$") and _DIALECT_DEFAULTS.get(key) != value:
            terms.ignore((*path, key), f"{shown(value)} can't be honoured while reading")
    null = dialect.get("nullSequence")
    return text, [null] if isinstance(null, str) else []


def _schema(
    schema: Mapping[str, Any],
    path: Path,
    terms: Terms,
    standard: str,
    table: str | None,
    text: dict[str, Any],
    missing: list[str],
) -> Contract:
    terms.leftover(path, schema, _SCHEMA, "a Table Schema")
    common = _missing(schema.get("missingValues", [""]), (*path, "missingValues"), terms) + missing
    columns: dict[str, dict[str, Any]] = {}
    decorated: set[str] = set()
    for place, held in enumerate(terms.items((*path, "fields"), schema.get("fields"))):
        at = (*path, "fields", place)
        field = terms.mapping(at, held)
        name = field.get("name")
        if not isinstance(name, str):
            terms.wrong(at, "a field needs a `name`")
        elif name in columns:
            terms.wrong((*at, "name"), f"{shown(name)} is described twice; keep one")
        else:
            columns[name] = _column(field, at, terms, common)
            if _decorated(field, at, terms):
                decorated.add(name)
    if not columns and not terms.mistakes:
        terms.wrong((*path, "fields"), "no column is described here")
    key = _key(schema.get("primaryKey"), (*path, "primaryKey"), columns, terms)
    for name in key:
        columns[name]["nullable"] = False
    _other_keys(schema, path, columns, terms)
    if schema.get("fieldsMatch") in ("superset", "partial"):
        terms.ignore(
            (*path, "fieldsMatch"), "columns may be absent by this contract; here a missing column rejects the file"
        )
    return Contract(
        terms.source, standard, table, columns, tuple(key), text, {}, frozenset(decorated), tuple(terms.ignored)
    )


def _missing(values: Any, path: Path, terms: Terms) -> list[str]:
    texts = [value.get("value") if isinstance(value, dict) else value for value in terms.items(path, values)]
    for place, text in enumerate(texts):
        if not isinstance(text, str):
            terms.wrong((*path, place), f"{shown(text)} should be a text in quotes")
    return [text for text in texts if isinstance(text, str)]


def _column(field: Mapping[str, Any], path: Path, terms: Terms, common: list[str]) -> dict[str, Any]:
    terms.leftover(path, field, _FIELD, "a field")
    kind = field.get("type", "any")
    if kind != "any" and kind not in _TYPES:
        terms.wrong((*path, "type"), f"{shown(kind)} is no type of a field. {no_such(str(kind), [*_TYPES, 'any'])}")
        kind = "any"
    if kind == "any":
        terms.ignore(path, f"{shown(field['name'])} has no type there, so its type is inferred")
    if kind in _READ_AS_TEXT:
        terms.ignore((*path, "type"), f"a {kind} is read as text")
    ours = _TYPES.get(kind)
    _unused(field, path, terms, kind, ours)
    fields: dict[str, Any] = {"type": ours}
    if ours is Type.TIMESTAMP:
        fields["format"] = _format(field.get("format", "default"), kind, (*path, "format"), terms)
    if ours is Type.BOOLEAN and not _usual_booleans(field):
        terms.ignore(
            (*path, "trueValues"),
            "these words are not read as true and false, so the column is read as text with these values",
        )
        fields |= {
            "type": Type.STRING,
            "allowed": [*field.get("trueValues", ["true"]), *field.get("falseValues", ["false"])],
        }
    if ours is Type.NUMBER and field.get("decimalChar", ".") != ".":
        if field["decimalChar"] == ",":
            fields["decimal"] = ","
        else:
            terms.ignore((*path, "decimalChar"), f"{shown(field['decimalChar'])} can't be read as a decimal mark")
    held = field.get("missingValues")
    missing = common if held is None else _missing(held, (*path, "missingValues"), terms)
    fields |= _absent(missing, ours)
    constraints = terms.mapping((*path, "constraints"), field.get("constraints"))
    if "enum" in constraints and "allowed" in fields:
        terms.ignore((*path, "constraints", "enum"), "the words for true and false are the values that are allowed")
        constraints = {key: value for key, value in constraints.items() if key != "enum"}
    fields |= _constraints(constraints, (*path, "constraints"), terms, fields)
    if "categories" in field and "allowed" in fields and "enum" in constraints:
        terms.ignore((*path, "categories"), "the values of `enum` are checked instead")
    elif "categories" in field and "allowed" not in fields and ours in (Type.STRING, Type.INTEGER):
        values = [
            value.get("value") if isinstance(value, dict) else value
            for value in terms.items((*path, "categories"), field["categories"])
        ]
        fields["allowed"] = terms.allowed((*path, "categories"), values, ours)
        fields["categorical"] = True if ours is Type.INTEGER else None
    return terms.column(path, fields)


def _unused(field: Mapping[str, Any], path: Path, terms: Terms, kind: str, ours: Type | None) -> None:
    """List the properties that nothing is done with in a field of this type."""
    written = field.get("format", "default")
    if written != "default" and ours is not Type.TIMESTAMP:
        terms.ignore((*path, "format"), f"that a value is of the format {shown(written)} is not checked")
    for keys, kinds in (
        (("decimalChar",), ("number",)),
        (("groupChar", "bareNumber"), ("integer", "number")),
        (("trueValues", "falseValues"), ("boolean",)),
        (("categories",), ("string", "integer", "year", *_READ_AS_TEXT)),
    ):
        for key in keys:
            if key in field and kind not in kinds:
                terms.ignore((*path, key), f"it has no meaning here in a field of type {kind}")


def _absent(missing: list[str], type: Type | None) -> dict[str, Any]:
    """`missing`, and `sentinels` for those that are numbers of a numeric column, however they are written."""
    numeric = [number(text) for text in missing] if type in (Type.INTEGER, Type.NUMBER) else [None] * len(missing)
    texts = list(
        dict.fromkeys(text for text, value in zip(missing, numeric, strict=True) if value is None or value != value)
    )
    sentinels = [float(value) for value in numeric if value is not None and value == value]
    return {"missing": None if texts == [""] else texts, "sentinels": sentinels or None}


def _format(format: Any, kind: str, path: Path, terms: Terms) -> str | None:
    if kind == "yearmonth" or format == "default":
        return _FORMATS[kind]
    if format == "any":
        terms.ignore(path, "any format is allowed there; here the one that the data use is taken")
        return None
    written = str(format).removeprefix("fmt:")
    if fault := format_fault(written):
        terms.wrong(path, f"{fault}; write it in strptime's letters, such as %Y-%m-%d")
        return None
    return written


def _usual_booleans(field: Mapping[str, Any]) -> bool:
    true, false = ({str(word).lower() for word in field.get(key, [])} for key in ("trueValues", "falseValues"))
    return true <= _TRUE and false <= _FALSE


def _decorated(field: Mapping[str, Any], path: Path, terms: Terms) -> bool:
    """Whether numbers may be written with marks between digits, or with units around them."""
    if field.get("type") not in ("integer", "number"):
        return False
    found = [key for key, plain in (("groupChar", None), ("bareNumber", True)) if field.get(key, plain) != plain]
    held = field.get("constraints")
    for key in found:
        lost = [name for name in _OF_NUMBERS if isinstance(held, dict) and name in held]
        unchecked = f", and its {', '.join(lost)} not checked" if lost else ""
        terms.ignore(
            (*path, key),
            f"numbers with marks or units are not read; where the data hold any, the column is read as text{unchecked}",
        )
    return bool(found)


def _constraints(held: Mapping[str, Any], path: Path, terms: Terms, fields: Mapping[str, Any]) -> dict[str, Any]:
    terms.leftover(path, held, _CONSTRAINTS, "constraints")
    ours, written = fields["type"], fields.get("format")
    found: dict[str, Any] = {}
    if "required" in held and terms.flag((*path, "required"), held["required"]):
        found["nullable"] = False
    if "unique" in held and terms.flag((*path, "unique"), held["unique"]):
        found["unique"] = True
    if ours is None:
        for key in held.keys() & (_CONSTRAINTS - {"required", "unique"}):
            terms.ignore((*path, key), "the field has no type, so this can't be checked")
        return found
    if ours is Type.OTHER and held:
        terms.ignore(path, "objects and arrays are not watched, and their constraints are not checked")
        return {}
    for key, name in (("minLength", "min_length"), ("maxLength", "max_length")):
        if key in held and ours is Type.STRING:
            found[name] = terms.length((*path, key), held[key])
        elif key in held:
            terms.ignore((*path, key), f"a column of type {ours} has no length")
    found |= terms.limits(path, held, ours, written)
    if "pattern" in held and ours is Type.STRING:
        found["pattern"] = terms.pattern((*path, "pattern"), held["pattern"])
    elif "pattern" in held:
        terms.ignore((*path, "pattern"), f"a pattern is checked on text only, and the column is of type {ours}")
    if "enum" in held:
        found["allowed"] = terms.allowed((*path, "enum"), held["enum"], ours)
    if "jsonSchema" in held:
        terms.ignore((*path, "jsonSchema"), "JSON inside of cells is not checked")
    return found


def _key(value: Any, path: Path, columns: Mapping[str, Any], terms: Terms) -> list[str]:
    names = [value] if isinstance(value, str) else terms.items(path, value)
    for place, name in enumerate(names):
        if name not in columns:
            terms.wrong((*path, place), f"there is no field {shown(name)}. {no_such(str(name), list(columns))}")
    return [name for name in names if name in columns]


def _other_keys(schema: Mapping[str, Any], path: Path, columns: dict[str, dict[str, Any]], terms: Terms) -> None:
    for place, held in enumerate(terms.items((*path, "uniqueKeys"), schema.get("uniqueKeys"))):
        names = _key(held, (*path, "uniqueKeys", place), columns, terms)
        if len(names) == 1:
            columns[names[0]]["unique"] = True
        elif names:
            terms.ignore((*path, "uniqueKeys", place), "a key of several columns is checked only as the primary key")
    for place, _ in enumerate(terms.items((*path, "foreignKeys"), schema.get("foreignKeys"))):
        terms.ignore((*path, "foreignKeys", place), "other tables are not read, so references to them are not checked")
