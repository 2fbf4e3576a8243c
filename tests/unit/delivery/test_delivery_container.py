"""Containers: what is damaged, disguised or made to burst is refused, in bounded memory."""

from __future__ import annotations

import gzip
import io
import random
import re
import stat
import tracemalloc
import zipfile
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from watchkeeper.delivery import Delivery, Limits, deliver, raw_sample
from watchkeeper.delivery.container import UnknownFormat
from watchkeeper.delivery.encoding import is_binary
from watchkeeper.model import Column, Model

MODEL = Model(name="m", columns={"a": Column(type="integer"), "b": Column(type="string")})
NOISE = random.Random(1).randbytes(5_000)
CSV = b"a,b\n" + b"".join(b"%d,row %d\n" % (i, i) for i in range(20_000))


def zipped(*members: tuple[str | zipfile.ZipInfo, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", method) as archive:
        for name, data in members:
            archive.writestr(name, data)
    return file.getvalue()


def read(tmp_path, name: str, data: bytes, **limits: int) -> Delivery:
    path = tmp_path / name
    path.write_bytes(data)
    delivery = deliver(path, MODEL, name=name, limits=Limits(**limits))
    for _ in delivery.blocks():
        pass
    return delivery


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("x.csv", CSV),
        ("x.csv.gz", gzip.compress(CSV)),
        ("x.csv.gz", gzip.compress(CSV[:5000]) + gzip.compress(CSV[5000:]) + b"\0" * 700),
        ("x.csv.zst", pa.compress(CSV, codec="zstd", asbytes=True)),
        ("x.csv.zip", zipped(("inside.csv", CSV))),
        ("x.zip", zipped(("folder/", b""), ("folder/inside.csv", CSV), method=zipfile.ZIP_STORED)),
        ("delivery", CSV),
        ("delivery-of-2014.01", gzip.compress(CSV)),
    ],
)
def test_packed_or_not_the_same_rows_come_out(tmp_path, name: str, data: bytes) -> None:
    delivery = read(tmp_path, name, data)
    assert (delivery.rows_read, delivery.violations) == (20_000, [])


@pytest.mark.parametrize("ending", ["csv.gz", "csv.zst", "csv.zip"])
@pytest.mark.parametrize("cut", [1, 9, 1000])
def test_an_archive_that_was_cut_off_is_rejected(tmp_path, ending: str, cut: int) -> None:
    whole = {
        "csv.gz": gzip.compress(CSV),
        "csv.zst": pa.compress(CSV, codec="zstd", asbytes=True),
        "csv.zip": zipped(("x.csv", CSV)),
    }[ending]
    delivery = read(tmp_path, f"x.{ending}", whole[:-cut])
    assert [found.check for found in delivery.violations if found.check == "container"] == ["container"]
    assert delivery.rejected


@pytest.mark.parametrize("ending", ["csv.gz", "csv.zip"])
def test_an_archive_with_a_flipped_byte_is_rejected(tmp_path, ending: str) -> None:
    whole = {"csv.gz": gzip.compress(CSV), "csv.zip": zipped(("x.csv", CSV))}[ending]
    at = len(whole) // 2
    delivery = read(tmp_path, f"x.{ending}", whole[:at] + bytes([whole[at] ^ 255]) + whole[at + 1 :])
    assert delivery.rejected


