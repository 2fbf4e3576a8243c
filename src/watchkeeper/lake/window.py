"""Window: profiles, findings and label counts of windows as rows of their tables, and which of these rows stand."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from watchkeeper.lake.appended import Ints
from watchkeeper.lake.cell import json_text
from watchkeeper.lake.event import days
from watchkeeper.lake.schema import COVERAGE, FINDINGS, PROFILES

Revision = tuple[Any, Any]
"""The number of a revision, and when it was made."""


@dataclass(frozen=True)
class Kept:
    """A window's profile. Moments are microseconds since 1970."""

    start: int
    end: int
    revision: int
    profile: bytes


@dataclass(frozen=True)
class Told:
    """A window's findings, each as in the report's JSON."""

    start: int
    end: int
    revision: int
    findings: Sequence[Mapping[str, Any]]


def profile_rows(windows: Sequence[Kept], edges: str, made: int, version: str | None) -> pa.Table:
    """One row for each window's profile."""
    cells = {
        "edges": [edges] * len(windows),
        "version": [version] * len(windows),
        "profile": [window.profile for window in windows],
    }
    return _rows(PROFILES, cells, windows, made)


def finding_rows(windows: Sequence[Told], made: int) -> pa.Table:
    """One row for each finding, and one without for a window that has none."""
    nothing: tuple[Mapping[str, Any] | None, ...] = (None,)
    pairs = [(window, finding) for window in windows for finding in (window.findings or nothing)]
    listed = [finding for _, finding in pairs]
    cells = {
        "finding": [None if f is None else json_text(f) for f in listed],
        **{key: [f and f.get(key) for f in listed] for key in ("severity", "check", "metric")},
        "columns": [f and list(f.get("columns") or ()) for f in listed],
    }
    return _rows(FINDINGS, cells, [window for window, _ in pairs], made)


def coverage_rows(rows: Sequence[Mapping[str, Any]], made: int) -> pa.Table:
    """Windows' label counts, as they were given.

    A row is small, and many windows are read at once: the partition is the month, named by its first day.
    """
    columns = {key: [row[key] for row in rows] for key in rows[0]}
    starts = np.array(columns["window_start"], dtype="datetime64[us]")
    months = starts.astype("datetime64[M]").astype("datetime64[us]").astype(np.int64)
    columns |= {"made": [made] * len(rows), "day": days(months)}
    return _table(COVERAGE, columns)


def newest_on(rows: pa.Table, edges: str, version: str | None) -> dict[tuple[int, int], tuple[int, int]]:
    """Of rows of profiles the windows whose latest, of this version, stands on these edges, and which one that is."""
    own = rows.filter(pc.is_null(rows["version"]) if version is None else pc.equal(rows["version"], version))
    moments = {name: _moments(own[name]).tolist() for name in ("window_start", "window_end", "made")}
    found: dict[tuple[int, int], tuple[int, int, str]] = {}
    for begin, over, made, revision, on in zip(
        *moments.values(), own["revision"].to_pylist(), own["edges"].to_pylist(), strict=True
    ):
        found[begin, over] = max(found.get((begin, over), (revision, made, on)), (revision, made, on))
    return {span: latest[:2] for span, latest in sorted(found.items()) if latest[2] == edges}


def latest_by(rows: pa.Table, by: Sequence[str]) -> dict[tuple[Any, ...], Revision]:
    """The latest revision of each window, which these columns name."""
    latest: dict[tuple[Any, ...], Revision] = {}
    for revision, made, *window in zip(*(rows[k].to_pylist() for k in ("revision", "made", *by)), strict=True):
        key = tuple(window)
        latest[key] = max(latest.get(key, (revision, made)), (revision, made))
    return latest


def standing(rows: pa.Table) -> pa.Table:
    """The findings of the latest revision of each window, in order of time."""
    latest = latest_by(rows, ("window_start", "window_end"))
    keys = zip(*(rows[k].to_pylist() for k in ("window_start", "window_end", "revision", "made")), strict=True)
    current = pa.array([latest[a, b] == (revision, made) for a, b, revision, made in keys], pa.bool_())
    return rows.filter(pc.and_(current, rows["finding"].is_valid())).sort_by("window_start")


def latest_of_windows(rows: pa.Table) -> pa.Table:
    """The rows of the latest revision of each window, one each, in order of time."""
    ends, starts, made = (_moments(rows[name]) for name in ("window_end", "window_start", "made"))
    order = np.lexsort((made, np.asarray(rows["revision"]), ends, starts))
    last = np.ones(len(order), dtype=bool)  # of several rows of one window the last is kept
    last[:-1] = (np.diff(starts[order]) != 0) | (np.diff(ends[order]) != 0)
    return rows.take(pa.array(order[last]))


def _rows(schema: pa.Schema, cells: Mapping[str, Any], windows: Sequence[Kept | Told], made: int) -> pa.Table:
    starts = [window.start for window in windows]
    columns = {
        **cells,
        "window_start": starts,
        "window_end": [window.end for window in windows],
        "revision": [window.revision for window in windows],
        "made": [made] * len(windows),
        "day": days(np.array(starts, dtype=np.int64)),
    }
    return _table(schema, columns)


def _table(schema: pa.Schema, columns: Mapping[str, Any]) -> pa.Table:
    return pa.table([_cells(columns[field.name], field.type) for field in schema], schema=schema)


def _cells(values: Any, kind: pa.DataType) -> pa.Array:
    if isinstance(values, pa.Array):
        return values
    return pa.array(values, pa.int64()).cast(kind) if pa.types.is_timestamp(kind) else pa.array(values, kind)


def _moments(times: pa.ChunkedArray) -> Ints:
    return np.asarray(times.cast(pa.int64()))
