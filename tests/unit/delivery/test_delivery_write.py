"""Outputs: good rows keep every value as it came, bad ones their original text; files appear whole or not at all."""

from __future__ import annotations

import csv
import errno
import json
import os
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from watchkeeper.delivery import BadOutput, CannotWrite, Delivery, deliver, replacing
from watchkeeper.model import Column, Model, TextFormat

COLUMNS = {"id": Column(type="integer"), "t": Column(type="string"), "x": Column(type="number", decimal=",")}


def checked(path: Path, columns: dict[str, Column] = COLUMNS, **text: object) -> Delivery:
    delivery = deliver(path, Model(name="m", columns=columns, text=TextFormat(**text)))
    for _ in delivery.blocks():
        pass
    return delivery


def rows_of(path: Path) -> list[list[str]]:
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.reader(file))


def test_standard_csv_is_copied_byte_for_byte_without_bad_rows_and_empty_lines(tmp_path) -> None:
    path = tmp_path / "x.csv"
    path.write_bytes(b'\xef\xbb\xbf"id",t,x\r\n007,"a ""b""\r\nc",1\r\n\r\nx,bad,2\n8, "d" ,3\r9,e')
    delivery = checked(path)
    delivery.write(tmp_path / "good.csv", tmp_path / "bad.csv")
    assert (tmp_path / "good.csv").read_bytes() == b'"id",t,x\n007,"a ""b""\r\nc",1\r\n8, "d" ,3\r'
    assert rows_of(tmp_path / "bad.csv") == [
        ["row", "columns", "reason", "raw"],
        ["2", "id", "`id` is not an integer", "x,bad,2"],
        ["4", "", "the number of cells is not 3", "9,e"],
    ]


@pytest.mark.parametrize(
    ("delimiter", "encoding"), [(";", "utf-8"), ("\t", "latin-1"), ("|", "utf-16"), (";", "cp1252")]
)
def test_other_csv_becomes_standard_csv_that_any_reader_counts_right(tmp_path, delimiter: str, encoding: str) -> None:
    path = tmp_path / "x.csv"
    lines = ["id;t;x", '1;"he said ""no"",\nthen left";1,5', '2;"a, ""b"",";2', "bad;x;3", "4;ñ;4,0", '5;"one; two";0']
    path.write_bytes("\n".join(line.replace(";", delimiter) for line in lines).encode(encoding))
    delivery = checked(path, delimiter=delimiter, encoding=encoding)
    delivery.write(tmp_path / "good.csv", None)
    assert rows_of(tmp_path / "good.csv") == [
        ["id", "t", "x"],
        ["1", 'he said "no",\nthen left', "1,5"],
        ["2", 'a, "b",', "2"],
        ["4", "ñ", "4,0"],
        ["5", f"one{delimiter} two", "0"],
    ]


@pytest.mark.parametrize("ending", ["csv", "jsonl", "parquet"])
def test_text_stays_text_in_every_format_extra_columns_included(tmp_path, ending: str) -> None:
    path = tmp_path / "x.csv"
    path.write_text("extra,id,t,x,\nx,007,,1,\ny,bad,b,2,\n=1+1,8,c,0.10,\n")
    delivery = checked(path, {**COLUMNS, "x": Column(type="number")})
    target = tmp_path / f"good.{ending}"
    delivery.write(target, None)
    if ending == "csv":
        assert target.read_text() == "extra,id,t,x,\nx,007,,1,\n=1+1,8,c,0.10,\n"
    else:
        rows = (
            pq.read_table(target).to_pylist()
            if ending == "parquet"
            else [json.loads(line) for line in target.read_text().splitlines()]
        )
        assert rows == [
            {"extra": "x", "id": "007", "t": None, "x": "1", "column_5": None},
            {"extra": "=1+1", "id": "8", "t": "c", "x": "0.10", "column_5": None},
        ]


def test_json_lines_are_copied_or_become_csv_with_every_key_that_came(tmp_path) -> None:
    path = tmp_path / "x.jsonl"
    path.write_text('{"id":  1, "t": "a\\u00f1"}\n{"id": "x"}\n[]\n{"id": 3, "x": 1.50, "more": {"a": [1]}}\n')
    delivery = checked(path)
    assert delivery.rows_bad == 2
    delivery.write(tmp_path / "good.jsonl", tmp_path / "bad.jsonl")
    assert (
        tmp_path / "good.jsonl"
    ).read_text() == '{"id":  1, "t": "a\\u00f1"}\n{"id": 3, "x": 1.50, "more": {"a": [1]}}\n'
    bad = [json.loads(line) for line in (tmp_path / "bad.jsonl").read_text().splitlines()]
    assert [(row["row"], row["columns"], row["raw"]) for row in bad] == [(2, ["id"], '{"id": "x"}'), (3, [], "[]")]
    delivery.write(tmp_path / "good.csv", None)
    assert rows_of(tmp_path / "good.csv") == [
        ["id", "t", "x", "more"],
        ["1", "añ", "", ""],
        ["3", "", "1.50", '{"a": [1]}'],
    ]


