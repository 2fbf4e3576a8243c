"""A profile file for people: what each column holds, over all windows or window by window."""

from __future__ import annotations

import json
import textwrap
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from watchkeeper.checks.column import missing, quantile, senseless
from watchkeeper.model import WatchkeeperError
from watchkeeper.profiles import CategoryProfile, NumericProfile, ProfileFile, Profiles, TextProfile
from watchkeeper.report import mask, words
from watchkeeper.report.markup import tied
from watchkeeper.report.sampled_rows import json_rows, print_rows, sampled, unsampled

if TYPE_CHECKING:
    from rich.console import Console


DETAILS = 40
"""Characters that a column's details need to stand beside it, not in a table of their own."""
_NAMED = ("window", "segment", "version", "column")
_TOGETHER = (("kind", "rows", "missing", "distinct"), ("lowest", "median", "highest"), ("details",))
"""Columns of the table that stay beside each other where there is room for them."""
_WORDS = (*_NAMED, "kind", "details")


class NoSuchColumn(WatchkeeperError):
    """A column was named that the profiles do not have."""


def described(file: ProfileFile, columns: Sequence[str] = ()) -> list[dict[str, Any]]:
    """One entry a column over everything; with `columns`, one for each of these and each slice.

    Raises `NoSuchColumn`.
    """
    unknown = [name for name in columns if name not in file.profiles.columns]
    if unknown:
        raise NoSuchColumn(
            f"there is no column {unknown[0]!r} in these profiles. They have {', '.join(file.profiles.columns)}."
        )
    profiles = file.profiles if columns else file.profiles.whole
    names = columns or list(file.profiles.columns)
    entries = [entry for name in names for entry in _entries(profiles, name, hidden=_hidden(file, name))]
    if not columns and len(file.profiles.slices):
        last = file.profiles.by_window  # everything together has no window: event times are as old as in the last one
        for entry in entries:
            if entry.get("freshness", 0) is None:
                entry["freshness"] = _seconds(last.freshness(entry["column"])[-1])
    return entries


def profiles_json(file: ProfileFile, columns: Sequence[str] = (), rows: int = 0) -> str:
    """The same as JSON, with the edges' id, the slices that there are, and so many sampled `rows`.

    Values of personal columns are left out, those by which segments are named too. Raises `NoSuchColumn`, `NoSample`.
    """
    named = mask.masked_segments(file.model, {at.segment for at in file.profiles.slices})
    slices = [
        {
            "window": at.window or at.label,
            "segment": named.get(at.segment or "", at.segment),
            "version": at.version,
            "rows": int(n),
        }
        for at, n in _slices(file.profiles)
    ]
    made: dict[str, Any] = {
        "model": file.model.name,
        "edges": file.profiles.edges.id,
        "slices": slices,
        "columns": [
            entry | {"segment": named.get(entry["segment"], entry["segment"])} for entry in described(file, columns)
        ],
    }
    if rows:
        made["sample"] = json_rows(sampled(file, columns, rows))
    return json.dumps(made, indent=1)


