"""Sources: paths, globs, folders and URLs lead to files, and where they don't the error says what is near."""

from __future__ import annotations

import os
import threading

import pyarrow as pa
import pytest

from watchkeeper.delivery import NoSuchFile, deliver, expand
from watchkeeper.delivery.source import Unreadable
from watchkeeper.model import Column, Model

MODEL = Model(name="m", columns={"a": Column(type="integer")})


@pytest.fixture
def data(tmp_path):
    for name in (
        "2014-02.csv",
        "2014-01.csv",
        "deep/2013.csv",
        "deep/_hidden/x.csv",
        ".hidden.csv",
        "notes.md",
        "odd[1].csv",
        "z.csv.gz",
    ):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("a\n1\n")
    return tmp_path


def names(found: list, data) -> list[str]:
    return [os.path.relpath(path, data) for path in found]


def test_a_glob_gives_its_files_sorted(data) -> None:
    assert names(expand(f"{data}/2014*.csv"), data) == ["2014-01.csv", "2014-02.csv"]
    assert names(expand(f"{data}/**/*.csv"), data) == [
        "2014-01.csv",
        "2014-02.csv",
        "deep/2013.csv",
        "deep/_hidden/x.csv",
        "odd[1].csv",
    ]


def test_a_folder_gives_the_data_files_in_it_that_are_not_hidden(data) -> None:
    assert names(expand(data), data) == ["2014-01.csv", "2014-02.csv", "deep/2013.csv", "odd[1].csv", "z.csv.gz"]


def test_several_sources_are_joined_without_repeats_and_tables_stay_as_they_are(data) -> None:
    table = pa.table({"a": [1]})
    found = expand([f"{data}/2014-02.csv", f"{data}/2014*.csv", table])
    assert names(found[:2], data) == ["2014-02.csv", "2014-01.csv"]
    assert found[2] is table
    assert expand(table) == [table]


def test_a_path_with_the_signs_of_a_glob_is_first_of_all_a_path(data) -> None:
    assert names(expand(data / "odd[1].csv"), data) == ["odd[1].csv"]


def test_urls_of_file_systems_are_read(data) -> None:
    url = (data / "2014-01.csv").as_uri()
    assert names(expand(url), data) == ["2014-01.csv"]
    assert names(expand(f"{data.as_uri()}/2014-*.csv"), data) == ["2014-01.csv", "2014-02.csv"]
    assert names(expand((data / "odd[1].csv").as_uri()), data) == ["odd[1].csv"]
    delivery = deliver(url, MODEL)
    assert [block.table["a"].to_pylist() for block in delivery.blocks()] == [[1]]


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ("2014-3.csv", "Did you mean"),
        ("nothing-like-it", "holds"),
        ("no/such/folder/x.csv", "holds"),
        ("*.parquet", "no file matches"),
        ("gone/*.csv", "no file matches"),
    ],
)
def test_what_leads_to_no_file_is_named_with_what_is_near(data, source: str, words: str) -> None:
    with pytest.raises(NoSuchFile, match=words) as error:
        expand(f"{data}/{source}")
    assert source in str(error.value)


def test_a_file_in_another_case_is_offered(data) -> None:
    with pytest.raises(NoSuchFile, match="Did you mean"):
        deliver(data / "NOTES.MD", MODEL)


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("http://host/x.csv", "Download it first"),
        ("nonsense://x", "Known are file://, s3://"),
        ("file:///no/such/file.csv", "there is no such file"),
        ("file://data/x.csv", "three slashes"),
        ("file://", "three slashes"),
    ],
)
def test_urls_that_lead_nowhere_say_so(url: str, words: str) -> None:
    with pytest.raises(NoSuchFile, match=words) as error:
        expand(url)
    assert str(error.value).startswith(url)


def test_an_empty_folder_and_an_empty_list_are_errors(tmp_path) -> None:
    with pytest.raises(NoSuchFile, match="holds no data file"):
        expand(tmp_path)
    with pytest.raises(NoSuchFile, match="no file was named"):
        expand([])


def test_a_folder_or_a_pipe_can_not_be_delivered(tmp_path) -> None:
    with pytest.raises(Unreadable, match="folder"):
        deliver(tmp_path, MODEL)
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    with pytest.raises(Unreadable, match="Save it as a file first"):
        deliver(pipe, MODEL)


def test_a_file_that_may_not_be_read_says_so(tmp_path, monkeypatch) -> None:
    path = tmp_path / "x.csv"
    path.write_text("a\n1\n")
    monkeypatch.setattr(os, "access", lambda *_: False)  # root may read everything
    with pytest.raises(Unreadable, match="may not read"):
        deliver(path, MODEL)


def test_reading_can_be_stopped_early_and_leaves_no_thread_behind(tmp_path) -> None:
    path = tmp_path / "x.csv"
    path.write_text("a\n" + "1\n" * 3_000_000)
    blocks = deliver(path, MODEL).blocks()
    next(blocks)
    blocks.close()
    assert threading.active_count() == 1


@pytest.mark.parametrize("asked", ["a*.csvx", "nothing", "a\x1b]0;title\x07.cs", "a\x1b]0;title\x07.csv"])
def test_no_name_of_a_file_is_obeyed_by_a_terminal_or_breaks_a_line(tmp_path, asked: str) -> None:
    for name in ("a\x1b]0;title\x07.csv", "b\nc.csv"):
        (tmp_path / name).write_text("")
    if (tmp_path / asked).exists():
        told = deliver(tmp_path / asked, MODEL).violations[0].message
    else:
        with pytest.raises(NoSuchFile) as error:
            expand(str(tmp_path / asked))
        told = str(error.value)
    assert told.isprintable()
    assert "a\\x1b]0;title\\x07.csv" in told


def test_a_link_that_leads_nowhere_is_told_as_such_and_proposed_to_nobody(tmp_path) -> None:
    (tmp_path / "data.csv").symlink_to("gone.csv")
    with pytest.raises(NoSuchFile, match=r"data.csv: this is a link to gone.csv, which is not there. Mend the link."):
        expand(str(tmp_path / "data.csv"))
    with pytest.raises(NoSuchFile, match="is empty"):
        expand(str(tmp_path / "date.csv"))
