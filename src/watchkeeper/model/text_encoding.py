"""Which names are those of an encoding that text files are written in."""

from __future__ import annotations

import codecs

USUAL = ("utf-8", "utf-16", "cp1252", "latin-1", "cp1250", "cp1251", "shift_jis", "gb18030", "euc_kr")
"""Encodings that files of data are written in, likelier first."""
_NOT_OF_FILES = frozenset(("idna", "punycode", "undefined", "unicode-escape", "raw-unicode-escape", "utf-7"))
"""What Python calls an encoding of text, and what is made for names, source code or mail."""


def is_text_encoding(name: str) -> bool:
    """Whether a file of text can be written in an encoding of this name."""
    try:
        known = codecs.lookup(name).name
        "a".encode(name)
    except (LookupError, UnicodeError, ValueError):
        return False  # unknown; no encoding but a way to pack bytes, such as base64; or for no text at all
    return known.replace("_", "-") not in _NOT_OF_FILES
