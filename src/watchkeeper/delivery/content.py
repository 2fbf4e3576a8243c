"""Active content: text that a spreadsheet, browser, template, database or terminal would obey.

Nothing here ever runs it. It is told because the next reader of the file might. Plain signs are no formulas: `-`, `+5`,
`@home`, `-12.5`, `<5`, `a < b`, telephone numbers and e-mail addresses stay quiet.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import types

from watchkeeper.delivery.piece import Bools

_TAGS = (
    "script|img|svg|iframe|frame|object|embed|applet|link|meta|style|html|head|body|form|input|button|textarea|select|base|video|audio|source|details"
    "|math|marquee|template|table|div|span|font|center|xml|a|b|i|u|p|s|br|hr|h[1-6]|em|strong|ul|ol|li|tr|td|pre|code"
)
_FORMULA = (
    r"\A\s*=\s*[-+@(]*['\"$A-Za-z0-9_]",  # =1+1, =HYPERLINK(…), =cmd|…
    r"\A\s*@[A-Za-z_.]+\(",  # @SUM(…)
    r"\A\s*[-+=@][^|]*\|\s*'",  # +cmd|' /C calc'!A0
    r"\A\s*[-+]+@?[A-Za-z_.]{2,}\(",  # -SUM(…)
    r"\A\s*[-+]\s*[0-9.]+(\s*[-+*/^]\s*[0-9.]+)*\s*[+*^]\s*[A-Za-z$]",  # +1-1+cmd
    r"\A\s*[-+]\$?[A-Za-z]{1,3}\$?[0-9]{1,7}\s*[+*/^:!]",  # +A1*2
)
_MARKUP = (
    rf"</?({_TAGS})(\s+[a-z_:@][\w:.@-]*\s*=[^>]*|\s*/?\s*)>",
    r"<(script|img|svg|iframe|object|embed|style|link|meta|body|form|input|video|audio|details|math)[\s/>]",
    r"<[a-z!?/][^<>]*\son[a-z]{3,}\s*=",
    r"<(\?php|\?xml|!--|!doctype|!entity|!\[cdata)",
    r"(java|vb)script\s*:",
    r"data:text/html",
)
_TEMPLATE = (r"\{\{.*\}\}", r"[$#]\{[^}]*\}", r"<%.*%>", r"\{%.*%\}")
_SQL = (
    r"'\s*(or|and)\s+['\"]?[\w]+['\"]?\s*(=|like)\s*['\"]?[\w]",  # ' OR 1=1
    r"\"\s*(or|and)\s+(\"[^\"]*\"|[0-9]+)\s*=",
    r"['\";)]\s*(drop|alter|truncate|create)\s+(table|database|schema|view|user)\b",
    r"['\";)]\s*(insert\s+into|delete\s+from|update\s+\w+\s+set|exec(ute)?\s+\w)",
    r"\bunion\s+(all\s+)?select\b",
    r"'\s*;?\s*--(\s|\z)",
    r"\bxp_cmdshell\b",
)
_CONTROL = (r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]", r"\x{9b}")
_PATTERN = f"(?is){'|'.join((*_FORMULA, *_MARKUP, *_TEMPLATE, *_SQL, *_CONTROL))}"


def active_content(column: pa.Array | pa.ChunkedArray) -> Bools:
    """Which cells of a column hold active content, shape (rows,); none of a column that is not text."""
    if not isinstance(column, pa.ChunkedArray):
        return active_in([column])[0]
    masks = active_in(column.chunks)
    return np.concatenate(masks) if masks else np.zeros(0, dtype=bool)


def active_in(columns: Sequence[pa.Array]) -> list[Bools]:
    """The same of several columns together: to read the pattern costs more than to look at a few hundred texts."""
    distinct = [column.dictionary if types.is_dictionary(column.type) else column for column in columns]
    texts = [
        values.cast(pa.large_string()) if _is_text(values.type) else pa.array([], pa.large_string())
        for values in distinct
    ]
    if not any(map(len, texts)):
        return [np.zeros(len(column), dtype=bool) for column in columns]
    found = np.asarray(pc.fill_null(pc.match_substring_regex(pa.concat_arrays(texts), _PATTERN), False))
    masks = []
    for column, mask in zip(columns, np.split(found, np.cumsum([len(values) for values in texts])[:-1]), strict=True):
        if not types.is_dictionary(column.type):
            masks.append(mask if len(mask) == len(column) else np.zeros(len(column), dtype=bool))
        elif mask.any():
            masks.append(np.asarray(pc.fill_null(pa.array(mask).take(column.indices), False)))
        else:
            masks.append(np.zeros(len(column), dtype=bool))
    return masks


def _is_text(kind: pa.DataType) -> bool:
    return bool(types.is_string(kind) or types.is_large_string(kind))