def print_profiles(file: ProfileFile, columns: Sequence[str], console: Console, rows: int = 0) -> None:
    """A table on the terminal, and another of so many sampled `rows`. Raises `NoSuchColumn`, `NoSample`."""
    profiles = file.profiles
    shown = mask.shown_segments(file.model, {at.segment for at in profiles.slices})
    lines = [_line(entry, shown, console.width // 3) for entry in described(file, columns)]
    drawn = sampled(file, columns, rows) if rows else []
    windows = sorted({at.whole for at in profiles.slices}, key=lambda at: at.key)
    span = ""
    if len(windows) > 1:
        span = f", {words.window(words.from_to(windows[0].window_label, windows[-1].window_label))}"
    size = f"{profiles.total:,} rows in {words.plural(len(windows), 'window')}{span}"
    console.print(words.inert(f"{file.model.name}: {size}; edges {profiles.edges.id}", 400), markup=False)
    _print_tables(_NAMED if columns else ("column",), lines, console)
    if rows:
        print_rows(drawn, console, left_out=unsampled(file, columns))


def _line(entry: dict[str, Any], segments: Mapping[str, str], limit: int) -> dict[str, str]:
    """A row of the table, by its heads; names of at most `limit` characters, and 32."""
    return {
        "window": words.window(entry["window"]),
        "segment": segments.get(entry["segment"], ""),
        "version": words.inert(entry["version"] or "", 32),
        "column": words.inert(entry["column"], max(12, min(32, limit))),
        "kind": entry["kind"],
        "rows": f"{entry['rows']:,}",
        "missing": words.percent(entry["null_share"]),
        "distinct": words.number(entry["distinct"]) if "distinct" in entry else "",
        "lowest": _end(entry, "minimum"),
        "median": _end(entry, "median"),
        "highest": _end(entry, "maximum"),
        "details": _details(entry),
    }


def _print_tables(names: Sequence[str], lines: Sequence[Mapping[str, str]], console: Console) -> None:
    """One table where there is room for it, else several below each other, each with the names again.

    A column of the table that is empty everywhere is left out.
    """
    from rich.cells import cell_len

    width = {head: 1 + max(map(cell_len, (head, *(line[head] for line in lines)))) for head in lines[0]}
    width["details"] = min(width["details"], DETAILS)
    filled = [head for head in width if any(line[head] for line in lines)]
    named = [head for head in names if head in filled]
    room = console.width - sum(width[head] for head in named)

    def fits(heads: Sequence[str]) -> bool:
        return sum(width[head] for head in heads) <= room

    tables: list[list[str]] = []
    for group in _TOGETHER:
        heads = [head for head in group if head in filled]
        for part in [heads] if fits(heads) else [[head] for head in heads]:
            if tables and fits([*tables[-1], *part]):
                tables[-1] += part
            elif part:
                tables.append(part)
    for i, beside in enumerate(tables):
        if i:
            console.print()
        left = room - sum(width[head] for head in beside if head != "details")
        told = [line for line in lines if i == 0 or any(line[head] for head in beside)]
        _print_table([*named, *beside], told, console, max(DETAILS // 2, left - 1))


def _print_table(heads: Sequence[str], lines: Sequence[Mapping[str, str]], console: Console, room: int) -> None:
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, padding=(0, 1, 0, 0), header_style="bold")
    for head in heads:
        table.add_column(head, justify="left" if head in _WORDS else "right", no_wrap=head != "details")
    for line in lines:
        cells = (_wrapped(line[head], room) if head == "details" else line[head] for head in heads)
        table.add_row(*map(Text, cells))
    console.print(table)


def _wrapped(text: str, room: int) -> str:
    """Text in lines of at most `room` characters, none of which breaks between a number and its percent sign."""
    return "\n".join(textwrap.wrap(tied(text), room, break_on_hyphens=False)).replace("\u00a0", " ")


def _entries(profiles: Profiles, name: str, *, hidden: bool) -> list[dict[str, Any]]:
    """One entry a slice; without values where they are personal."""
    column = profiles.columns[name]
    more: list[dict[str, Any]] = [{"kind": "plain"} for _ in profiles.slices]
    if isinstance(column, NumericProfile):
        more = _numbers(column, hidden=hidden)
    elif isinstance(column, CategoryProfile):
        more = _values(column, hidden=hidden)
    if isinstance(column, NumericProfile) and column.edges.temporal and not hidden:
        more = [one | {"freshness": _seconds(age)} for one, age in zip(more, profiles.freshness(name), strict=True)]
    if name in profiles.texts:
        more = [one | text for one, text in zip(more, _texts(profiles.texts[name]), strict=True)]
    return [
        {
            "window": at.window_label,
            "segment": at.segment,
            "version": at.version,
            "column": name,
            "rows": rows,
            "null_share": null / rows if rows else None,
            "invalid_share": invalid / rows if rows else None,
            **entry,
        }
        for at, rows, null, invalid, entry in zip(
            profiles.slices,
            profiles.rows.tolist(),
            missing(column).tolist(),
            senseless(column).tolist(),
            more,
            strict=True,
        )
    ]


def _numbers(column: NumericProfile, *, hidden: bool) -> list[dict[str, Any]]:
    kind = "time" if column.edges.temporal else "number"
    if hidden:
        return [{"kind": kind} for _ in column.null]
    arrays = {"minimum": column.minimum, "median": quantile(column, 0.5), "maximum": column.maximum}
    arrays |= {"mean": column.mean, "sd": column.sd}
    rows = zip(*(np.where(np.isfinite(a), a, np.nan).tolist() for a in arrays.values()), strict=True)
    return [{"kind": kind} | {k: None if v != v else v for k, v in zip(arrays, row, strict=True)} for row in rows]


def _values(column: CategoryProfile, *, hidden: bool) -> list[dict[str, Any]]:
    names = [*column.edges.values, *column.others]
    entries: list[dict[str, Any]] = []
    for i, (distinct, valid) in enumerate(zip(column.distinct.tolist(), column.valid.tolist(), strict=True)):
        entries.append({"kind": "category", "distinct": distinct})
        if not hidden:
            mine = np.flatnonzero(column.at == i)
            most = mine[np.argsort(-column.count[mine], kind="stable")][:3]
            entries[-1]["top"] = [(names[column.code[j]], float(column.count[j] / max(1, valid))) for j in most]
    return entries


def _texts(text: TextProfile) -> list[dict[str, Any]]:
    """How texts are written, which is told of personal ones too."""
    ends = zip(text.shortest.tolist(), text.longest.tolist(), text.mean.tolist(), strict=True)
    return [
        {"shortest": low, "longest": high, "mean_length": mean, "formats": dict(text.most_common(place))}
        if high >= 0
        else {"shortest": None, "longest": None, "mean_length": None, "formats": {}}
        for place, (low, high, mean) in enumerate(ends)
    ]


def _hidden(file: ProfileFile, name: str) -> bool:
    return bool(mask.hidden(file.model, [name]))


def _end(entry: dict[str, Any], end: str) -> str:
    value = entry.get(end)
    if value is None:
        return ""
    return words.moment(value, to_the_day=True) if entry["kind"] == "time" else words.number(value)


def _details(entry: dict[str, Any]) -> str:
    """What has no column of its own: how old times are, how texts are written, which values are frequent."""
    parts = []
    if entry.get("freshness") is not None:
        parts.append(f"freshness {_age(entry['freshness'])}")
    if entry.get("formats"):
        low, high = entry["shortest"], entry["longest"]
        ends = f"{low:,} to {high:,} characters" if low < high else words.plural(high, "character")
        name, share = next(iter(entry["formats"].items()))
        parts.append(f"{ends}, {words.percent(share)} {name.replace('_', ' ')}")
    if entry.get("top"):
        parts.append(", ".join(f"{words.inert(v, 20)}: {words.percent(p)}" for v, p in entry["top"]))
    return "; ".join(parts)


def _seconds(microseconds: float) -> float | None:
    return None if np.isnan(microseconds) else float(microseconds) / 1e6


def _age(seconds: float) -> str:
    size = abs(seconds)
    told = f"{words.number(round(size / 86_400))} days" if size >= 2 * 86_400 else words.duration(size)
    return f"−{told}" if seconds < 0 else told


def _slices(profiles: Profiles) -> list[tuple[Any, int]]:
    return list(zip(profiles.slices, profiles.rows.tolist(), strict=True))
