"""Runs the kernel here, several blocks at a time, in bounded memory."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from contextlib import closing
from functools import partial

import numpy as np
import pyarrow as pa

from watchkeeper.delivery import Block, ahead
from watchkeeper.engines.kernels import Kernels
from watchkeeper.model import Model, Role
from watchkeeper.profiles import Edges, Gathering, Profiles, Windows, event_times, merge, profile
from watchkeeper.profiles.segment import split

TOGETHER = 8
"""How many profiles are held before they are added up."""

Told = Callable[[int], None]


def gather(gathering: Gathering, blocks: Iterable[Block], kernels: Kernels, told: Told | None = None) -> None:
    """Show a baseline's blocks to what fits its edges. `told` hears how many rows were done."""
    for block in blocks:
        kernels.ask(block.table.num_rows * block.table.num_columns)  # so that it is ready once they are counted
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
    *,
    kernels: Kernels,
    workers: int = 0,
) -> Profiles:
    """Profiles of a delivery, cut in windows, and in these by version and by the values of each of `segments`.

    With several segment columns the undivided whole is kept too. `told` hears how many rows were done. `workers`:
    blocks that are counted at once; 0 for as many as there are cores.
    """
    edges = edges.declared(model)
    tasks = (partial(_counted, edges, model, block, windows, segments, kernels) for block in blocks)
    sums: list[list[Profiles]] = [[profile(edges, pa.table({}), np.empty(0, dtype=np.int64), [])]]
    with closing(ahead(tasks, workers)) as results:
        for rows, counted in results:
            _add(sums, counted)
            if told:
                told(rows)
    return merge(part for level in sums for part in level)


def _counted(
    edges: Edges, model: Model, block: Block, windows: Windows, segments: Sequence[str], kernels: Kernels
) -> tuple[int, list[Profiles]]:
    """The number of rows of one block, and its profiles: one for each way in which it is divided."""
    time, version = model.only(Role.TIMESTAMP), model.only(Role.VERSION)
    divisions: list[str | None] = [*segments] if len(segments) == 1 else [None, *segments]
    kernel = kernels.ask(block.table.num_rows * block.table.num_columns)
    at, slices = windows.cut(*event_times(block.table, time), block.rows)
    counted = []
    for segment in divisions:
        divided = split(block.table, at, slices, segment, version) if segment or version else (at, slices)
        counted.append(profile(edges, block.table, *divided, block.invalid, kernel))
    return len(block.rows), counted


def _add(sums: list[list[Profiles]], parts: Sequence[Profiles]) -> None:
    """Keep few profiles, each added up a few times only: `TOGETHER` of a level become one of the next."""
    sums[0] += parts
    for level, held in enumerate(sums):
        if len(held) <= TOGETHER:
            break
        if level + 1 == len(sums):
            sums.append([])
        sums[level + 1].append(merge(held))
        held.clear()
