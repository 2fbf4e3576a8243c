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
    return [_entry(file, profiles, name, i) for name in names for i in range(len(profiles.slices))]


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
    rows = f"{int(profiles.rows.sum()):,} rows in {words.plural(len(windows), 'window')}{span}"
    console.print(words.inert(f"{file.model.name}: {rows}; edges {profiles.edges.id}", 400), markup=False)
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="bold")
    heads = ["window"] if columns else []
    for head in [
        *heads,
        "column",
        "kind",
        "rows",
        "missing",
        "distinct",
        "lowest",
        "median",
        "highest",
        "most frequent",
    ]:
        table.add_column(
            head, justify="left" if head in ("window", "column", "kind", "most frequent") else "right", overflow="fold"
        )
    for entry in described(file, columns):
        cells = [entry["window"]] if columns else []
        cells += [words.name(entry["column"]), entry["kind"], f"{entry['rows']:,}", words.percent(entry["null_share"])]
        cells += [words.number(entry.get("distinct")) if "distinct" in entry else ""]
        cells += [_end(entry, end) for end in ("minimum", "median", "maximum")]
        cells.append(
            ", ".join(f"{words.inert(value, 20)} {words.percent(share)}" for value, share in entry.get("top", []))
        )
        table.add_row(*(Text(words.inert(cell, 80)) for cell in cells))
    console.print(table)


def _entry(file: ProfileFile, profiles: Profiles, name: str, i: int) -> dict[str, Any]:
    column, at = profiles.columns[name], profiles.slices[i]
    rows = int(profiles.rows[i])
    entry: dict[str, Any] = {
        "window": at.window_label,
        "segment": at.segment,
        "version": at.version,
        "column": name,
        "kind": "identifier",
        "rows": rows,
        "null_share": float(column.null[i] / rows) if rows else None,
        "invalid_share": float(column.invalid[i] / rows) if rows else None,
    }
    hidden = name in file.model.columns and file.model.columns[name].pii
    if isinstance(column, NumericProfile):
        entry["kind"] = "time" if column.edges.temporal else "number"
        if not hidden:
            ends = {"minimum": column.minimum[i], "median": quantile(column, 0.5)[i], "maximum": column.maximum[i]}
            ends |= {"mean": column.mean[i], "sd": column.sd[i]}
            entry |= {end: float(value) if np.isfinite(value) else None for end, value in ends.items()}
    elif isinstance(column, CategoryProfile):
        mine = np.flatnonzero(column.at == i)
        most = mine[np.argsort(-column.count[mine], kind="stable")][:3]
        names = [*column.edges.values, *column.others]
        valid = max(1, int(column.valid[i]))
        entry |= {"kind": "category", "distinct": int(column.distinct[i])}
        if not hidden:
            entry["top"] = [(names[column.code[j]], float(column.count[j] / valid)) for j in most]
    return entry


def _end(entry: dict[str, Any], end: str) -> str:
    value = entry.get(end)
    if value is None:
        return ""
    return words.moment(value) if entry["kind"] == "time" else words.number(value)


def _slices(profiles: Profiles) -> list[tuple[Any, int]]:
    return list(zip(profiles.slices, profiles.rows.tolist(), strict=True))
