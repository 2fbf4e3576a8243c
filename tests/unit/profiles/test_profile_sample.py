"""The sample of rows: bounded, private, the same for everybody, and fair."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from watchkeeper.delivery import deliver
from watchkeeper.delivery.fingerprint import row_hashes
from watchkeeper.engines import Kernels, scan
from watchkeeper.model import Column, Model, Role, Type
from watchkeeper.profiles import (
    NotAProfile,
    OneWindow,
    ProfileFile,
    RowWindows,
    Slice,
    fit,
    merge,
    profile,
    read,
    write,
)
from watchkeeper.profiles.codec import from_table, to_table
from watchkeeper.profiles.sample import LONGEST, ROWS

BIKES = Path(__file__).parents[2] / "data" / "bike_sharing.parquet"
MODEL = Model(
    name="bikes",
    columns={
        "ts": Column(type=Type.TIMESTAMP, role=Role.TIMESTAMP),
        "weathersit": Column(type=Type.INTEGER, categorical=True),
        "hum": Column(type=Type.NUMBER),
        "cnt": Column(type=Type.INTEGER),
    },
)


def scanned(model, table, windows=None):
    blocks = list(deliver(table, model, strict=False).blocks())
    return scan(
        fit(model, [block.table for block in blocks]),
        model,
        blocks,
        windows or OneWindow(Slice(label="all")),
        kernels=Kernels(),
    )


@pytest.fixture(scope="module")
def bikes():
    return pq.read_table(BIKES, columns=list(MODEL.columns))


def orders(n, **more):
    """Orders with ids as text, and their model."""
    table = pa.table({"id": [f"order-{i}" for i in range(n)], "x": np.arange(n) / 4, **more})
    columns = {"id": Column(type=Type.STRING, role=Role.ID, drift=False), "x": Column(type=Type.NUMBER)}
    return table, Model(name="orders", columns=columns | {name: Column(type=Type.STRING) for name in more})


def test_rows_are_kept_as_they_came(bikes):
    sample = scanned(MODEL, bikes).sample
    assert sample.rows.column_names == list(MODEL.columns)
    assert len(sample.rows) == ROWS
    canonical = {"ts": pa.timestamp("us", tz="UTC"), "hum": pa.float64()}
    typed = pa.table({name: bikes[name].cast(canonical.get(name, pa.int64())) for name in MODEL.columns})
    delivered = {tuple(row.values()) for row in typed.to_pylist()}
    assert all(tuple(row.values()) in delivered for row in sample.rows.to_pylist())


def test_each_window_has_its_rows_and_weeks_have_those_of_their_days(bikes):
    by_block = scanned(MODEL, bikes, RowWindows(100))
    assert np.bincount(by_block.sample.at).max() == ROWS
    whole = by_block.whole.sample
    assert whole.rows.equals(scanned(MODEL, bikes).sample.rows)
    assert np.isin(whole.hashes, by_block.sample.hashes).all()


def test_the_sample_is_fair():
    table, model = orders(20_000)
    windows = scanned(model, table, RowWindows(200)).sample
    assert len(windows.rows) == 100 * ROWS
    place = np.asarray(windows.rows["x"]) * 4 % 200
    counts = np.bincount((place // 20).astype(int), minlength=10)
    assert ((counts - 320) ** 2 / 320).sum() < 30  # chi-squared with 9 degrees of freedom: 1 in 2,000


def test_ids_alone_decide_so_that_the_same_events_are_sampled_before_and_after_they_are_changed():
    table, model = orders(5_000)
    changed = table.set_column(1, "x", pc.multiply(table["x"], 100.0))
    a, b = scanned(model, table).sample, scanned(model, changed).sample
    assert a.rows["id"].equals(b.rows["id"])
    assert not a.rows["x"].equals(b.rows["x"])


def test_an_id_that_comes_twice_counts_once_in_whatever_order_its_rows_come():
    table, model = orders(100)
    twice = pa.concat_tables([table, table.set_column(1, "x", pc.add(table["x"], 0.5))])
    forth, back = (scanned(model, t).sample for t in (twice, twice.take(pa.array(np.arange(200)[::-1]))))
    assert len(set(forth.rows["id"].to_pylist())) == ROWS
    assert forth.rows.equals(back.rows)


def test_an_id_held_by_most_rows_does_not_crowd_out_the_others():
    table, model = orders(30_000)
    constant = pa.array(["order-7"] * 29_900 + [f"order-{i}" for i in range(100, 200)])
    assert len(scanned(model, table.set_column(0, "id", constant)).sample.rows) == ROWS
    assert len(scanned(model, table.set_column(0, "id", pa.array(["one"] * 30_000))).sample.rows) == 1


def test_rows_without_an_id_are_told_apart_by_their_cells():
    table, model = orders(500)
    ids = pa.array([None] * 500, pa.string())
    assert len(scanned(model, table.set_column(0, "id", ids)).sample.rows) == ROWS


def test_personal_columns_leave_no_trace_not_even_in_the_hash():
    table, model = orders(1_000, city=["Oslo"] * 1_000)
    personal = {name: column.model_copy(update={"pii": name != "x"}) for name, column in model.columns.items()}
    private = model.model_copy(update={"columns": personal})
    sample = scanned(private, table).sample
    assert sample.rows.column_names == ["x"]
    renamed = table.set_column(0, "id", pa.array([f"other-{i}" for i in range(1_000)]))
    assert sample.hashes.tolist() == scanned(private, renamed).sample.hashes.tolist()


def test_what_is_declared_personal_after_the_baseline_was_made_is_left_out_from_then_on():
    table, model = orders(300)
    blocks = list(deliver(table, model, strict=False).blocks())
    edges = fit(model, [block.table for block in blocks])
    hidden = {**model.columns, "x": model.columns["x"].model_copy(update={"pii": True})}
    one = OneWindow(Slice(label="all"))
    before = scan(edges, model, blocks, one, kernels=Kernels())
    after = scan(edges, model.model_copy(update={"columns": hidden}), blocks, one, kernels=Kernels())
    assert after.edges.id == before.edges.id
    assert merge([before, after]).sample.rows.column_names == ["id"]
    nothing = {name: column.model_copy(update={"pii": name == "id"}) for name, column in model.columns.items()}
    assert (
        merge(
            [after, scan(edges, model.model_copy(update={"columns": nothing}), blocks, one, kernels=Kernels())]
        ).sample
        is None
    )


def test_a_model_of_personal_columns_alone_has_no_sample():
    table = pa.table({"name": ["Ann", "Bob"]})
    assert scanned(Model(name="m", columns={"name": Column(type=Type.STRING, pii=True)}), table).sample is None


def test_long_texts_are_cut():
    table, model = orders(40, note=["n" * 5_000] * 40)
    assert set(scanned(model, table).sample.rows["note"].to_pylist()) == {"n" * LONGEST}


def test_a_column_that_a_file_lacks_is_empty_in_the_sample():
    table, model = orders(50, note=["n"] * 50)
    edges = fit(model, [table])
    lacking = profile(edges, table.select(["id", "x"]), np.zeros(50, int), [Slice(label="all")])
    assert lacking.sample.rows["note"].null_count == ROWS
    assert lacking.sample.rows.schema == scanned(model, table).sample.rows.schema


def test_a_profile_file_holds_the_rows_where_any_parquet_reader_finds_them(tmp_path):
    table, model = orders(300)
    made = scanned(model, table, RowWindows(100))
    write(ProfileFile(made, model, "blocks"), tmp_path / "p.parquet")
    back = read(tmp_path / "p.parquet").profiles.sample
    assert back.rows.equals(made.sample.rows)
    assert (back.at.tolist(), back.hashes.tolist()) == (made.sample.at.tolist(), made.sample.hashes.tolist())
    raw = pq.read_table(tmp_path / "p.parquet")
    texts = raw.filter(pc.equal(raw["column"], "id"))["sample_text"]
    assert [text for listed in texts.to_pylist() for text in listed] == made.sample.rows["id"].to_pylist()


def test_a_profile_file_of_another_format_is_refused():
    table, model = orders(60)
    new = to_table(ProfileFile(scanned(model, table), model, "one"))
    kept = json.loads(new.schema.metadata[b"watchkeeper"])
    old = new.replace_schema_metadata({b"watchkeeper": json.dumps(kept | {"version": 1}).encode()})
    with pytest.raises(NotAProfile, match=r"old.parquet: written in format 1, this release reads 5. Profile the data"):
        from_table(old, "old.parquet")


@pytest.mark.parametrize(
    "ids",
    [
        pa.array(np.arange(20_000)),
        pa.array(np.arange(20_000) * 1.0),
        pa.array(np.arange(20_000) << 40),
        pa.array([f"customer-{i:08d}" for i in range(20_000)]),
        pa.array([f"{i}" for i in range(20_000)]).dictionary_encode(),
        pa.array(np.arange(20_000) * 86_400_000_000).cast(pa.timestamp("us", tz="UTC")),
    ],
    ids=["counted", "doubles", "high_bits", "texts", "codes", "days"],
)
def test_hashes_of_ids_in_a_row_differ_and_are_spread_evenly(ids):
    hashes = row_hashes([ids], len(ids))
    assert len(np.unique(hashes)) == len(ids)
    counts = np.bincount((hashes >> np.uint64(58)).astype(int), minlength=64)
    assert ((counts - 312.5) ** 2 / 312.5).sum() < 120  # chi-squared with 63 degrees of freedom: 1 in 50,000


def test_a_cell_has_one_hash_whatever_block_and_encoding_it_comes_in():
    texts = pa.array(["", None, "a", "12345678", "123456789", "é" * 40, "a"])
    hashes = row_hashes([texts], 7)
    assert hashes.tolist() == row_hashes([texts.dictionary_encode()], 7).tolist()
    assert hashes[2:5].tolist() == row_hashes([texts.slice(2, 3)], 3).tolist()
    assert len(set(hashes.tolist())) == 6
    assert row_hashes([pa.nulls(1)], 1)[0] == hashes[1]


def test_edges_and_model_can_be_read_without_the_counts(tmp_path):
    table, model = orders(60)
    whole = ProfileFile(scanned(model, table), model, "one")
    write(whole, tmp_path / "p.parquet")
    bare = read(tmp_path / "p.parquet", counts=False)
    assert (bare.profiles.edges.id, bare.model) == (whole.profiles.edges.id, model)
    assert bare.profiles.slices == ()
    assert merge([bare.profiles, whole.profiles]).rows.tolist() == [60]
