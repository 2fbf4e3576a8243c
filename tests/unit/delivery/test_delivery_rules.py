"""What makes a row bad: declared constraints, keys, the period. What was merely inferred never does."""

from __future__ import annotations

import datetime as dt
import math
import uuid
from collections import Counter

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from watchkeeper.delivery import CATALOGUE, Delivery, Level, Limits, deliver
from watchkeeper.model import Column, Constraints, Model


def read(
    source: object,
    columns: dict[str, Column],
    limits: Limits | None = None,
    period: tuple[int, int] | None = None,
    **more: object,
) -> Delivery:
    delivery = deliver(source, Model(name="m", columns=columns, **more), limits=limits, period=period)
    for _ in delivery.blocks():
        pass
    return delivery


def bad(delivery: Delivery) -> list[int]:
    return [row.row for row in delivery.bad_rows(None)]


def micro(*day: int) -> int:
    return int(dt.datetime(*day, tzinfo=dt.UTC).timestamp()) * 1_000_000


@pytest.mark.parametrize(
    ("values", "column", "expected", "reason"),
    [
        ([18, 17, None, 111], Column(type="integer", minimum=18, maximum=110), [2, 4], "`c` is below 18"),
        ([1, None, 3], Column(type="integer", nullable=False), [2], "`c` is missing"),
        (
            ["Male", "male", None, "Male "],
            Column(type="string", allowed=["Male", "Female"]),
            [2, 4],
            "`c` is none of Male and Female",
        ),
        ([1, 2, 3], Column(type="integer", allowed=[1, 2]), [3], "`c` is none of 1 and 2"),
        (
            ["AB1", "AB12", "xAB1", None],
            Column(type="string", pattern="[A-Z]{2}[0-9]"),
            [2, 3],
            "`c` does not match [A-Z]{2}[0-9]",
        ),
        (
            ["a", "éé", "abc", None],
            Column(type="string", min_length=2, max_length=2),
            [1, 3],
            "`c` has fewer than 2 characters",
        ),
        (
            [0.5, float("nan"), float("inf")],
            Column(type="number", minimum=0, maximum=1),
            [3],
            "`c` is above 1",
        ),
        ([1.0, float("nan"), 2.0], Column(type="number", allowed=[1]), [3], "`c` is none of 1"),
        ([0.5, float("nan")], Column(type="number", nullable=False), [2], "`c` is missing"),
        (
            [dt.datetime(2014, 1, 1, tzinfo=dt.UTC), dt.datetime(2015, 1, 1, tzinfo=dt.UTC)],
            Column(type="timestamp", maximum=dt.datetime(2014, 12, 31, tzinfo=dt.UTC)),
            [2],
            "`c` is above 2014-12-31",
        ),
        ([True, False], Column(type="boolean", allowed=[True]), [2], "`c` is none of True"),
    ],
)
def test_a_declared_constraint_sets_rows_aside_one_violation_each(
    values: list, column: Column, expected: list[int], reason: str
) -> None:
    delivery = read(pa.table({"c": values}), {"c": column})
    assert bad(delivery) == expected
    assert next(delivery.bad_rows()).reason == reason
    assert {found.check for found in delivery.violations} == {"constraint"}


def test_what_was_inferred_sets_no_row_aside() -> None:
    column = Column(type="integer", inferred=Constraints(nullable=False, minimum=0, maximum=1, allowed=[0, 1]))
    assert read(pa.table({"c": [5, None]}), {"c": column}).violations == []


def test_a_bad_cell_is_not_said_to_be_missing_as_well(tmp_path) -> None:
    path = tmp_path / "x.csv"
    path.write_text("c,d\nx,1\n,2\n3,3\n")
    delivery = read(path, {"c": Column(type="integer", nullable=False), "d": Column(type="integer")})
    assert [row.reason for row in delivery.bad_rows()] == ["`c` is not an integer", "`c` is missing"]


