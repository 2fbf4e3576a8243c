"""Columns of a delivery against those of the model: what is missing, renamed, doubled, extra; headers that are none."""

from __future__ import annotations

import pyarrow as pa
import pytest

from watchkeeper.delivery import Delivery, deliver
from watchkeeper.model import Column, Model, TextFormat

COLUMNS = {
    "case_id": Column(type="integer"),
    "date": Column(type="timestamp", format="%d-%m-%Y"),
    "age": Column(type="integer"),
    "fine": Column(type="number"),
    "note": Column(type="string", role="ignored"),
}
ROW = "1,31-01-2014,30,2.5,x\n"


def read(tmp_path, text: str, **fmt: object) -> Delivery:
    path = tmp_path / "x.csv"
    path.write_text(text)
    delivery = deliver(path, Model(name="m", columns=COLUMNS, text=TextFormat(**fmt)), name="x.csv")
    for _ in delivery.blocks():
        pass
    return delivery


def checks(delivery: Delivery) -> list[str]:
    return [found.check for found in delivery.violations]


@pytest.mark.parametrize(
    ("header", "likely"),
    [
        ("case_id,date,Age,fine,note", "Age"),
        ("case_id,date,age_years,fine,note", "age_years"),
        ("case_id,date,alter,fine,note,more", "alter"),
        ("case_id,date, age,fine,note", " age"),
    ],
)
def test_a_missing_column_comes_with_its_likely_new_name(tmp_path, header: str, likely: str) -> None:
    delivery = read(tmp_path, f"{header}\n{ROW}")
    missing = delivery.violations[0]
    assert (missing.check, missing.columns, delivery.rejected) == ("missing_column", ("age",), True)
    assert missing.message == f"x.csv: the column `age` is missing; it seems to be called `{likely}` now."


def test_a_column_that_is_simply_gone_is_named_with_what_is_there(tmp_path) -> None:
    delivery = read(tmp_path, "case_id,date,age\n1,31-01-2014,30\n")
    assert (
        delivery.violations[0].message
        == "x.csv: the column `fine` is missing; the file has `case_id`, `date` and `age`."
    )


@pytest.mark.parametrize(
    ("header", "message", "columns"),
    [
        ("date,age", "x.csv: 2 columns are missing, `case_id` and `fine`; the file has `date` and `age`.", 2),
        (
            "CASE_ID,DATE,AGE,FINE",
            "x.csv: 4 columns are missing and seem to be renamed, `case_id` to `CASE_ID`, `date` to `DATE`, "
            "`age` to `AGE` and `fine` to `FINE`.",
            4,
        ),
        (
            "k,q,w",
            "x.csv has none of the 4 columns that are expected, `case_id`, `date`, `age` and `fine`; the file has "
            "`k`, `q` and `w`.",
            4,
        ),
    ],
)
def test_several_missing_columns_are_one_sentence(tmp_path, header: str, message: str, columns: int) -> None:
    missing = read(tmp_path, f"{header}\n1,2,3\n").violations[0]
    assert (missing.check, missing.message, len(missing.columns)) == ("missing_column", message, columns)


def test_several_doubled_and_several_extra_columns_are_one_sentence_each(tmp_path) -> None:
    delivery = read(tmp_path, "case_id,date,age,fine,a,b,age,fine,fine\n")
    assert [found.message for found in delivery.violations] == [
        "x.csv: several columns share a name (2 `age` and 3 `fine`), so it can't be told which is meant.",
        "x.csv: 2 columns are not declared in the model, `a` and `b`.",
    ]


def test_columns_of_a_wrong_type_are_told_together(tmp_path) -> None:
    wrong = pa.table({"case_id": ["1"], "date": ["31-01-2014"], "age": ["30"], "fine": [True]})
    delivery = deliver(wrong, Model(name="m", columns=COLUMNS))
    assert [(found.check, found.message) for found in delivery.violations] == [
        ("type", "table: the columns `case_id` and `age` hold text, and type integer is declared."),
        ("type_change", "table: the column `fine` is stored as bool, not as number."),
    ]


