"""Every violation check by name: what it costs, how loud it is, what it sees."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from watchkeeper.delivery.violation import Kind, Level


def _file(sees: str) -> Kind:
    return Kind(Level.FILE, "alarm", sees)


def _row(sees: str) -> Kind:
    return Kind(Level.ROW, "warning", sees)


def _note(sees: str, severity: str = "warning") -> Kind:
    return Kind(Level.NOTE, severity, sees)


CATALOGUE: Mapping[str, Kind] = MappingProxyType(
    {
        "repeated_delivery": _file("a file with the same bytes as an earlier delivery"),
        "unlisted_file": _file("a file that its manifest does not list"),
        "sha256": _file("a file whose SHA-256 is not the manifest's: damaged or tampered with"),
        "hmac": _file("a file whose HMAC is missing or not the key holder's: tampered with"),
        "manifest_size": _file("a file with more or fewer bytes than its manifest says"),
        "manifest_rows": _file("a file with more or fewer rows than its manifest says"),
        "container": _file(
            "a file that is cut off, damaged, or not what its name says (gzip, zip, zstd, Parquet, Arrow, JSON)"
        ),
        "empty_file": _file("a file without a single byte of data"),
        "expansion_limit": _file("a compressed file that expands out of all proportion"),
        "line_limit": _file("a line that is too long to be one"),
        "encoding": _file("a file that is written in another encoding as a whole"),
        "delimiter": _file("a file whose cells are divided by another character than the one declared"),
        "header": _file("a file whose first line does not name the columns"),
        "missing_column": _file("a column that is expected and absent, perhaps renamed"),
        "duplicate_column": _file("two columns of one name"),
        "type": _file("a column of another physical type, in formats that have types"),
        "quotes": _file("a quoted cell that swallows the lines after it"),
        "changed_while_reading": _file("a file that somebody writes to while it is read"),
        "no_rows": _file("a file without a single row"),
        "no_good_row": _file("a file in which every row is bad"),
        "quarantine_share": _file("a file with a larger share of bad rows than `max_quarantine_share`"),
        "invalid_bytes": _row("bytes that are no text in the file's encoding"),
        "nul_byte": _row("NUL bytes in text"),
        "ragged_row": _row("rows with too many or too few cells"),
        "broken_quote": _row("text after a closing quote"),
        "broken_json": _row("lines that are not one complete JSON object with distinct keys"),
        "cell_limit": _row("a cell larger than `cell_limit`"),
        "parse": _row("a cell that is no value of its column's type"),
        "date_format": _row("a time that is not written in the declared format, or does not exist"),
        "constraint": _row("a value that breaks a constraint which was declared"),
        "null_key": _row("a row without a key"),
        "duplicate_key": _row("a row whose key another row has too"),
        "outside_period": _row("an event time outside the period that the delivery is for"),
        "extra_column": _note("a column that nobody declared"),
        "other_encoding": _note("a file that can be read, and seems to be in another encoding than the one declared"),
        "type_change": _note("whole numbers that have become decimal ones, times that have become dates, or the like"),
        "type_exchange": _note("whole numbers stored as decimal ones because some are missing, as pandas does", "info"),
        "active_content": _note("formulas, markup, templates, SQL or terminal escapes in text"),
        "implausible_time": _note(
            "times before 1900, event times in the future where no period was given, others a century ahead"
        ),
        "empty_lines": _note("lines that hold nothing but delimiters", "info"),
    }
)
