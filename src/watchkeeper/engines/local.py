"""Runs the kernel here, block by block, in bounded memory."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

import numpy as np

from watchkeeper.delivery import Block
from watchkeeper.model import Model, Role
from watchkeeper.profiles import Edges, Gathering, Profiles, Windows, event_times, merge, profile
from watchkeeper.profiles.segment import split

TOGETHER = 16
"""How many blocks' profiles are held before they are added up."""

Told = Callable[[int], None]


def gather(gathering: Gathering, blocks: Iterable[Block], told: Told | None = None) -> None:
    """Show a baseline's blocks to what fits its edges. `told` hears how many rows were done."""
    for block in blocks:
        gathering.take(block.table)
        if told:
            told(len(block.rows))


def scan(
    edges: Edges,
    model: Model,
    blocks: Iterable[Block],
    windows: Windows,
    segments: Sequence[str] = (),
    told: Told | None = None,
) -> Profiles:
    """Profiles of a delivery, cut in windows, and in these by version and by the values of each of `segments`.

    With several segment columns the undivided whole is kept too. `told` hears how many rows were done.
    """
    edges = edges.declared(model)
    time, version = model.only(Role.TIMESTAMP), model.only(Role.VERSION)
    divisions: list[str | None] = [*segments] if len(segments) == 1 else [None, *segments]
    held: list[Profiles] = [_empty(edges)]
    for block in blocks:
        times, present = event_times(block.table, time)
        at, slices = windows.cut(times, present, block.rows)
        for segment in divisions:
            divided = split(block.table, at, slices, segment, version) if segment or version else (at, slices)
            held.append(profile(edges, block.table, *divided, block.invalid))
        if len(held) > TOGETHER:
            held = [merge(held)]
        if told:
            told(len(block.rows))
    return merge(held)


def _empty(edges: Edges) -> Profiles:
    import pyarrow as pa

    return profile(edges, pa.table({}), np.empty(0, dtype=np.int64), [])