def test_a_row_with_several_faults_is_one_bad_row_with_all_reasons() -> None:
    table = pa.table({"a": [1, -1], "b": [1, None]})
    delivery = read(table, {"a": Column(type="integer", minimum=0), "b": Column(type="integer", nullable=False)})
    (row,) = delivery.bad_rows()
    assert (row.row, row.columns, row.reason) == (2, ("a", "b"), "`a` is below 0; `b` is missing")
    assert delivery.rows_bad == 1


def test_of_exact_copies_the_first_stays_and_of_conflicting_rows_none() -> None:
    table = pa.table({"k": [1, 2, 3, 2, 1, 3, 4, 1], "v": ["a", "b", "c", "b", "x", "c", "d", "a"]})
    delivery = read(table, {"k": Column(type="integer"), "v": Column(type="string")}, primary_key=["k"])
    assert bad(delivery) == [1, 4, 5, 6, 8]
    assert {found.rows: found.message for found in delivery.violations} == {
        3: "table: `k` repeats with other content in 3 of 8 rows, row 1 (“1”), row 5 (“1”) and row 8 (“1”).",
        2: "table: `k` repeats in an exact copy of an earlier row in 2 of 8 rows, row 4 (“2”) and row 6 (“3”).",
    }


def test_extra_columns_belong_to_the_content_of_a_row(tmp_path) -> None:
    path = tmp_path / "x.csv"
    path.write_text("k,extra\n1,a\n2,b\n1,c\n2,b\n")
    assert bad(read(path, {"k": Column(type="integer")}, primary_key=["k"])) == [1, 3, 4]


def test_keys_are_compared_as_values_not_as_written(tmp_path) -> None:
    path = tmp_path / "x.csv"
    path.write_text("k,v\n7,a\n007,b\n8,c\n")
    assert bad(read(path, {"k": Column(type="integer"), "v": Column(type="string")}, primary_key=["k"])) == [1, 2]


def test_a_row_without_a_whole_key_is_bad() -> None:
    table = pa.table({"a": [1, None, 1, 1], "b": ["x", "x", None, "y"]})
    delivery = read(table, {"a": Column(type="integer"), "b": Column(type="string")}, primary_key=["a", "b"])
    assert bad(delivery) == [2, 3]
    assert {found.check for found in delivery.violations} == {"null_key"}


def test_a_unique_column_may_have_gaps_and_a_key_that_is_unique_too_is_told_once() -> None:
    columns = {"k": Column(type="integer", unique=True), "mail": Column(type="string", unique=True)}
    table = pa.table({"k": [1, 2, 3, 4], "mail": ["a", None, "a", None]})
    delivery = read(table, columns, primary_key=["k"])
    assert bad(delivery) == [1, 3]
    assert [found.columns for found in delivery.violations] == [("mail",)]
    repeated = read(
        pa.table({"k": [1, 2, 2], "mail": ["a", "b", "b"]}),
        {"k": columns["k"], "mail": Column(type="string")},
        primary_key=["k"],
    )
    assert [(found.check, found.rows) for found in repeated.violations] == [("duplicate_key", 1)]


keys = st.lists(st.tuples(st.integers(0, 12), st.sampled_from("ab")), min_size=1, max_size=40)


@given(keys, st.sampled_from(["integer", "string"]), st.integers(1, 7), st.booleans())
def test_repeated_keys_are_found_exactly_however_rows_rise_and_blocks_fall(
    rows: list, kind: str, size: int, ordered: bool
) -> None:
    rows = sorted(rows) if ordered else rows
    table = pa.table({"k": [k if kind == "integer" else f"key {k}" for k, _ in rows], "v": [v for _, v in rows]})
    found = bad(
        read(
            table,
            {"k": Column(type=kind), "v": Column(type="string")},
            Limits(cells=2 * size, workers=1),
            primary_key=["k"],
        )
    )
    content = {k: Counter(v for key, v in rows if key == k) for k, _ in rows}
    expected, seen = [], set()
    for number, (k, _) in enumerate(rows, 1):
        if len(content[k]) > 1 or k in seen:
            expected.append(number)
        seen.add(k)
    assert found == expected


