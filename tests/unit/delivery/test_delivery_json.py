"""JSON lines: values are lexical, and a line that is no single object with distinct keys is a bad row."""

from __future__ import annotations

import json

import pytest

from watchkeeper.delivery import Delivery, deliver
from watchkeeper.model import Column, Model

COLUMNS = {
    "n": Column(type="integer"),
    "x": Column(type="number"),
    "ok": Column(type="boolean"),
    "s": Column(type="string"),
    "t": Column(type="timestamp", format="iso8601"),
}
MODEL = Model(name="m", columns=COLUMNS)
GOOD = '{"n": 1, "x": 1.5, "ok": true, "s": "a", "t": "2014-01-31T10:00:00Z"}'


@pytest.fixture
def read(tmp_path):
    def run(text: str, model: Model = MODEL) -> tuple[Delivery, list[int], dict[str, list]]:
        path = tmp_path / "x.jsonl"
        path.write_text(text)
        delivery = deliver(path, model, name="x.jsonl")
        blocks = list(delivery.blocks())
        cells = {name: [v for b in blocks for v in b.table[name].to_pylist()] for name in model.columns}
        return delivery, [row for b in blocks for row in b.rows.tolist()], cells

    return run


def test_a_number_in_quotes_is_the_number_and_text_without_quotes_is_the_text(read) -> None:
    delivery, _, cells = read(GOOD + '\n{"n": "12", "x": "3", "ok": "yes", "s": 12.50, "t": null}\n{"s": false}')
    assert cells["n"] == [1, 12, None]
    assert cells["x"] == [1.5, 3.0, None]
    assert cells["ok"] == [True, True, None]
    assert cells["s"] == ["a", "12.50", "false"]
    assert delivery.violations == []


def test_escapes_are_read(read) -> None:
    _, _, cells = read(
        r'{"n":1,"x":1,"ok":true,"t":null,"s":"a\nb \"c\" é \ud83d\ude00 \\"}'
        + "\n"
        + '{"s": "{\\"a\\": [1, 2]}"}'
        + "\n"
        + '{"s": "plain é"}'
    )
    assert cells["s"] == ['a\nb "c" é 😀 \\', '{"a": [1, 2]}', "plain é"]


def test_an_object_or_array_where_a_value_is_declared_is_a_bad_cell(read) -> None:
    lines = ['{"s": ["Asian"]}', '{"s": "Asian"}', '{"s": {"a": "b"}}', '{"s": "[x]"}', '{"n": [1]}', '{"s": []}']
    delivery, _, cells = read(GOOD + "\n" + "\n".join(lines))
    told = [(row.row, row.reason) for row in delivery.bad_rows()]
    text = "`s` is not text"
    assert told == [(2, text), (4, text), (6, "`n` is not an integer"), (7, text)]
    assert cells["s"] == ["a", None, "Asian", None, "[x]", None, None]
    assert {found.check for found in delivery.violations} == {"parse"}
    assert 'row 2 (“["Asian"]”)' in delivery.violations[1].message


@pytest.mark.parametrize(
    "line",
    [
        "[1, 2]",
        "null",
        '"text"',
        "12",
        '{"n": 1',
        '{"n": NaN}',
        '{"x": Infinity}',
        '{"n": 1, "n": 2}',
        '{"n": 1} {"n": 2}',
        "{'n': 1}",
        '{"s": "\\ud800"}',
        '{"n": 01}',
        "{",
        '{"s": "a\tb"}',
    ],
)
def test_a_line_that_is_no_single_whole_object_with_distinct_keys_is_a_bad_row(read, line: str) -> None:
    delivery, rows, _ = read(f"{GOOD}\n{line}\n{GOOD}\n")
    assert rows == [1, 3]
    assert [(bad.row, bad.reason) for bad in delivery.bad_rows()] == [
        (2, "no single complete JSON object with distinct keys")
    ]


@pytest.mark.parametrize(
    "line",
    [
        '{"n":1,"n":1}',
        '{"n": 1, "x": 2, "n": 3}',
        '{"s": "\\"n\\": ", "n":1,"n":1}',
        '{"a\\"b": 1, "a\\"b": 2}',
        '{"a":{"b":1,"b":2},"a":1}',
    ],
)
def test_a_repeated_key_is_found_in_every_style(read, line: str) -> None:
    delivery, rows, _ = read(f"{GOOD}\n{line}\n")
    assert rows == [1]
    assert delivery.rows_bad == 1


def test_repeated_keys_inside_a_nested_value_are_that_values_business(read) -> None:
    delivery, rows, _ = read(f'{GOOD}\n{{"other": {{"b": 1, "b": 2}}}}\n')
    assert (rows, delivery.rows_bad) == ([1, 2], 0)


def test_deep_nesting_is_a_bad_row_and_no_crash(read) -> None:
    delivery, rows, _ = read(f'{GOOD}\n{{"s": {"[" * 100_000}{"]" * 100_000}}}\n')
    assert rows == [1]
    assert delivery.rows_bad == 1


def test_lines_of_white_space_are_no_rows(read) -> None:
    delivery, rows, _ = read(f"\n{GOOD}\r\n\n   \n{GOOD}")
    assert (rows, delivery.rows_read, delivery.violations) == ([1, 2], 2, [])


def test_a_key_that_no_line_has_is_a_missing_column_and_an_unknown_one_a_note(read) -> None:
    lines = [json.dumps({**json.loads(GOOD), "more": 1}), json.dumps({"n": 2})]
    delivery, _, _ = read("\n".join(lines))
    assert [found.check for found in delivery.violations] == ["extra_column"]
    delivery, _, _ = read('{"n": 1, "x": 1, "ok": true, "s": "a"}\n')
    assert [(found.check, found.columns) for found in delivery.violations] == [("missing_column", ("t",))]


def test_a_key_may_come_late(read) -> None:
    delivery, _, cells = read('{"n": 1}\n' + GOOD)
    assert (cells["s"], delivery.violations) == ([None, "a"], [])


def test_a_declared_decimal_comma_is_for_texts_and_json_keeps_its_point(read) -> None:
    _, _, cells = read('{"x": 1.5}\n{"x": "2,5"}\n', Model(name="m", columns={"x": Column(type="number", decimal=",")}))
    assert cells["x"] == [1.5, 2.5]


def test_whole_numbers_beyond_64_bits_are_no_integers(read) -> None:
    delivery, _, cells = read(f'{GOOD}\n{{"n": 9223372036854775808}}\n{{"n": -9223372036854775808}}\n')
    assert cells["n"] == [1, None, -(2**63)]
    assert [bad.row for bad in delivery.bad_rows()] == [2]
