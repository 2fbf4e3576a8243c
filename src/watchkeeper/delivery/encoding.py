"""Text as UTF-8: byte order marks, declared encodings, and where bytes are no text."""

from __future__ import annotations

import codecs
from collections.abc import Iterable, Iterator

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from watchkeeper.delivery.rejection import Rejection

SAMPLE = 4096
"""Bytes of a file that show what its encoding is."""

_LETTERS = 5
_CONTROL = [code for code in range(32) if chr(code) not in "\0\t\n\v\f\r\x1b"] + [127]
"""Control signs that text hardly holds. NUL is not among them: it slips into text more often, and never into all."""

_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)


def marked(start: bytes) -> str | None:
    """The encoding that a byte order mark tells, or None."""
    return next((name for mark, name in _MARKS if start.startswith(mark)), None)


def normal(encoding: str) -> str:
    """An encoding's usual name; ASCII is read as the UTF-8 that it is part of. Raises LookupError."""
    name = codecs.lookup(encoding).name
    return "utf-8" if name in ("ascii", "utf-8-sig") else name


def is_latin_1(encoding: str) -> bool:
    """Whether bytes 80 to 9F are control signs in this encoding: in cp1252 they are signs that people write."""
    return normal(encoding) == "iso8859-1"


def as_utf8(pieces: Iterator[bytes], encoding: str, name: str) -> Iterator[bytes]:
    """Pieces of text in `encoding` as UTF-8, without a byte order mark.

    Bytes that are no text in `encoding` come out as bytes that are not UTF-8 either, so that one test finds both.
    `name` is the file's. Raises `Rejection` where UTF-16 or UTF-32 text can't be followed any further.
    """
    known = normal(encoding)
    if known == "utf-8":
        first = next(pieces, b"")
        while len(first) < 3 and (more := next(pieces, b"")):
            first += more
        yield first.removeprefix(codecs.BOM_UTF8)
        yield from pieces
        return
    wide = known.startswith(("utf-16", "utf-32"))
    decoder = codecs.getincrementaldecoder(known)("surrogatepass" if wide else "surrogateescape")
    disguise = _Disguise()
    try:
        for piece in pieces:
            disguise.look(piece)
            yield decoder.decode(piece).encode("utf-8", "surrogatepass")
        yield decoder.decode(b"", final=True).encode("utf-8", "surrogatepass")
    except UnicodeError as wrong:
        raise Rejection(
            "encoding",
            f"{name} is not {encoding} as a whole: {wrong.reason if isinstance(wrong, UnicodeDecodeError) else wrong}.",
            "Ask the sender for UTF-8, or write the right encoding under `text` in the model.",
        ) from wrong

    if disguise.is_utf8:
        raise Rejection(
            "encoding",
            f"{name} is not {encoding} as a whole: it seems to be utf-8, in which all its letters are right.",
            f"Ask the sender for {encoding}, or write `encoding: utf-8` under `text` in the model.",
        )


class _Disguise:
    """Watches whether text that should be in another encoding is UTF-8: by chance a few letters in a row are not."""

    def __init__(self) -> None:
        self._decoder = codecs.getincrementaldecoder("utf-8")()
        self._right, self._letters = True, 0

    def look(self, piece: bytes) -> None:
        """Take the next bytes."""
        if not self._right or (piece.isascii() and not self._decoder.getstate()[0]):
            return
        try:
            text = self._decoder.decode(piece)
        except UnicodeDecodeError:
            self._right = False
            return
        self._letters += len(piece) - len(text)

    @property
    def is_utf8(self) -> bool:
        """Whether all bytes were UTF-8, and a good many of them could have been something else."""
        return self._right and self._letters >= _LETTERS


def refuse_utf16_unmarked(start: bytes, encoding: str, name: str) -> None:
    """Raise `Rejection` where text declared as some other encoding is UTF-16 without a byte order mark."""
    if normal(encoding).startswith(("utf-16", "utf-32")) or (kind := unmarked_utf16(start)) is None:
        return
    raise Rejection(
        "encoding",
        f"{name} is not {encoding} as a whole: it seems to be UTF-16 without a byte order mark.",
        f"Ask the sender for {encoding}, or write `encoding: {kind}` under `text` in the model.",
    )


def is_utf8(data: bytes) -> bool:
    """Whether all of `data` is UTF-8."""
    if data.isascii():
        return True
    offsets = pa.py_buffer(np.array([0, len(data)], dtype=np.int64))
    try:
        pa.Array.from_buffers(pa.large_binary(), 1, [None, offsets, pa.py_buffer(data)]).cast(pa.large_string())
    except pa.ArrowInvalid:
        return False
    return True


def is_text(row: bytes) -> bool:
    """Whether a short piece is UTF-8."""
    try:
        row.decode()
    except UnicodeDecodeError:
        return False
    return True


def is_binary(start: bytes) -> bool:
    """Whether bytes are no text in any encoding: of random bytes each tenth is a control sign, of text hardly one."""
    if marked(start) is not None or unmarked_utf16(start) is not None:
        return False
    counts = np.bincount(np.frombuffer(start[:SAMPLE], dtype=np.uint8), minlength=256)
    total, control = int(counts.sum()), int(counts[_CONTROL].sum())
    return (control >= 8 and control > 0.07 * total) or bool(counts[0] >= 8 and counts[0] > 0.3 * total)


def sample(rows: Iterable[bytes]) -> bytes:
    """The first `SAMPLE` bytes of rows, one a line."""
    kept = b""
    for row in rows:
        kept += row[:SAMPLE] + b"\n"
        if len(kept) >= SAMPLE:
            break
    return kept[:SAMPLE]


def guess(text: bytes) -> str:
    """The encoding that text which is not UTF-8 seems to have."""
    data: NDArray[np.uint8] = np.frombuffer(text, dtype=np.uint8)
    high = data >= 128
    runs = np.diff(np.flatnonzero(np.diff(high, prepend=False, append=False)))[::2]
    if len(runs) and runs.mean() >= 2:  # letters beyond ASCII side by side: no Western European text
        if (data[high] >= 0xC0).mean() > 0.95 and (data[high] >= 0xE0).mean() > 0.6:
            return "cp1251"  # words of small Cyrillic letters
        for name in ("shift_jis", "euc_kr", "gb18030"):
            if _decodes(text[: text.rfind(b"\n") + 1] or text, name):
                return name
    return "cp1252"  # and never latin-1, which is the same but for the control signs in place of the euro and quotes


def unmarked_utf16(start: bytes) -> str | None:
    """The kind of UTF-16 that text without a byte order mark seems to be, by where its zeros lie, or None."""
    zeros = np.frombuffer(start[:SAMPLE], dtype=np.uint8) == 0
    if len(zeros) < 16:
        return None
    even, odd = float(zeros[::2].mean()), float(zeros[1::2].mean())
    if max(even, odd) <= 0.6 or min(even, odd) >= 0.2:
        return None
    return "utf-16-le" if odd > even else "utf-16-be"


def _decodes(sample: bytes, encoding: str) -> bool:
    try:
        sample.decode(encoding)
    except UnicodeDecodeError:
        return False
    return True
