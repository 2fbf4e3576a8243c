"""The JSON schema that editors complete and check `watchkeeper.yaml` with."""

from __future__ import annotations

import jsonschema
import pytest

from watchkeeper import demo
from watchkeeper.model import json_schema
from watchkeeper.model.yaml_file import text_of
from watchkeeper.model.yaml_tree import read

VALIDATOR = jsonschema.Draft202012Validator(json_schema())


def valid(text: str) -> bool:
    return VALIDATOR.is_valid(read(text, "watchkeeper.yaml").data)


def test_the_schema_is_one_and_describes_every_field():
    jsonschema.Draft202012Validator.check_schema(json_schema())
    parts = [
        json_schema(),
        *(json_schema()["$defs"][name] for name in ("Column", "Constraints", "Override", "TextFormat")),
    ]
    assert [name for part in parts for name, field in part["properties"].items() if "description" not in field] == []


def test_a_real_model_is_valid():
    assert valid(text_of(demo.files().model))


@pytest.mark.parametrize(
    ("column", "right"),
    [
        ("{type: integer, minimum: 3}", True),
        ("{type: timestamp, minimum: 2014-01-31, role: timestamp}", True),
        ("{type: timestamp, minimum: 2014-01-31T10:00:00Z}", True),
        ("{type: intger}", False),
        ("{type: integer, rol: id}", False),
        ("{role: id}", False),
        ("{type: integer, minimum: [3]}", False),
    ],
)
def test_mistakes_are_seen_while_typing(column, right):
    assert valid("name: a\ncolumns:\n  x: " + column + "\n") is right


@pytest.mark.parametrize(
    ("lines", "right"),
    [
        (
            "checks: {shape: {floor: 0.1}, null_share: {ignore: [x], for: 2, severity: warning}, rows: {ignore: true}}",
            True,
        ),
        ("checks: {shape: {lasting: 2}}", False),
        ("checks: {shape: {for: 0}}", False),
        ("checks: {an_outsiders: {for: two}}", False),
        ("season: week\nholidays: [2026-12-25]", True),
        ("season: fortnight", False),
    ],
)
def test_what_is_judged_otherwise_is_checked_while_typing(lines, right):
    assert valid("name: a\ncolumns:\n  x: {type: number}\n" + lines) is right


def test_an_editor_offers_the_names_of_all_checks_and_metrics_that_are_judged():
    offered = json_schema()["properties"]["checks"]["properties"]
    assert {"range", "range_low", "quality", "roc_auc", "null_share"} <= set(offered)
    assert not {"psi", "distances"} & set(offered)