def test_event_times_outside_the_period_are_set_aside_at_its_very_ends() -> None:
    times = [
        micro(2014, 1, 1) - 1,
        micro(2014, 1, 1),
        micro(2014, 2, 1) - 1,
        micro(2014, 2, 1),
        micro(1799, 1, 1),
        None,
    ]
    table = pa.table({"t": pa.array(times, pa.timestamp("us"))})
    columns = {"t": Column(type="timestamp", role="timestamp")}
    delivery = read(table, columns, period=(micro(2014, 1, 1), micro(2014, 2, 1)))
    assert bad(delivery) == [1, 4, 5]
    assert "`t` is outside the period from 2014-01-01 to (not including) 2014-02-01" in delivery.violations[0].message


def test_without_a_period_implausible_times_are_told_and_kept() -> None:
    future = dt.datetime.now(dt.UTC) + dt.timedelta(days=3)
    table = pa.table({"t": [dt.datetime(1899, 12, 31, tzinfo=dt.UTC), dt.datetime(2014, 1, 1, tzinfo=dt.UTC), future]})
    delivery = read(table, {"t": Column(type="timestamp", role="timestamp")})
    assert [(found.check, found.rows) for found in delivery.violations] == [("implausible_time", 2)]
    assert delivery.rows_bad == 0


def test_dates_with_day_and_month_exchanged_are_recognised(tmp_path) -> None:
    path = tmp_path / "x.csv"
    path.write_text("t\n31-01-2014\n01-13-2014\n01-22-2014\n31-02-2014\n")
    delivery = read(path, {"t": Column(type="timestamp", format="%d-%m-%Y")})
    assert bad(delivery) == [2, 3, 4]
    assert "Most of them fit %m-%d-%Y, so day and month are exchanged." in delivery.violations[0].remedy


@pytest.mark.parametrize(
    "text",
    ["2014-02-30", "2014-1-1x", "14-01-01", "2014-01-01T25:00", "2014-01-01 10:00:60", "yesterday", "2014-13-01"],
)
def test_what_is_no_iso_time_is_bad(tmp_path, text: str) -> None:
    path = tmp_path / "x.csv"
    path.write_text(f"t,u\n2014-01-01,1\n{text},2\n2014-01-01T10:00+02:00,3\n")
    assert bad(read(path, {"t": Column(type="timestamp", format="iso8601"), "u": Column(type="integer")})) == [2]


def test_a_file_with_too_large_a_share_of_bad_rows_is_rejected() -> None:
    table = pa.table({"a": [1] * 8 + [-1, -1]})
    columns = {"a": Column(type="integer", minimum=0)}
    assert not read(table, columns, max_quarantine_share=0.2).rejected
    delivery = read(table, columns, max_quarantine_share=0.19)
    assert delivery.rejected
    assert "2 of 10 rows are bad (20.0%), more than the 19.0% that are allowed" in delivery.violations[0].message


def test_a_file_without_a_good_row_is_rejected_and_says_where_to_begin() -> None:
    delivery = read(pa.table({"a": [-1, -2]}), {"a": Column(type="integer", minimum=0)})
    assert [found.check for found in delivery.violations] == ["no_good_row", "constraint"]
    assert "`a` is below 0 (2 rows)" in delivery.violations[0].remedy


def test_values_of_a_personal_column_are_in_no_message() -> None:
    columns = {"name": Column(type="string", pii=True, allowed=["x"]), "n": Column(type="integer")}
    delivery = read(pa.table({"name": ["Ann Smith", "x", "=cmd|' /C'!A0"], "n": [1, 2, 3]}), columns)
    assert bad(delivery) == [1, 3]
    assert not any("Ann" in found.message or "cmd" in found.message for found in delivery.violations)


