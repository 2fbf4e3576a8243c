"""Contracts that teams already have: what they state becomes declared, and what can't be honoured is told."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa
import pytest

from watchkeeper.model import Contract, ModelError, Role, TextFormat, Type, infer, read_contract

LOANS = {
    "resources": [
        {
            "name": "loans",
            "path": "https://example.com/loans.csv",
            "encoding": "latin-1",
            "dialect": {"delimiter": ";"},
            "schema": {
                "fields": [
                    {"name": "loan", "type": "integer", "constraints": {"required": True, "unique": True}},
                    {"name": "granted", "type": "date", "format": "%d-%m-%Y", "constraints": {"minimum": "01-02-2013"}},
                    {"name": "sex", "type": "string", "constraints": {"enum": ["Male", "Female"], "maxLength": 6}},
                    {"name": "income", "type": "number", "constraints": {"minimum": 0, "maximum": "1e6"}},
                    {"name": "remark", "type": "string"},
                ],
                "primaryKey": "loan",
                "missingValues": [""],
            },
        }
    ]
}

ORDERS = """\
apiVersion: v3.0.2
kind: DataContract
id: 53581432
version: 1.0.0
status: active
schema:
  - name: orders
    physicalName: ord_1
    properties:
      - name: order_id
        physicalName: ord_id
        logicalType: string
        required: true
        primaryKey: true
        primaryKeyPosition: 2
        logicalTypeOptions: {minLength: 3, maxLength: 11, pattern: "^A[0-9]+$"}
      - name: tenant
        logicalType: string
        primaryKey: true
        primaryKeyPosition: 1
      - name: day
        logicalType: date
        logicalTypeOptions: {format: dd.MM.yyyy, exclusiveMinimum: "2020-01-01"}
      - name: quantity
        physicalType: INT
        logicalTypeOptions: {minimum: 1, exclusiveMaximum: 100, format: i32}
      - name: email
        logicalType: string
        classification: PII
        unique: true
        quality:
          - {metric: nullValues, mustBe: 0}
          - {metric: invalidValues, mustBe: 0, arguments: {validValues: [a@b.c, null]}}
          - {metric: duplicateValues, mustBeLessThan: 5, unit: percent}
          - {type: sql, query: select 1}
      - name: details
        logicalType: object
    quality:
      - {metric: rowCount, mustBeGreaterThan: 10}
slaProperties:
  - {property: latency, value: 4}