@pytest.mark.parametrize(
    ("name", "data", "words"),
    [
        ("x.csv.gz", CSV, "gzip is expected, and its first bytes are those of plain text"),
        ("x.csv", gzip.compress(CSV), "CSV is expected, and its first bytes are those of gzip"),
        ("x.parquet", CSV, "Parquet is expected, and its first bytes are those of plain text"),
        ("x.csv.gz", gzip.compress(gzip.compress(CSV)), "CSV is expected, and its first bytes are those of gzip"),
        (
            "x.csv",
            b"<!DOCTYPE html><html><body>502 Bad Gateway</body></html>",
            "its first bytes are those of an HTML page",
        ),
        ("x.jsonl", b'[{"a": 1},\n {"a": 2}]', "is one JSON array"),
        ("x.csv", b"PAR1\x15\x04\x15" + bytes(90), "its first bytes are those of Parquet"),
        ("x.csv.gz", gzip.compress(CSV) + b"and more", "damaged"),
        ("x.parquet", NOISE, f"its first bytes ({NOISE[:4].hex(' ')}) are those of no kind that is known"),
        ("x.arrow", NOISE, f"Arrow IPC is expected, and its first bytes ({NOISE[:4].hex(' ')})"),
        ("x.csv.gz", NOISE, f"gzip is expected, and its first bytes ({NOISE[:4].hex(' ')})"),
        ("x.csv", NOISE, f"CSV is expected, and its first bytes ({NOISE[:4].hex(' ')})"),
        ("x.csv.gz", gzip.compress(NOISE), "the gzip archive x.csv.gz is not what its name says: CSV is expected"),
        ("x.jsonl", NOISE, f"JSON lines is expected, and its first bytes ({NOISE[:4].hex(' ')})"),
        ("x.csv", bytes(5_000), "those of no kind that is known"),
        ("x.csv", b"\x89PNG\r\n\x1a\n" + NOISE, "a PNG picture"),
        ("x.parquet", "id,größe\n1,ü\n".encode(), "those of plain text"),
        ("x.parquet", "id,größe\n1,ü\n".encode("latin-1"), "those of plain text"),
        ("x.parquet", "id,größe\n1,ü\n".encode("utf-16"), "those of plain text"),
    ],
)
def test_a_file_that_is_not_what_its_name_says_is_rejected(tmp_path, name: str, data: bytes, words: str) -> None:
    delivery = read(tmp_path, name, data)
    assert delivery.rejected
    assert words in delivery.violations[0].message


def refused_unless_strict(path: Path, data: bytes, words: str) -> None:
    """A file under test is rejected in these words; a baseline, or what a model is inferred from, is an error."""
    path.write_bytes(data)
    delivery = deliver(path, MODEL)
    assert [found.check for found in delivery.violations] == ["container"]
    assert delivery.rejected
    assert not list(delivery.blocks())
    assert re.search(words, f"{delivery.violations[0].message} {delivery.violations[0].remedy}")
    for read_it in (lambda: deliver(path, MODEL, strict=False), lambda: raw_sample(path)):
        with pytest.raises(UnknownFormat, match=words) as error:
            read_it()
        assert error.value.exit_code == 4


def test_bytes_of_no_kind_without_an_ending_reject_the_file_and_make_no_baseline(tmp_path) -> None:
    refused_unless_strict(tmp_path / "dump", NOISE, "no kind that is known.*Convert it to CSV")


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be", "utf-32", "shift_jis", "cp1252", "koi8-r"])
def test_text_in_any_encoding_is_text(encoding: str) -> None:
    words = {"shift_jis": "名前,値\n東京,1\n", "koi8-r": "имя,город\n"}.get(encoding, "id,größe\n1,ü\n")
    assert not is_binary((words * 100).encode(encoding))
    assert not is_binary(b"id,t\n1,a\0\n2,b\n" * 100)


def test_a_column_may_be_called_like_a_magic_number(tmp_path) -> None:
    path = tmp_path / "x.csv"
    path.write_text("PAR1,ORC\n1,2\n")
    model = Model(name="m", columns={"PAR1": Column(type="integer"), "ORC": Column(type="integer")})
    delivery = deliver(path, model)
    assert [block.table.num_rows for block in delivery.blocks()] == [1]


