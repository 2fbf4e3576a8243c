"""CSV: every row is found by its exact number, and one bad row never costs a good one."""

from __future__ import annotations

import csv

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from watchkeeper.delivery import CATALOGUE, Delivery, Limits, deliver
from watchkeeper.model import Column, Model, TextFormat

PEOPLE = {
    "id": Column(type="integer", role="id", drift=False),
    "age": Column(type="integer"),
    "name": Column(type="string"),
}


def model(columns: dict[str, Column] = PEOPLE, **more: object) -> Model:
    return Model(name="m", columns=columns, **more)


def told(delivery: Delivery) -> dict[str, str]:
    return {found.check: found.message for found in delivery.violations}


@pytest.fixture
def read(tmp_path):
    def run(text: str | bytes, of: Model | None = None, name: str = "people.csv", **more: object):
        path = tmp_path / name
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        delivery = deliver(path, of or model(), name=name, **more)
        blocks = list(delivery.blocks())
        rows = [row for block in blocks for row in block.rows.tolist()]
        table = pa.concat_tables([block.table.unify_dictionaries() for block in blocks]) if blocks else None
        cells = {} if table is None else {n: table[n].to_pylist() for n in table.column_names}
        return delivery, rows, cells

    return run


def test_quoted_line_breaks_delimiters_and_doubled_quotes_are_part_of_a_cell(read) -> None:
    delivery, rows, cells = read('id,age,name\r\n1,30,"Ann, ""the\nfirst"""\r\n2,31,Bob\r\n')
    assert (rows, cells["name"], delivery.violations) == ([1, 2], ['Ann, "the\nfirst"', "Bob"], [])


def test_a_quote_inside_an_unquoted_cell_is_plain_text(read) -> None:
    delivery, _, cells = read('id,age,name\n1,30,5" pipe\n2,31,say "no"\n3,32, "spaced"\n')
    assert (cells["name"], delivery.violations) == (['5" pipe', 'say "no"', ' "spaced"'], [])


def test_text_after_a_closing_quote_makes_that_row_bad_and_no_other(read) -> None:
    delivery, rows, _ = read('id,age,name\n1,30,Ann\n2,31,"Bob"by\n3,32,Cy\n')
    assert rows == [1, 3]
    assert [(bad.row, bad.reason) for bad in delivery.bad_rows()] == [(2, "text after a closing quote")]


def test_a_quote_that_swallows_rows_rejects_the_file_and_names_row_column_and_way_out(read) -> None:
    delivery, rows, _ = read('id,age,name\n1,30,Ann\n2,31,"Bob\n3,32,"Cy, the second"\n4,33,Di\n')
    assert delivery.rejected
    assert rows == [1]
    assert told(delivery)["quotes"].startswith(
        "people.csv, row 2: a quoted cell opens in `name` here and ends in the middle"
    )
    assert 'escape quotes as ""' in delivery.violations[0].remedy


def test_a_quote_that_never_closes_rejects_the_file(read) -> None:
    delivery, rows, _ = read('id,age,name\n1,30,Ann\n2,"31,Bob\n3,32,Cy\n')
    assert delivery.rejected
    assert rows == [1]
    assert "row 2: a quoted cell opens in `age` here and never closes" in told(delivery)["quotes"]


def test_a_quote_that_swallows_rows_and_ends_as_if_it_were_right_rejects_the_file_too(read) -> None:
    delivery, rows, _ = read('id,age,name\n1,30,Ann\n2,31,"Bob\n3,32,Cy\n4,33,",Di"\n5,34,Ed\n')
    assert rows == [1]
    assert "row 2: a quoted cell opens in `name` here and ends in the middle" in told(delivery)["quotes"]


def test_a_ragged_row_with_a_line_break_in_quotes_is_only_a_ragged_row(read) -> None:
    delivery, rows, _ = read('id,age,name\n1,30,Ann\n2,31,"Bob\nthe second",x\n3,32,Cy\n')
    assert (rows, list(told(delivery))) == ([1, 3], ["ragged_row"])


def test_quotes_may_be_plain_text_by_declaration(read) -> None:
    delivery, _, cells = read('id,age,name\n1,30,"Ann\n2,31,"B" c\n', model(text=TextFormat(quote=None)))
    assert (cells["name"], delivery.violations) == (['"Ann', '"B" c'], [])


