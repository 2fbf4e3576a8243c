"""Encodings: what can be read is read, what can't is known by row, and a file in the wrong one is named."""

from __future__ import annotations

import pytest

from watchkeeper.delivery import Delivery, deliver
from watchkeeper.model import Column, Model, TextFormat

COLUMNS = {"id": Column(type="integer"), "ciudad": Column(type="string")}
ROWS = "id,ciudad\n" + "".join(f"{i},Logroño {i}\n" for i in range(1, 51))


def read(tmp_path, data: bytes, encoding: str = "utf-8", name: str = "x.csv") -> tuple[Delivery, list[str], list[int]]:
    path = tmp_path / name
    path.write_bytes(data)
    delivery = deliver(path, Model(name="m", columns=COLUMNS, text=TextFormat(encoding=encoding)), name=name)
    blocks = list(delivery.blocks())
    return (
        delivery,
        [v for b in blocks for v in b.table["ciudad"].to_pylist()],
        [r for b in blocks for r in b.rows.tolist()],
    )


def checks(delivery: Delivery) -> list[str]:
    return [found.check for found in delivery.violations]


@pytest.mark.parametrize(
    "encoding", ["utf-8", "utf-8-sig", "latin-1", "cp1252", "utf-16-le", "utf-16", "utf-32", "mac_roman", "cp500"]
)
def test_a_declared_encoding_is_read(tmp_path, encoding: str) -> None:
    delivery, cities, _ = read(tmp_path, ROWS.encode(encoding), encoding)
    assert (cities[0], len(cities), checks(delivery)) == ("Logroño 1", 50, [])


def test_text_of_several_bytes_a_letter_is_read(tmp_path) -> None:
    for encoding, city in (("shift_jis", "京都"), ("gb18030", "北京"), ("cp1251", "Москва"), ("euc_kr", "서울")):
        delivery, cities, _ = read(tmp_path, f"id,ciudad\n1,{city}\n".encode(encoding), encoding)
        assert (cities, checks(delivery)) == ([city], [])


def test_a_byte_order_mark_is_no_part_of_the_first_name(tmp_path) -> None:
    delivery, cities, _ = read(tmp_path, b"\xef\xbb\xbf" + ROWS.encode())
    assert (len(cities), checks(delivery)) == (50, [])


def test_utf16_with_its_mark_is_read_whatever_was_declared_and_told(tmp_path) -> None:
    delivery, cities, _ = read(tmp_path, ROWS.encode("utf-16"))
    assert (cities[1], checks(delivery)) == ("Logroño 2", ["other_encoding"])
    assert "marked as utf-16, and utf-8 is declared" in delivery.violations[0].message


def test_utf16_without_its_mark_is_rejected_by_name(tmp_path) -> None:
    delivery, _, _ = read(tmp_path, ROWS.encode("utf-16-le"))
    assert checks(delivery) == ["encoding"]
    assert "encoding: utf-16-le" in delivery.violations[0].remedy


def test_some_rows_in_another_encoding_are_set_aside_and_their_column_is_named(tmp_path) -> None:
    lines = ROWS.encode().splitlines(keepends=True)
    lines[7], lines[9] = "7,Logroño 7\n".encode("latin-1"), "9,Málaga\n".encode("latin-1")
    delivery, _, rows = read(tmp_path, b"".join(lines))
    assert checks(delivery) == ["invalid_bytes"]
    assert [(bad.row, bad.columns) for bad in delivery.bad_rows()] == [(7, ("ciudad",)), (9, ("ciudad",))]
    assert rows == [row for row in range(1, 51) if row not in (7, 9)]


@pytest.mark.parametrize(
    ("encoding", "seems", "city"),
    [("latin-1", "cp1252", "Logroño"), ("cp1252", "cp1252", "Logroño – norte"), ("cp1251", "cp1251", "Москва")],
)
def test_a_whole_file_in_another_encoding_is_rejected_and_the_encoding_named(
    tmp_path, encoding: str, seems: str, city: str
) -> None:
    delivery, _, _ = read(tmp_path, ROWS.replace("Logroño", city).encode(encoding))
    assert checks(delivery)[0] == "encoding"
    assert f"It seems to be {seems}" in delivery.violations[0].message


