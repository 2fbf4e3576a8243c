"""What is given wrongly is answered before anything is read, in words that fit Python and the command line alike."""

from __future__ import annotations

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.csv
import pyarrow.dataset
import pytest

import watchkeeper as wk

TABLE = pa.table({"a": np.arange(60), "b": np.arange(60) % 7})


@pytest.mark.parametrize(
    ("given", "words"),
    [
        (pl.LazyFrame({"a": [1]}), r"LazyFrame is no table yet. Call .collect\(\)"),
        (pa.dataset.dataset(TABLE), r"Call .to_table\(\)"),
        (pd.Series([1, 2], name="a"), r"Series is one column, not a table. Call .to_frame\(\)"),
        (pl.Series("a", [1, 2]), r"Series is one column, not a table. Call .to_frame\(\)"),
        (TABLE["a"], "one column, not a table"),
        (pa.array([1]), "one column, not a table"),
        ({"a": [1, 2]}, r"type dict. Make a table of it: pyarrow.table\(columns\)"),
        ([{"a": 1}], r"pyarrow.Table.from_pylist\(rows\)"),
        (np.ones((3, 2)), "ndarray. It has no column names"),
        ((path for path in ["a.csv"]), "generator. It can be read but once. Give a list"),
        (pd.DataFrame, "this is the class DataFrame"),
        ([["a.csv"]], "Give one list"),
        (b"a.csv", "A path is written as text"),
        (3, "type int. Give a path or URL, a pandas, Polars or Arrow table"),
        (None, "type NoneType. Give a path"),
        ("", "an empty path names no file"),
        ([], "no file was named"),
    ],
)
def test_what_is_no_data_is_named_with_what_to_do(given, words):
    for call in (
        lambda: wk.check(given, TABLE),
        lambda: wk.check(TABLE, given),
        lambda: wk.infer_model(given),
        lambda: wk.profile(given),
    ):
        with pytest.raises(wk.WatchkeeperError, match=words) as error:
            call()
        assert error.value.exit_code == 2


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"name": "x", "columns": {}}, r"type dict is no model.*Model.model_validate"),
        (3, "type int is no model. Give a watchkeeper.Model, or the path"),
        (wk.Model, "the class Model is no model"),
        (wk.infer_model(TABLE), r"its \.model is the model"),
        ("no/such.yaml", "no/such.yaml can't be read: No such file"),
        ("", "by its path, not by an empty text"),
    ],
)
def test_what_is_no_model_is_named_with_what_to_do(given, words):
    for call in (lambda: wk.check(TABLE, TABLE, model=given), lambda: wk.profile(TABLE, model=given)):
        with pytest.raises(wk.WatchkeeperError, match=words) as error:
            call()
        assert error.value.exit_code == 2


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"segment": "c"}, "segment 'c': there is no such column"),
        ({"period": "soon"}, "period 'soon': write a month"),
        ({"by": 5}, "by is given as text, not as a value of type int"),
        ({"segment": ["a"]}, "segment is given as text"),
        ({"period": 2024}, "period is given as text"),
        ({"manifest": "gone.json"}, "gone.json: the manifest can't be read"),
        ({"hmac_key_file": "key"}, "no manifest was given"),
        ({"accepted": 3}, "named by its path, not by a value of type int"),
        ({"accepted": "x.foo"}, "the ending decides the format"),
        ({"quarantine": "x"}, "the ending decides the format"),
        ({"measurements": "x.xlsx"}, "Use .csv, .jsonl, .parquet"),
        ({"html": "gone/x.html"}, "there is no folder"),
        ({"json": "."}, "a folder of that name"),
        ({"accepted": "x.csv", "quarantine": "x.csv"}, "two outputs have this name"),
        ({"html": "x", "json": "x"}, "two outputs have this name"),
    ],
)
def test_every_wrong_argument_is_answered_with_exit_code_2_before_anything_is_read(tmp_path, monkeypatch, given, words):
    monkeypatch.chdir(tmp_path)
    told = []
    with pytest.raises(wk.WatchkeeperError, match=words) as error:
        wk.check(TABLE, TABLE, told=told.append, **given)
    assert error.value.exit_code == 2
    assert told == [] or "segment" in given  # whether a column is there is known once the baseline was looked at
    assert "--" not in str(error.value)
    assert list(tmp_path.iterdir()) == []


