"""What a version takes and gives, and what in a request does not fit."""

from __future__ import annotations

import json

import jsonschema
import numpy as np
import pytest
from openapi_spec_validator import validate

from watchkeeper.model.yaml_file import parse
from watchkeeper.release.contract.change import Side, changes
from watchkeeper.release.contract.contract import Kind, contract_of, contract_then, misfits, of, said
from watchkeeper.release.contract.openapi import openapi
from watchkeeper.release.contract.schema import NoContract, input_schema, read, schema
from watchkeeper.state import model as models
from watchkeeper.state import version as versions
from watchkeeper.state.version import Version
from watchkeeper.watch.home import opened

YAML = """
name: hotel
task: binary
columns:
  booking: {type: string, role: id}
  nights: {type: integer, minimum: 0}
  price: {type: number, nullable: false}
  vip: {type: boolean}
  country: {type: string, allowed: [DE, FR]}
  phone: {type: string, pattern: '[0-9]+', pii: true}
  asked: {type: timestamp, minimum: 2020-01-01}
  old: {type: string, role: ignored}
  score: {type: number, role: score}
  cancelled: {type: boolean, role: label}
"""
TAKES = ("nights", "price", "vip", "country")
ROW = {"nights": 3, "price": 99.5, "vip": True, "country": "DE"}


def a_version(*inputs, name="v8"):
    detail = {"inputs": list(inputs), "lineage": {}}
    return Version(1, "hotel", name, "onnx", None, None, None, detail, 10, "me")


def a_contract(yaml=YAML, inputs=TAKES, name="v8"):
    return of(parse(yaml), a_version(*inputs, name=name))


def test_a_row_and_a_batch_that_fit_have_no_misfit():
    contract = a_contract()
    assert misfits(contract, ROW) == []
    batch = {
        "nights": np.array([3.0, np.nan], np.float32),
        "price": np.array([1, 2], np.uint8),
        "vip": np.array([True, False]),
        "country": np.array(["DE", None], object),
        "asked": ["2026-01-01T00:00:00Z", None],
        "old": [object(), 3],
    }
    assert misfits(contract, batch) == []
    assert (
        misfits(
            contract,
            {name: values.tolist() if isinstance(values, np.ndarray) else values for name, values in batch.items()},
        )
        == []
    )


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("nights", 2.5, "'nights' is not a whole number: 2.5"),
        ("nights", True, "'nights' is not a whole number: true"),
        ("nights", -1, "'nights' is below 0: -1"),
        ("nights", 2**63, "'nights' is a whole number beyond 64 bits: 9223372036854775808"),
        ("nights", [1, "2"], "'nights' is not a whole number: '2' (row 1)"),
        ("nights", np.array([0.0, -2.0]), "'nights' is below 0: -2.0 (row 1)"),
        ("nights", np.arange(-1, 40), "'nights' is below 0: -1 (row 0)"),
        (
            "nights",
            np.array([2**63], np.uint64),
            "'nights' is a whole number beyond 64 bits: 9223372036854775808 (row 0)",
        ),
        ("price", None, "'price' is missing, and it must not be"),
        ("price", np.array([1.0, np.nan]), "'price' is missing, and it must not be (row 1)"),
        ("price", np.array([1.0, float("nan")], object), "'price' is missing, and it must not be (row 1)"),
        ("vip", 1, "'vip' is not true or false: 1"),
        ("country", "IT", "'country' is none of 'DE', 'FR': 'IT'"),
        ("country", b"DE", "'country' is not a text: b'DE'"),
        ("country", {"a": 1}, "'country' is not a text: {'a': 1}"),
        ("asked", "yesterday", "'asked' is not a time: 'yesterday'"),
        ("asked", "2019-12-31", "'asked' is below 2020-01-01 00:00:00+00:00: '2019-12-31'"),
        ("asked", 1.5, "'asked' is not a time: 1.5"),
    ],
)
def test_what_is_wrong_is_named_with_its_field_its_value_and_its_row(name, value, words):
    found = misfits(a_contract(), {**ROW, name: value})
    assert [(misfit.field, misfit.kind) for misfit in found] == [(name, Kind.WRONG)]
    assert found[0].sentence.startswith(words)