@pytest.mark.parametrize("encoding", ["latin-1", "cp1252", "gb18030"])
def test_utf8_that_should_be_something_else_is_rejected_by_name(tmp_path, encoding: str) -> None:
    delivery, _, _ = read(tmp_path, ROWS.encode(), encoding)
    assert checks(delivery)[0] == "encoding"
    assert "it seems to be utf-8" in delivery.violations[0].message
    mixed, _, _ = read(tmp_path, ROWS.encode() + "51,Logroño\n".encode("latin-1"), encoding)
    assert "encoding" not in checks(mixed)


def test_few_wrong_rows_in_a_file_of_plain_ascii_are_no_wrong_file(tmp_path) -> None:
    text = "id,ciudad\n" + "".join(f"{i},Leon\n" for i in range(100)) + "100,Logroño\n"
    delivery, _, _ = read(tmp_path, text.encode("latin-1"))
    assert checks(delivery) == ["invalid_bytes"]


def test_a_header_that_is_no_text_rejects_the_file(tmp_path) -> None:
    path = tmp_path / "x.csv"
    path.write_bytes("año,b\n1,2\n".encode("latin-1"))
    delivery = deliver(path, Model(name="m", columns={"año": Column(type="integer"), "b": Column(type="integer")}))
    assert checks(delivery) == ["encoding"]
    assert "It seems to be cp1252" in delivery.violations[0].message


@pytest.mark.parametrize("encoding", ["utf-16", "utf-32"])
def test_utf16_that_is_cut_off_or_none_at_all_is_rejected(tmp_path, encoding: str) -> None:
    delivery, _, _ = read(tmp_path, ROWS.encode(encoding)[:-1], encoding)
    assert "encoding" in checks(delivery)


def test_bytes_that_a_declared_encoding_does_not_know_are_bad_rows(tmp_path) -> None:
    delivery, _, rows = read(tmp_path, b"id,ciudad\n1,caf\xe9\n2,odd \x81\n3,x\n", "cp1252")
    assert rows == [1, 3]
    assert "bytes that are no cp1252 in `ciudad`" in delivery.violations[0].message


def test_json_lines_in_another_encoding_are_told_by_key(tmp_path) -> None:
    lines = [f'{{"id": {i}, "ciudad": "Logroño"}}\n'.encode() for i in range(30)]
    lines[4] = lines[4].decode().encode("latin-1")
    delivery, _, _ = read(tmp_path, b"".join(lines), name="x.jsonl")
    assert [(bad.row, bad.columns) for bad in delivery.bad_rows()] == [(5, ("ciudad",))]


@pytest.mark.parametrize("declared", ["latin-1", "ISO-8859-1", "l1"])
def test_a_euro_sign_in_what_is_declared_as_latin_1_is_told_and_every_value_kept(tmp_path, declared: str) -> None:
    text = ROWS.replace("Logroño 7", "€ 7 “Logroño”")
    delivery, cities, _ = read(tmp_path, text.encode("cp1252"), declared)
    assert checks(delivery) == ["other_encoding"]
    (found,) = delivery.violations
    assert "`ciudad` holds control signs of latin-1 (in cp1252 they are the euro, dashes and quotes)" in found.message
    assert (found.rows, found.columns, found.remedy.split(" under")[0]) == (1, ("ciudad",), "Write `encoding: cp1252`")
    assert (len(cities), cities[6], delivery.rows_bad) == (50, "\x80 7 \x93Logroño\x94", 0)


def test_nothing_is_told_of_a_euro_sign_in_its_own_encoding(tmp_path) -> None:
    delivery, cities, _ = read(tmp_path, ROWS.replace("Logroño 7", "€ 7").encode("cp1252"), "cp1252")
    assert (cities[6], checks(delivery)) == ("€ 7", [])


def test_an_encoding_is_called_in_sentences_as_the_model_calls_it(tmp_path) -> None:
    delivery, _, _ = read(tmp_path, ROWS.encode(), "latin-1")
    assert "x.csv is not latin-1 as a whole" in delivery.violations[0].message