def test_a_table_without_columns_has_none_of_those_expected() -> None:
    delivery = deliver(pa.table({}), Model(name="m", columns=COLUMNS))
    assert delivery.rejected
    assert delivery.violations[0].message.endswith("`age` and `fine`; the file has no columns.")


def test_an_ignored_column_need_not_be_there(tmp_path) -> None:
    assert checks(read(tmp_path, "case_id,date,age,fine\n1,31-01-2014,30,2.5\n")) == []


def test_two_columns_of_one_name_reject_the_file(tmp_path) -> None:
    delivery = read(tmp_path, "case_id,date,age,fine,age\n" + ROW)
    assert (checks(delivery), delivery.violations[0].columns) == (["duplicate_column"], ("age",))


def test_extra_columns_are_a_note_and_those_without_a_name_are_told_together(tmp_path) -> None:
    delivery = read(tmp_path, "case_id,date,age,fine,note,src,,\n" + ROW.replace("x\n", "x,y,,\n"))
    assert [(found.check, found.columns) for found in delivery.violations] == [
        ("extra_column", ("src",)),
        ("extra_column", ("",)),
    ]
    assert "2 columns without a name" in delivery.violations[1].message


@pytest.mark.parametrize(("sign", "words"), [("\t", "a tab"), (";", "a semicolon"), ("|", "a bar (|)")])
def test_another_delimiter_is_named(tmp_path, sign: str, words: str) -> None:
    delivery = read(tmp_path, f"case_id,date,age,fine,note\n{ROW}".replace(",", sign))
    assert checks(delivery) == ["delimiter"]
    assert f"the cells are divided by {words}, not by a comma as declared" in delivery.violations[0].message


def test_a_comma_where_a_semicolon_is_declared_is_named_too_if_the_names_are_others(tmp_path) -> None:
    delivery = read(tmp_path, f'"case_id","date","age","Fine","note"\n{ROW}', delimiter=";")
    assert checks(delivery) == ["delimiter"]


@pytest.mark.parametrize(
    "text",
    [{"delimiter": ";"}, {"delimiter": "\t", "encoding": "utf-16"}, {"delimiter": "|", "quote": "'"}],
    ids=["semicolon", "tab in UTF-16", "bar and single quotes"],
)
def test_a_file_in_standard_form_is_read_whatever_way_of_writing_is_declared(tmp_path, text) -> None:
    delivery = read(tmp_path, f'"case_id",date,age,fine,note\n{ROW}2,01-02-2014,31,2.5,"ü, ""y"""\n', **text)
    assert (checks(delivery), delivery.rows_read, delivery.rows_bad) == ([], 2, 0)


def test_without_a_declared_line_of_names_only_just_these_names_are_one(tmp_path) -> None:
    assert read(tmp_path, f"case_id,date,age,fine,note\n{ROW}", header=False).rows_read == 1
    other = read(tmp_path, f"case_id,date,age,Fine,note\n{ROW}", header=False)
    assert (other.rows_read, set(checks(other))) == (2, {"date_format", "parse"})


@pytest.mark.parametrize(("above", "line"), [("Fines of 2014\n", 2), ("Fines of 2014,,,,\n\nby case\n", 4)])
def test_a_title_above_the_names_is_told_once_with_the_line_of_the_names(tmp_path, above: str, line: int) -> None:
    delivery = read(tmp_path, f"{above}case_id,date,age,fine,note\n{ROW}")
    assert checks(delivery)[:1] == ["header"]
    assert "missing_column" not in checks(delivery)
    told = delivery.violations[0].message
    assert f"looks like a title (“Fines of 2014”); the names of the columns stand in line {line}" in told


def test_a_first_line_of_data_is_no_header(tmp_path) -> None:
    delivery = read(tmp_path, ROW * 3)
    assert checks(delivery) == ["header"]
    assert "the first line holds data (1, 31-01-2014, 30 and 2 more)" in delivery.violations[0].message


def test_rows_with_another_delimiter_than_the_header_leave_no_good_row(tmp_path) -> None:
    delivery = read(tmp_path, "case_id,date,age,fine,note\n" + ROW.replace(",", ";") * 3)
    assert checks(delivery) == ["no_good_row", "ragged_row"]