def test_the_number_of_rows_bad_is_counted_across_windows_of_many_rows() -> None:
    n = 200_000
    table = pa.table(
        {"a": [-1 if i % 3 == 0 else i for i in range(n)], "b": [None if i % 50_000 == 1 else 1 for i in range(n)]}
    )
    delivery = read(table, {"a": Column(type="integer", minimum=0), "b": Column(type="integer", nullable=False)})
    expected = [i + 1 for i in range(n) if i % 3 == 0 or i % 50_000 == 1]
    assert delivery.rows_bad == len(expected)
    assert bad(delivery) == expected
    assert len(list(delivery.bad_rows())) == 10_000


def test_every_violation_is_in_the_catalogue_with_a_level_and_a_severity() -> None:
    for kind in CATALOGUE.values():
        assert kind.severity == {Level.FILE: "alarm", Level.ROW: "warning"}.get(kind.level, kind.severity)
        assert kind.severity in ("info", "warning", "alarm")
        assert kind.sees


def test_nan_is_a_missing_value_whichever_of_the_two_a_library_writes() -> None:
    column, nan = Column(type="number", minimum=0, maximum=1, unique=True), float("nan")
    for missing in (nan, None):
        table = pa.table({"k": [1.5, missing, 2.5], "c": [missing, missing, 0.5]})
        delivery = read(table, {"k": Column(type="number"), "c": column}, primary_key=["k"])
        assert [(row.row, row.reason) for row in delivery.bad_rows()] == [(2, "the key `k` is missing")]


def uuids(*numbers: int | None) -> pa.Array:
    return pa.array([None if n is None else uuid.UUID(int=n).bytes for n in numbers], pa.binary(16))


KINDS_OF_OTHER = {
    "16 bytes": uuids(1, 2, 2, None),
    "Arrow's UUIDs": pa.ExtensionArray.from_storage(pa.uuid(), uuids(1, 2, 2, None)),
    "bytes": pa.array([b"\x00a", b"b", b"b", None]),
    "20 bytes": pa.array([b"a" * 20, b"b" * 20, b"b" * 20, None], pa.binary(20)),
    "times of day": pa.array([1, 2, 2, None], pa.time64("us")),
    "durations": pa.array([1, 2, 2, None], pa.duration("ns")),
    "nanoseconds": pa.array([1, 2, 2, None], pa.timestamp("ns", "Europe/Vienna")),
    "small whole numbers": pa.array([1, 2, 2, None], pa.int8()),
    "truth values": pa.array([True, False, False, None]),
    "texts": pa.array(["a", "b", "b", None], pa.large_string()),
    "codes": pa.array(["a", "b", "b", None]).dictionary_encode(),
    "decimals": pa.array([1, 2, 2, None], pa.decimal128(10, 2)),
    "lists": pa.array([[1], [2], [2], None]),
    "structures": pa.array([{"a": 1}, {"a": 2}, {"a": 2}, None]),
    "nothing but nulls": pa.nulls(4),
}


@pytest.mark.parametrize("kind", KINDS_OF_OTHER)
@pytest.mark.parametrize("declared", [{"nullable": False, "unique": True}, {}])
def test_a_key_of_a_column_that_is_not_watched_is_checked_all_the_same(kind: str, declared: dict[str, bool]) -> None:
    table = pa.table({"k": KINDS_OF_OTHER[kind], "v": [1.0, 2.0, 2.0, 4.0]})
    columns = {"k": Column(type="other", role="id", **declared), "v": Column(type="number")}
    found = bad(read(table, columns, primary_key=["k"]))
    assert found == ([1, 2, 3, 4] if kind == "nothing but nulls" else [3, 4])


def test_a_key_of_two_columns_is_checked_also_where_one_is_not_watched() -> None:
    table = pa.table({"k": [1, 1, 1], "u": uuids(1, 2, 2), "v": [1.0, 2.0, 3.0]})
    columns = {"k": Column(type="integer"), "u": Column(type="other"), "v": Column(type="number")}
    delivery = read(table, columns, primary_key=["k", "u"])
    assert bad(delivery) == [2, 3]
    assert "1, 00000000-0000-0000-0000-000000000002" in delivery.violations[0].message


