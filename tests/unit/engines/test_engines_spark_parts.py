"""What the Spark engine does before and after Spark: cutting the work, and saying what is wrong."""

import sys
from types import ModuleType

import pytest
from hypothesis import given
from hypothesis import strategies as st

from watchkeeper.cli import main
from watchkeeper.engines import NoSpark
from watchkeeper.engines.spark import cut, installed, reason
from watchkeeper.watch.home import opened


@given(st.lists(st.integers(0, 500_000), min_size=1, max_size=60), st.integers(1, 40))
def test_work_is_cut_in_order_and_no_part_is_much_larger_than_its_share(sizes, many):
    items = list(range(len(sizes)))
    parts = cut(items, sizes, many)
    assert [item for part in parts for item in part] == items
    assert all(parts)
    assert len(parts) <= many
    work = [max(size, 1) for size in sizes]
    assert max(sum(work[item] for item in part) for part in parts) <= sum(work) / many + max(work)


def test_without_pyspark_the_command_says_how_to_get_it(tmp_path, monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "pyspark", None)
    with opened(tmp_path, make=True):
        pass
    with pytest.raises(SystemExit) as left:
        main(["run", "--engine", "spark", "--home", str(tmp_path)])
    assert left.value.code == 2
    assert "pip install 'watchkeeper[spark]'" in capsys.readouterr().err


def test_without_java_it_is_said_that_spark_needs_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "pyspark", ModuleType("pyspark"))
    monkeypatch.setenv("PATH", "/nowhere")
    monkeypatch.delenv("JAVA_HOME", raising=False)
    with pytest.raises(NoSpark, match="needs Java 17 or later"):
        installed()


SAID = """An error occurred while calling z:org.apache.spark.api.python.PythonRDD.collectAndServe.
: org.apache.spark.SparkException: Job aborted: Traceback (most recent call last):
  File "table.py", line 1, in read
FileNotFoundError: no such file

The above exception was the direct cause of the following exception:

Traceback (most recent call last):
  File "table.py", line 2, in read
LakeChanged: a.parquet was taken away.
 SQLSTATE: 38000
\tat org.apache.spark.api.python.PythonRunner.read(PythonRunner.scala:1)
"""


@pytest.mark.parametrize(
    ("said", "told"),
    [
        (SAID, "LakeChanged: a.parquet was taken away"),
        ("Master must be a URL.\n\tat org.apache", "Master must be a URL"),
        ("", "it gave no reason"),
        ("Traceback (most recent call last):", "Traceback (most recent call last):"),
    ],
)
def test_of_what_spark_says_the_reason_is_told(said, told):
    assert reason(said) == told
