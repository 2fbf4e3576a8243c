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
_PART = re.compile(r"'((?:[^']|'')*)'|([A-Za-z])(\2*)|([^A-Za-z'])")
_ISO = re.compile(r"(?:yyyy|uuuu|YYYY)-MM-(?:dd|DD)(?:'T'|T| )HH:mm")


def from_java(written: str) -> str | None:
    """The same format for us, or None where it names no date or uses letters that have no like.

    A time in the order of ISO 8601 is `iso8601`, as such formats are seldom exact about fractions and zones.
    """
    if _ISO.match(written):
        return "iso8601"
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
