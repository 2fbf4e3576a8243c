"""History: what runs found in windows and how far their labels have come, as it stands in the newest revisions."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

import pyarrow as pa

from watchkeeper.lake import Lake
from watchkeeper.model import Model
from watchkeeper.report import mask
from watchkeeper.state import Store, window
from watchkeeper.watch.labelled import between, kept
from watchkeeper.watch.maturity import Counted, Outlook, Span, outlook

PIECE = 7 * 86_400_000_000
"""Microseconds that are read at once."""


@dataclass(frozen=True)
class Noted:
    """A finding as it is kept; of a job's run, its window begins and ends when the run began."""

    span: Span
    revision: int
    finding: Mapping[str, Any]


T = TypeVar("T", Noted, Counted)


@dataclass(frozen=True)
class Part(Generic[T]):
    """What lies in a span of time, or as much of it as was asked for."""

    items: list[T]
    rest: int | None
    """Where to go on; None where nothing is left."""


def findings_of(lake: Lake, span: Span) -> list[Mapping[str, Any]]:
    """The findings of one window, as they are kept."""
    return [noted.finding for noted in _noted(lake, span[0], span[0] + 1) if noted.span == span]


def shown(model: Model, found: list[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Findings without any value of a personal column; the number that stands for a segment holds within the list."""
    segments = mask.masked_segments(model, [one["segment"] for one in found])
    return [mask.entry(one, model, segments) for one in found]


def findings(lake: Lake, model: Model, start: int, end: int, most: int) -> Part[Noted]:
    """The findings of windows that start in this span, in order of time, without values of personal columns."""
    part = _part(lambda first, last: _noted(lake, first, last), start, end, most)
    told = shown(model, [noted.finding for noted in part.items])
    items = [Noted(noted.span, noted.revision, one) for noted, one in zip(part.items, told, strict=True)]
    return Part(items, part.rest)


def windows(
    lake: Lake, store: Store, model: str, start: int, end: int, now: int, most: int
) -> tuple[Part[Counted], Outlook]:
    """How far the labels of windows have come that start in this span, and what that is worth at a moment."""
    newest = window.newest(store, model, now)
    view = outlook(kept(lake, newest) if newest else [], now)
    return _part(lambda first, last: between(lake, first, last), start, end, most), view


def _noted(lake: Lake, start: int, end: int) -> list[Noted]:
    rows = lake.findings(start, end).select(["window_start", "window_end", "revision", "finding"])
    starts, ends = (rows[name].cast(pa.int64()).to_pylist() for name in ("window_start", "window_end"))
    rest = zip(rows["revision"].to_pylist(), rows["finding"].to_pylist(), strict=True)
    return [
        Noted((a, b), revision, json.loads(text)) for a, b, (revision, text) in zip(starts, ends, rest, strict=True)
    ]


def _part(read: Callable[[int, int], list[T]], start: int, end: int, most: int) -> Part[T]:
    """What is read from `start` to before `end`: at most so much, but of the last start all or nothing."""
    items: list[T] = []
    for first in range(start, end, PIECE):
        items += read(first, min(first + PIECE, end))
        if len(items) > most:
            break
    else:
        return Part(items, None)
    cut = items[most].span[0]
    if cut == items[0].span[0]:  # a single window has more
        later = [one.span[0] for one in items if one.span[0] > cut]
        cut = later[0] if later else cut + 1
    return Part([one for one in items if one.span[0] < cut], cut)
