"""A profile file for people: what each column holds, over all windows or window by window."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from watchkeeper.checks.column import quantile
from watchkeeper.model import WatchkeeperError
from watchkeeper.profiles import CategoryProfile, NumericProfile, ProfileFile, Profiles, TextProfile
from watchkeeper.report import words
from watchkeeper.report.sampled_rows import json_rows, print_rows, sampled

if TYPE_CHECKING:
    from rich.console import Console


WIDE = 120
"""Characters of a terminal from which on a column's details stand beside it, not in a table of their own."""


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
    entries = [entry for name in names for entry in _entries(profiles, name, hidden=_hidden(file, name))]
    if not columns and len(file.profiles.slices):
        last = file.profiles.by_window  # everything together has no window: event times are as old as in the last one
        for entry in entries:
            if entry.get("freshness", 0) is None:
                entry["freshness"] = _seconds(last.freshness(entry["column"])[-1])
    return entries


def profiles_json(file: ProfileFile, columns: Sequence[str] = (), rows: int = 0) -> str:
    """The same as JSON, with the edges' id, the slices that there are, and so many sampled `rows`.

    Raises `NoSuchColumn`, `NoSample`.
    """
    slices = [
        {"window": at.window or at.label, "segment": at.segment, "version": at.version, "rows": int(n)}
        for at, n in _slices(file.profiles)
    ]
    made: dict[str, Any] = {
        "model": file.model.name,
        "edges": file.profiles.edges.id,
        "slices": slices,
        "columns": described(file, columns),
    }
    if rows:
        made["sample"] = json_rows(sampled(file, columns, rows))
    return json.dumps(made, indent=1)


def print_profiles(file: ProfileFile, columns: Sequence[str], console: Console, rows: int = 0) -> None:
    """A table on the terminal, and another of so many sampled `rows`."""
    profiles = file.profiles
    windows = sorted({at.whole for at in profiles.slices}, key=lambda at: at.key)
    span = f", {windows[0].window_label} to {windows[-1].window_label}" if len(windows) > 1 else ""
    size = f"{profiles.total:,} rows in {words.plural(len(windows), 'window')}{span}"
    console.print(words.inert(f"{file.model.name}: {size}; edges {profiles.edges.id}", 400), markup=False)
    lines = [_line(entry) for entry in described(file, columns)]
    named = ["window", "column"] if columns else ["column"]
    counted = [*named, "kind", "rows", "missing", "distinct", "lowest", "median", "highest"]
    detailed = [line for line in lines if line["details"]]
    if detailed and console.width >= WIDE:
        _print_table([*counted, "details"], lines, console)
    else:
        _print_table(counted, lines, console)
        if detailed:
            console.print()
            _print_table([*named, "details"], detailed, console)
    if rows:
        print_rows(sampled(file, columns, rows), console)


def _line(entry: dict[str, Any]) -> dict[str, str]:
    return {
        "window": entry["window"],
        "column": words.inert(entry["column"], 32),
        "kind": entry["kind"],
        "rows": f"{entry['rows']:,}",
        "missing": words.percent(entry["null_share"]),
        "distinct": words.number(entry["distinct"]) if "distinct" in entry else "",
        "lowest": _end(entry, "minimum"),
        "median": _end(entry, "median"),
        "highest": _end(entry, "maximum"),
        "details": _details(entry),
    }


def _print_table(heads: Sequence[str], lines: Sequence[Mapping[str, str]], console: Console) -> None:
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, padding=(0, 1, 0, 0), header_style="bold")
    for head in heads:
        words_follow = head in ("window", "column", "kind", "details")
        table.add_column(head, justify="left" if words_follow else "right", no_wrap=head != "details")
    for line in lines:
        table.add_row(*(Text(words.inert(line[head], 160 if head == "details" else 80)) for head in heads))
    console.print(table)


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
    return name in file.model.columns and file.model.columns[name].pii


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
        parts.append(", ".join(f"{words.inert(v, 20)} {words.percent(p)}" for v, p in entry["top"]))
    return "; ".join(parts)


def _seconds(microseconds: float) -> float | None:
    return None if np.isnan(microseconds) else float(microseconds) / 1e6


def _age(seconds: float) -> str:
    size = abs(seconds)
    told = f"{words.number(round(size / 86_400))} days" if size >= 2 * 86_400 else words.duration(size)
    return f"−{told}" if seconds < 0 else told


def _slices(profiles: Profiles) -> list[tuple[Any, int]]:
    return list(zip(profiles.slices, profiles.rows.tolist(), strict=True))
