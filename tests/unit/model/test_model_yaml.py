"""`watchkeeper.yaml`: what a person reads in it, and what they are told when they mistype."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from watchkeeper.model import (
    CannotWrite,
    Column,
    ColumnNotes,
    Constraints,
    Model,
    ModelError,
    Note,
    Role,
    Task,
    TextFormat,
    Type,
)
from watchkeeper.model.yaml_file import dump, load, parse

GOOD = """\
name: loans
columns:
  age:
    type: integer
    role: feature
  outcome:
    type: integer
    role: label
"""


def mistakes(text: str) -> list[str]:
    with pytest.raises(ModelError) as told:
        parse(text)
    return str(told.value).splitlines()


def test_a_misspelt_field_is_named_with_its_line_and_the_field_that_was_meant():
    text = GOOD.replace("role: feature", "rol: feature")
    assert mistakes(text) == ["watchkeeper.yaml, line 5: columns.age.rol is no field of a column. Did you mean 'role'?"]


def test_a_wrong_word_is_answered_with_all_that_are_allowed_and_the_nearest_first():
    (told,) = mistakes(GOOD.replace("role: label", "role: lable"))
    assert told.startswith("watchkeeper.yaml, line 8: columns.outcome.role can't be 'lable'. Did you mean 'label'? ")
    assert "Known are label, id, timestamp, feature" in told


@pytest.mark.parametrize(
    ("written", "meant"), [("float", "number"), ("date", "timestamp"), ("str", "string"), ("category", "string")]
)
def test_types_by_the_names_of_other_tools_are_understood_and_ours_is_offered(written, meant):
    (told,) = mistakes(GOOD.replace("type: integer", f"type: {written}", 1))
    assert f"Did you mean '{meant}'?" in told


def test_all_mistakes_are_told_at_once_in_the_order_of_the_file():
    text = """\
name: My Model
primary_key: [age, agee]
window: fortnight
columns:
  age:
    type: integer
    minimum: 9
    maximum: 3
  city:
    role: label
    inferred:
      minimun: 3
text:
  encoding: utf-9