def test_unknown_and_missing_fields_are_named_and_a_near_name_is_guessed():
    found = misfits(a_contract(), {"night": 3, "price": 1.0, "vip": True, "country": "DE"})
    assert [(misfit.field, misfit.kind) for misfit in found] == [("night", Kind.UNKNOWN), ("nights", Kind.MISSING)]
    assert said(found) == "'night' is no field of hotel (did you mean 'nights'?); 'nights' (integer) is missing"


@pytest.mark.parametrize("later", ["score", "cancelled"])
def test_what_becomes_known_later_is_no_field_of_a_request(later):
    assert [misfit.kind for misfit in misfits(a_contract(), {**ROW, later: 1.0})] == [Kind.UNKNOWN]


def test_personal_values_are_never_repeated():
    (misfit,) = misfits(a_contract(), {**ROW, "phone": "call me"})
    assert "phone" in misfit.sentence
    assert "call me" not in misfit.sentence


def test_hostile_names_are_told_without_anything_that_a_terminal_obeys_and_not_all_of_a_million():
    found = misfits(a_contract(), {f"\x1b[31m{number}\r\n\u202e": 1 for number in range(100_000)})
    assert len(found) == 20
    assert all(misfit.sentence.isprintable() for misfit in found)
    assert said(found).endswith("; and perhaps more")


def test_inputs_are_never_changed():
    values = np.array([1.0, np.nan])
    before = values.copy()
    misfits(a_contract(), {**ROW, "nights": values})
    assert np.array_equal(values, before, equal_nan=True)


def test_columns_that_only_another_version_takes_may_come_along():
    assert misfits(a_contract(inputs=("nights",)), ROW) == []


@pytest.mark.parametrize(
    ("task", "more", "given"),
    [
        ("binary", "", [("prediction", "boolean"), ("score", "number")]),
        ("regression", "", [("prediction", "number")]),
        ("none", "", [("prediction", "boolean")]),
    ],
)
def test_what_a_version_gives_follows_from_the_task(task, more, given):
    contract = a_contract(YAML.replace("task: binary", f"task: {task}") + more)
    assert [(field.name, field.type.value) for field in contract.gives] == given


def test_the_schema_is_one_that_json_schema_knows_and_gives_the_contract_back():
    contract = a_contract()
    document = json.loads(json.dumps(schema(contract)))
    jsonschema.Draft202012Validator.check_schema(document)
    again = read(document, "contract.json")
    assert (again.model, again.version, again.gives) == (contract.model, contract.version, contract.gives)
    assert [field.name for field in again.takes] == list(TAKES)
    assert misfits(again, ROW) == []
    assert misfits(again, {**ROW, "nights": -1}) == misfits(contract, {**ROW, "nights": -1})


def test_hostile_column_names_are_plain_keys_of_the_schema():
    name = '$ref/~1 " \n</script>\u202e'
    yaml = f"name: odd\ncolumns:\n  {json.dumps(name)}: {{type: integer}}\n  __proto__: {{type: string}}\n"
    contract = of(parse(yaml), a_version(name, "__proto__"))
    validator = jsonschema.Draft202012Validator(input_schema(contract))
    assert validator.is_valid({name: 1, "__proto__": "a"})
    assert not validator.is_valid({name: "1", "__proto__": "a"})
    validate(openapi(contract))
    assert misfits(read(schema(contract), "x"), {name: 1, "__proto__": "a"}) == []


@pytest.mark.parametrize("document", [{}, [], "a", None, {"title": "a b"}, {"title": "a b", "$defs": {"input": 3}}])
def test_what_is_no_contract_is_refused(document):
    with pytest.raises(NoContract, match="holds no contract"):
        read(document, "some.json")


