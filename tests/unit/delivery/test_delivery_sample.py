"""Samples to infer from: how text is written is told from the text itself, and rows come from all files alike."""

from __future__ import annotations

import csv
import gzip

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from watchkeeper.delivery import deliver, raw_sample
from watchkeeper.delivery.source import Unreadable
from watchkeeper.model import TextFormat, infer
from watchkeeper.model.error import WatchkeeperError

ROWS = [
    ["10/03/2004", "18.00.00", "2,6", "1360", "José"],
    ["10/03/2004", "19.00.00", "2", "1292", "a, b"],
    ["11/03/2004", "20.00.00", "", "-200", 'x "y"'],
]
NAMES = ["Date", "Time", "CO(GT)", "PT08", "who"]


def written(path, rows: list[list[str]], delimiter: str = ",", encoding: str = "utf-8", quote: str = '"') -> None:
    with path.open("w", newline="", encoding=encoding) as file:
        csv.writer(file, delimiter=delimiter, quotechar=quote).writerows(rows)


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|", ":"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "latin-1"])
def test_delimiter_encoding_and_header_are_told_from_the_text(tmp_path, delimiter: str, encoding: str) -> None:
    written(tmp_path / "x.csv", [NAMES, *ROWS], delimiter, encoding)
    sample = raw_sample(tmp_path / "x.csv")
    told = {"utf-8-sig": "utf-8", "latin-1": "cp1252"}.get(encoding, encoding)
    assert sample.text == TextFormat(delimiter=delimiter, encoding=told)
    assert sample.lexical
    assert sample.table.column_names == NAMES
    assert sample.table["CO(GT)"].to_pylist() == ["2,6", "2", None]
    assert sample.table["who"].to_pylist() == ["José", "a, b", 'x "y"']


def test_windows_letters_are_cp1252(tmp_path) -> None:
    written(tmp_path / "x.csv", [["a", "b"], ["“x” – é", "1"]], encoding="cp1252")
    assert raw_sample(tmp_path / "x.csv").text.encoding == "cp1252"


@pytest.mark.parametrize(
    ("rows", "header"),
    [
        (ROWS, False),
        ([NAMES, *ROWS], True),
        ([["a", "b"], ["x", "y"]], True),
        ([["2014", "2015"], ["x", "y"]], True),
        ([["0", "1", "2"], ["5", "6", "7"]], True),
        ([["5", "6"], ["7", "8"]], False),
    ],
)
def test_a_first_row_of_values_is_no_header(tmp_path, rows: list, header: bool) -> None:
    written(tmp_path / "x.csv", rows)
    sample = raw_sample(tmp_path / "x.csv")
    assert sample.text.header is header
    assert sample.table.num_rows == len(rows) - header
    assert header or sample.table.column_names[0] == "column_1"


def test_single_quotes_and_quotes_that_are_plain_text_are_told(tmp_path) -> None:
    written(tmp_path / "x.csv", [["a", "b"], ["x, y", "p, q"], ["z", "r,"]], quote="'")
    assert raw_sample(tmp_path / "x.csv").text.quote == "'"
    (tmp_path / "y.csv").write_text('a,b\n1,"6 foot\n2,"5 foot\n3,x"\n')
    assert raw_sample(tmp_path / "y.csv").text.quote is None


def test_rows_are_spread_evenly_over_files_and_within_them(tmp_path) -> None:
    for number in range(3):
        (tmp_path / f"{number}.csv").write_text("file,row\n" + "".join(f"{number},{row}\n" for row in range(100_000)))
    sample = raw_sample(f"{tmp_path}/*.csv", 3_000)
    files = sample.table["file"].to_pylist()
    assert all(900 <= files.count(str(number)) <= 1100 for number in range(3))
    (tmp_path / "long.csv").write_text("row\n" + "".join(f"{row:09d}\n" for row in range(1_500_000)))
    rows = [int(row) for row in raw_sample(tmp_path / "long.csv", 3_000).table["row"].to_pylist()]
    assert len(rows) <= 3_100
    assert max(rows) > 1_200_000


def test_json_lines_packed_files_and_typed_ones_are_sampled(tmp_path) -> None:
    (tmp_path / "x.jsonl").write_text('{"a": 1, "b": ""}\n{"c": [1], "a": "x"}\n')
    sample = raw_sample(tmp_path / "x.jsonl")
    assert sample.lexical
    assert sample.table.to_pylist() == [{"a": "1", "b": None, "c": None}, {"a": "x", "b": None, "c": None}]
    (tmp_path / "x.csv.gz").write_bytes(gzip.compress(b"a;b\n1;2\n"))
    assert raw_sample(tmp_path / "x.csv.gz").text.delimiter == ";"
    table = pa.table({"a": [1, 2], "t": pa.array([1, 2], pa.timestamp("us"))})
    pq.write_table(table, tmp_path / "x.parquet")
    sample = raw_sample(tmp_path / "x.parquet")
    assert (sample.table.schema.types, sample.lexical) == (table.schema.types, False)
    assert raw_sample(pd.DataFrame({"a": [1.5]})).table.to_pylist() == [{"a": 1.5}]
    with pytest.raises(Unreadable, match="mixed"):
        raw_sample([tmp_path / "x.jsonl", tmp_path / "x.parquet"])


def test_broken_rows_are_left_out_and_doubled_names_are_an_error(tmp_path) -> None:
    (tmp_path / "x.csv").write_text("a,b\n1,2\n3\n4,5\n")
    assert raw_sample(tmp_path / "x.csv").table["a"].to_pylist() == ["1", "4"]
    (tmp_path / "y.csv").write_text("a,a\n1,2\n")
    with pytest.raises(WatchkeeperError, match="2 columns are called `a`"):
        raw_sample(tmp_path / "y.csv")


def test_a_torn_file_is_an_error_that_names_the_row(tmp_path) -> None:
    (tmp_path / "x.csv").write_text('a,b\n1,2\n3,"x\n4,"y, z"\n5,6\n')
    with pytest.raises(WatchkeeperError, match="row 2: a quoted cell opens in `b`"):
        raw_sample(tmp_path / "x.csv")


def test_columns_of_json_that_hold_objects_are_not_taken_for_text(tmp_path) -> None:
    path = tmp_path / "x.jsonl"
    path.write_text('{"a": {"b": 1}, "s": "[x]"}\n{"a": [2], "s": "y"}\n{"a": null}\n')
    sample = raw_sample(path)
    assert [pa.types.is_nested(kind) for kind in sample.table.schema.types] == [True, False]
    made = infer(sample.table, name="m", lexical=True, text=sample.text)
    assert {name: column.type for name, column in made.model.columns.items()} == {"a": "other", "s": "string"}
    assert [block.invalid for block in deliver(path, made.model).blocks()] == [{}]


def test_a_sample_does_not_hold_the_memory_of_what_it_was_taken_from(tmp_path):
    path = tmp_path / "large.parquet"
    rows = 1_500_000
    pq.write_table(pa.table({"x": pa.array(range(rows), pa.float64())}), path, row_group_size=100_000)
    cells = raw_sample([path]).table
    assert len(cells) < rows / 4
    assert cells.get_total_buffer_size() < 2 * 8 * len(cells)
