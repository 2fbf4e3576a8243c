"""Parquet, Arrow IPC and tables in memory: the physical type binds, and what can be read as declared is."""

from __future__ import annotations

import datetime as dt
import decimal

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from watchkeeper.delivery import Delivery, Limits, deliver, expand
from watchkeeper.delivery.source import NotData
from watchkeeper.model import Column, Model

UTC = dt.UTC


def model(**columns: Column) -> Model:
    return Model(name="m", columns=columns)


def read(source: object, of: Model, **more: object) -> tuple[Delivery, dict[str, list]]:
    delivery = deliver(source, of, **more)
    blocks = list(delivery.blocks())
    return delivery, {
        name: [v for b in blocks for v in b.table[name].to_pylist()]
        for name in (blocks[0].table.column_names if blocks else [])
    }


def checks(delivery: Delivery) -> list[str]:
    return [found.check for found in delivery.violations]


AIR = model(
    **{
        "ts": Column(type="timestamp", role="timestamp"),
        "PT08.S1(CO)": Column(type="integer"),
        "NOx(GT)": Column(type="number", sentinels=[-200]),
        "T": Column(type="number"),
        "AH": Column(type="number"),
    }
)


@pytest.mark.parametrize("ending", ["parquet", "arrow", "feather", "arrows"])
def test_files_with_types_give_the_same_rows_by_groups(tmp_path, ending: str) -> None:
    table = pq.read_table("tests/data/air_quality.parquet")
    path = tmp_path / f"air.{ending}"
    if ending == "parquet":
        pq.write_table(table, path, row_group_size=1000)
    else:
        with (
            path.open("wb") as file,
            (pa.ipc.new_stream if ending == "arrows" else pa.ipc.new_file)(file, table.schema) as writer,
        ):
            writer.write_table(table, max_chunksize=1000)
    delivery = deliver(path, AIR, limits=Limits(cells=5000))
    blocks = list(delivery.blocks())
    assert max(block.table.num_rows for block in blocks) <= 1000
    assert np.concatenate([block.rows for block in blocks]).tolist() == list(range(1, 9358))
    whole = pa.concat_tables(block.table for block in blocks)
    assert whole["AH"].equals(table["AH"])
    assert whole["ts"].type == pa.timestamp("us", tz="UTC")
    assert whole["NOx(GT)"].null_count == int((table["NOx(GT)"].to_numpy() == -200).sum())
    assert delivery.violations == []


def test_text_where_a_number_is_declared_rejects_the_file(tmp_path) -> None:
    path = tmp_path / "x.parquet"
    pq.write_table(pa.table({"n": ["1", "2"], "s": pa.array(["a", "b"]).dictionary_encode()}), path)
    delivery, cells = read(path, model(n=Column(type="integer"), s=Column(type="string")))
    assert (checks(delivery), cells) == (["type"], {})
    assert delivery.violations[0].message.endswith("the column `n` holds text, and type integer is declared.")


