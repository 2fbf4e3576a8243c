"""Formats of times as Java's DateTimeFormatter writes them, in strptime's letters."""

from __future__ import annotations

import re

from watchkeeper.model.time_format import format_fault

_LETTERS = {
    run: letter
    for letter, runs in {
        "%Y": "yyyy uuuu YYYY",
        "%y": "yy uu",
        "%m": "MM M",
        "%b": "MMM",
        "%B": "MMMM",
        "%d": "dd d DD",
        "%H": "HH H",
        "%I": "hh h",
        "%M": "mm m",
        "%S": "ss s",
        "%p": "a",
        "%z": "X XX XXX x xx xxx Z ZZ",
        "T": "T",
    }.items()
    for run in runs.split()
}
_ISO = re.compile(r"(?:yyyy|uuuu|YYYY)-MM-(?:dd|DD)(?:\[?'T'\]?|\[?T| )\[?HH:mm")
_OPTIONAL = re.compile(r"[\[\]]")
_PART = re.compile(r"'((?:[^']|'')*)'|([A-Za-z])(\2*)|([^A-Za-z'])")


def from_java(written: str) -> str | None:
    """The same format for us, or None where it names no date or uses letters that have no like.

    A delivery is held to it exactly: a format without a zone allows none. Parts in square brackets may be absent, which
    `iso8601` allows and no other format here.
    """
    if _OPTIONAL.search(re.sub(r"'[^']*'", "", written)):
        return "iso8601" if _ISO.match(written) else None
    text = ""
    for quoted, letter, more, other in _PART.findall(written):
        run = letter + more
        if not letter:
            text += (quoted.replace("''", "'") or other or "'").replace("%", "%%")
        elif set(run) == {"S"}:
            text += "%f"
        elif run in _LETTERS:
            text += _LETTERS[run]
        else:
            return None
    return None if format_fault(text) else text