@pytest.mark.parametrize("ending", ["csv", "jsonl", "parquet"])
def test_typed_rows_keep_their_types_where_the_format_has_them(tmp_path, ending: str) -> None:
    columns = {"id": Column(type="integer", minimum=0), "at": Column(type="timestamp"), "v": Column(type="number")}
    table = pa.table(
        {
            "id": pa.array([1, -2, 3], pa.int16()),
            "at": pa.array([1_391_162_400_000, None, None], pa.timestamp("ms")),
            "v": [1.5, 2.0, float("inf")],
            "deep": [{"a": [1]}, None, None],
            "raw": [b"\xff", None, b"ok"],
        }
    )
    path = tmp_path / "x.parquet"
    pq.write_table(table, path)
    delivery = checked(path, columns)
    target, aside = tmp_path / f"good.{ending}", tmp_path / "bad.parquet"
    delivery.write(target, aside)
    if ending == "parquet":
        assert pq.read_table(target).equals(table.take(pa.array([0, 2])))
    elif ending == "jsonl":
        first, second = (json.loads(line) for line in target.read_text().splitlines())
        assert first == {"id": 1, "at": "2014-01-31 10:00:00.000", "v": 1.5, "deep": {"a": [1]}, "raw": "ff"}
        assert second["v"] == "inf"
    else:
        assert rows_of(target)[1][:4] == ["1", "2014-01-31 10:00:00.000", "1.5", '{"a": [1]}']
    (row,) = pq.read_table(aside).to_pylist()
    assert (row["row"], row["columns"]) == (2, ["id"])
    assert json.loads(row["raw"])["id"] == -2


def test_a_headless_file_gets_a_header(tmp_path) -> None:
    path = tmp_path / "x.csv"
    path.write_text("1,a,5\n2,b,6\n")
    checked(path, header=False).write(tmp_path / "good.csv", None)
    assert rows_of(tmp_path / "good.csv") == [["id", "t", "x"], ["1", "a", "5"], ["2", "b", "6"]]


def test_a_single_empty_cell_is_still_a_row(tmp_path) -> None:
    path = tmp_path / "x.csv"
    path.write_text('t\nx\n""\n')
    for delimiter in (",", ";"):
        checked(path, {"t": Column(type="string")}, delimiter=delimiter).write(tmp_path / "good.csv", None)
        assert rows_of(tmp_path / "good.csv") == [["t"], ["x"], [""]]


def test_bytes_that_are_no_text_are_kept_readable_in_quarantine(tmp_path) -> None:
    path = tmp_path / "x.csv"
    path.write_bytes(b"id,t,x\n1,\xf1,1\n2,a\0,2\n3,\xc3\xb1,3\n")
    delivery = checked(path)
    delivery.write(tmp_path / "good.csv", tmp_path / "bad.jsonl")
    raws = [json.loads(line)["raw"] for line in (tmp_path / "bad.jsonl").read_text().splitlines()]
    assert raws == ["1,\\xf1,1", "2,a\0,2"]
    assert (tmp_path / "good.csv").read_bytes() == b"id,t,x\n3,\xc3\xb1,3\n"


def test_a_rejected_file_leaves_nothing_accepted_and_an_empty_quarantine_is_a_file_too(tmp_path) -> None:
    path = tmp_path / "x.csv"
    path.write_text("id,t\n1,a\n")
    delivery = checked(path)
    assert delivery.rejected
    delivery.write(tmp_path / "good.csv", tmp_path / "bad.jsonl")
    assert not (tmp_path / "good.csv").exists()
    assert (tmp_path / "bad.jsonl").read_text() == ""


def test_bad_rows_before_a_fault_of_the_whole_file_are_written_too(tmp_path) -> None:
    path = tmp_path / "x.csv"
    path.write_text('id,t,x\nx,a,1\n2,"b,1\n3,c,2\n')
    delivery = checked(path)
    delivery.write(tmp_path / "good.csv", tmp_path / "bad.jsonl")
    assert [json.loads(line)["row"] for line in (tmp_path / "bad.jsonl").read_text().splitlines()] == [1]


def test_tables_in_memory_are_written(tmp_path) -> None:
    delivery = deliver(pa.table({"id": [1, 2], "t": ["a", "b"], "x": [1.0, None]}), Model(name="m", columns=COLUMNS))
    list(delivery.blocks())
    delivery.write(tmp_path / "good.csv", None)
    assert rows_of(tmp_path / "good.csv")[0] == ["id", "t", "x"]
    assert len(rows_of(tmp_path / "good.csv")) == 3


def test_a_source_that_changed_since_it_was_checked_is_not_written(tmp_path) -> None:
    path = tmp_path / "x.csv"
    path.write_text("id,t,x\n1,a,1\n")
    delivery = checked(path)
    path.write_text("id,t,x\n1,a,1\n2,b,2\n")
    with pytest.raises(CannotWrite, match="has changed since it was checked"):
        delivery.write(tmp_path / "good.csv", None)
    assert not (tmp_path / "good.csv").exists()