@pytest.mark.parametrize(
    ("values", "column", "expected"),
    [
        (pa.array([1, 2, None], pa.int8()), Column(type="integer"), [1, 2, None]),
        (pa.array([1, 2**64 - 1], pa.uint64()), Column(type="integer"), [1, None]),
        (pa.array([1.0, 2.5, float("nan"), None, 1e300]), Column(type="integer"), [1, None, None, None, None]),
        (pa.array([decimal.Decimal("1.50"), None], pa.decimal128(5, 2)), Column(type="number"), [1.5, None]),
        (pa.array([decimal.Decimal("2.00")], pa.decimal128(5, 2)), Column(type="integer"), [2]),
        (pa.array([1.5, 2.0], pa.float32()), Column(type="number"), [1.5, 2.0]),
        (pa.array([1, 7], pa.int64()), Column(type="number"), [1.0, 7.0]),
        (pa.array([True, None]), Column(type="integer"), [1, None]),
        (pa.array([0, 1, 2, None]), Column(type="boolean"), [False, True, None, None]),
        (pa.array([None, None], pa.null()), Column(type="integer"), [None, None]),
        (pa.array([None, None], pa.null()), Column(type="timestamp"), [None, None]),
        (pa.array(["a", None], pa.large_string()), Column(type="string"), ["a", None]),
        (pa.array(["a", None, "a"]).dictionary_encode(), Column(type="string", drift=False), ["a", None, "a"]),
        (pa.array([b"a", None]), Column(type="string"), ["a", None]),
        (
            pa.array([dt.date(2014, 1, 31), None]),
            Column(type="timestamp"),
            [dt.datetime(2014, 1, 31, tzinfo=UTC), None],
        ),
        (pa.array([1391126400], pa.timestamp("s")), Column(type="timestamp"), [dt.datetime(2014, 1, 31, tzinfo=UTC)]),
        (
            pa.array([-1], pa.timestamp("ns")),
            Column(type="timestamp"),
            [dt.datetime(1969, 12, 31, 23, 59, 59, 999999, tzinfo=UTC)],
        ),
        (
            pa.array([1391126400000000], pa.timestamp("us", tz="Europe/Madrid")),
            Column(type="timestamp"),
            [dt.datetime(2014, 1, 31, tzinfo=UTC)],
        ),
        (pa.array([2**62], pa.timestamp("s")), Column(type="timestamp"), [None]),
        (
            pa.array(["31-01-2014", "x"]),
            Column(type="timestamp", format="%d-%m-%Y"),
            [dt.datetime(2014, 1, 31, tzinfo=UTC), None],
        ),
        (
            pa.array([20140131, 20140231]),
            Column(type="timestamp", format="%Y%m%d"),
            [dt.datetime(2014, 1, 31, tzinfo=UTC), None],
        ),
        (
            pa.array([1391126400000]),
            Column(type="timestamp", format="epoch_ms"),
            [dt.datetime(2014, 1, 31, tzinfo=UTC)],
        ),
    ],
)
def test_values_that_can_be_read_as_declared_are(values: pa.Array, column: Column, expected: list) -> None:
    delivery, cells = read(pa.table({"c": values}), model(c=column))
    assert cells["c"] == expected
    absent = values.is_null(nan_is_null=True).to_pylist()
    assert [bad.row for bad in delivery.bad_rows()] == [
        row for row, (gone, now) in enumerate(zip(absent, expected, strict=True), 1) if now is None and not gone
    ]
    assert not any(check == "type" for check in checks(delivery))


@pytest.mark.parametrize(
    ("values", "column"),
    [
        (pa.array([1]), Column(type="string")),
        (pa.array(["x"]), Column(type="number")),
        (pa.array(["true"]), Column(type="boolean")),
        (pa.array(["2014-01-01"]), Column(type="timestamp")),
        (pa.array([20140101]), Column(type="timestamp")),
        (pa.array([[1]]), Column(type="integer")),
        (pa.array([dt.date(2014, 1, 1)]), Column(type="integer")),
    ],
)
def test_values_of_another_type_reject_the_file(values: pa.Array, column: Column) -> None:
    delivery, _ = read(pa.table({"c": values}), model(c=column))
    assert checks(delivery) == ["type"]


def test_floats_for_whole_numbers_are_a_change_unless_gaps_explain_them() -> None:
    assert checks(read(pa.table({"c": [1.0, 2.0]}), model(c=Column(type="integer")))[0]) == ["type_change"]
    assert checks(read(pa.table({"c": [1.0, None]}), model(c=Column(type="integer")))[0]) == ["type_exchange"]
    assert checks(read(pd.DataFrame({"c": [1.0, np.nan]}), model(c=Column(type="integer")))[0]) == ["type_exchange"]


def test_nested_columns_are_left_out_and_only_needed_columns_are_read(tmp_path) -> None:
    path = tmp_path / "x.parquet"
    pq.write_table(pa.table({"a": [1], "deep": [{"x": [1, 2]}], "more": ["z"]}), path)
    delivery, cells = read(
        path, model(a=Column(type="integer"), deep=Column(type="other"), gone=Column(type="string", role="ignored"))
    )
    assert cells == {"a": [1]}
    assert [(found.check, found.columns) for found in delivery.violations] == [("extra_column", ("more",))]


@pytest.mark.parametrize(
    "make",
    [
        lambda: pa.table({"n": [1, 2], "s": ["a", None]}),
        lambda: pd.DataFrame({"n": [1, 2], "s": ["a", None]}),
        lambda: pd.DataFrame({"n": [1, 2], "s": pd.Categorical(["a", None])}, index=[7, 9]),
        lambda: pl.DataFrame({"n": [1, 2], "s": ["a", None]}),
        lambda: pl.DataFrame({"n": [1, 2], "s": pl.Series(["a", None], dtype=pl.Categorical)}),
        lambda: pa.RecordBatchReader.from_batches(
            pa.schema({"n": pa.int64(), "s": pa.string()}), [pa.record_batch({"n": [1, 2], "s": ["a", None]})]
        ),
    ],
)
def test_tables_in_memory_are_read_whoever_made_them(make) -> None:
    delivery, cells = read(make(), model(n=Column(type="integer"), s=Column(type="string")))
    assert cells == {"n": [1, 2], "s": ["a", None]}
    assert (delivery.violations, delivery.digest, delivery.size, delivery.name) == ([], None, None, "table")