def test_another_quote_character_may_be_declared(read) -> None:
    _, _, cells = read("id,age,name\n1,30,'Ann, ''A'''\n", model(text=TextFormat(quote="'")))
    assert cells["name"] == ["Ann, 'A'"]


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_lines_end_in_lf_crlf_or_cr(read, end: str) -> None:
    delivery, rows, cells = read(end.join(["id,age,name", "1,30,Ann", "2,31,Bob", ""]))
    assert (rows, cells["age"], delivery.violations) == ([1, 2], [30, 31], [])


def test_line_endings_may_be_mixed_and_the_last_may_be_missing(read) -> None:
    delivery, rows, _ = read("id,age,name\r\n1,30,Ann\n2,31,Bob\r3,32,Cy\r\n\r\n\n4,33,Di")
    assert (rows, delivery.violations) == ([1, 2, 3, 4], [])


def test_ragged_rows_are_set_aside_by_number(read) -> None:
    delivery, rows, _ = read("id,age,name\n1,30,Ann\n2,31\n3,32,Cy\n4,33,Di,extra\n5,34,Ed\n")
    assert rows == [1, 3, 5]
    assert (
        "the number of cells is not 3 in 2 of 5 rows, row 2 (“2 cells”) and row 4 (“4 cells”)"
        in told(delivery)["ragged_row"]
    )


def test_lines_of_delimiters_alone_are_no_rows_and_are_counted(read) -> None:
    delivery, rows, _ = read("id,age,name\n1,30,Ann\n,,\n\n  \n2,31,Bob\n,\n,,,,\n")
    assert rows == [1, 2]
    assert delivery.rows_read == 2
    assert "4 lines without any value" in told(delivery)["empty_lines"]
    assert CATALOGUE["empty_lines"].severity == "info"


def test_nul_bytes_make_their_rows_bad_and_the_column_is_named(read) -> None:
    delivery, rows, _ = read("id,age,name\n1,30,Ann\n2,31,B\0b\n3,32,Cy\n")
    assert rows == [1, 3]
    assert [bad.columns for bad in delivery.bad_rows()] == [("name",)]


def test_a_bad_cell_is_null_and_named_and_its_row_is_kept_in_the_block(read) -> None:
    delivery, rows, cells = read("id,age,name\n1,30,Ann\n2,N/A,Bob\n3,,Cy\n4,1e3,Di\n")
    assert rows == [1, 2, 3, 4]
    assert cells["age"] == [30, None, None, None]
    assert [(bad.row, bad.columns, bad.reason) for bad in delivery.bad_rows()] == [
        (2, ("age",), "`age` is not an integer"),
        (4, ("age",), "`age` is not an integer"),
    ]


def test_bad_cells_of_a_block_are_marked_invalid(tmp_path) -> None:
    path = tmp_path / "x.csv"
    path.write_text("id,age,name\n1,x,Ann\n2,31,Bob\n")
    (block,) = deliver(path, model()).blocks()
    assert {name: mask.tolist() for name, mask in block.invalid.items()} == {"age": [True, False]}


def test_the_remedy_names_a_decimal_point_where_a_comma_is_declared(tmp_path) -> None:
    path = tmp_path / "x.csv"
    path.write_text("x\n3.5\n12.25\n7\n")
    delivery = deliver(path, Model(name="m", columns={"x": Column(type="number", decimal=",")}))
    list(delivery.blocks())
    assert 'They have a decimal point; write `decimal: "."`' in delivery.violations[0].remedy


@pytest.mark.parametrize(
    ("cells", "hint"),
    [
        (["NULL", "N/A", "-"], "missing value"),
        (['"6,090"', '"11,296"'], "thousands separators"),
        (['"3,5"', '"12,25"'], "decimal comma"),
    ],
)
def test_the_remedy_says_what_bad_numbers_look_like(read, cells: list[str], hint: str) -> None:
    delivery, _, _ = read("id,age,name\n9,1,ok\n" + "".join(f"{i},{cell},x\n" for i, cell in enumerate(cells)))
    assert hint in next(found.remedy for found in delivery.violations if found.check == "parse")