max_quarantine_share: 2
"""
    told = mistakes(text)
    assert [line.split(": ")[0].removeprefix("watchkeeper.yaml, line ") for line in told] == (
        ["1", "2", "3", "7", "9", "12", "14", "15"]
    )
    assert told[1].endswith("primary_key[1]: there is no column 'agee' under `columns`. Did you mean 'age'?")
    assert told[3].endswith("minimum is above maximum, so no value could be right; correct one of them")
    assert told[4].endswith("columns.city needs a line `type:`")
    assert told[5].endswith("Did you mean 'minimum'?")


def test_an_unknown_key_column_has_its_line_also_where_all_else_is_right():
    text = GOOD + "primary_key:\n  - age\n  - nobody\n"
    assert mistakes(text) == ["watchkeeper.yaml, line 11: primary_key[1]: there is no column 'nobody' under `columns`"]


def test_a_column_written_twice_is_told_with_both_lines():
    text = GOOD + "  age:\n    type: string\n"
    assert mistakes(text) == [
        "watchkeeper.yaml, line 9: columns.age stands here a second time, first on line 3; keep one"
    ]


@pytest.mark.parametrize(
    ("text", "line", "word"),
    [
        ("name: a\ncolumns: [1,", 2, "no YAML"),
        ("name: a\ncolumns:\n\t- b", 3, "spaces"),
        ("name: a\ncolumns: {}\n---\nname: b\n", 3, "second document"),
        ("name: !!python/object/apply:os.system ['ls']\ncolumns: {}\n", 1, "not obeyed"),
        ("name: a\n? [x]\n: 1\n", 2, "key must be a text"),
        ("a: *nothing\n", 1, "names nothing"),
        ("[" * 10_000, 1, "nested"),
    ],
)
def test_what_is_no_plain_yaml_is_refused_with_its_line(text, line, word):
    told = " ".join(mistakes(text))
    assert f"line {line}" in told
    assert word in told


def test_aliases_that_would_explode_are_refused_before_they_do():
    bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n"
    bomb += "".join(f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 10)}]\n" for i in range(1, 9))
    (told,) = mistakes(bomb)
    assert "aliases" in told


def test_a_small_alias_is_read():
    model = parse("name: a\ncolumns:\n  x: &number {type: number, minimum: 0}\n  y: *number\n")
    assert model.columns["y"] == model.columns["x"]


def test_words_that_older_yaml_takes_for_truth_stay_words():
    text = 'name: a\ncolumns:\n  yes: {type: string, allowed: [yes, no, on, "1", 007]}\n  2020: {type: integer}\n'
    model = parse(text)
    assert list(model.columns) == ["yes", "2020"]
    assert model.columns["yes"].allowed == ["yes", "no", "on", "1", "007"]


def test_a_number_among_the_words_of_a_text_column_is_a_mistake_with_its_fix():
    (told,) = mistakes("name: a\ncolumns:\n  zip: {type: string, allowed: [10115, '10117']}\n")
    assert told.endswith("columns.zip.allowed: 10115 is no value of type string; write it in quotes, '10115'")


@pytest.mark.parametrize(
    ("line", "word"),
    [
        ("type: string, pattern: '(?=x)'", "look-around"),
        ("type: timestamp, format: '%Q'", "%Q is not read"),
        ("type: timestamp, format: '%H:%M'", "names no year and month"),
        ("type: timestamp, minimum: 3", "write a date such as 2014-01-31"),
        ("type: string, minimum: 3", "has no minimum"),
        ("type: integer, max_length: 3", "only text has a max_length"),
        ("type: integer, nullable: maybe", "write true or false"),
        ("type: string, missing: [NA, null]", "missing[1] can't be null: write a text"),
        ("type: integer, format: '%Y-%m'", "only a timestamp has a format"),
        ("type: string, allowed: []", "an empty list allows nothing"),
        ("type: integer, sentinels: [n/a]", "write it under `missing`"),
        ("type: number, sentinels: ['-200']", "take '-200' out of quotes"),
        ("type: timestamp, sentinels: [0]", "are dates such as 9999-12-31"),
        ("type: integer, role: predicted", "Did you mean 'prediction'?"),
    ],
)
def test_a_line_that_can_never_hold_is_a_mistake(line, word):
    (told,) = mistakes("name: a\ncolumns:\n  x: {" + line + "}\n")
    assert told.startswith("watchkeeper.yaml, line 3: columns.x")
    assert word in told


@pytest.mark.parametrize("role", ["label", "timestamp"])
def test_two_columns_that_both_are_the_truth_or_the_event_time_are_named(role):
    lines = "".join(f"  {name}: {{type: timestamp, role: {role}}}\n" for name in ("seen", "born"))
    (told,) = mistakes(f"name: a\ncolumns:\n{lines}")
    assert told.startswith(f"watchkeeper.yaml, line 4: columns.born.role: 'seen' and 'born' both are the {role}")


@pytest.mark.parametrize("written", ["9999-12-31", "'9999-12-31'"])
def test_dates_may_stand_among_the_sentinels_with_or_without_quotes(written):
    read = parse(f"name: a\ncolumns:\n  until: {{type: timestamp, sentinels: [{written}]}}\n")
    assert read.columns["until"].sentinels == ["9999-12-31"]


def test_a_file_that_is_no_text_or_is_not_there_is_told_plainly(tmp_path):
    with pytest.raises(ModelError, match="can't be read: No such file"):
        load(tmp_path / "nowhere.yaml")
    (tmp_path / "latin.yaml").write_bytes("name: a\n# caf\xe9\n".encode("latin-1"))
    with pytest.raises(ModelError, match=r"latin\.yaml, line 2: this is no UTF-8 text"):
        load(tmp_path / "latin.yaml")
    (tmp_path / "empty.yaml").write_text("")
    with pytest.raises(ModelError, match="holds no model"):
        load(tmp_path / "empty.yaml")


def model() -> Model:
    return Model(
        name="loans",
        task=Task.BINARY,
        primary_key=["loan_id"],
        positive=1,
        columns={
            "loan_id": Column(type=Type.INTEGER, role=Role.ID, drift=False, nullable=False),
            "granted": Column(
                type=Type.TIMESTAMP, role=Role.TIMESTAMP, format="%d-%m-%Y", minimum=datetime(2013, 1, 1, tzinfo=UTC)
            ),
            "state": Column(
                type=Type.STRING, inferred=Constraints(nullable=False, allowed=["no", "NY", "1e5", "a: b", ""])
            ),
            "income": Column(type=Type.NUMBER, sentinels=[-200.0], missing=["", "NULL", "-"], decimal=","),
            "paid": Column(type=Type.INTEGER, role=Role.LABEL, inferred=Constraints(minimum=0, maximum=1)),
        },
        text=TextFormat(delimiter=";"),
    )


def test_what_is_written_reads_the_same_and_says_why(tmp_path):
    notes = {"paid": ColumnNotes({"role": Note(0.95, "named as the target"), "type": Note(None, "by the contract")})}
    text = dump(model(), tmp_path / "watchkeeper.yaml", notes=notes, about={"task": Note(0.9, "two values")})
    assert load(tmp_path / "watchkeeper.yaml") == model()
    assert (tmp_path / "watchkeeper.yaml").read_text(encoding="utf-8") == text
    assert text.startswith("# yaml-language-server: $schema=watchkeeper.schema.json\n")
    assert "move it out of `inferred`" in text
    assert "task: binary  # 0.90: two values\n" in text
    assert "    type: integer  # by the contract\n    role: label  # 0.95: named as the target\n" in text


def test_only_what_differs_from_the_defaults_is_written():
    body = dump(model()).split("\n\n", 1)[1]
    assert "alarm_budget" not in body
    assert "segments" not in body
    assert "role: feature" not in body
    assert "pii" not in body


def test_values_that_look_like_something_else_stand_in_quotes():
    body = dump(model())
    assert 'allowed: ["no", NY, "1e5", "a: b", ""]' in body
    assert 'missing: ["", "NULL", "-"]' in body
    assert 'format: "%d-%m-%Y"' in body
    assert "minimum: 2013-01-01\n" in body
    assert "sentinels: [-200]" in body


def test_a_hostile_or_endless_column_name_survives_the_file():
    names = ["a\nb: c", "<script>", "x" * 5_000, "\x1b[31m", "é\u2028", "# no", "- x", "", " ", "null", "🌊", "\u202e"]
    model = Model(name="a", columns={name: Column(type=Type.STRING) for name in names})
    assert parse(dump(model)) == model


def test_a_reason_can_not_break_out_of_its_comment():
    model = Model(name="a", columns={"x": Column(type=Type.STRING)})
    notes = {"x": ColumnNotes({"type": Note(0.5, "odd\nrole: id")}, ("named\r\npii: true",))}
    assert parse(dump(model, notes=notes)) == model


def test_a_failed_write_leaves_the_old_file_and_nothing_beside_it(tmp_path):
    with pytest.raises(CannotWrite, match="can't be written"):
        dump(model(), tmp_path / "no" / "such.yaml")
    (tmp_path / "folder.yaml").mkdir()
    with pytest.raises(CannotWrite, match="can't be written"):
        dump(model(), tmp_path / "folder.yaml")
    assert [path.name for path in tmp_path.iterdir()] == ["folder.yaml"]


@pytest.mark.parametrize(
    ("line", "word"),
    [
        ("minimum: .nan", "nan is no limit"),
        ("maximum: true", "true is no limit"),
        ("minimum: 1e400", "too large"),
        ("maximum: -.inf", "too large"),
        (f"minimum: {'9' * 5000}", "is no limit"),
        ("allowed: [1, .nan]", "nan is no value"),
        ("inferred: {maximum: .inf}", "too large"),
    ],
)
def test_a_limit_that_nothing_can_be_compared_with_is_a_mistake_with_its_line(line, word):
    (told,) = mistakes("name: a\ncolumns:\n  x:\n    type: number\n    " + line + "\n")
    assert told.startswith("watchkeeper.yaml, line 5: columns.x.")
    assert word in told
    assert "take" in told


def test_a_length_is_no_truth_value():
    (told,) = mistakes("name: a\ncolumns:\n  x: {type: string, max_length: true}\n")
    assert "true is no length" in told


@pytest.mark.parametrize(
    "encoding",
    ["rot13", "base64", "hex", "zlib", "punycode", "undefined", "idna", "unicode_escape", "utf-7", "UTF7", "klingon"],
)
def test_what_is_no_encoding_of_files_is_refused_with_the_usual_ones(encoding):
    (told,) = mistakes(GOOD + f"text:\n  encoding: {encoding}\n")
    assert f"text.encoding: '{encoding}' is no encoding of text files" in told
    assert "utf-8, utf-16, cp1252" in told


@pytest.mark.parametrize(
    "encoding", ["utf-8", "UTF8", "utf-8-sig", "latin1", "cp500", "mac_roman", "utf_16_le", "big5"]
)
def test_an_encoding_of_files_is_taken_by_any_of_its_names(encoding):
    assert parse(GOOD + f"text: {{encoding: {encoding}}}\n").text.encoding == encoding


def test_a_key_column_cant_be_ignored():
    text = "name: a\nprimary_key: [x]\ncolumns:\n  x: {type: string, role: ignored}\n"
    (told,) = mistakes(text)
    assert told.startswith(
        "watchkeeper.yaml, line 2: primary_key[0]: the column 'x' is ignored, and a key column can't be"
    )


@pytest.mark.parametrize("line", ["nullable: false", "unique: true", "minimum: 0", "allowed: [1]"])
def test_what_an_ignored_column_should_keep_to_is_a_mistake(line):
    field = line.split(":")[0]
    (told,) = mistakes("name: a\ncolumns:\n  x:\n    type: integer\n    role: ignored\n    " + line + "\n")
    assert told.startswith(f"watchkeeper.yaml, line 6: columns.x.{field}: an ignored column is not read")


def test_an_ignored_column_may_say_that_anything_goes():
    line = "x: {type: integer, role: ignored, nullable: true, unique: false, inferred: {minimum: 0}}"
    assert parse(f"name: a\ncolumns:\n  {line}\n").columns["x"].role is Role.IGNORED


def test_an_ignored_key_is_told_together_with_other_mistakes():
    told = mistakes("name: a\nprimary_key: [x]\ncolumns:\n  x: {type: string, role: ignored}\n  y: {type: strin}\n")
    assert (len(told), "primary_key[0]" in told[0], "columns.y.type" in told[1]) == (2, True, True)
    assert told[0].endswith("or take it out of the key")
