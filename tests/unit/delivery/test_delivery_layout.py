"""Doubts about the layout of a file: told where a header holds data, or cells were never divided; quiet elsewhere."""

from __future__ import annotations

import random

import pyarrow as pa
import pytest

from watchkeeper.delivery import raw_sample

ROWS = [f"{i};{i / 7:.2f};2024-01-{i % 28 + 1:02d}" for i in range(50)]


def doubts(tmp_path, text: str) -> list[str]:
    (tmp_path / "x.csv").write_text(text, encoding="utf-8")
    return list(raw_sample(tmp_path / "x.csv").doubts)


def test_lines_saved_again_with_another_delimiter_are_told(tmp_path) -> None:
    lines = ["id;price;day,,,", *(f"{row.replace('.', ',')},," for row in ROWS)]
    found = doubts(tmp_path, "\n".join(lines) + "\n")
    assert "the column `id;price;day` holds a semicolon again and again" in found[0]
    assert "write `delimiter: ';'` under `text`" in found[0]


def test_lines_in_quotes_as_a_whole_are_told(tmp_path) -> None:
    lines = ["id,price,day", *(row.replace(";", ",") for row in ROWS)]
    found = doubts(tmp_path, "".join(f'"{line}"\n' for line in lines))
    assert len(found) == 1
    assert "each line seems to stand in quotes as a whole" in found[0]


def test_a_first_line_of_data_is_told_with_what_it_holds(tmp_path) -> None:
    found = doubts(tmp_path, "\n".join(ROWS) + "\n")
    assert len(found) == 1
    assert "the first line holds data (0, 0.00 and 2024-01-01) and no names" in found[0]


def test_a_table_whose_names_are_a_row_of_data_is_told() -> None:
    iris = pa.table({name: ["x"] * 30 for name in ("5.1", "3.5", "1.4", "0.2", "setosa")})
    assert "4 columns are called by what looks like data (5.1, 3.5, 1.4 and 0.2)" in raw_sample(iris).doubts[0]


def test_several_columns_without_a_name_are_told(tmp_path) -> None:
    found = doubts(tmp_path, "id,,\n" + "".join(f"{i},a{i},b{i}\n" for i in range(30)))
    assert "2 columns with values have no name" in found[0]


WORDS = random.Random(2).sample(["red", "blue", "of, all", "old, not new", "a; b"] * 20, 60)


@pytest.mark.parametrize(
    "text",
    [
        "id;price;day\n" + "\n".join(ROWS),
        "id,remark\n" + "\n".join(f'{i},"{word}"' for i, word in enumerate(WORDS)),
        'id,"street, city, zip"\n' + "\n".join(f'{i},"Main St {i}, Town, 1{i}"' for i in range(50)),
        "shop,2021,2022,2023\n" + "\n".join(f"s{i},{i},{i},{i}" for i in range(50)),
        "0,1,2\n" + "\n".join(f"a{i},b{i},c{i}" for i in range(50)),
        "shop,2021-01,2021-02,2021-03\n" + "\n".join(f"s{i},{i},{i},{i}" for i in range(50)),
        ",x\n" + "\n".join(f"{i},{i * 2}" for i in range(50)),
        "x,y,,\n" + "\n".join(f"{i},{i * 2},," for i in range(50)),
        "only\n" + "\n".join(WORDS[:1] * 50),
        "id;tags\n" + "\n".join(f"{i};a,b,c" for i in range(50)),
    ],
)
def test_an_ordinary_file_gives_no_doubt(tmp_path, text: str) -> None:
    assert doubts(tmp_path, f"{text}\n") == []


@pytest.mark.parametrize("line", ["sep=;", "sep=,", "SEP=\t"])
def test_a_line_for_excel_alone_is_told(tmp_path, line: str) -> None:
    found = doubts(tmp_path, f"{line}\nid;price;day\n" + "\n".join(ROWS) + "\n")
    assert len(found) == 1
    assert "is there for Excel alone" in found[0]