def test_columns_are_bound_by_name_in_any_order(read) -> None:
    delivery, _, cells = read("name,id,age\nAnn,1,30\n")
    assert (cells["age"], delivery.violations) == ([30], [])


def test_a_file_without_a_header_is_bound_by_place(read) -> None:
    delivery, rows, cells = read("1,30,Ann\n2,31,Bob\n", model(text=TextFormat(header=False)))
    assert (rows, cells["name"], delivery.violations) == ([1, 2], ["Ann", "Bob"], [])


def test_tabs_are_told_by_the_ending(read) -> None:
    delivery, _, cells = read("id\tage\tname\n1\t30\tA, B\n", name="people.tsv")
    assert (cells["name"], delivery.violations) == (["A, B"], [])


def test_a_decimal_comma_is_read_where_it_is_declared_and_a_point_is_then_no_number(read) -> None:
    of = model({"x": Column(type="number", decimal=",")}, text=TextFormat(delimiter=";"))
    delivery, _, cells = read("x\n1,5\n1.500\n-0,25\n", of)
    assert cells["x"] == [1.5, None, -0.25]
    assert [bad.row for bad in delivery.bad_rows()] == [2]


def test_real_rows_come_through_to_the_last_bit(tmp_path) -> None:
    source = pq.read_table("tests/data/air_quality.parquet")
    path = tmp_path / "air.csv"
    with path.open("w", newline="") as file:
        writer = csv.writer(file, delimiter=";")
        writer.writerow(source.column_names)
        for row in source.to_pylist():
            writer.writerow(
                [row["ts"].strftime("%d/%m/%Y %H.%M.%S"), *(repr(v).replace(".", ",") for v in list(row.values())[1:])]
            )
    columns = {
        "ts": Column(type="timestamp", role="timestamp", format="%d/%m/%Y %H.%M.%S"),
        "PT08.S1(CO)": Column(type="integer"),
        "NOx(GT)": Column(type="integer", sentinels=[-200]),
        "T": Column(type="number", decimal=",", sentinels=[-200]),
        "AH": Column(type="number", decimal=","),
    }
    delivery = deliver(path, model(columns, text=TextFormat(delimiter=";")), limits=Limits(block=20_000))
    table = pa.concat_tables(block.table for block in delivery.blocks())
    assert delivery.violations == []
    assert table["ts"].cast(pa.int64()).equals(source["ts"].cast(pa.int64()))
    assert np.array_equal(table["AH"].to_numpy(), source["AH"].to_numpy())
    temperature = source["T"].to_numpy()
    assert table["T"].null_count == int((temperature == -200).sum())
    assert set(table["T"].drop_null().to_pylist()) == set(temperature[temperature != -200].tolist())


def test_missing_texts_and_sentinels_are_null_and_the_empty_text_only_unless_others_are_declared(read) -> None:
    columns = {
        "age": Column(type="integer", missing=["NA"], sentinels=[-1]),
        "name": Column(type="string", sentinels=["?"]),
    }
    delivery, _, cells = read("age,name\nNA,?\n-1,\n,x\n4,NA\n", model(columns))
    assert cells == {"age": [None, None, None, 4], "name": [None, None, "x", "NA"]}
    assert [bad.row for bad in delivery.bad_rows()] == [3]


def test_whole_numbers_written_as_decimals_are_read_and_told(read) -> None:
    delivery, _, cells = read("id,age,name\n1,30.0,Ann\n2,31.00,Bob\n")
    assert (cells["age"], list(told(delivery)), delivery.rows_bad) == ([30, 31], ["type_change"], 0)
    delivery, _, cells = read("id,age,name\n1,30.0,Ann\n2,,Bob\n")
    assert (cells["age"], list(told(delivery))) == ([30, None], ["type_exchange"])
    assert CATALOGUE["type_exchange"].severity == "info"


def test_infinities_are_numbers_and_numbers_that_overflow_are_not(read) -> None:
    delivery, _, cells = read("x\ninf\n-Infinity\n1e400\n1e-400\n9.5\n", model({"x": Column(type="number")}))
    assert cells["x"] == [float("inf"), float("-inf"), None, 0.0, 9.5]
    assert [bad.row for bad in delivery.bad_rows()] == [3]


