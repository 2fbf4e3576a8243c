"""Data of no column, no row or few rows: said plainly, and nothing is made of them."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import watchkeeper as wk

RANDOM = np.random.default_rng(3)
TABLE = pa.table({"id": np.arange(400), "x": RANDOM.normal(size=400), "kind": ["a", "b"] * 200})
NOTHING = {"no column": pa.table({}), "no row": TABLE.slice(0, 0)}


@pytest.mark.parametrize(("table", "check"), [("no column", "missing_column"), ("no row", "no_rows")])
@pytest.mark.parametrize("how", ["memory", "parquet", "csv"])
def test_nothing_is_rejected_with_one_finding(tmp_path, table, check, how):
    source = kept(NOTHING[table], how, tmp_path)
    result = wk.check(source, TABLE)
    loud = [found.check for found in result.findings if found.severity != "info"]
    expected = "empty_file" if (table, how) == ("no column", "csv") else check
    assert (result.verdict, loud) == ("reject_file", [expected])


@pytest.mark.parametrize("table", NOTHING)
@pytest.mark.parametrize("how", ["memory", "parquet", "csv"])
def test_nothing_is_no_baseline_and_the_file_is_named(tmp_path, table, how):
    source = kept(NOTHING[table], how, tmp_path)
    name = "a table" if how == "memory" else f"nothing.{how}"
    for call, code in (
        (lambda: wk.check(TABLE, source), 4),
        (lambda: wk.profile(source), 4),
        (lambda: wk.infer_model(source), 2),
    ):
        with pytest.raises(wk.WatchkeeperError, match=name) as error:
            call()
        assert error.value.exit_code == code


def kept(table, how, folder):
    path = folder / f"nothing.{how}"
    if how == "parquet":
        pq.write_table(table, path)
    elif how == "csv":
        path.write_text(f"{','.join(table.column_names)}\n" if table.column_names else "")
    return table if how == "memory" else path


@pytest.mark.parametrize("rows", [1, 2, 5, 19])
def test_a_baseline_of_few_rows_is_said_to_be_too_small_and_nothing_is_compared(rows):
    result = wk.check(TABLE, TABLE.slice(0, rows))
    assert result.verdict == "accept"
    assert [found.check for found in result.findings] == ["history"]
    assert (
        f"The baseline has {rows} row{'s' if rows > 1 else ''}, too few to compare with" in result.findings[0].message
    )


def test_violations_are_found_with_a_baseline_of_one_row_too():
    twice = pa.concat_tables([TABLE, TABLE.slice(0, 1)])
    model = wk.infer_model(TABLE).model
    assert wk.check(twice, TABLE.slice(0, 1), model=model).verdict == "quarantine_rows"


def test_data_of_few_rows_are_said_to_be_too_few():
    result = wk.check(TABLE.slice(0, 1), TABLE)
    assert result.verdict == "accept"
    assert "The data have 1 row, too few to compare" in result.findings[0].message


def test_a_segment_that_the_baseline_hardly_has_is_not_compared():
    base = pa.table({"x": TABLE["x"], "shop": ["rare" if i < 3 else "usual" for i in range(400)]})
    new = pa.table({"x": RANDOM.normal(size=400), "shop": ["rare", "usual"] * 200})
    loud = [found for found in wk.check(new, base, segment="shop").findings if found.severity != "info"]
    assert "shop=rare" not in {found.segment for found in loud}
