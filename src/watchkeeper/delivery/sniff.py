"""How text seems to be written: encoding, delimiter, quote, header."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence

from watchkeeper.delivery import csv_scan
from watchkeeper.delivery.encoding import guess, is_text, marked, unmarked_utf16
from watchkeeper.delivery.schema import DELIMITERS
from watchkeeper.model.declaration import TextFormat

_ROWS = 200
_BYTES = 1 << 20
VALUE = re.compile(
    r"[-+]?[\d., ]*\d[\d.,]*([eE][-+]?\d+)?%?"  # a number
    r"|\d{1,4}[-/.]\d{1,2}[-/.]\d{1,4}([ T][\d:.,+-]*Z?)?"  # a date
    r"|\d{1,2}[:.]\d{2}([:.]\d{2})?"  # a time of day
    r"|true|false|nan|null|none|n/a",
    re.IGNORECASE,
)
"""What cells of numbers, dates and truth values look like, and names of columns do not."""
_YEAR = re.compile(r"(19|20)\d\d")


def sniff(start: bytes, delimiter: str | None = None) -> TextFormat:
    """How CSV text that begins with `start` is written; `delimiter` where the file's ending tells it."""
    encoding = sniff_encoding(start)
    text = start[:_BYTES].decode(encoding, "replace").removeprefix("\ufeff").encode()
    if (end := max(text.rfind(b"\n"), text.rfind(b"\r"))) > 0:
        text = text[: end + 1]
    found = {sign: _cells(text, sign, '"') for sign in ([delimiter] if delimiter else DELIMITERS)}
    best = max(found, key=lambda sign: _regularity(found[sign], sign))
    if _regularity(found[best], best) == (0.0, 0):
        best = delimiter or ","
    rows, quote = found[best], _quote(text, best)
    if quote != '"':
        rows = _cells(text, best, quote)
    return TextFormat(delimiter=best, quote=quote, encoding=encoding, header=_has_header(rows))


def sniff_encoding(start: bytes) -> str:
    """The encoding of text that begins with `start`."""
    if (known := marked(start) or unmarked_utf16(start)) is not None:
        return known
    whole = start[: start.rfind(b"\n") + 1] or start
    lines = [line for line in whole.splitlines() if not line.isascii()]
    if not lines or any(is_text(line) for line in lines):
        return "utf-8"
    return guess(b"\n".join(lines))


def _cells(text: bytes, delimiter: str, quote: str | None) -> list[list[str]]:
    return csv_scan.first_rows(text, delimiter, quote, _ROWS)


def _regularity(rows: Sequence[Sequence[str]], delimiter: str) -> tuple[float, int]:
    """The share of rows with the most usual number of cells, and that number; (0, 0) where it says nothing."""
    if not rows:
        return 0.0, 0
    cells, times = Counter(map(len, rows)).most_common(1)[0]
    doubtful = delimiter in " :"  # dates and times of day hold them
    if cells < 2 or len(rows[0]) != cells or (doubtful and (cells < 3 or times < len(rows))):
        return 0.0, 0
    return round(times / len(rows), 1), 0 if doubtful else cells


def _quote(text: bytes, delimiter: str) -> str | None:
    """The quote that makes rows whole: the usual one, unless another or none at all does and it does not."""
    sign = delimiter.encode()
    if b'"' not in text and (b"'" + sign in text or sign + b"'" in text):
        return "'" if _is_regular(_cells(text, delimiter, "'")) and _quoted(text, delimiter) else '"'
    quotes = csv_scan.find_quotes(text, delimiter, '"', final=True)
    swallowed = quotes.torn is not None or (quotes.open is not None and len(quotes.marks) < 3)
    return None if swallowed and _is_regular(_cells(text, delimiter, None)) else '"'


def _quoted(text: bytes, delimiter: str) -> bool:
    """Whether single quotes come as pairs around cells, and not as apostrophes."""
    quotes = csv_scan.find_quotes(text, delimiter, "'", final=True)
    return len(quotes.marks) > 1 and not len(quotes.junk) and quotes.torn is None and quotes.open is None


def _is_regular(rows: Sequence[Sequence[str]]) -> bool:
    return len(set(map(len, rows))) == 1


def _has_header(rows: Sequence[Sequence[str]]) -> bool:
    """Whether the first row names the columns: not if it holds values where the rows below it do."""
    if not rows:
        return True
    first = [cell.strip() for cell in rows[0]]
    if first in ([str(i) for i in range(len(first))], [str(i + 1) for i in range(len(first))]):
        return len(first) > 1 or len(rows) == 1
    values = [cell for cell in first if VALUE.fullmatch(cell)]
    if 1 < len(values) < len(first) and all(map(_YEAR.fullmatch, values)) and values == sorted(set(values)):
        return True  # a column for each year
    for at, cell in enumerate(first):
        below = [row[at].strip() for row in rows[1:] if at < len(row) and row[at].strip()]
        if VALUE.fullmatch(cell) and (
            not below or sum(bool(VALUE.fullmatch(other)) for other in below) * 2 > len(below)
        ):
            return False
    return True