def test_a_cell_over_the_limit_makes_its_row_bad_and_ten_megabytes_do_no_harm(read) -> None:
    huge = "x" * 10_000_000
    delivery, rows, _ = read(f'id,age,name\n1,30,Ann\n2,31,"{huge}"\n3,32,Cy\n')
    assert rows == [1, 2, 3]
    assert [(bad.row, bad.columns) for bad in delivery.bad_rows()] == [(2, ("name",))]
    assert "(“10,000,000 bytes”)" in told(delivery)["cell_limit"]


def test_every_large_cell_of_a_block_is_found(read) -> None:
    lines = [f"{i},30,{'x' * (70_000 if i in (2, 3, 7) else 5)}\n" for i in range(1, 9)]
    delivery, _, _ = read("id,age,name\n" + "".join(lines))
    assert [bad.row for bad in delivery.bad_rows()] == [2, 3, 7]
    assert delivery.violations[0].rows == 3


def test_a_row_over_the_line_limit_rejects_the_file(read) -> None:
    delivery, rows, _ = read("id,age,name\n1,30,Ann\n2,31," + "x" * 3000 + "\n", limits=Limits(line=1000, block=100))
    assert delivery.rejected
    assert rows == [1]
    assert "people.csv, row 2: a line of more than 0.000954 MiB begins here" in told(delivery)["line_limit"]


def test_five_thousand_columns_are_read(read) -> None:
    names = [f"c{i}" for i in range(5000)]
    of = model({name: Column(type="integer") for name in names})
    delivery, rows, cells = read(",".join(names) + "\n" + (",".join("7" for _ in names) + "\n") * 3, of)
    assert (rows, delivery.violations, cells["c4999"]) == ([1, 2, 3], [], [7, 7, 7])


def test_names_with_line_breaks_and_markup_are_bound_and_never_shown_raw(read) -> None:
    evil = "a\n<script>\x1b[31m"
    of = model({evil: Column(type="integer"), "b": Column(type="integer")})
    delivery, _, cells = read(f'"{evil}",b\n1,2\nx,3\n', of)
    assert cells[evil] == [1, None]
    for found in delivery.violations:
        assert "\n" not in found.message
        assert "\x1b" not in found.message
        assert r"`a\n<script>\x1b[31m`" in found.message


def test_one_row_is_enough_and_a_header_alone_is_not(read) -> None:
    delivery, rows, _ = read("id,age,name\n1,30,Ann")
    assert (rows, delivery.rejected) == ([1], False)
    delivery, rows, _ = read("id,age,name\n")
    assert (rows, list(told(delivery))) == ([], ["no_rows"])


@pytest.mark.parametrize("text", [b"", b"\n\r\n\n", b"\xef\xbb\xbf"])
def test_a_file_without_text_is_empty(read, text: bytes) -> None:
    delivery, _, _ = read(text)
    assert list(told(delivery)) == ["empty_file"]


def test_a_column_of_nothing_is_all_null_and_no_fault(read) -> None:
    delivery, _, cells = read("id,age,name\n1,,\n2,,\n")
    assert (cells["age"], cells["name"], delivery.violations) == ([None, None], [None, None], [])


def test_a_single_column_keeps_its_quoted_empty_cells(read) -> None:
    delivery, rows, cells = read('name\nx\n""\n\ny\n', model({"name": Column(type="string")}))
    assert (rows, cells["name"], delivery.violations) == ([1, 2, 3], ["x", None, "y"], [])


def test_blocks_are_read_once(read) -> None:
    delivery, _, _ = read("id,age,name\n1,30,Ann\n")
    with pytest.raises(RuntimeError, match="once"):
        next(delivery.blocks())


def test_a_baseline_is_read_without_being_held_against_its_own_rules(read) -> None:
    of = model({**PEOPLE, "age": Column(type="integer", maximum=10)}, primary_key=["id"])
    delivery, rows, _ = read("id,age,name\n1,30,=1+1\n1,31,Bob\n2,x,Cy\n", of, strict=False)
    assert rows == [1, 2, 3]
    assert list(told(delivery)) == ["parse"]