def link() -> zipfile.ZipInfo:
    info = zipfile.ZipInfo("x.csv")
    info.create_system, info.external_attr = 3, (stat.S_IFLNK | 0o777) << 16
    return info


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (zipped(("a.csv", CSV), ("b.csv", CSV)), "holds 2 files (a.csv and b.csv), not one"),
        (zipped(("folder/", b"")), "holds no file"),
        (zipped(("../../etc/passwd.csv", CSV)), "leads out of the archive"),
        (zipped(("/etc/x.csv", CSV)), "leads out of the archive"),
        (zipped(("C:\\x.csv", CSV)), "leads out of the archive"),
        (zipped((link(), b"/etc/passwd")), "symbolic link"),
        (zipped(("x.csv", CSV), method=zipfile.ZIP_LZMA), "method that is not read"),
        (b"PK\x03\x04 no archive at all", "damaged"),
    ],
)
def test_a_zip_with_anything_but_one_plain_file_is_rejected(tmp_path, data: bytes, words: str) -> None:
    delivery = read(tmp_path, "x.csv.zip", data)
    assert delivery.rejected
    assert words in delivery.violations[0].message


@pytest.mark.parametrize("ending", ["gz", "zst", "zip"])
def test_a_bomb_is_refused_while_it_streams_in_bounded_memory(tmp_path, ending: str) -> None:
    lines = b"a,b\n" + b"1,x\n" * 24_000_000
    path = tmp_path / f"x.csv.{ending}"
    packed = gzip.compress(lines) if ending == "gz" else pa.compress(lines, codec="zstd", asbytes=True)
    path.write_bytes(zipped(("x.csv", lines)) if ending == "zip" else packed)
    size = len(lines)
    del lines, packed
    assert size > 1.4 * max(64 << 20, 200 * path.stat().st_size)
    delivery = deliver(path, MODEL)
    pa_before = pa.total_allocated_bytes()
    tracemalloc.start()
    rows, highest = 0, 0
    for block in delivery.blocks():
        rows += block.table.num_rows
        highest = max(highest, pa.total_allocated_bytes() - pa_before)
    python = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert [found.check for found in delivery.violations] == ["expansion_limit"]
    assert "expands to more than 64 MiB, 200 times its size" in delivery.violations[0].message
    assert highest + python < 400 << 20


def test_a_bomb_of_one_giant_line_stops_at_the_line_limit(tmp_path) -> None:
    delivery = read(tmp_path, "x.csv.gz", gzip.compress(b"a,b\n1," + b"x" * (40 << 20)))
    assert [found.check for found in delivery.violations] == ["line_limit"]


@pytest.mark.parametrize("name", ["x.xlsx", "x.csv.bz2", "x.avro"])
def test_other_kinds_of_files_reject_the_file_and_are_told_the_kinds_that_are_read(tmp_path, name: str) -> None:
    refused_unless_strict(tmp_path / name, b"PK\x03\x04....", "files are not read. Convert it to CSV")


def test_an_office_file_in_disguise_is_named(tmp_path) -> None:
    office = zipped(("[Content_Types].xml", b"<x/>"), ("xl/workbook.xml", b"<x/>"))
    refused_unless_strict(tmp_path / "report", office, "Office file, which is not read. Save the sheet as CSV")


def test_an_archive_in_an_archive_is_named(tmp_path) -> None:
    refused_unless_strict(tmp_path / "x.zip", zipped(("x.csv.gz", gzip.compress(CSV))), "gzip, which is not read")


def test_a_truncated_parquet_file_is_rejected(tmp_path) -> None:
    file = io.BytesIO()
    pq.write_table(pa.table({"a": [1], "b": ["x"]}), file)
    delivery = read(tmp_path, "x.parquet", file.getvalue()[:-20])
    assert delivery.rejected
    assert "no whole Parquet file" in delivery.violations[0].message


def test_a_packed_parquet_file_is_rejected_with_the_way_out(tmp_path) -> None:
    delivery = read(tmp_path, "x.parquet.gz", gzip.compress(b"PAR1"))
    assert [found.check for found in delivery.violations] == ["container"]
    assert "Parquet packed in gzip can't be read in place" in delivery.violations[0].message
    assert delivery.violations[0].remedy.startswith("Unpack it")
