"""Open Data Contract Standard v3 (bitol.io): the schema part, and those quality rules that say what a row must be."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from watchkeeper.model.column_name import word_set
from watchkeeper.model.constraint import Type
from watchkeeper.model.java_time import from_java
from watchkeeper.model.mistake import Path, no_such, shown
from watchkeeper.model.term import Contract, Terms

_TYPES = {
    "string": Type.STRING,
    "integer": Type.INTEGER,
    "number": Type.NUMBER,
    "boolean": Type.BOOLEAN,
    "date": Type.TIMESTAMP,
    "timestamp": Type.TIMESTAMP,
    "time": Type.STRING,
    "object": Type.OTHER,
    "array": Type.OTHER,
    "map": Type.OTHER,
}
_PHYSICAL = (
    (r"(tiny|small|medium|big)?int(eger)?\d*|long|serial|bigserial|u?int(8|16|32|64)", Type.INTEGER),
    (r"float\d*|double( precision)?|real|decimal|numeric|number|money", Type.NUMBER),
    (r"bool(ean)?|bit", Type.BOOLEAN),
    (r"date|datetime\d*|timestamp.*", Type.TIMESTAMP),
    (r"(n?var)?char(acter)?( varying)?\d*|n(var)?char|text|string|uuid|enum|clob|time", Type.STRING),
    (r"json.*|struct|array|list|map|object|variant|record|binary|blob|bytea|bytes", Type.OTHER),
)
"""Physical types by their names without what stands in brackets, for properties without a logical type."""

_DOCUMENT = word_set(
    "apiVersion kind id version name status tenant tags domain dataProduct description servers schema team roles "
    "support price authoritativeDefinitions contractCreatedTs customProperties slaProperties slaDefaultElement"
)
_ELEMENT = word_set(
    "id name physicalName physicalType logicalType businessName description tags authoritativeDefinitions quality "
    "synonyms deprecated"
)
_OBJECT = _ELEMENT | {"properties", "dataGranularityDescription"}
_PROPERTY = _ELEMENT | word_set(
    "logicalTypeOptions primaryKey primaryKeyPosition required unique classification criticalDataElement enum examples "
    "encryptedName partitioned partitionKeyPosition semanticType items map properties "
    "transformLogic transformDescription transformSourceObjects"
)
_OPTIONS = word_set(
    "format minimum maximum exclusiveMinimum exclusiveMaximum pattern minLength maxLength timezone defaultTimezone"
)
_DESCRIPTIVE_FORMATS = re.compile(r"[iuf]\d+|usize|isize")
_METRICS = {
    "nullCheck": "nullValues",
    "nullCount": "nullValues",
    "duplicateCount": "duplicateValues",
    "validValues": "invalidValues",
}
"""Names of rules before version 3.1."""


def read(data: Mapping[str, Any], terms: Terms, table: str | None) -> Contract:
    """Read a contract."""
    version = str(data.get("apiVersion", ""))
    if data.get("kind") not in (None, "DataContract"):
        terms.wrong(("kind",), f"{shown(data['kind'])} is not read here; a contract says `kind: DataContract`")
    if not version.startswith("v3."):
        terms.wrong(
            ("apiVersion",), f"{shown(version)} is not read here; bring the contract to version 3, `apiVersion: v3.0.2`"
        )
    terms.settle()
    terms.leftover((), data, _DOCUMENT, "the standard")
    if data.get("slaProperties"):
        terms.ignore(("slaProperties",), "promises of service are not checked on a file")
    tables: dict[str, tuple[Path, Mapping[str, Any]]] = {}
    for place, held in enumerate(terms.items(("schema",), data.get("schema"))):
        element = terms.mapping(("schema", place), held)
        if "properties" in element:
            tables[str(element.get("name", place))] = (("schema", place), element)
    physical = {
        str(element["physicalName"]): name for name, (_, element) in tables.items() if "physicalName" in element
    }
    name = terms.chosen(("schema",), tables, table if table in tables else physical.get(str(table), table))
    terms.settle()
    path, element = tables[str(name)]
    return _table(element, path, terms, f"Open Data Contract Standard {version}", str(name))


def _table(element: Mapping[str, Any], path: Path, terms: Terms, standard: str, table: str) -> Contract:
    terms.leftover(path, element, _OBJECT, "an object")
    columns: dict[str, dict[str, Any]] = {}
    physical: dict[str, str] = {}
    keys: list[tuple[int, str]] = []
    for place, held in enumerate(terms.items((*path, "properties"), element["properties"])):
        at = (*path, "properties", place)
        field = terms.mapping(at, held)
        name = field.get("name")
        if not isinstance(name, str):
            terms.wrong(at, "a property needs a `name`")
            continue
        if name in columns:
            terms.wrong((*at, "name"), f"{shown(name)} is described twice; keep one")
            continue
        columns[name] = _column(field, at, terms)
        if isinstance(field.get("physicalName"), str) and field["physicalName"] != name:
            physical[name] = field["physicalName"]
        if terms.flag((*at, "primaryKey"), field.get("primaryKey")):
            position = field.get("primaryKeyPosition", place)
            keys.append((position if isinstance(position, int) and position >= 0 else place, name))
    if not columns and not terms.mistakes:
        terms.wrong((*path, "properties"), "no column is described here")
    key = [name for _, name in sorted(keys)]
    key = _table_rules(element, path, terms, columns, key)
    return Contract(terms.source, standard, table, columns, tuple(key), {}, physical, frozenset(), tuple(terms.ignored))


def _column(field: Mapping[str, Any], path: Path, terms: Terms) -> dict[str, Any]:
    terms.leftover(path, field, _PROPERTY, "a property")
    ours = _type(field, path, terms)
    fields: dict[str, Any] = {"type": ours}
    options = terms.mapping((*path, "logicalTypeOptions"), field.get("logicalTypeOptions"))
    at = (*path, "logicalTypeOptions")
    if terms.flag((*path, "required"), field.get("required")):
        fields["nullable"] = False
    if terms.flag((*path, "unique"), field.get("unique")):
        fields["unique"] = True
    if _personal(field):
        fields["pii"] = True
    for key in ("items", "map", "properties"):
        if field.get(key):
            terms.ignore((*path, key), "objects and arrays are not watched, and what is in them is not checked")
    if ours is Type.OTHER:
        for key in ("required", "unique"):
            if field.get(key):
                terms.ignore((*path, key), "objects and arrays are not watched")
        for key in options:
            terms.ignore((*at, key), "objects and arrays are not watched, and what is in them is not checked")
    elif ours is not None:
        fields |= _options(options, at, terms, ours)
    elif options:
        terms.ignore(at, "the property has no type, so this can't be checked")
    if field.get("enum") is not None and ours is None:
        terms.ignore((*path, "enum"), "the property has no type, so this can't be checked")
    elif field.get("enum") is not None and ours is not None:
        values = [
            value.get("value") if isinstance(value, dict) else value
            for value in terms.items((*path, "enum"), field["enum"])
        ]
        fields["allowed"] = terms.allowed((*path, "enum"), values, ours)
    for place, held in enumerate(terms.items((*path, "quality"), field.get("quality"))):
        rule = terms.mapping((*path, "quality", place), held)
        fields |= _rule(rule, (*path, "quality", place), terms, ours)
    return terms.column(path, fields)


def _type(field: Mapping[str, Any], path: Path, terms: Terms) -> Type | None:
    logical, physical = field.get("logicalType"), field.get("physicalType")
    if logical is not None:
        if logical not in _TYPES:
            terms.wrong(
                (*path, "logicalType"), f"{shown(logical)} is no logical type. {no_such(str(logical), list(_TYPES))}"
            )
        elif logical == "time":
            terms.ignore((*path, "logicalType"), "a time of day is read as text")
        return _TYPES.get(str(logical))
    bare = re.sub(r"\s*[(<\[].*", "", str(physical or "")).strip().lower()
    for pattern, ours in _PHYSICAL:
        if re.fullmatch(pattern, bare):
            return ours
    terms.ignore(path, f"{shown(field['name'])} has no logicalType, so its type is inferred")
    return None


def _personal(field: Mapping[str, Any]) -> bool:
    """Whether a property is classified or tagged as personal."""
    tags = field.get("tags")
    said = [field.get("classification"), *(tags if isinstance(tags, list) else [])]
    return any(re.search(r"\b(pii|personal|gdpr)\b", str(word).lower().replace("_", " ")) for word in said)


def _options(options: Mapping[str, Any], path: Path, terms: Terms, type: Type) -> dict[str, Any]:
    found: dict[str, Any] = {}
    terms.leftover(path, options, _OPTIONS, "its logical type")
    written = options.get("format")
    if type is Type.TIMESTAMP and written is not None:
        found["format"] = from_java(str(written))
        if found["format"] is None:
            terms.ignore(
                (*path, "format"), f"{shown(written)} can't be written in strptime's letters; it is told from the data"
            )
    elif written is not None and not _DESCRIPTIVE_FORMATS.fullmatch(str(written)):
        terms.ignore((*path, "format"), f"that a value is of the format {shown(written)} is not checked")
    if options.get("defaultTimezone") not in (None, "UTC", "Etc/UTC", "GMT"):
        terms.ignore((*path, "defaultTimezone"), "times without a zone are taken as UTC")
    if options.get("timezone"):
        terms.ignore((*path, "timezone"), "that a time names its zone is not checked")
    found |= terms.limits(path, options, type, found.get("format"))
    for key, name in (("minLength", "min_length"), ("maxLength", "max_length")):
        if options.get(key) is not None and type is Type.STRING:
            found[name] = terms.length((*path, key), options[key])
        elif options.get(key) is not None:
            terms.ignore((*path, key), f"a column of type {type} has no length")
    if options.get("pattern") is not None and type is Type.STRING:
        found["pattern"] = _whole(terms.pattern((*path, "pattern"), options["pattern"]))
    elif options.get("pattern") is not None:
        terms.ignore((*path, "pattern"), f"a pattern is checked on text only, and the column is of type {type}")
    return found


def _whole(pattern: str | None) -> str | None:
    """A pattern of ECMA-262, which is looked for anywhere in the text, as one that matches the whole of it."""
    if pattern is None or (pattern.startswith("^") and pattern.endswith("$")):
        return pattern
    return f"(?s:.*)(?:{pattern})(?s:.*)"


def _rule(rule: Mapping[str, Any], path: Path, terms: Terms, type: Type | None) -> dict[str, Any]:
    """What a quality rule on a property says of every row; rules that allow some share are left to statistics."""
    metric = _METRICS.get(str(rule.get("metric", rule.get("rule"))), rule.get("metric", rule.get("rule")))
    if rule.get("type", "library") != "library" or metric is None:
        terms.ignore(path, f"a rule of type {shown(rule.get('type', 'library'))} is not checked")
        return {}
    arguments = terms.mapping((*path, "arguments"), rule.get("arguments"))
    found: dict[str, Any] = {}
    if metric == "missingValues":
        texts = arguments.get("missingValues")
        if isinstance(texts, list):
            found["missing"] = list(dict.fromkeys("" if text is None else str(text) for text in texts))
    if not _none_allowed(rule):
        terms.ignore(
            path, f"{metric} may be other than 0 by this rule, so no row is set aside for it; its share is watched"
        )
        return found
    if metric in ("nullValues", "missingValues"):
        return found | {"nullable": False}
    if metric == "duplicateValues":
        return {"unique": True}
    values, pattern = (arguments.get(key, rule.get(key)) for key in ("validValues", "pattern"))
    if metric != "invalidValues" or type is None or (values is None and pattern is None):
        terms.ignore(path, f"{shown(metric)} is not checked")
        return {}
    if values is not None:
        found["allowed"] = terms.allowed((*path, "arguments", "validValues"), values, type)
    if pattern is not None and type is Type.STRING:
        found["pattern"] = _whole(terms.pattern((*path, "arguments", "pattern"), pattern))
    return found


def _none_allowed(rule: Mapping[str, Any]) -> bool:
    return (
        rule.get("mustBe") == 0
        or rule.get("mustBeLessOrEqualTo") == 0
        or (rule.get("mustBeLessThan") == 1 and rule.get("unit", "rows") == "rows")
        or (rule.get("rule") == "validValues" and not any(key.startswith("must") for key in rule))
    )


def _table_rules(
    element: Mapping[str, Any], path: Path, terms: Terms, columns: dict[str, dict[str, Any]], key: list[str]
) -> list[str]:
    """The primary key, also where a rule against duplicates names it; other rules on the table are listed."""
    for place, held in enumerate(terms.items((*path, "quality"), element.get("quality"))):
        at = (*path, "quality", place)
        rule = terms.mapping(at, held)
        metric = _METRICS.get(str(rule.get("metric", rule.get("rule"))), rule.get("metric", rule.get("rule")))
        names = terms.mapping((*at, "arguments"), rule.get("arguments")).get("properties")
        if metric == "rowCount":
            terms.ignore(at, "the number of rows is held against the baseline, not against a fixed limit")
        elif metric != "duplicateValues" or not _none_allowed(rule) or not isinstance(names, list):
            terms.ignore(at, f"a rule of type {shown(rule.get('type', metric))} is not checked")
        elif unknown := [name for name in names if name not in columns]:
            terms.wrong((*at, "arguments", "properties"), f"there is no property {shown(unknown[0])}")
        elif len(names) == 1:
            columns[names[0]]["unique"] = True
        elif not key:
            key = names
        elif set(key) != set(names):
            terms.ignore(at, "a key of several columns is checked only as the primary key")
    return key