def test_missing_and_repeated_cells_of_a_column_that_is_not_watched_are_bad_rows_in_text_too(tmp_path) -> None:
    path = tmp_path / "x.jsonl"
    path.write_text('{"k": [1], "v": 1}\n{"k": null, "v": 2}\n{"k": [1], "v": 3}\n{"k": {"a": 1}, "v": 4}\n')
    columns = {"k": Column(type="other", nullable=False, unique=True), "v": Column(type="integer")}
    assert bad(read(path, columns)) == [1, 2, 3]


def test_a_column_that_is_not_watched_is_in_no_block() -> None:
    table = pa.table({"u": uuids(1, 2), "v": [1, 2]})
    model = Model(name="m", columns={"u": Column(type="other"), "v": Column(type="integer")}, primary_key=["u"])
    assert [block.table.column_names for block in deliver(table, model).blocks()] == [["v"]]


@pytest.mark.parametrize("kind", ["16 bytes", "Arrow's UUIDs"])
def test_uuids_that_are_stored_as_bytes_are_read_as_the_text_that_they_are(kind: str) -> None:
    table = pa.table({"u": KINDS_OF_OTHER[kind]}).slice(1)
    columns = {
        "u": Column(type="string", pattern="[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", allowed=[str(uuid.UUID(int=2))])
    }
    assert bad(read(table, columns)) == []
    assert bad(read(table, columns, primary_key=["u"])) == [2, 3]


def test_a_limit_beyond_64_bits_is_kept_to() -> None:
    table = pa.table({"c": [1, 2**62]})
    assert bad(read(table, {"c": Column(type="integer", maximum=10**30)})) == []
    assert bad(read(table, {"c": Column(type="integer", minimum=10**30)})) == [1, 2]
    assert bad(read(table, {"c": Column(type="integer", minimum=1.5)})) == [1]
    assert bad(read(table, {"c": Column(type="integer", maximum=1.5)})) == [2]
    assert bad(read(pa.table({"c": ["a"]}), {"c": Column(type="string", max_length=10**30)})) == []


@pytest.mark.parametrize(
    ("limit", "values", "words"),
    [
        ({"maximum": math.nextafter(150, -math.inf)}, [150.0], "is not below 150 in"),
        ({"minimum": math.nextafter(-1, math.inf)}, [-1.0], "is not above -1 in"),
        ({"maximum": math.nextafter(0.1, -math.inf)}, [0.1], "is not below 0.1 in"),
        ({"minimum": math.nextafter(0, math.inf)}, [0.0], "is not above 0 in"),
        ({"maximum": 150}, [151.0], "is above 150 in"),
        ({"maximum": 0.3}, [0.5], "is above 0.3 in"),
        ({"maximum": 0.1 + 0.2}, [0.5], "is above 0.30000000000000004 in"),
        ({"minimum": 1234.5}, [1.0], "is below 1,234.5 in"),
    ],
)
def test_a_limit_is_told_as_it_was_written(limit: dict, values: list[float], words: str) -> None:
    delivery = read(pa.table({"c": values}), {"c": Column(type="number", **limit)})
    assert f"`c` {words}" in delivery.violations[-1].message


@pytest.mark.parametrize("ending", ["csv", "jsonl", "parquet"])
@pytest.mark.parametrize("kind", ["16 bytes", "Arrow's UUIDs"])
def test_good_rows_with_uuids_can_be_checked_again_with_the_same_model(tmp_path, kind: str, ending: str) -> None:
    table = pa.table({"u": KINDS_OF_OTHER[kind], "v": [1, 2, 2, 4]}).slice(0, 2)
    columns = {"u": Column(type="string", allowed=[str(uuid.UUID(int=n)) for n in (1, 2)]), "v": Column(type="integer")}
    delivery = read(table, columns, primary_key=["u"])
    delivery.write(tmp_path / f"good.{ending}", None)
    again = read(tmp_path / f"good.{ending}", columns, primary_key=["u"])
    assert (again.violations, again.rows_read) == ([], 2)