def test_a_table_in_memory_is_no_file_of_a_manifest(tmp_path):
    (tmp_path / "m.json").write_text('{"files": {}}')
    with pytest.raises(wk.WatchkeeperError, match="Give the path of the file"):
        wk.check(TABLE, TABLE, manifest=tmp_path / "m.json")


@pytest.fixture
def files(tmp_path):
    """All that a check reads, each as a file."""
    for name in ("new.csv", "base.csv"):
        pa.csv.write_csv(TABLE.slice(0, 50 if name == "new.csv" else 60), tmp_path / name)
    wk.profile(tmp_path / "base.csv", output=tmp_path / "base.parquet")
    (tmp_path / "m.json").write_text('{"files": {"new.csv": {"sha256": "0"}}}')
    (tmp_path / "key").write_bytes(b"key")
    from watchkeeper.model import dump

    dump(wk.infer_model(tmp_path / "base.csv").model, tmp_path / "m.yaml")
    return tmp_path


@pytest.mark.parametrize("output", ["accepted", "quarantine", "measurements", "html", "json"])
@pytest.mark.parametrize("read", ["new.csv", "base.csv", "m.yaml", "m.json", "key", "sub/../new.csv", "linked.csv"])
def test_no_output_takes_the_place_of_anything_that_is_read(files, output, read):
    (files / "sub").mkdir()
    (files / "linked.csv").symlink_to(files / "new.csv")
    before = {path.name: path.read_bytes() for path in files.iterdir() if path.is_file()}
    with pytest.raises(wk.WatchkeeperError, match="would be overwritten"):
        wk.check(
            str(files / "new.*"),
            files / "base.csv",
            model=files / "m.yaml",
            manifest=files / "m.json",
            hmac_key_file=files / "key",
            **{output: files / read},
        )
    assert {path.name: path.read_bytes() for path in files.iterdir() if path.is_file()} == before


def test_profiles_do_not_take_the_place_of_anything_that_is_read(files):
    base = files / "base.parquet"
    before = base.read_bytes()
    for call in (
        lambda: wk.profile(files / "new.csv", baseline=base, output=base),
        lambda: wk.profile(files / "new.csv", model=files / "m.yaml", output=files / "m.yaml"),
        lambda: wk.profile(files / "new.csv", output=files / "new.csv"),
        lambda: wk.merged([base], output=base),
    ):
        with pytest.raises(wk.WatchkeeperError, match="would be overwritten"):
            call()
    assert base.read_bytes() == before
    with pytest.raises(wk.WatchkeeperError, match="written as Parquet"):
        wk.profile(files / "new.csv", output=files / "profiles.csv")


def test_reports_are_written_from_python_too(files):
    result = wk.check(
        files / "new.csv",
        files / "base.csv",
        html=files / "r.html",
        json=str(files / "r.json"),
        measurements=files / "r.parquet",
    )
    assert [path.name for path in result.written] == ["r.html", "r.parquet", "r.json"]
    assert all(path.stat().st_size for path in result.written)


def test_profile_files_are_merged_by_path_text_or_glob(files):
    for given in ([files / "base.parquet"], str(files / "base.parquet"), str(files / "bas*.parquet")):
        assert wk.merged(given).profiles.total == 60
    for given, words in ((TABLE, "holds no profiles"), ([], "no file was named"), ("gone.parquet", "no such file")):
        with pytest.raises(wk.WatchkeeperError, match=words):
            wk.merged(given)
