"""Regular expressions that a contract may hold a text against."""

from __future__ import annotations


def pattern_fault(pattern: str) -> str | None:
    """What is wrong with a regular expression, or None. Cells are matched by RE2, in time linear in their length."""
    import pyarrow as pa
    import pyarrow.compute as pc

    try:
        pc.match_substring_regex(pa.array([""]), pattern=f"^(?:{pattern})$")
    except pa.ArrowInvalid as invalid:
        reason = str(invalid).partition(": ")[2].splitlines()[0] or "it can't be read"
        return (
            f"this is no regular expression that RE2 reads ({reason}); it knows no look-around and no back-references"
        )
    return None