def test_a_duckdb_relation_is_read() -> None:
    duckdb = pytest.importorskip("duckdb")
    relation = duckdb.sql("select range as n, 'x' || range as s from range(5)")
    delivery, cells = read(relation, model(n=Column(type="integer"), s=Column(type="string")))
    assert (cells["s"][4], delivery.rows_read) == ("x4", 5)


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ([1, "x", None], "mixes types"),
        ([2**70, 1, 2], "holds whole numbers beyond 64 bits"),
        ([1j, 2, 3], "is of type complex128, which Arrow does not have"),
    ],
)
def test_a_column_that_has_no_type_rejects_the_frame_and_is_named(values, words: str) -> None:
    found = deliver(pd.DataFrame({"a": values}), model(a=Column(type="integer"))).violations
    assert [(one.check, one.columns) for one in found] == [("type", ("a",))]
    assert f"table: the column `a` {words}" in found[0].message


def test_a_frame_with_two_columns_of_one_name_is_rejected_as_a_file_is() -> None:
    found = deliver(pd.DataFrame([[1, 2]], columns=["a", "a"]), model(a=Column(type="integer"))).violations
    assert [(one.check, one.columns) for one in found] == [("duplicate_column", ("a",))]


def test_a_column_is_no_frame() -> None:
    with pytest.raises(NotData, match="to_frame"):
        deliver(expand(pd.Series([1, 2]))[0], model(a=Column(type="integer")))


@pytest.mark.parametrize(
    "column",
    [
        Column(type="timestamp", format="%d/%m/%Y %H:%M"),
        Column(type="timestamp", inferred={"minimum": "2014-01-01T08:30:00Z"}),
    ],
)
def test_dates_where_times_of_day_are_expected_are_told(column: Column) -> None:
    table = pa.table({"t": pa.array([16_000, 16_001], pa.date32())})
    delivery, _ = read(table, model(t=column))
    assert checks(delivery) == ["type_change"]
    assert "`t` holds dates alone, and times of day are expected: they are lost" in delivery.violations[0].message


def test_dates_where_dates_are_expected_are_right() -> None:
    table = pa.table({"t": pa.array([16_000, 16_001], pa.date32())})
    for column in (Column(type="timestamp", inferred={"minimum": "2014-01-01"}), Column(type="timestamp")):
        assert checks(read(table, model(t=column))[0]) == []


def test_two_columns_of_one_name_reject_a_file(tmp_path) -> None:
    path = tmp_path / "x.parquet"
    pq.write_table(pa.Table.from_arrays([pa.array([1]), pa.array([2])], names=["a", "a"]), path)
    delivery, _ = read(path, model(a=Column(type="integer")))
    assert checks(delivery) == ["duplicate_column"]


def test_a_damaged_page_rejects_the_file_though_its_footer_is_whole(tmp_path) -> None:
    path = tmp_path / "x.parquet"
    pq.write_table(pa.table({"a": np.arange(50_000)}), path, use_dictionary=False, write_page_checksum=True)
    data = bytearray(path.read_bytes())
    data[90_000] ^= 255
    path.write_bytes(data)
    delivery, _ = read(path, model(a=Column(type="integer")))
    assert checks(delivery) == ["container"]
    assert "damaged or cut off" in delivery.violations[0].message


def test_a_cell_over_the_limit_is_bad_in_typed_formats_too() -> None:
    of = Model(name="m", columns={"s": Column(type="string"), "t": Column(type="string", drift=False)}, cell_limit=10)
    delivery, _ = read(pa.table({"s": ["x" * 10, "x" * 11, "x"], "t": ["x" * 12, None, None]}), of)
    assert [(bad.row, bad.columns) for bad in delivery.bad_rows()] == [(1, ("t",)), (2, ("s",))]
    assert "“11 bytes”" in delivery.violations[0].message


@pytest.mark.parametrize("drift", [True, False])
@pytest.mark.parametrize("coded", [True, False])
def test_text_that_is_no_text_is_a_bad_cell_in_typed_formats(tmp_path, drift: bool, coded: bool) -> None:
    raw = pa.array([b"fine", b"caf\xe9", None, b"fine"])
    texts = pa.Array.from_buffers(pa.string(), 4, raw.buffers())
    path = tmp_path / "x.parquet"
    pq.write_table(pa.table({"s": texts.dictionary_encode() if coded else texts}), path)
    delivery, cells = read(path, model(s=Column(type="string", drift=drift)))
    assert cells["s"] == ["fine", None, None, "fine"]
    assert [(bad.row, bad.reason) for bad in delivery.bad_rows()] == [(2, "`s` is not text")]


