"""The standard form of CSV, in which good rows are written: it is read whatever way of writing a model declares."""

from __future__ import annotations

import codecs

from watchkeeper.delivery.csv_scan import first_rows
from watchkeeper.delivery.schema import expected
from watchkeeper.model.declaration import Model, TextFormat

_LOOKED_AT = 1 << 20
"""Bytes that hold the first line, or it is none."""
STANDARD = TextFormat()
"""Comma, double quotes, UTF-8, a line of names."""


def standard_instead(start: bytes, model: Model) -> TextFormat | None:
    """The standard form, where a file that begins with `start` is written in it and not as the model declares.

    Only the first line tells: read as standard it names the columns, and read as declared it does not.
    """
    start = start[:_LOOKED_AT].removeprefix(codecs.BOM_UTF8)
    start = start[: start.rfind(b"\n") + 1]
    if not start or model.text == STANDARD or not _names_columns(start, STANDARD, model):
        return None
    return None if model.text.header and _names_columns(start, model.text, model) else STANDARD


def _names_columns(start: bytes, text: TextFormat, model: Model) -> bool:
    """Whether the first row holds all names, or where no line of names is declared, just these."""
    try:
        written = start.decode(text.encoding).encode()
    except UnicodeDecodeError:
        return False
    names = next(iter(first_rows(written, text.delimiter, text.quote, 1)), [])
    return set(expected(model)) <= set(names) if model.text.header else names == list(model.columns)
