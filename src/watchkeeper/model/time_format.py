"""How a time is written as text: strptime's letters, `iso8601`, or a count since 1970."""

from __future__ import annotations

import re

MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
LONG_MONTHS = (
    *("january", "february", "march", "april", "may", "june", "july"),
    *("august", "september", "october", "november", "december"),
)

EPOCHS = {"epoch_s": 1_000_000, "epoch_ms": 1_000}
"""Formats that count since 1970, and the microseconds of one count."""

DIRECTIVES = {
    "Y": r"(?P<Y>\d{4})",
    "y": r"(?P<y>\d{2})",
    "m": r"(?P<m>\d{1,2})",
    "d": r"(?P<d>\d{1,2})",
    "H": r"(?P<H>\d{1,2})",
    "I": r"(?P<I>\d{1,2})",
    "M": r"(?P<M>\d{1,2})",
    "S": r"(?P<S>\d{1,2})",
    "f": r"(?P<f>\d{1,9})",
    "p": r"(?P<p>[AaPp][Mm])",
    "b": rf"(?P<b>(?i:{'|'.join(MONTHS)}))",
    "B": rf"(?P<B>(?i:{'|'.join(LONG_MONTHS)}))",
    "z": r"(?P<z>[Zz]|[+-]\d{2}:?\d{2})",
}
"""The letters that are read, and the text each stands for (syntax of RE2 and of `re`)."""

ISO = (
    r"(?P<Y>\d{4})-(?P<m>\d{2})-(?P<d>\d{2})"
    r"(?:[Tt ](?P<H>\d{2}):(?P<M>\d{2})(?::(?P<S>\d{2})(?:[.,](?P<f>\d{1,9}))?)?(?: ?(?P<z>[Zz]|[+-]\d{2}:?\d{2}))?)?"
)


def regex(format: str) -> str:
    """The regular expression that a text in `format` matches as a whole, one named group for each letter.

    A run of digits without a mark between two letters has fixed width, as in `%Y%m%d`. Raises ValueError, saying why,
    when the format can't be read.
    """
    if format == "iso8601":
        return ISO
    parts = re.findall(r"%(.)|([^%]+)|(%)$", format, flags=re.DOTALL)
    letters = [letter for letter, _, _ in parts if letter and letter != "%"]
    if unknown := [letter for letter in letters if letter not in DIRECTIVES]:
        raise ValueError(f"%{unknown[0]} is not read; use {', '.join('%' + known for known in DIRECTIVES)}")
    if any(dangling for _, _, dangling in parts):
        raise ValueError("a % at the end says nothing; write %% for the sign itself")
    if doubled := [letter for letter in letters if letters.count(letter) > 1]:
        raise ValueError(f"%{doubled[0]} stands in it twice")
    if not ({"Y", "y"} & set(letters) and {"m", "b", "B"} & set(letters)):
        raise ValueError("it names no year and month; write for example %Y-%m-%d, iso8601, epoch_s or epoch_ms")
    text = ""
    for place, (letter, literal, _) in enumerate(parts):
        if letter == "%":
            text += "%"
        elif literal:
            text += re.escape(literal)
        else:
            beside = [near[0] for near in (*parts[max(place - 1, 0) : place], *parts[place + 1 : place + 2])]
            runs_on = any(near and near in "YymdHIMSf" for near in beside)
            text += DIRECTIVES[letter].replace("{1,2}", "{2}") if runs_on else DIRECTIVES[letter]
    return text


def format_fault(format: str) -> str | None:
    """What is wrong with the format of a time, or None."""
    if format in EPOCHS:
        return None
    try:
        regex(format)
    except ValueError as fault:
        return f"{format!r} is no format of a time: {fault}"
    return None


def has_time_of_day(format: str) -> bool:
    """Whether times in `format` may carry a time of day; a date has none."""
    return format == "iso8601" or format in EPOCHS or any(f"%{letter}" in format for letter in "HI")
