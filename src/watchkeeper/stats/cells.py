"""Cells for tests on counts: bins and values gathered until each holds enough rows."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


def merge(counts: ArrayLike, cells: Ints) -> Floats:
    """Counts per cell, shape (slices, cells), from counts per bin and the cell of every bin, both (slices, bins)."""
    now = np.asarray(counts, dtype=np.float64)
    slices, width = len(now), int(cells.max(initial=0)) + 1
    at = (np.arange(slices)[:, None] * width + cells).reshape(-1)
    return np.bincount(at, now.reshape(-1), slices * width).astype(np.float64).reshape(slices, width)


def cells_numeric(reference: ArrayLike, n: ArrayLike, most: int = 16, expected: float = 10.0) -> Ints:
    """The cell of every bin for windows of `n` rows: about `most` cells of nearly equal baseline mass.

    `reference`: baseline counts, shape (bins,); `n`: rows, shape (slices,). Result of shape (slices, bins).
    Bins are gathered from the left until a cell holds 1/`most` of the baseline and `expected` rows are due in the
    window. What stands beside a bin that holds as much alone is a cell of its own if `expected` rows are due in it, and
    otherwise joins a neighbour. All zeros (one cell) where no two fit. Large `n` count as the next lower 2^(i/4).
    """
    mass = np.asarray(reference, dtype=np.float64)
    total = mass.sum()
    rows = np.atleast_1d(np.asarray(n, dtype=np.float64))
    coarse = np.exp2(np.floor(np.log2(np.maximum(rows, 1.0)) * 4) / 4)
    rounded = np.where(rows > most * expected, np.maximum(coarse, most * expected), np.maximum(rows, 1.0))
    levels, which = np.unique(rounded, return_inverse=True)
    enough = expected / levels * total
    cells = [_gather(mass.tolist(), max(total / most, due), due) for due in enough.tolist()]
    return np.asarray(np.stack(cells)[which.reshape(-1)])


def cells_categorical(reference: ArrayLike, n: ArrayLike, most: int = 64, expected: float = 10.0) -> Ints:
    """The cell of every value for windows of `n` rows: frequent values alone, all others in one pool, cell 0.

    `reference`: baseline counts, shape (values,), of which the last stands for the unseen and always goes to the
    pool; `n`: rows, shape (slices,). Result of shape (slices, values). Alone are the `most` most frequent values
    with `expected` rows due in the window; a pool with fewer due takes the smallest of them in.
    """
    mass = np.asarray(reference, dtype=np.float64)
    rows = np.atleast_1d(np.asarray(n, dtype=np.float64))
    N = max(mass.sum(), 1.0)
    order = np.argsort(-mass[:-1], kind="stable")[:most]
    alone = (mass[order] * rows[:, None] >= expected * N).sum(axis=1)
    pooled = N - np.concatenate([[0.0], np.cumsum(mass[order])])[alone]
    alone = np.where((pooled * rows < expected * N) & (alone > 0), alone - 1, alone)
    rank = np.full(len(mass), len(mass), dtype=np.int64)
    rank[order] = np.arange(len(order))
    cells: Ints = np.where(rank < alone[:, None], rank + 1, 0)
    return cells


def _gather(mass: list[float], least: float, due: float) -> Ints:
    """The cell of every bin, shape (bins,): each holds `least`, or `due` where a bin with `least` stands beside it."""
    cells, held = [0], [0.0]
    for here in mass:
        if held[-1] >= least or (held[-1] >= due and here >= least):
            held.append(0.0)
        held[-1] += here
        cells.append(len(held) - 1)
    if held[-1] < due and len(held) > 1:
        cells = [min(cell, len(held) - 2) for cell in cells]
    return np.asarray(cells[1:], dtype=np.int64)