def test_times_beyond_the_calendar_can_be_set_aside_and_written(tmp_path) -> None:
    table = pa.table({"t": pa.array([2**60, 0], pa.timestamp("s")), "n": [1, 2]})
    delivery, _ = read(table, model(t=Column(type="timestamp"), n=Column(type="integer")))
    delivery.write(tmp_path / "good.jsonl", tmp_path / "bad.jsonl")
    assert '"row": 1' in (tmp_path / "bad.jsonl").read_text()
    assert (tmp_path / "good.jsonl").read_text() == '{"t": "1970-01-01 00:00:00", "n": 2}\n'


def test_an_empty_table_has_no_rows() -> None:
    delivery, _ = read(pa.table({"a": pa.array([], pa.int64())}), model(a=Column(type="integer")))
    assert checks(delivery) == ["no_rows"]


def streamed(path, closed: bool = True) -> bytes:
    table = pq.read_table("tests/data/air_quality.parquet").slice(0, 100)
    with path.open("wb") as file:
        writer = pa.ipc.new_stream(file, table.schema)
        writer.write_table(table, max_chunksize=20)
        if closed:
            writer.close()
        else:
            file.flush()
    return path.read_bytes()


def test_an_arrow_stream_without_its_end_marker_is_cut_off_also_between_two_batches(tmp_path) -> None:
    path = tmp_path / "air.arrows"
    whole = streamed(path)
    assert read(path, AIR)[0].rows_read == 100
    path.write_bytes(whole[:-8])
    delivery, _ = read(path, AIR)
    assert checks(delivery) == ["container"]
    assert "cut off: it stops without the end marker" in delivery.violations[0].message


def test_an_arrow_stream_that_ends_in_numbers_like_the_end_marker_is_cut_off(tmp_path) -> None:
    path = tmp_path / "x.arrows"
    with path.open("wb") as file, pa.ipc.new_stream(file, pa.schema([("c", pa.int32())])) as writer:
        writer.write(pa.record_batch({"c": pa.array([1] * 14 + [-1, 0], pa.int32())}))
    data = path.read_bytes()
    assert data[-16:-8] == data[-8:]
    path.write_bytes(data[:-8])
    assert checks(read(path, model(c=Column(type="integer")))[0]) == ["container"]


def test_rows_behind_the_end_of_an_arrow_stream_are_not_lost_in_silence(tmp_path) -> None:
    path = tmp_path / "air.arrows"
    path.write_bytes(streamed(path) * 2)
    delivery, _ = read(path, AIR)
    assert checks(delivery) == ["container"]
    assert "goes on behind its end marker" in delivery.violations[0].message


def test_times_among_the_sentinels_count_as_missing_by_their_value(tmp_path) -> None:
    day, later = dt.datetime(2024, 1, 1, tzinfo=UTC), dt.datetime(9999, 12, 31, tzinfo=UTC)
    column = Column(type="timestamp", format="%d.%m.%Y", sentinels=["9999-12-31"])
    for stored in (pa.array([day, later], pa.timestamp("us", "UTC")), pa.array([day.date(), later.date()])):
        assert read(pa.table({"t": stored}), model(t=column))[1] == {"t": [day, None]}
    (tmp_path / "t.csv").write_text("t\n01.01.2024\n31.12.9999\n")
    assert read(tmp_path / "t.csv", model(t=column))[1] == {"t": [day, None]}


def test_a_sparse_column_of_pandas_is_read_and_the_frame_left_as_it_is() -> None:
    frame = pd.DataFrame({"a": [0, 0, 3], "b": ["x", "y", "z"], "c": [True, False, True]})
    sparse = frame.astype({"a": pd.SparseDtype("int64", 0), "c": pd.SparseDtype("bool", False)})
    delivery = deliver(
        sparse, model(a=Column(type="integer"), b=Column(type="string")).model_copy(update={"primary_key": []})
    )
    rows = [block.table.to_pydict() for block in delivery.blocks()]
    assert rows == [{"a": [0, 0, 3], "b": ["x", "y", "z"]}]
    assert isinstance(sparse["a"].dtype, pd.SparseDtype)
    missing = pd.DataFrame({"a": pd.arrays.SparseArray([1.5, None, None])})
    (block,) = deliver(missing, model(a=Column(type="number"))).blocks()
    assert block.table["a"].to_pylist() == [1.5, None, None]
