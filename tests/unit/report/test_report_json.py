"""`check --json`: exactly the published schema, whatever the data hold."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import jsonschema
import numpy as np
import pytest

import checked
from watchkeeper.budget import Finding, Severity
from watchkeeper.delivery import BadRow
from watchkeeper.report import as_dict, schema, to_json

PUBLISHED = Path(__file__).parents[3] / "docs" / "reference" / "check.schema.json"


def test_the_published_schema_is_the_one_in_the_code():
    assert json.loads(PUBLISHED.read_text(encoding="utf-8")) == schema()
    jsonschema.Draft202012Validator.check_schema(schema())


@pytest.mark.parametrize("made", [checked.broken_sensors, checked.one_file, checked.unchanged, checked.rejected])
def test_every_result_keeps_to_the_schema(made):
    jsonschema.validate(json.loads(to_json(made())), schema())


def test_the_names_are_those_of_the_contract():
    written = as_dict(checked.one_file())
    assert list(written) == [
        "schema_version", "verdict", "rows", "quarantined", "quarantined_truncated", "baseline", "findings"
    ]  # fmt: skip
    assert list(written["findings"][0]) == [
        "kind", "check", "metric", "columns", "severity", "value", "expected", "effect", "evidence", "rows",
        "window", "segment", "version", "message", "remedy", "priority", "change",
    ]  # fmt: skip
    assert written["rows"] == {"read": 168, "good": 166, "quarantined": 2}
    assert written["quarantined"][0] == {"row": 12, "columns": ["temp"], "reason": "`temp` is above 50"}


def test_sentences_hold_no_value_of_a_personal_column_and_figures_stay():
    made = checked.one_file()
    columns = {name: column.model_copy(update={"pii": True}) for name, column in made.model.columns.items()}
    odd = Finding(
        kind="change", check="shape", metric="shape", columns=("temp",), severity=Severity.ALARM, segment="temp=warm",
        message="`temp` is distributed differently: “warm” went from 3 % to 9 %.", remedy="Look.", value=0.25,
    )  # fmt: skip
    bad = BadRow(3, ("temp",), "temp: 'warm' is no number")
    told = replace(made, findings=[odd], quarantined=[bad], model=made.model.model_copy(update={"columns": columns}))
    written = as_dict(told)
    assert "warm" not in written["findings"][0]["message"] + written["quarantined"][0]["reason"]
    assert (written["findings"][0]["segment"], written["findings"][0]["value"]) == ("temp=warm", 0.25)


def test_what_is_no_number_is_null():
    odd = Finding(
        kind="change",
        check="range",
        metric="range_high",
        columns=("a",),
        severity=Severity.ALARM,
        message="x",
        remedy="y",
        value=float("inf"),
        expected=(float("-inf"), np.float64(3)),
        effect=float("nan"),
        evidence=np.float64(2.5),
        rows=np.int64(7),
    )
    written = json.loads(to_json(replace(checked.unchanged(), findings=[odd])))["findings"][0]
    assert (written["value"], written["expected"], written["effect"]) == (None, [None, 3.0], None)
    assert (written["evidence"], written["rows"]) == (2.5, 7)


def test_a_rejected_file_has_no_good_rows():
    assert as_dict(replace(checked.rejected(), rows_read=9, rows_good=9))["rows"]["good"] == 0


def test_text_that_no_encoding_holds_still_makes_json():
    odd = replace(checked.rejected(), quarantined=[BadRow(1, ("\udc80",), "\x1b[31m\u009b", file="a.csv")])
    text = to_json(odd)
    assert text.isascii()
    jsonschema.validate(json.loads(text), schema())
    assert json.loads(text)["quarantined"][0]["file"] == "a.csv"
