"""Every physical type: what is inferred fits the data it was inferred from, and what can't be watched is left out."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import watchkeeper as wk

ROWS = 400
RANDOM = np.random.default_rng(5)
SMALL = pa.array(RANDOM.integers(0, 9, ROWS))
HASHES = RANDOM.integers(0, 2**64, ROWS, dtype=np.uint64)
WORDS = [("north", "south", "west")[i % 3] for i in range(ROWS)]
HUGE = [Decimal(int(value)) * 10**15 for value in HASHES]

WATCHED = {
    "uint64": (pa.array(HASHES % 1_000), "integer"),
    "uint64 beyond int64": (pa.array(2**63 + HASHES // 1_000), "number"),
    "uint64 of hashes": (pa.array(HASHES), "string"),
    "uint64 as codes": (pa.array(HASHES[:5]).take(pa.array(RANDOM.integers(0, 5, ROWS))).dictionary_encode(), "number"),
    "int8": (SMALL.cast(pa.int8()), "integer"),
    "float16": (pa.array(RANDOM.normal(size=ROWS).astype(np.float16)), "number"),
    "decimal128(9, 2)": (pa.array([Decimal(i) / 4 for i in range(ROWS)], pa.decimal128(9, 2)), "number"),
    "decimal128(38, 0)": (SMALL.cast(pa.decimal128(38, 0)), "integer"),
    "decimal128(38, 0) beyond int64": (pa.array(HUGE, pa.decimal128(38, 0)), "number"),
    "decimal256(70, 0) beyond int64": (pa.array(HUGE, pa.decimal256(70, 0)), "number"),
    "integers as codes": (SMALL.dictionary_encode(), "integer"),
    "doubles as codes": (SMALL.cast(pa.float64()).dictionary_encode(), "number"),
    "large_string": (pa.array(WORDS, pa.large_string()), "string"),
    "string_view": (pa.array(WORDS, pa.string_view()), "string"),
    "texts as codes": (pa.array(WORDS).dictionary_encode(), "string"),
    "views as codes": (
        pa.DictionaryArray.from_arrays(SMALL.cast(pa.int32()), pa.array(list("abcdefghi"), pa.string_view())),
        "string",
    ),
    "date32": (pa.array([dt.date(2024, 1, 1) + dt.timedelta(i) for i in range(ROWS)]), "timestamp"),
    "date64": (pa.array([dt.date(2024, 1, 1) + dt.timedelta(i) for i in range(ROWS)], pa.date64()), "timestamp"),
    "boolean": (pa.array([i % 3 == 0 for i in range(ROWS)]), "boolean"),
    "null": (pa.nulls(ROWS), "string"),
}
LEFT_OUT = {
    "binary": pa.array([word.encode() for word in WORDS]),
    "binary_view": pa.array([word.encode() for word in WORDS], pa.binary_view()),
    "fixed_size_binary": pa.array([bytes([i % 7] * 4) for i in range(ROWS)], pa.binary(4)),
    "bytes as codes": pa.array([word.encode() for word in WORDS]).dictionary_encode(),
    "list": pa.array([[1, 2]] * ROWS),
    "large_list": pa.array([[1, 2]] * ROWS, pa.large_list(pa.int64())),
    "fixed_size_list": pa.array([[1, 2]] * ROWS, pa.list_(pa.int64(), 2)),
    "struct": pa.array([{"a": 1}] * ROWS),
    "map": pa.array([[("a", 1)]] * ROWS, pa.map_(pa.string(), pa.int64())),
    "duration": SMALL.cast(pa.duration("us")),
    "time32": SMALL.cast(pa.int32()).cast(pa.time32("s")),
    "time64": SMALL.cast(pa.time64("us")),
    "interval": pa.array([pa.MonthDayNano([1, 2, 3])] * ROWS),
}


def stored(table, how, folder):
    """The table in memory, or a file with it; None where the format does not know a type."""
    if how == "memory":
        return table
    path = folder / f"data.{how}"
    if how == "arrow":
        with pa.ipc.new_file(path, table.schema) as writer:
            writer.write_table(table)
        return path
    try:
        pq.write_table(table, path)
    except (pa.ArrowNotImplementedError, pa.ArrowInvalid):
        return None
    return path


@pytest.mark.parametrize("how", ["memory", "parquet", "arrow"])
def test_data_are_good_by_the_model_that_was_inferred_from_them(tmp_path, how):
    for kind, (values, expected) in WATCHED.items():
        source = stored(pa.table({"beside": SMALL, "it": values}), how, tmp_path)
        if source is None:
            continue
        inferred = wk.infer_model(source).model
        assert inferred.columns["it"].type == expected, kind
        again = wk.check(source, source, model=inferred)
        assert (again.verdict, again.rows_good) == ("accept", ROWS), (kind, [f.message for f in again.findings])


@pytest.mark.parametrize("how", ["memory", "parquet", "arrow"])
def test_what_can_not_be_watched_is_left_out_and_told_once(tmp_path, how):
    for kind, values in LEFT_OUT.items():
        source = stored(pa.table({"beside": SMALL, "it": values}), how, tmp_path)
        if source is None:
            continue
        result = wk.check(source, source)
        told = [found for found in result.findings if found.check == "left_out"]
        assert (result.verdict, result.rows_good) == ("accept", ROWS), kind
        assert [(found.columns, found.severity) for found in told] == [(("it",), "info")], kind
        assert "it" not in result.profiles.columns


def test_a_type_that_a_person_wrote_is_not_told_again():
    table = pa.table({"beside": SMALL, "it": pa.array([[1]] * ROWS)})
    model = wk.infer_model(table).model
    assert [f.check for f in wk.check(table, table, model=model).findings] == ["history"]


def test_identifiers_beyond_64_bits_are_kept_to_the_last_digit():
    ids = pa.array(HASHES | np.uint64(2**63))
    for values in (ids, ids.cast(pa.decimal128(38, 0))):
        table = pa.table({"user_id": values, "x": SMALL})
        model = wk.infer_model(table).model
        assert (model.columns["user_id"].type, model.columns["user_id"].role) == ("string", "id")
        assert model.primary_key == ["user_id"]
        assert wk.check(table, table, model=model).verdict == "accept"
        twice = pa.concat_tables([table, table.slice(0, 1)])
        result = wk.check(twice, table, model=model)
        assert [bad.row for bad in result.quarantined] == [ROWS + 1]
        told = next(found for found in result.findings if found.check == "duplicate_key")
        assert str(HASHES[0] | np.uint64(2**63)) in told.message


def test_a_shared_hash_whose_salt_changes_is_seen():
    users = pa.array(HASHES[:50]).take(pa.array(RANDOM.integers(0, 50, ROWS)))
    salted = pa.array(RANDOM.integers(0, 2**64, 50, dtype=np.uint64)).take(pa.array(RANDOM.integers(0, 50, ROWS)))
    loud = wk.check(pa.table({"user": salted, "x": SMALL}), pa.table({"user": users, "x": SMALL})).findings
    assert ("user",) in {found.columns for found in loud if found.severity != "info"}


def test_whole_decimals_are_compared_exactly():
    big = 2**53
    table = pa.table({"order_id": pa.array([Decimal(big + i) for i in range(ROWS)], pa.decimal128(38, 0)), "x": SMALL})
    model = wk.infer_model(table).model
    assert (model.columns["order_id"].type, model.primary_key) == ("integer", ["order_id"])
    assert wk.check(table, table, model=model).verdict == "accept"


def test_one_number_too_large_far_down_a_file_decides_its_type():
    values = np.arange(300_000, dtype=np.uint64)
    values[299_998] = 2**64 - 1
    table = pa.table({"count": values, "x": np.arange(300_000) % 7})
    assert wk.infer_model(table).model.columns["count"].type == "number"
    assert wk.check(table, table).verdict == "accept"


@pytest.mark.parametrize(
    "frame",
    [
        pl.DataFrame({"x": range(ROWS), "it": pl.Series(WORDS, dtype=pl.Categorical)}),
        pl.DataFrame({"x": range(ROWS), "it": pl.Series(WORDS, dtype=pl.Enum(["north", "south", "west"]))}),
        pl.DataFrame({"x": range(ROWS), "it": pl.Series(HASHES)}),
        pd.DataFrame({"x": range(ROWS), "it": pd.Series(WORDS, dtype="category")}),
        pd.DataFrame({"x": range(ROWS), "it": pd.Series(HASHES).astype("UInt64")}),
    ],
    ids=["polars categorical", "polars enum", "polars uint64", "pandas category", "pandas UInt64"],
)
def test_types_of_data_frames_are_taken_too(frame):
    result = wk.check(frame, frame)
    assert (result.verdict, result.rows_good, result.model.columns["it"].type) == ("accept", ROWS, "string")


def test_numbers_of_many_digits_in_text_are_no_bad_cells(tmp_path):
    columns = {
        "hash": HASHES,
        "signed": (HASHES.astype(object) - 2**63),
        "wei": [str(value * 10**9) for value in HASHES.astype(object)],
        "tiny": [f"{i}e-320" for i in range(ROWS)],
    }
    pd.DataFrame(columns).to_csv(tmp_path / "a.csv", index=False)
    result = wk.check(tmp_path / "a.csv", tmp_path / "a.csv")
    assert (result.verdict, result.rows_good) == ("accept", ROWS), [f.message for f in result.findings]


def test_numbers_too_large_for_a_double_are_text(tmp_path):
    rows = "".join(f"{i},{'1e999' if i % 2 else '2'}\n" for i in range(ROWS))
    (tmp_path / "a.csv").write_text(f"i,x\n{rows}")
    result = wk.check(tmp_path / "a.csv", tmp_path / "a.csv")
    assert (result.verdict, result.model.columns["x"].type) == ("accept", "string")
