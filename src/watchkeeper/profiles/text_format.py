"""How a text is written: digits, a date, an e-mail address, words in capitals; vectorised over Arrow arrays."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from watchkeeper.delivery.fingerprint import text_bytes

Ints = NDArray[np.int64]
Bytes = NDArray[np.uint8]
Bools = NDArray[np.bool_]
Places = NDArray[np.intp]

FORMATS = (
    "empty",
    "blank",
    "padded",
    "non_ascii",
    "digits",
    "number",
    "date_year_first",
    "date_year_last",
    "time",
    "uuid",
    "email",
    "url",
    "lower",
    "upper",
    "mixed",
    "letters_and_digits",
    "other",
)
"""Classes of texts; a text is in the first that fits. `docs/guides/profile.md` says what each of them holds."""

_DIGIT, _A_TO_F, _G_TO_Z, _CAPITAL_A_TO_F, _CAPITAL_G_TO_Z, _SPACE, _JOINER, _OTHER = (1 << i for i in range(8))
_LOWER, _UPPER = _A_TO_F | _G_TO_Z, _CAPITAL_A_TO_F | _CAPITAL_G_TO_Z
_MEMBERS = {
    _DIGIT: b"0123456789",
    _A_TO_F: b"abcdef",
    _G_TO_Z: b"ghijklmnopqrstuvwxyz",
    _CAPITAL_A_TO_F: b"ABCDEF",
    _CAPITAL_G_TO_Z: b"GHIJKLMNOPQRSTUVWXYZ",
    _SPACE: b" \t\n\v\f\r",
    _JOINER: b"-_'.",
}
_KIND = bytes(next((kind for kind, members in _MEMBERS.items() if byte in members), _OTHER) for byte in range(256))
"""The kind of each byte."""

_CLOCK = r"\d{1,2}:\d{2}(:\d{2}([.,]\d+)?)? ?(Z|UTC|[AaPp][Mm]|[+-]\d{2}:?\d{2})?"
_WITH_CLOCK = rf"(([T ]|, ){_CLOCK})?$"
_MONTH = r"-\d{1,2}-|/\d{1,2}/|\.(0?[1-9]|1[0-2])\.|\.?[ -][A-Za-z]{3,9}\.?[ -]"
_PATTERNS = {
    "number": r"^[+-]?(\d{1,3}(,\d{3})+(\.\d+)?|\d{1,3}(\.\d{3})+,\d+|\d+[.,]?\d*|[.,]\d+)([eE][+-]?\d+)?$",
    "date_year_first": r"^\d{4}(-\d{1,2}-|/\d{1,2}/|\.\d{1,2}\.)\d{1,2}" + _WITH_CLOCK,
    "date_year_last": rf"^(0?[1-9]|[12]\d|3[01])({_MONTH})(\d{{4}}|\d{{2}})" + _WITH_CLOCK,
    "time": rf"^({_CLOCK}|\d{{1,2}}\.[0-5]\d\.[0-5]\d)$",
    "email": r"^[^@]+@[^@.]+(\.[^@.]+)+$",
    "url": r"^[A-Za-z][A-Za-z0-9+.-]*://.",
}
_DIVIDERS = {"date_year_first": ((4,), b"-/."), "date_year_last": ((1, 2), b"-/. "), "time": ((1, 2), b":.")}
"""In which places of a date or time there has to be which sign: looking there first spares most regular expressions."""
_LONGEST = 48
"""Bytes beyond which a text is neither number nor date."""
_UUID, _HYPHENS = 36, (8, 13, 18, 23)
"""How long a UUID is, and where its hyphens are."""


def formats(texts: pa.StringArray, lengths: Ints) -> Bytes:
    """The class of each text, as a place in `FORMATS`; `lengths` in characters. Shapes (n,). A null may be of any.

    Which kinds of characters a text holds decides most of it. Only what may be a number, a date or an address is shown
    to a regular expression, since one of these costs more than all the rest.
    """
    if not len(texts):
        return np.empty(0, dtype=np.uint8)
    starts, sizes, data = text_bytes(texts)
    filled = np.flatnonzero(sizes)
    kinds, first, last = _kinds(filled, starts, sizes, data)
    found = _BY_KINDS[kinds]
    found[lengths < sizes] = _place("non_ascii")
    found[(_KIND_OF[first] == _SPACE) | (_KIND_OF[last] == _SPACE)] = _place("padded")
    found[kinds == _SPACE] = _place("blank")
    found[sizes == 0] = _place("empty")
    left = found > _place("digits")
    short = left & (kinds & _DIGIT != 0) & (sizes <= _LONGEST)
    plain = (kinds & (_LOWER | _UPPER) == 0) | ((kinds & (_JOINER | _OTHER) != 0) & (sizes <= _LONGEST // 2))
    strange = kinds & (_G_TO_Z | _CAPITAL_G_TO_Z | _SPACE) != 0
    _settle("number", texts, np.flatnonzero(short & plain & ~strange & _BEGINS_NUMBER[first]), found, left)
    dated = np.flatnonzero(short & left & (_KIND_OF[first] == _DIGIT) & (sizes >= 4))
    for name, (places, signs) in _DIVIDERS.items():
        divided = np.zeros(len(dated), dtype=bool)
        for place in places:
            divided |= _IS[signs][data[starts[dated] + np.minimum(place, sizes[dated] - 1)]]
        _settle(name, texts, dated[divided], found, left)
    found[_uuids(np.flatnonzero(left & (sizes == _UUID)), kinds, starts, data)] = _place("uuid")
    left &= kinds & _SPACE == 0
    for name, sign in (("email", "@"), ("url", ":")):
        _settle(name, texts, _holding(sign, filled, starts, data), found, left)
    return found


def _place(name: str) -> int:
    return FORMATS.index(name)


def _settle(name: str, texts: pa.StringArray, candidates: Places, found: Bytes, left: Bools) -> None:
    """Put those candidates that are `left` into a class, as far as its pattern matches them."""
    at = candidates[left[candidates]]
    if len(at):
        chosen = texts if len(at) == len(texts) else texts.take(pa.array(at))
        right = at[np.asarray(pc.match_substring_regex(chosen, _PATTERNS[name]).fill_null(False))]
        found[right] = _place(name)
        left[right] = False


def _kinds(filled: Places, starts: Ints, sizes: Ints, data: Bytes) -> tuple[Bytes, Bytes, Bytes]:
    """The kinds of characters in each text, one bit each, and its first and last byte; all 0 where it is not filled."""
    kinds, first, last = (np.zeros(len(sizes), dtype=np.uint8) for _ in range(3))
    if len(filled):
        begins = starts[filled]
        of_bytes = np.frombuffer(data.tobytes().translate(_KIND), dtype=np.uint8)
        kinds[filled] = np.bitwise_or.reduceat(of_bytes, begins)
        first[filled], last[filled] = data[begins], data[begins + sizes[filled] - 1]
    return kinds, first, last


def _uuids(candidates: Places, kinds: Bytes, starts: Ints, data: Bytes) -> Places:
    """Those candidates, texts of a UUID's length, that are hexadecimal digits with hyphens in its four places."""
    at: Places = candidates[kinds[candidates] & (_G_TO_Z | _CAPITAL_G_TO_Z | _SPACE | _OTHER) == 0]
    for hyphen in _HYPHENS:
        at = at[data[starts[at] + hyphen] == ord("-")]
    return at


def _holding(sign: str, filled: Places, starts: Ints, data: Bytes) -> Places:
    """The texts that hold an ASCII character; `filled` are all that are not empty."""
    there = data == ord(sign)
    if not there.any():
        return filled[:0]
    return np.asarray(filled[np.logical_or.reduceat(there, starts[filled])])


def _by_kinds(kinds: int) -> int:
    """The class of an ASCII text that is no number, date or address, from the kinds of its characters."""
    if kinds == _DIGIT:
        return _place("digits")
    lower, upper = bool(kinds & _LOWER), bool(kinds & _UPPER)
    if kinds & _OTHER or not (lower or upper):
        return _place("other")
    if kinds & _DIGIT:
        return _place("letters_and_digits")
    return _place("mixed" if lower and upper else "lower" if lower else "upper")


_BY_KINDS = np.array([_by_kinds(kinds) for kinds in range(256)], dtype=np.uint8)
_KIND_OF = np.frombuffer(_KIND, dtype=np.uint8)
_IS = {signs: np.array([byte in signs for byte in range(256)]) for _, signs in _DIVIDERS.values()}
_BEGINS_NUMBER = np.array([byte in b"0123456789+-.," for byte in range(256)])
