"""However a file is cut into blocks, the same rows and faults are found: those of a reader of single characters."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path

from hypothesis import example, given, settings
from hypothesis import strategies as st

from watchkeeper.delivery import Delivery, Limits, deliver
from watchkeeper.model import Column, Model

MODEL = Model(
    name="split",
    columns={
        "id": Column(type="integer", drift=False),
        "word": Column(type="string", allowed=["a", "b", "é", 'a"', ""]),
    },
    primary_key=["id"],
)


def read(text: bytes, ending: str, **limits: int) -> tuple[Delivery, list, dict, list]:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"x{ending}"
        path.write_bytes(text)
        delivery = deliver(path, MODEL, name="x", limits=Limits(**limits))
        rows, cells = [], {"id": [], "word": []}
        for block in delivery.blocks():
            rows += block.rows.tolist()
            for name in cells:
                cells[name] += block.table[name].to_pylist()
        bad = list(delivery.bad_rows(None))
        good, aside = Path(folder) / "good.csv", Path(folder) / "bad.jsonl"
        delivery.write(good, aside)
        written = (good.read_bytes() if good.exists() else None, aside.read_text())
    return delivery, rows, cells, [bad, delivery.violations, delivery.rows_read, delivery.rows_bad, *written]


def rows_of(text: str) -> tuple[list[tuple[list[str], bool]], bool]:
    """Rows of CSV as (cells, whether text follows a closing quote), up to the first that a quote tore, if any.

    A row of the wrong width with a line in it that is a row by itself has swallowed that row.
    """
    rows, torn = one_by_one(text)
    for number, (cells, junk, raw) in enumerate(rows):
        if len(cells) != 2 and not junk and any(is_row(line) for line in raw.splitlines()[1:]):
            return [row[:2] for row in rows[:number]], True
    return [row[:2] for row in rows], torn


def is_row(line: str) -> bool:
    rows, torn = one_by_one(line)
    return line == "," or (not torn and len(rows) == 1 and len(rows[0][0]) == 2)


def one_by_one(text: str) -> tuple[list[tuple[list[str], bool, str]], bool]:
    """Rows as (cells, whether text follows a closing quote, the row as it stands), read sign by sign."""
    rows, cells, cell, junk, at = [], [], "", False, 0
    begun, start = False, 0

    def end() -> None:
        nonlocal cells, cell, junk, begun, start
        raw = text[start:at]
        nothing = raw == "," if len(cells) == 1 else not raw.strip(", \t")
        if begun and not nothing:
            rows.append(([*cells, cell], junk, raw))
        cells, cell, junk, begun, start = [], "", False, False, at + 1

    fresh = True  # a cell begins here
    while at < len(text):
        sign = text[at]
        if sign == '"' and fresh:
            begun, fresh, spans = True, False, False
            at += 1
            while True:
                if at >= len(text):
                    return rows, True
                if text[at] == '"' and text[at + 1 : at + 2] == '"':
                    cell, at = cell + '"', at + 2
                elif text[at] == '"':
                    at += 1
                    break
                else:
                    spans = spans or text[at] in "\r\n"
                    cell, at = cell + text[at], at + 1
            if text[at : at + 1] not in ("", ",", "\n", "\r"):
                if spans:
                    return rows, True
                junk = True
            continue
        if sign in "\r\n":
            end()
            fresh = True
        elif sign == ",":
            cells, cell, fresh, begun = [*cells, cell], "", True, True
        else:
            cell, fresh, begun = cell + sign, False, True
        at += 1
    end()
    return rows, False


csv_text = st.text(alphabet='ab1",\n\r2 é', max_size=60)


@given(csv_text, st.integers(1, 20), st.integers(1, 3))
@example('1,"a\n', 3, 1)
@example('1,a\n1,2,"a\n3,4"\n5,b\n', 5, 2)
@example('1,a""\n"1""",b\r\n,\r2,"x"y\n', 1, 2)
@settings(max_examples=100)
def test_any_block_size_finds_the_rows_that_a_reader_of_single_characters_finds(
    text: str, block: int, workers: int
) -> None:
    kept, torn = rows_of(text)
    data = f"id,word\n{text}".encode()
    delivery, rows, cells, told = read(data, ".csv", block=block, workers=workers)
    assert ("quotes" in [found.check for found in delivery.violations]) is torn
    assert delivery.rows_read == len(kept)
    whole = [number for number, (row, junk) in enumerate(kept, 1) if len(row) == 2 and not junk]
    assert rows == whole
    assert cells["word"] == [kept[number - 1][0][1] or None for number in whole]
    again = read(data, ".csv", workers=1)
    assert (rows, cells, told) == again[1:]


objects = st.lists(
    st.one_of(
        st.fixed_dictionaries(
            {}, optional={"id": st.integers(0, 9) | st.text(max_size=3), "word": st.text(max_size=4) | st.none()}
        ).map(lambda row: json.dumps(row).encode()),
        st.sampled_from(
            [
                b'{"id": 1, "id": 2}',
                b"[1]",
                b"null",
                b'{"id": NaN}',
                b'{"id": 1',
                b"",
                b"  ",
                b'{"id": 3, "word": "\xff"}',
                b'{"more": {"a": [1]}}',
            ]
        ),
    ),
    max_size=12,
)


@given(objects, st.integers(1, 40), st.integers(1, 3))
def test_any_block_size_finds_the_same_json_lines(lines: list[bytes], block: int, workers: int) -> None:
    data = b'{"id": 77, "word": "a"}\n' + b"\n".join(lines)
    assert read(data, ".jsonl", block=block, workers=workers)[1:] == read(data, ".jsonl", workers=1)[1:]


@given(st.binary(max_size=80), st.integers(1, 9))
def test_bytes_of_any_kind_are_read_without_an_error_and_alike_in_any_blocks(noise: bytes, block: int) -> None:
    data = b"id,word\n1,a\n" + noise
    assert read(data, ".csv", block=block, workers=2)[1:] == read(data, ".csv", workers=1)[1:]
