"""How columns of a model are called inside the lake's structs, where Delta allows less than a model does.

Delta does not tell `Age` from `age`, and never changes a field's type. So a name stays as it is, with `%` written
`%25`; where it would be taken for another one, each of its letters is percent-encoded; and where its type has
changed, `%` and the new type follow it. Any other character is allowed, blanks and commas too.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from urllib.parse import unquote

import pyarrow as pa

TYPES = {"integer": pa.int64(), "number": pa.float64(), "boolean": pa.bool_(), "string": pa.string()}
TYPES["timestamp"] = pa.timestamp("us", tz="UTC")


def stored(wanted: Mapping[str, str], known: Iterable[pa.Field]) -> dict[str, str]:
    """The stored name of each column. `wanted`: column -> its type; `known`: the fields that a table has already."""
    held = {field.name: field.type for field in known}
    taken = {name.casefold() for name in held}
    names: dict[str, str] = {}
    for name, kind in wanted.items():
        plain = name.replace("%", "%25")
        coded = "".join(f"%{byte:02X}" for byte in name.encode())
        kept = coded if coded in held or (plain not in held and plain.casefold() in taken) else plain
        candidates = (kept, f"{kept}%{kind}")
        found = next((each for each in candidates if held.get(each) == TYPES[kind]), None)
        if found is None:
            found = next(each for each in candidates if each.casefold() not in taken)
            held[found] = TYPES[kind]
            taken.add(found.casefold())
        names[name] = found
    return names


def column_of(stored: str) -> str:
    """The column whose values a stored field holds."""
    ending = next((f"%{kind}" for kind in TYPES if stored.endswith(f"%{kind}")), "")
    return unquote(stored.removesuffix(ending))