def test_the_openapi_document_is_valid_and_its_bodies_hold_what_the_gateway_takes():
    document = json.loads(json.dumps(openapi(a_contract())))
    validate(document)
    at = {"$schema": "https://json-schema.org/draft/2020-12/schema", "components": document["components"]}
    infer = jsonschema.Draft202012Validator({**at, "$ref": "#/components/schemas/InferRequest"})
    datatypes = {"nights": "INT64", "price": "FP64", "vip": "BOOL", "country": "BYTES"}
    tensors = [
        {"name": name, "shape": [1], "datatype": datatypes[name], "data": [value]} for name, value in ROW.items()
    ]
    assert infer.is_valid({"inputs": tensors})
    assert infer.is_valid({"inputs": [{**tensor, "shape": [1, 1], "data": [tensor["data"]]} for tensor in tensors]})
    assert not infer.is_valid({"inputs": tensors[1:]})
    assert not infer.is_valid({"inputs": [{**tensors[0], "data": ["three"]}, *tensors[1:]]})
    matrix = {"name": "input", "shape": [1, 4], "datatype": "FP64", "data": [3, 99.5, 1, 0]}
    assert infer.is_valid({"inputs": [matrix]})
    assert not infer.is_valid({"inputs": [{**matrix, "shape": [1, 3]}]})


def changed(before, after, *, old=TAKES, new=TAKES):
    found = changes(a_contract(before, old, "v7"), a_contract(after, new))
    return [(change.side, change.field, change.breaking) for change in found]


def test_a_contract_does_not_differ_from_itself():
    assert changed(YAML, YAML) == []


def test_another_input_breaks_and_one_less_does_not():
    assert changed(YAML, YAML, new=(*TAKES, "phone")) == [(Side.INPUT, "phone", True)]
    assert changed(YAML, YAML, new=TAKES[1:]) == [(Side.INPUT, "nights", False)]


@pytest.mark.parametrize(
    ("line", "instead", "breaks"),
    [
        ("nights: {type: integer, minimum: 0}", "nights: {type: number, minimum: 0}", False),
        ("nights: {type: integer, minimum: 0}", "nights: {type: string}", True),
        ("nights: {type: integer, minimum: 0}", "nights: {type: integer, minimum: 1}", True),
        ("nights: {type: integer, minimum: 0}", "nights: {type: integer}", False),
        ("nights: {type: integer, minimum: 0}", "nights: {type: integer, minimum: 0, maximum: 9}", True),
        ("price: {type: number, nullable: false}", "price: {type: number}", False),
        ("vip: {type: boolean}", "vip: {type: boolean, nullable: false}", True),
        ("allowed: [DE, FR]", "allowed: [DE, FR, IT]", False),
        ("allowed: [DE, FR]", "allowed: [DE]", True),
        ("pattern: '[0-9]+'", "pattern: '[0-9]{3}'", True),
        ("asked: {type: timestamp, minimum: 2020-01-01}", "asked: {type: timestamp, minimum: 2021-01-01}", True),
        ("  old: {type: string, role: ignored}\n", "", True),
    ],
)
def test_a_change_breaks_where_something_was_right_that_is_not_so_now(line, instead, breaks):
    assert line in YAML
    (found,) = changed(YAML, YAML.replace(line, instead))
    assert found[0] is Side.INPUT
    assert found[2] is breaks


def test_outputs_break_where_a_reader_sees_what_it_did_not_expect():
    several = YAML.replace("task: binary", "task: multiclass").replace("  score: {type: number, role: score}\n", "")
    three = several.replace("cancelled: {type: boolean", "cancelled: {type: string, allowed: [a, b, c]")
    two = three.replace("[a, b, c]", "[a, b]")
    assert changed(YAML, several) == [(Side.OUTPUT, "score", True)]
    assert changed(several, three) == [(Side.OUTPUT, "prediction", True)]
    assert changed(two, three) == [(Side.OUTPUT, "prediction", True)]
    assert changed(three, two) == [(Side.OUTPUT, "prediction", False)]


def test_a_version_has_the_contract_of_now_and_the_one_of_its_registration(tmp_path):
    with opened(tmp_path, make=True) as home:
        models.put(home.store, "hotel", YAML, 5, "me")
        new = versions.add(home.store, "hotel", "v8", "onnx", None, None, None, {"inputs": ["nights"]}, 10, "me")
        models.put(home.store, "hotel", YAML.replace("nights: {type: integer", "nights: {type: number"), 20, "me")
        assert [field.type.value for field in contract_then(home, new).takes] == ["integer"]
        assert [field.type.value for field in contract_of(home, new).takes] == ["number"]
