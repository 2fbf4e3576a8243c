"""`profile --period`: only rows of some event times, and of Parquet files only the row groups that can hold any."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq
import pytest

import watchkeeper as wk
from watchkeeper.model import Column, Model, Role, Type

HOUR = 3_600_000_000
START = 1_704_067_200_000_000  # 2024-01-01
DAYS = 31 + 29 + 31
MODEL = Model(name="m", columns={"at": Column(type=Type.TIMESTAMP, role=Role.TIMESTAMP), "x": Column(type=Type.NUMBER)})


def hours(unit="us", zone="UTC"):
    at = pa.array(START + HOUR * np.arange(24 * DAYS), pa.timestamp("us", tz="UTC")).cast(pa.timestamp(unit, tz=zone))
    return pa.table({"at": at, "x": np.arange(24.0 * DAYS)})


def spoiled(path, table):
    """A Parquet file of ten-day row groups, of which the first one's bytes are destroyed."""
    pq.write_table(table, path, row_group_size=240, compression="none", write_page_checksum=True)
    group = pq.read_metadata(path).row_group(0)
    chunk = group.column(1)
    begin = chunk.dictionary_page_offset or chunk.data_page_offset
    content = bytearray(path.read_bytes())
    content[begin : begin + chunk.total_compressed_size] = bytes(chunk.total_compressed_size)
    path.write_bytes(content)
    return path


@pytest.mark.parametrize(("unit", "zone"), [("us", "UTC"), ("ms", None), ("ns", "Europe/Berlin"), ("s", "UTC")])
def test_row_groups_outside_the_period_are_never_read(tmp_path, unit, zone):
    path = spoiled(tmp_path / "lake.parquet", hours(unit, zone))
    made = wk.profile(path, model=MODEL, period="2024-03", by="day", baseline=hours()).profiles
    assert len(made.slices) == 31
    assert made.total == 31 * 24
    with pytest.raises(wk.WatchkeeperError):
        wk.profile(path, model=MODEL, by="day", baseline=hours())


@pytest.mark.parametrize("ending", ["csv", "parquet", "arrow"])
@pytest.mark.parametrize("own_edges", [True, False])
def test_a_period_gives_the_profile_of_its_rows_alone(tmp_path, ending, own_edges):
    path, table = tmp_path / f"lake.{ending}", hours()
    if ending == "csv":
        pyarrow.csv.write_csv(table, path)
    elif ending == "parquet":
        pq.write_table(table, path, row_group_size=100)
    else:
        with pa.ipc.new_file(path, table.schema) as writer:
            writer.write_table(table, max_chunksize=100)
    baseline = None if own_edges else table
    made = wk.profile(path, model=MODEL, period="2024-02-03T06:00/2024-02-20", by="week", baseline=baseline)
    first, last = (2 + 31) * 24 + 6, (31 + 19) * 24
    alone = wk.profile(table.slice(first, last - first), model=MODEL, by="week", baseline=baseline)
    assert made.profiles.edges.id == alone.profiles.edges.id
    assert made.profiles.slices == alone.profiles.slices
    assert made.profiles.total == last - first
    assert np.array_equal(made.profiles.columns["x"].counts, alone.profiles.columns["x"].counts)


def test_a_period_without_rows_says_so(tmp_path):
    with pytest.raises(wk.WatchkeeperError, match="no row has an event time in 2025-01"):
        wk.profile(hours(), model=MODEL, period="2025-01", by="day")
    timeless = Model(name="m", columns={"x": Column(type=Type.NUMBER)})
    with pytest.raises(wk.WatchkeeperError, match="no column with the role `timestamp`"):
        wk.profile(hours(), model=timeless, period="2025-01")
