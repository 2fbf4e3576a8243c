"""Active content: told where a spreadsheet, browser, template, database or terminal would obey, and nowhere else."""

from __future__ import annotations

import pyarrow as pa
import pytest

from watchkeeper.delivery import CATALOGUE, active_content, deliver
from watchkeeper.model import Column, Model

ACTIVE = [
    '=HYPERLINK("http://x","open")',
    "@SUM(1+1)*cmd|' /C calc'!A0",
    "+1-1+cmd",
    "-2+3+cmd|' /C calc'!A0",
    "=1+1",
    " =A1",
    "\t=1+1",
    "+A1*2",
    "-SUM(A1:A2)",
    "=IMPORTXML(1)",
    "+cmd|' /C calc'!A0",
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "<svg/onload=alert(1)>",
    '<a href="x">',
    "<b>x</b>",
    "<IMG SRC=x>",
    "<?php echo 1 ?>",
    "javascript:alert(1)",
    "{{7*7}}${7*7}",
    "${jndi:ldap://x}",
    "<%= 7*7 %>",
    "'; DROP TABLE users;--",
    "' OR 1=1 --",
    "x' or 'a'='a",
    "1 UNION SELECT password FROM t",
    "Robert'); DROP TABLE Students;--",
    "admin'--",
    "\x1b[31mred",
    "a\x00b",
    "bell\x07",
]
QUIET = [
    "-",
    "+5",
    "@home",
    "-12.5",
    "<5",
    "a < b",
    "x@y.org",
    "Bob <bob@x.org>",
    "+1-555-123-4567",
    "+1-800-FLOWERS",
    "-5 - 10",
    "==",
    "=>",
    "=",
    "<none>",
    "<unknown>",
    "O'Brien",
    "rock 'n' roll",
    "- see note(s)",
    '5" pipe',
    "a <b and c> d",
    '{"a": {"b": 1}}',
    "tab\there",
    "line\nbreak",
    "C#",
    "A/B -- test",
    "50% {off}",
    "$5",
    "R&D",
    "I <3 you",
    "-B12",
    "a=b",
    "Drop table leg",
    "it's -- well",
    "@john (work)",
    'Ann "and" Bob',
    "Poss3,4 Methylenedioxymethcath",
    "Delito menor (daños)",
    "--",
    "#1",
    "",
    "京都",
]


@pytest.mark.parametrize("text", ACTIVE)
def test_what_would_be_obeyed_is_active(text: str) -> None:
    assert active_content(pa.array([text])).tolist() == [True]


@pytest.mark.parametrize("text", QUIET)
def test_plain_signs_are_quiet(text: str) -> None:
    assert active_content(pa.array([text])).tolist() == [False]


def test_columns_of_every_kind_may_be_asked() -> None:
    texts = pa.array(["a", None, "=1+1", "a"])
    assert active_content(texts).tolist() == [False, False, True, False]
    assert active_content(texts.dictionary_encode()).tolist() == [False, False, True, False]
    assert active_content(pa.chunked_array([texts, texts.slice(2)])).tolist() == [
        False,
        False,
        True,
        False,
        True,
        False,
    ]
    assert active_content(pa.chunked_array([], pa.string())).tolist() == []
    assert active_content(pa.array([1, 2])).tolist() == [False, False]
    assert active_content(pa.array(["=1+1"], pa.large_string())).tolist() == [True]


def test_active_content_is_a_warning_by_column_and_sets_no_row_aside(tmp_path) -> None:
    path = tmp_path / "x.csv"
    path.write_text('a,b\nx,"=HYPERLINK(""http://x"")"\ny,<b>z</b>\n=1+1,plain\n')
    delivery = deliver(
        path,
        Model(name="m", columns={"a": Column(type="string"), "b": Column(type="string", drift=False)}),
        name="x.csv",
    )
    assert [block.table.num_rows for block in delivery.blocks()] == [3]
    assert [(found.check, found.columns, found.rows) for found in delivery.violations] == [
        ("active_content", ("a",), 1),
        ("active_content", ("b",), 2),
    ]
    assert 'row 1 (“=HYPERLINK("http://x")”) and row 2 (“<b>z</b>”)' in delivery.violations[1].message
    assert (CATALOGUE["active_content"].severity, delivery.rows_bad, delivery.rejected) == ("warning", 0, False)
