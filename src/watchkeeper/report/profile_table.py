"""A profile file for people: what each column holds, over all windows or window by window."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from watchkeeper.checks.column import quantile
from watchkeeper.model import WatchkeeperError
from watchkeeper.profiles import CategoryProfile, NumericProfile, ProfileFile, Profiles
from watchkeeper.report import words

if TYPE_CHECKING:
    from rich.console import Console


class NoSuchColumn(WatchkeeperError):
    """A column was named that the profiles do not have."""


def described(file: ProfileFile, columns: Sequence[str] = ()) -> list[dict[str, Any]]:
    """One entry a column over everything; with `columns`, one for each of these and each slice.

    Raises `NoSuchColumn`.
    """
    missing = [name for name in columns if name not in file.profiles.columns]
    if missing:
        raise NoSuchColumn(
            f"there is no column {missing[0]!r} in these profiles. They have {', '.join(file.profiles.columns)}."
        )
    profiles = file.profiles if columns else file.profiles.whole
    names = columns or list(file.profiles.columns)
    return [entry for name in names for entry in _entries(profiles, name, hidden=_hidden(file, name))]


def profiles_json(file: ProfileFile, columns: Sequence[str] = ()) -> str:
    """The same as JSON, with the edges' id and the slices that there are."""
    slices = [
        {"window": at.window or at.label, "segment": at.segment, "version": at.version, "rows": int(n)}
        for at, n in _slices(file.profiles)
    ]
    return json.dumps(
        {
            "model": file.model.name,
            "edges": file.profiles.edges.id,
            "slices": slices,
            "columns": described(file, columns),
        },
        indent=1,
    )


def print_profiles(file: ProfileFile, columns: Sequence[str], console: Console) -> None:
    """A table on the terminal."""
    from rich.table import Table
    from rich.text import Text

    profiles = file.profiles
    windows = sorted({at.whole for at in profiles.slices}, key=lambda at: at.key)
    span = f", {windows[0].window_label} to {windows[-1].window_label}" if len(windows) > 1 else ""
    rows = f"{profiles.total:,} rows in {words.plural(len(windows), 'window')}{span}"
    console.print(words.inert(f"{file.model.name}: {rows}; edges {profiles.edges.id}", 400), markup=False)
    table = Table(box=None, padding=(0, 1, 0, 0), header_style="bold")
    entries = described(file, columns)
    heads = [
        *(["window"] if columns else []),
        "column",
        "kind",
        "rows",
        "missing",
        "distinct",
        "lowest",
        "median",
        "highest",
    ]
    if any(entry.get("top") for entry in entries):
        heads.append("most frequent")
    for head in heads:
        words_follow = head in ("window", "column", "kind", "most frequent")
        table.add_column(head, justify="left" if words_follow else "right", no_wrap=head != "most frequent")
    for entry in entries:
        cells = {
            "window": entry["window"],
            "column": words.inert(entry["column"], 32),
            "kind": entry["kind"],
            "rows": f"{entry['rows']:,}",
            "missing": words.percent(entry["null_share"]),
            "distinct": words.number(entry["distinct"]) if "distinct" in entry else "",
            "lowest": _end(entry, "minimum"),
            "median": _end(entry, "median"),
            "highest": _end(entry, "maximum"),
            "most frequent": ", ".join(f"{words.inert(v, 20)} {words.percent(p)}" for v, p in entry.get("top", [])),
        }
        table.add_row(*(Text(words.inert(cells[head], 80)) for head in heads))
    console.print(table)


def _entries(profiles: Profiles, name: str, *, hidden: bool) -> list[dict[str, Any]]:
    """One entry a slice; without values where they are personal."""
    column = profiles.columns[name]
    more: list[dict[str, Any]] = [{"kind": "plain"} for _ in profiles.slices]
    if isinstance(column, NumericProfile):
        more = _numbers(column, hidden=hidden)
    elif isinstance(column, CategoryProfile):
        more = _values(column, hidden=hidden)
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
            profiles.slices, profiles.rows.tolist(), column.null.tolist(), column.invalid.tolist(), more, strict=True
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


def _hidden(file: ProfileFile, name: str) -> bool:
    return name in file.model.columns and file.model.columns[name].pii


def _end(entry: dict[str, Any], end: str) -> str:
    value = entry.get(end)
    if value is None:
        return ""
    return words.moment(value, to_the_day=True) if entry["kind"] == "time" else words.number(value)


def _slices(profiles: Profiles) -> list[tuple[Any, int]]:
    return list(zip(profiles.slices, profiles.rows.tolist(), strict=True))