def test_a_source_that_changes_while_it_is_read_is_rejected(tmp_path) -> None:
    path = tmp_path / "x.csv"
    path.write_text("id,t,x\n1,a,1\n")
    delivery = deliver(path, Model(name="m", columns=COLUMNS))
    for _ in delivery.blocks():
        path.write_text("id,t,x\n1,a,1\n2,b,2\n")
    assert [found.check for found in delivery.violations] == ["changed_while_reading"]


@pytest.mark.parametrize(
    ("name", "words"),
    [("good.xlsx", "ending decides the format"), ("no/good.csv", "Make it first"), (".", "folder of that name")],
)
def test_where_nothing_can_be_written_the_error_says_what_to_do(tmp_path, name: str, words: str) -> None:
    path = tmp_path / "x.csv"
    path.write_text("id,t,x\n1,a,1\n")
    with pytest.raises(BadOutput, match=words):
        checked(path).write(tmp_path / name, None)


def test_good_and_bad_rows_do_not_go_into_one_file(tmp_path) -> None:
    path = tmp_path / "x.csv"
    path.write_text("id,t,x\n1,a,1\n")
    with pytest.raises(BadOutput, match="two outputs have this name"):
        checked(path).write(tmp_path / "out.csv", tmp_path / "out.csv")


def test_a_full_disk_leaves_nothing_half_written_and_the_old_file_as_it_was(tmp_path, monkeypatch) -> None:
    target = tmp_path / "good.csv"
    target.write_text("old")

    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(CannotWrite, match="the disk is full"), replacing(target) as temporary:
        temporary.write_text("new")
    assert [(file.name, file.read_text()) for file in tmp_path.iterdir()] == [("good.csv", "old")]


def test_an_interruption_leaves_nothing_half_written(tmp_path) -> None:
    def interrupted() -> None:
        with replacing(tmp_path / "good.csv") as temporary:
            temporary.write_text("half")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert list(tmp_path.iterdir()) == []


def test_a_pipe_or_device_is_written_to_and_never_replaced(tmp_path) -> None:
    pipe = tmp_path / "pipe.csv"
    os.mkfifo(pipe)
    with replacing(pipe) as path:
        assert path == pipe
    assert pipe.is_fifo()


WRITTEN = 'id;t;x\n1;"he said ""no"",\nthen left";1,5\n007;a, b;2\nbad;x;3\n4;ñ;4,0\n5;;0\n'


@pytest.mark.parametrize("ending", ["csv", "parquet"])
def test_accepted_rows_are_accepted_again_by_the_model_that_accepted_them(tmp_path, ending: str) -> None:
    path, good, again = tmp_path / "x.csv", tmp_path / f"good.{ending}", tmp_path / "again.csv"
    path.write_text(WRITTEN, encoding="utf-8")
    checked(path, delimiter=";").write(good, None)
    second = checked(good, delimiter=";")
    assert (second.violations, second.rows_read, second.rows_bad) == ([], 4, 0)
    second.write(again, tmp_path / "bad.jsonl")
    checked(path, delimiter=";").write(tmp_path / "good.csv", None)
    assert again.read_bytes() == (tmp_path / "good.csv").read_bytes()


def test_bad_rows_of_a_parquet_file_that_came_from_text_are_told_as_in_the_text(tmp_path) -> None:
    path, kept = tmp_path / "x.csv", tmp_path / "good.parquet"
    path.write_text(WRITTEN, encoding="utf-8")
    checked(path, delimiter=";").write(kept, None)
    delivery = checked(kept, COLUMNS | {"id": Column(type="integer", maximum=5)}, delimiter=";")
    delivery.write(None, tmp_path / "bad.jsonl")
    assert [json.loads(line) for line in (tmp_path / "bad.jsonl").read_text().splitlines()] == [
        {
            "row": 2,
            "columns": ["id"],
            "reason": "`id` is above 5",
            "raw": '{"id": "007", "t": "a, b", "x": "2"}',
        }
    ]


def test_a_parquet_file_whose_columns_got_types_since_is_held_to_them(tmp_path) -> None:
    path, kept = tmp_path / "x.csv", tmp_path / "good.parquet"
    path.write_text(WRITTEN, encoding="utf-8")
    checked(path, delimiter=";").write(kept, None)
    table = pq.read_table(kept)
    pq.write_table(table.set_column(0, "id", table["id"].cast(pa.int64())), kept)
    assert [found.check for found in checked(kept, delimiter=";").violations][:1] == ["type"]


def test_a_column_without_a_name_keeps_none(tmp_path) -> None:
    path = tmp_path / "x.csv"
    path.write_text("id;t;x;\n1;a;1,5;\n", encoding="utf-8")
    checked(path, delimiter=";").write(tmp_path / "good.csv", None)
    assert (tmp_path / "good.csv").read_text() == 'id,t,x,\n1,a,"1,5",\n'
