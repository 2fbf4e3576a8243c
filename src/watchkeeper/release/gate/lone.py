"""Lone: how well each feature alone predicts the label. One that nearly is the label was written after it was known."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray
from scipy.special import ndtri

from watchkeeper.model import Model, Task, Type
from watchkeeper.stats.influence_binary import BinaryRows, roc_auc

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

CODES = 64
"""Values of a feature that are told apart; numbers are cut at so many quantiles. A missing value is one of its own."""
ENOUGH = 50_000
"""Of more rows every second, third, … is looked at: an interval is then narrower than 0.01 either way."""
SURE = 0.975
MOST_CLASSES = 16
"""Classes that are looked at one by one, the most frequent ones."""


@dataclass(frozen=True)
class Lone:
    """What one feature alone achieves."""

    column: str
    metric: str
    """`roc_auc` (of several classes the mean over them, weighted by their rows), or `r2`."""
    value: float
    low: float
    """The lower end of the value's 95 % interval."""
    rows: int


def lone(table: pa.Table, features: list[str], label: NDArray[np.generic], model: Model) -> list[Lone]:
    """What each feature achieves alone, best first; nothing for tasks without classes or values to predict."""
    if len(label) < 4 or model.task not in (Task.BINARY, Task.MULTICLASS, Task.REGRESSION):
        return []
    found = []
    every = -(-len(label) // ENOUGH)
    table, label = table.take(pa.array(np.arange(0, len(label), every))), label[::every]
    for name in features:
        ways = list(_encoded(table[name].combine_chunks(), model.columns[name].type))
        if model.task is Task.REGRESSION:
            found.append(_best_fit(name, ways, label.astype(np.float64)))
        else:
            found.append(_best_ranking(name, ways, label))
    return sorted((one for one in found if one is not None), key=lambda one: -one.value)


def _encoded(cells: pa.Array, kind: Type) -> Iterator[tuple[Floats | None, Ints]]:
    """A feature as a number (NaN where it is missing) if it is one, and as codes."""
    if kind is Type.STRING or kind is Type.BOOLEAN:
        coded = cells if pa.types.is_dictionary(cells.type) else cells.dictionary_encode()
        codes = np.asarray(coded.indices.fill_null(-1), dtype=np.int64)
        _, codes, counts = np.unique(codes, return_inverse=True, return_counts=True)
        kept = np.argsort(-counts)[: CODES - 1]
        place = np.full(len(counts), CODES - 1)
        place[kept] = np.arange(len(kept))
        yield None, place[codes]
        return
    plain = cells.cast(pa.int64()) if pa.types.is_timestamp(cells.type) else cells
    numbers = np.asarray(pc.cast(plain, pa.float64()).fill_null(np.nan), dtype=np.float64)
    known = numbers[np.isfinite(numbers)]
    cuts = np.unique(np.quantile(known, np.linspace(0, 1, CODES - 1)[1:-1])) if len(known) else np.empty(0)
    codes = np.where(np.isnan(numbers), CODES - 1, np.searchsorted(cuts, numbers, side="right"))
    yield numbers, codes.astype(np.int64)


def _best_ranking(name: str, ways: list[tuple[Floats | None, Ints]], label: NDArray[np.generic]) -> Lone | None:
    classes, counts = np.unique(label, return_counts=True)
    if len(classes) < 2:
        return None
    most = np.argsort(-counts)[:MOST_CLASSES] if len(classes) > 2 else np.array([1])
    best: list[tuple[float, float]] = []
    for place in most:
        positive = label == classes[place]
        best.append(max(_areas(ways, positive)))
    weights = counts[most] / counts[most].sum()
    value = float(sum(w * v for w, (v, _) in zip(weights, best, strict=True)))
    error = float(np.sqrt(sum((w * e) ** 2 for w, (_, e) in zip(weights, best, strict=True))))
    return Lone(name, "roc_auc", value, max(0.0, value - float(ndtri(SURE)) * error), len(label))


def _areas(ways: list[tuple[Floats | None, Ints]], positive: NDArray[np.bool_]) -> Iterator[tuple[float, float]]:
    """By the number itself, upwards or downwards, its missing values at either end; and by the mean of each code."""
    for numbers, codes in ways:
        yield _area(_crossed(codes, positive.astype(np.float64)), positive)
        if numbers is None:
            continue
        for end in (-np.inf, np.inf):
            value, error = _area(np.where(np.isnan(numbers), end, numbers), positive)
            yield max(value, 1 - value), error


def _area(score: Floats, positive: NDArray[np.bool_]) -> tuple[float, float]:
    """Area under the ROC curve and its standard error."""
    found = roc_auc(BinaryRows(positive, score, positive))
    return found.value, float(np.sqrt(found.influence @ found.influence)) / len(score)


def _best_fit(name: str, ways: list[tuple[Floats | None, Ints]], label: Floats) -> Lone | None:
    known = np.isfinite(label)
    if known.sum() < 4 or not np.ptp(label[known]):
        return None
    shares = []
    for numbers, codes in ways:
        shares.append(_correlation(_crossed(codes[known], label[known]), label[known]))
        if numbers is not None:
            both = known & np.isfinite(numbers)
            if both.sum() > 0.5 * known.sum():
                shares.append(abs(_correlation(numbers[both], label[both])))
    most = max(shares)
    reach = float(ndtri(SURE)) / np.sqrt(max(int(known.sum()) - 3, 1))
    low = np.tanh(np.arctanh(min(most, 1 - 1e-15)) - reach)  # Fisher (1921)
    return Lone(name, "r2", most**2, float(max(low, 0.0)) ** 2, int(known.sum()))


def _crossed(codes: Ints, label: Floats) -> Floats:
    """For each row the mean label of its code among the rows of the other half, so that no row tells of itself."""
    half = np.arange(len(codes)) % 2
    out = np.empty(len(codes))
    for side in (0, 1):
        other = half != side
        whole = label[other].mean()
        count = np.bincount(codes[other], minlength=CODES)
        total = np.bincount(codes[other], weights=label[other], minlength=CODES)
        out[half == side] = ((total + whole) / (count + 1))[codes[half == side]]
    return out


def _correlation(one: Floats, two: Floats) -> float:
    if not np.ptp(one) or not np.ptp(two):
        return 0.0
    return float(np.corrcoef(one, two)[0, 1])
