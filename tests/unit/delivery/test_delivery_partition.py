"""Columns in the names of folders: read where the data were written so, and told where they are not."""

from __future__ import annotations

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from watchkeeper.delivery import Delivery, deliver, expand, raw_sample
from watchkeeper.delivery.partition import partitions, shared
from watchkeeper.model import Column, Model, infer


@pytest.fixture
def folder(tmp_path):
    for place, country in enumerate(("AT", "CH", "a%20b", "__HIVE_DEFAULT_PARTITION__")):
        path = tmp_path / "env=test" / "sales" / f"country={country}" / f"year={2020 + place}" / "part-0.parquet"
        path.parent.mkdir(parents=True)
        pq.write_table(pa.table({"a": list(range(place, place + 3))}), path)
    return tmp_path / "env=test" / "sales"


def read(path, **columns: Column) -> tuple[Delivery, dict[str, list]]:
    delivery = deliver(path, Model(name="m", columns={"a": Column(type="integer"), **columns}))
    blocks = [block.table for block in delivery.blocks()]
    return delivery, pa.concat_tables(blocks).to_pydict() if blocks else {}


def test_columns_in_the_names_of_folders_are_seen_as_text_and_those_above_are_not(folder) -> None:
    sample = raw_sample(folder)
    assert sample.table.column_names == ["a", "country", "year"]
    assert sorted(set(sample.table["country"].to_pylist()), key=str) == ["AT", "CH", None, "a b"]
    assert sample.foldered == ("country", "year")


def test_a_column_in_the_names_of_folders_is_inferred_and_its_distribution_not_watched(folder) -> None:
    sample = raw_sample(folder)
    made = infer(sample.table, lexical=False, text=sample.text, name="m", foldered=sample.foldered)
    assert (made.model.columns["year"].drift, made.model.columns["a"].drift) == (False, True)
    assert made.notes["country"].fields["drift"].reason == "in the names of folders, so each file holds one value"


def test_a_delivery_has_the_columns_of_its_folders_where_the_model_has_them(folder) -> None:
    path = next(folder.rglob("country=CH/**/*.parquet"))
    delivery, rows = read(path, country=Column(type="string", allowed=["CH"]), year=Column(type="integer"))
    assert delivery.violations == []
    assert rows == {"a": [1, 2, 3], "country": ["CH"] * 3, "year": [2021] * 3}


def test_a_column_in_the_names_of_folders_is_held_to_what_is_declared(folder) -> None:
    path = next(folder.rglob("country=CH/**/*.parquet"))
    delivery, _ = read(path, country=Column(type="string", allowed=["AT"]))
    assert [(found.check, found.rows) for found in delivery.violations[:2]] == [("no_good_row", 3), ("constraint", 3)]
    path = next(folder.rglob("country=__HIVE*/**/*.parquet"))
    delivery, _ = read(path, country=Column(type="string", nullable=False))
    assert "`country` is missing" in delivery.violations[1].message
    delivery, _ = read(path, country=Column(type="integer"), year=Column(type="boolean"))
    assert [found.check for found in delivery.violations] == ["type"]


def test_good_rows_keep_the_columns_of_their_folders(folder, tmp_path) -> None:
    path = next(folder.rglob("country=AT/**/*.parquet"))
    delivery, _ = read(path, country=Column(type="string"))
    delivery.write(tmp_path / "good.parquet", None)
    assert pq.read_table(tmp_path / "good.parquet").to_pydict() == {"a": [0, 1, 2], "country": ["AT"] * 3}


def test_a_model_without_the_column_says_nothing_of_the_folders_name(folder) -> None:
    path = next(folder.rglob("*.parquet"))
    delivery, rows = read(path)
    assert (delivery.violations, list(rows)) == ([], ["a"])


def test_a_column_of_the_file_is_never_replaced_by_its_folders_name(tmp_path) -> None:
    path = tmp_path / "a=7" / "x.parquet"
    path.parent.mkdir()
    pq.write_table(pa.table({"a": [1, 2]}), path)
    assert read(path)[1] == {"a": [1, 2]}


def test_text_files_in_such_folders_raise_a_doubt_that_names_the_column(tmp_path) -> None:
    for country in ("AT", "CH"):
        (tmp_path / f"country={country}").mkdir()
        (tmp_path / f"country={country}" / "x.csv").write_text("a,b\n1,2\n")
    (doubt,) = raw_sample(tmp_path).doubts
    assert doubt.startswith("`country` stands in the names of the folders alone")


def test_folders_that_not_all_files_have_are_no_columns(folder) -> None:
    pq.write_table(pa.table({"a": [1]}), folder / "country=AT" / "loose.parquet")
    assert shared(expand(folder)) == ["country"]
    assert shared([next(folder.rglob("*.parquet"))]) == []
    assert partitions("s3://b/x=1/=2/y/z=a=b/f=3.parquet") == {"x": "1", "z": "a=b"}


def test_files_that_have_no_column_in_common_raise_a_doubt(tmp_path) -> None:
    (tmp_path / "a.csv").write_text("a,b\n1,2\n")
    (tmp_path / "b.csv").write_text("c,d\n1,2\n")
    (doubt,) = raw_sample([tmp_path / "a.csv", tmp_path / "b.csv"]).doubts
    assert "b.csv: no column has the name of one in the first file" in doubt
    (tmp_path / "b.csv").write_text("c,b\n1,2\n")
    assert raw_sample([tmp_path / "a.csv", tmp_path / "b.csv"]).doubts == ()