"""


def contract(tmp_path: Path, text: str | dict, table: str | None = None) -> Contract:
    path = tmp_path / "contract.file"
    path.write_text(text if isinstance(text, str) else json.dumps(text), encoding="utf-8")
    return read_contract(path, table)


def schema(*fields: dict, **more) -> dict:
    return {"fields": list(fields), **more}


def told(tmp_path: Path, text: str | dict, table: str | None = None) -> str:
    with pytest.raises(ModelError) as error:
        contract(tmp_path, text, table)
    return str(error.value).replace(str(tmp_path), "")


def test_a_data_package_is_read(tmp_path):
    read = contract(tmp_path, LOANS)
    assert (read.standard, read.table, read.primary_key, read.ignored) == (
        "Frictionless Data Package",
        "loans",
        ("loan",),
        (),
    )
    assert read.text == {"delimiter": ";", "encoding": "latin-1"}
    assert read.columns == {
        "loan": {"type": Type.INTEGER, "nullable": False, "unique": True},
        "granted": {"type": Type.TIMESTAMP, "format": "%d-%m-%Y", "minimum": datetime(2013, 2, 1, tzinfo=UTC)},
        "sex": {"type": Type.STRING, "allowed": ["Male", "Female"], "max_length": 6},
        "income": {"type": Type.NUMBER, "minimum": 0, "maximum": 1_000_000},
        "remark": {"type": Type.STRING},
    }


def test_a_resource_and_a_table_schema_alone_are_read_also_as_yaml(tmp_path):
    resource = LOANS["resources"][0]
    assert contract(tmp_path, resource).columns == contract(tmp_path, LOANS).columns
    assert contract(tmp_path, resource["schema"]).columns == contract(tmp_path, LOANS).columns
    assert contract(tmp_path, "fields:\n  - {name: a, type: integer}\n").columns == {"a": {"type": Type.INTEGER}}


@pytest.mark.parametrize(
    ("field", "fields"),
    [
        ({"type": "date"}, {"type": Type.TIMESTAMP, "format": "%Y-%m-%d"}),
        ({"type": "datetime"}, {"type": Type.TIMESTAMP, "format": "iso8601"}),
        ({"type": "datetime", "format": "fmt:%d/%m/%Y"}, {"type": Type.TIMESTAMP, "format": "%d/%m/%Y"}),
        ({"type": "yearmonth"}, {"type": Type.TIMESTAMP, "format": "%Y-%m"}),
        ({"type": "year", "constraints": {"minimum": "1999"}}, {"type": Type.INTEGER, "minimum": 1999}),
        ({"type": "number", "decimalChar": ","}, {"type": Type.NUMBER, "decimal": ","}),
        ({"type": "boolean", "trueValues": ["yes"], "falseValues": ["no"]}, {"type": Type.BOOLEAN}),
        ({"type": "integer", "constraints": {"exclusiveMinimum": 5}}, {"type": Type.INTEGER, "minimum": 6}),
        ({"type": "integer", "constraints": {"enum": ["1", 2]}}, {"type": Type.INTEGER, "allowed": [1, 2]}),
        ({"type": "object"}, {"type": Type.OTHER}),
        (
            {"type": "integer", "categories": [{"value": 1, "label": "a"}, {"value": 2}]},
            {"type": Type.INTEGER, "allowed": [1, 2], "categorical": True},
        ),
        (
            {"type": "date", "constraints": {"exclusiveMaximum": "2014-01-01"}},
            {"type": Type.TIMESTAMP, "format": "%Y-%m-%d", "maximum": datetime(2013, 12, 31, tzinfo=UTC)},
        ),
        (
            {"type": "number", "missingValues": ["", "NA", "-99"]},
            {"type": Type.NUMBER, "missing": ["", "NA"], "sentinels": [-99]},
        ),
        ({"type": "string", "missingValues": []}, {"type": Type.STRING, "missing": []}),
    ],
)
def test_field_types_and_constraints_are_taken_over(tmp_path, field, fields):
    assert contract(tmp_path, schema({"name": "x", **field})).columns["x"] == fields


@pytest.mark.parametrize(
    ("field", "word"),
    [
        ({"type": "integer", "groupChar": ","}, "groupChar"),
        ({"type": "number", "bareNumber": False}, "bareNumber"),
        ({"type": "boolean", "trueValues": ["J"], "falseValues": ["N"]}, "read as text"),
        ({"type": "any"}, "inferred"),
        ({"type": "list"}, "read as text"),
        ({"type": "string", "constraints": {"pattern": "(?=x)"}}, "look-around"),
        ({"type": "string", "constraints": {"minimum": 3}}, "no smallest or largest"),
        ({"type": "string", "constraints": {"sparkling": True}}, "sparkling"),
        ({"type": "object", "constraints": {"jsonSchema": {}}}, "not watched"),
        ({"type": "date", "format": "any"}, "the one that the data use"),
        ({"type": "string", "format": "email"}, "'email' is not checked"),
        ({"type": "string", "decimalChar": ","}, "decimalChar"),
        ({"type": "boolean", "categories": ["a"]}, "categories"),
        ({"type": "string", "categories": ["a"], "constraints": {"enum": ["a"]}}, "`enum` are checked instead"),
        ({"type": "date", "constraints": {"enum": ["2014-01-01"]}}, "not held against a list"),
    ],
)
def test_what_can_not_be_honoured_is_listed_with_its_path(tmp_path, field, word):
    (ignored,) = contract(tmp_path, schema({"name": "x", **field})).ignored
    assert ignored.startswith("fields[0]")
    assert word in ignored


def test_limits_that_go_with_the_marks_of_a_number_are_listed_by_name(tmp_path):
    constraints = {"minimum": "0", "maximum": "1000", "exclusiveMinimum": -1, "required": True}
    field = {"type": "number", "groupChar": ".", "bareNumber": False, "constraints": constraints}
    listed = contract(tmp_path, schema({"name": "x", **field})).ignored
    assert [line.split(":")[0] for line in listed] == ["fields[0].groupChar", "fields[0].bareNumber"]
    for line in listed:
        assert line.endswith("read as text, and its minimum, maximum, exclusiveMinimum not checked")


def test_words_for_true_and_false_are_not_replaced_by_an_enum(tmp_path):
    field = {"type": "boolean", "trueValues": ["ja"], "falseValues": ["nein"], "constraints": {"enum": [True]}}
    read = contract(tmp_path, schema({"name": "x", **field}))
    assert read.columns["x"]["allowed"] == ["ja", "nein"]
    assert [line.split(":")[0] for line in read.ignored] == ["fields[0].trueValues", "fields[0].constraints.enum"]


def test_what_an_open_data_contract_asks_for_and_is_not_checked_is_listed(tmp_path):
    properties = [
        {"name": "a", "logicalType": "integer", "logicalTypeOptions": {"pattern": "1", "minLength": 1}},
        {"name": "b", "logicalType": "array", "required": True, "items": {"logicalType": "string", "required": True}},
        {"name": "c", "enum": [{"value": "x"}]},
        {"name": "d", "logicalType": "timestamp", "logicalTypeOptions": {"timezone": True}},
    ]
    read = contract(tmp_path, {"apiVersion": "v3.1.0", "schema": [{"name": "t", "properties": properties}]})
    assert [line.split(":")[0].removeprefix("schema[0].properties") for line in read.ignored] == [
        *("[0].logicalTypeOptions.minLength", "[0].logicalTypeOptions.pattern", "[1].items", "[1].required"),
        *("[2]", "[2].enum", "[3].logicalTypeOptions.timezone"),
    ]


def test_dialects_and_keys_that_can_not_be_honoured_are_listed(tmp_path):
    resource = {
        "dialect": {"commentChar": "#", "doubleQuote": True, "delimiter": "||"},
        "schema": schema(
            {"name": "a", "type": "string"},
            {"name": "b", "type": "string"},
            uniqueKeys=[["a"], ["a", "b"]],
            foreignKeys=[{}],
        ),
    }
    read = contract(tmp_path, resource)
    assert read.columns["a"]["unique"] is True
    assert [line.split(":")[0] for line in read.ignored] == [
        *("dialect.delimiter", "dialect.commentChar", "schema.uniqueKeys[1]", "schema.foreignKeys[0]"),
    ]


def test_all_mistakes_in_a_contract_are_told_with_their_paths(tmp_path):
    text = schema(
        {"name": "a", "type": "integr"},
        {"name": "b", "type": "integer", "constraints": {"minimum": "low", "required": "yes", "enum": [1, "x"]}},
        {"name": "b"},
        {"type": "string"},
        {"name": "c", "type": "integer", "constraints": {"minimum": 3, "maximum": 1}},
        {"name": "d", "type": "date", "constraints": {"minimum": "31.12.2013"}},
        primaryKey=["z"],
    )
    lines = told(tmp_path, text).splitlines()
    assert "fields[0].type: 'integr' is no type of a field. Did you mean 'integer'?" in lines[0]
    assert "fields[1].constraints.required: write true or false, not 'yes'" in lines[1]
    assert "fields[1].constraints.minimum: 'low' is no number; the column is of type integer" in lines[2]
    assert "fields[1].constraints.enum[1]: 'x' is no value of type integer" in lines[3]
    assert "fields[2].name: 'b' is described twice; keep one" in lines[4]
    assert "fields[3]: a field needs a `name`" in lines[5]
    assert "fields[4]: minimum is above maximum" in lines[6]
    assert "fields[5].constraints.minimum: '31.12.2013' is no time" in lines[7]
    assert "primaryKey[0]: there is no field 'z'" in lines[8]


def test_one_of_several_tables_must_be_named(tmp_path):
    two = {"resources": [{"name": name, "schema": schema({"name": name, "type": "string"})} for name in ("a", "b")]}
    assert "there are 2 tables, a, b" in told(tmp_path, two)
    assert list(contract(tmp_path, two, "b").columns) == ["b"]
    assert "there is no table 'c'" in told(tmp_path, two, "c")


def test_what_lies_elsewhere_is_never_opened(tmp_path):
    (tmp_path / "schema.json").write_text('{"fields": [{"name": "a"}]}')
    assert "is elsewhere, and is not opened" in told(tmp_path, {"resources": [{"name": "a", "schema": "schema.json"}]})
    assert "is elsewhere" in told(tmp_path, {"schema": "https://example.com/schema.json"})


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ('{"fields": [1,}', "line 1, column 15: this is no JSON"),
        ('{"fields": [], "fields": []}', "'fields' stands twice"),
        ("[" * 100_000, "nested too deep"),
        ("a: 1\n", "is no contract"),
        ("- 1\n", "holds no contract"),
        ("a: [\n", "line 2: this is no YAML"),
        ('{"fields": []}', "no column is described"),
        ('{"fields": {"a": 1}}', "should be a list"),
        ("apiVersion: v2.2.2\nkind: DataContract\n", "line 1: apiVersion: 'v2.2.2' is not read here"),
        ("apiVersion: v3.0.0\nkind: DataProduct\n", "line 2: kind"),
        ("apiVersion: v3.0.0\nkind: DataContract\nschema: []\n", "no table with columns"),
    ],
)
def test_what_is_no_contract_is_told(tmp_path, text, word):
    assert word in told(tmp_path, text)


def test_an_open_data_contract_is_read(tmp_path):
    read = contract(tmp_path, ORDERS)
    assert (read.standard, read.table) == ("Open Data Contract Standard v3.0.2", "orders")
    assert read.primary_key == ("tenant", "order_id")
    assert read.physical == {"order_id": "ord_id"}
    assert read.columns == {
        "order_id": {"type": Type.STRING, "nullable": False, "min_length": 3, "max_length": 11, "pattern": "^A[0-9]+$"},
        "tenant": {"type": Type.STRING},
        "day": {"type": Type.TIMESTAMP, "format": "%d.%m.%Y", "minimum": datetime(2020, 1, 2, tzinfo=UTC)},
        "quantity": {"type": Type.INTEGER, "minimum": 1, "maximum": 99},
        "email": {"type": Type.STRING, "pii": True, "unique": True, "nullable": False, "allowed": ["a@b.c"]},
        "details": {"type": Type.OTHER},
    }
    assert [line.split(": ")[0] for line in read.ignored] == [
        "slaProperties",
        "schema[0].properties[4].quality[2]",
        "schema[0].properties[4].quality[3]",
        "schema[0].quality[0]",
    ]


def test_mistakes_in_a_yaml_contract_have_their_lines(tmp_path):
    text = ORDERS.replace("logicalType: date", "logicalType: dat").replace("primaryKeyPosition: 2", "unique: perhaps")
    lines = told(tmp_path, text).splitlines()
    assert lines[0].startswith("/contract.file, line 15: schema[0].properties[0].unique: write true or false")
    assert lines[1].startswith("/contract.file, line 22: schema[0].properties[2].logicalType: 'dat' is no logical type")


def test_a_pattern_that_is_not_anchored_may_match_anywhere(tmp_path):
    text = ORDERS.replace('"^A[0-9]+$"', '"[0-9]"')
    assert contract(tmp_path, text).columns["order_id"]["pattern"] == "(?s:.*)(?:[0-9])(?s:.*)"


# With data -----------------------------------------------------------------------------------------------------------


def inferred(read: Contract, table: dict, **more):
    return infer(pa.table(table), lexical=True, text=TextFormat(), name="loans", contract=read, **more)


SAMPLE = {
    "loan": [str(n) for n in range(1, 101)],
    "granted": ["03-09-2013", "14-09-2013"] * 50,
    "sex": ["Male", "Female"] * 50,
    "income": ["100.5", "200"] * 50,
    "remark": ["a", None] * 50,
    "extra": ["1", "2"] * 50,
}


def test_what_a_contract_states_is_declared_and_the_rest_is_inferred(tmp_path):
    found = inferred(contract(tmp_path, LOANS), SAMPLE, roles={"sex": Role.SEGMENT})
    model = found.model
    assert model.primary_key == ["loan"]
    assert model.text == TextFormat(delimiter=";", encoding="latin-1")
    assert (model.columns["loan"].nullable, model.columns["loan"].unique, model.columns["loan"].inferred) == (
        False,
        None,
        None,
    )
    assert model.columns["sex"].allowed == ["Male", "Female"]
    assert (model.columns["granted"].role, model.columns["granted"].format) == (Role.TIMESTAMP, "%d-%m-%Y")
    assert model.columns["income"].inferred.model_dump(exclude_none=True) == {"nullable": False}
    assert model.columns["extra"].inferred.maximum == 2
    assert str(found.notes["sex"].fields["type"]) == "by the contract"


def test_only_what_the_contract_calls_missing_is_missing(tmp_path):
    table = {
        **SAMPLE,
        "loan": [*SAMPLE["loan"][:90], *["NULL", "N/A", "-"] * 3, "7"],
        "income": ["-999", *["5", "6", "7"] * 33],
    }
    columns = inferred(contract(tmp_path, LOANS), table).model.columns
    assert columns["loan"].missing is None
    assert columns["loan"].type is Type.INTEGER
    assert columns["income"].sentinels == []


def test_a_sentinel_that_the_contract_does_not_name_is_a_remark(tmp_path):
    table = {**SAMPLE, "income": [*["-999"] * 10, *[str(n) for n in range(90)]]}
    found = inferred(contract(tmp_path, LOANS), table)
    assert found.model.columns["income"].sentinels == []
    assert "-999 looks like a missing value, but the contract does not name it" in found.notes["income"].remarks


def test_a_column_that_the_data_lack_stays_in_the_model(tmp_path):
    found = inferred(contract(tmp_path, LOANS), {"loan": ["1", "2"]})
    assert list(found.model.columns) == ["loan", "granted", "sex", "income", "remark"]
    assert "not in the data that were looked at" in found.notes["sex"].remarks


def test_numbers_with_marks_are_read_as_text_only_where_the_data_hold_some(tmp_path):
    read = contract(tmp_path, schema({"name": "x", "type": "integer", "groupChar": ",", "constraints": {"minimum": 1}}))
    assert inferred(read, {"x": ["1000", "2000"]}).model.columns["x"].type is Type.INTEGER
    found = inferred(read, {"x": ["1,000", "2,000"]})
    assert "groupChar" in found.ignored[0]
    marked = found.model.columns["x"]
    assert (marked.type, marked.minimum) == (Type.STRING, None)


def test_a_column_may_stand_in_the_data_by_its_physical_name(tmp_path):
    read = contract(tmp_path, ORDERS)
    table = {"ord_id": ["A1", "A2"], "tenant": ["x", "x"], "day": ["02.01.2020", "13.01.2020"], "quantity": ["1", "2"]}
    model = infer(pa.table(table), lexical=True, text=TextFormat(), name="orders", contract=read).model
    assert model.primary_key == ["tenant", "ord_id"]
    assert "order_id" not in model.columns
    assert model.columns["ord_id"].pattern == "^A[0-9]+$"
    assert model.columns["day"].role is Role.TIMESTAMP


def keyed(*fields: dict) -> dict:
    return {"resources": [{"name": "a", "path": "a.csv", "schema": {"fields": list(fields), "primaryKey": "k"}}]}


@pytest.mark.parametrize(
    "values", [pa.array([None, None], pa.string()), pa.array([[1], [2]]), pa.array([b"a", b"b"]), pa.array([0, 1])]
)
def test_no_column_is_ignored_of_which_a_contract_asks_something(tmp_path, values):
    stated = contract(tmp_path, keyed({"name": "index", "constraints": {"required": True}}, {"name": "k"}))
    found = infer(
        pa.table({"index": values, "k": values}), lexical=False, text=TextFormat(), name="a", contract=stated
    ).model
    assert found.columns["index"].nullable is False
    assert Role.IGNORED not in (found.columns["index"].role, found.columns["k"].role)
    assert found.primary_key == ["k"]


def test_what_a_contract_asks_of_a_column_that_is_ignored_on_purpose_is_told_as_not_checked(tmp_path):
    stated = contract(
        tmp_path,
        keyed({"name": "k", "type": "integer"}, {"name": "x", "type": "integer", "constraints": {"minimum": 1}}),
    )
    found = inferred(stated, {"k": ["1", "2"], "x": ["1", "2"]}, roles={"x": Role.IGNORED})
    assert found.model.columns["x"].minimum is None
    assert found.ignored == ("'x': minimum (the column is ignored)",)


def test_a_contracts_key_cant_be_ignored(tmp_path):
    with pytest.raises(ModelError, match="'k' was declared ignored, and it is part of the contract's key"):
        inferred(contract(tmp_path, keyed({"name": "k"})), {"k": ["1", "2"]}, roles={"k": Role.IGNORED})


def test_a_time_is_held_to_the_contracts_format_and_to_no_other(tmp_path):
    text = ORDERS.replace("format: dd.MM.yyyy", 'format: "yyyy-MM-dd HH:mm:ss"')
    assert contract(tmp_path, text).columns["day"]["format"] == "%Y-%m-%d %H:%M:%S"
