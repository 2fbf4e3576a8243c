"""The loops of the compiled kernel, as machine code: they take plain arrays and fill those that are handed to them."""

from __future__ import annotations

import math
import os
import sys
from pathlib import Path
from typing import Any

import numpy as np
from numba import config, njit, types

from watchkeeper.profiles.quality_plan import STEPS

CELLS = 4096
"""Cells of the table that tells, for most values, which bin they are in: small enough for the nearest cache."""
FEW = 4
"""So many cuts are compared one after the other, without a branch; more are searched by halves."""
_CHUNK = 512
_HUGE = 2.0**900
_LAST = STEPS - 1.0
_NO_CELL = np.uint32(CELLS)
_ONE, _TWO, _THREE = np.uint64(1), np.uint64(2), np.uint64(3)


def cache_folder() -> Path:
    """Where machine code is kept between runs: the user's cache folder, unless NUMBA_CACHE_DIR names another."""
    home = Path.home()
    usual = {"darwin": home / "Library" / "Caches", "win32": home / "AppData" / "Local"}.get(
        sys.platform, home / ".cache"
    )
    return Path(os.environ.get("XDG_CACHE_HOME") or usual) / "watchkeeper" / "kernel"


def _compiled(*arguments):
    """Compile at once for these types of arguments, or take what an earlier run has kept."""

    def machine_code(loop):
        settings: Any = config
        before = settings.CACHE_DIR
        settings.CACHE_DIR = before or str(cache_folder())
        try:
            return njit(types.void(*arguments), nogil=True, cache=True)(loop)
        except (OSError, RuntimeError):  # the folder can't be written: the code lives as long as this process
            return njit(types.void(*arguments), nogil=True)(loop)
        finally:
            settings.CACHE_DIR = before

    return machine_code


def _array(of, dimensions=1, *, readonly=True):
    return types.Array(of, dimensions, "C", readonly=readonly)


_NUMBERS = _array(types.float64)
_READ = (_array(types.boolean), _array(types.int64), _array(types.int64))
_FLOATS, _INTS = _array(types.float64, 2, readonly=False), _array(types.int64, 2, readonly=False)


@njit(nogil=True)
def _table(cuts, low, high):
    """For equal cells of the span, how many cuts lie before each; the same arithmetic later places the values.

    Also the number of cells per unit, how many cuts one value is compared with, and the cuts with infinite ones behind.
    """
    k = len(cuts)
    padded = np.full(k + FEW, np.inf)
    padded[:k] = cuts
    first = np.zeros(CELLS + 1, dtype=np.uint32)
    scale = (CELLS - 1) / (high - low) if high > low else 0.0
    if not 0.0 < scale < np.inf:
        return 0.0, first, FEW, padded
    before = 0
    for j in range(k):
        if low <= cuts[j] <= high:
            first[int((cuts[j] - low) * scale) + 1] += 1
        elif cuts[j] < low:
            before += 1
    few = 1 if first.max() <= 1 else FEW
    first[0] = before
    for c in range(CELLS):
        first[c + 1] += first[c]
    return scale, first, few, padded


@njit(nogil=True)
def _halved(cuts, v, p, q):
    p, q = np.uint64(p), np.uint64(q)
    while p < q:
        middle = (p + q) >> _ONE
        if cuts[middle] <= v:
            p = middle + _ONE
        else:
            q = middle
    return p


@njit(nogil=True)
def _place(values, n, low, high, scale, first, few, padded, cells, bins):
    """The bin of each value: of most by its cell and a few comparisons, of the others by halving."""
    for i in range(n):
        v = values[i]
        cells[i] = np.uint32((v - low) * scale) if low <= v <= high and scale > 0.0 else _NO_CELL
    for i in range(n):
        v, p = values[i], np.uint64(0)
        if cells[i] < _NO_CELL:
            p = np.uint64(first[cells[i]])
            more = first[cells[i] + _ONE] - p
            if more > few:
                p = _halved(padded, v, p, p + more)
            elif few == 1:
                p += np.uint64(padded[p] <= v)
            else:
                a, b = padded[p] <= v, padded[p + _ONE] <= v
                c, d = padded[p + _TWO] <= v, padded[p + _THREE] <= v
                p += np.uint64(a) + np.uint64(b) + np.uint64(c) + np.uint64(d)
        else:
            p = _halved(padded, v, 0, len(padded) - FEW)
        bins[i] = p


@njit(nogil=True)
def _finite(values, n):
    odd = 0
    for i in range(n):
        odd |= values[i] - values[i] != 0.0
    return odd == 0


@njit(nogil=True, fastmath={"nnan", "nsz"})
def _stretch(values, n):
    """Smallest, largest, zeros and negatives of finite values."""
    smallest = largest = values[0]
    zero = negative = 0
    for i in range(n):
        v = values[i]
        smallest = min(smallest, v)
        largest = max(largest, v)
        zero += v == 0.0
        negative += v < 0.0
    return smallest, largest, zero, negative


@njit(nogil=True)
def _split(values, n, biggest, pieces):
    """Cut each value into two pieces of 26 bits, whose sums are exact, and a rest (see `double.segment_sums`)."""
    exponent = math.frexp(biggest)[1]
    upper, lower = 1.5 * math.ldexp(1.0, exponent + 26), 1.5 * math.ldexp(1.0, exponent)
    for i in range(n):
        v = values[i]
        high = (v + upper) - upper
        rest = v - high
        middle = (rest + lower) - lower
        pieces[0, i], pieces[1, i], pieces[2, i] = high, middle, rest - middle


@njit(nogil=True, fastmath={"reassoc"})
def _sum(values, n):
    total = 0.0
    for i in range(n):
        total += values[i]
    return total


@njit(nogil=True)
def _add(total, values, n, biggest, pieces):
    """Add finite values of at most `biggest` to a double-double; plainly where they or it are beyond all measure."""
    if biggest > _HUGE or not np.isfinite(total[0]):
        total[0] += _sum(values, n)
        total[1] = total[1] if np.isfinite(total[0]) else 0.0
    elif biggest > 0.0:
        _split(values, n, biggest, pieces)
        rest = _sum(pieces[2], n)
        for piece in range(2):
            part = _sum(pieces[piece], n)
            new = total[0] + part
            back = new - total[0]
            rest += (total[0] - (new - back)) + (part - back)
            total[0] = new
        low = total[1] + rest
        new = total[0] + low
        total[1] = low - (new - total[0])
        total[0] = new


@_compiled(
    _NUMBERS, *_READ, _NUMBERS, _array(types.float32), types.float64, types.float64, types.float64,
    _INTS, _INTS, _FLOATS, _FLOATS, _FLOATS, _array(types.float32, readonly=False),
)  # fmt: skip
def numeric(
    x, present, order, borders, cuts, ranks, low, high, shift, tallies, counts, extremes, total, squares, scores
):
    """Count numbers; see `Kernel.numeric`. Empty: `present` where all are, `order` as they come, `scores` unasked."""
    every, ordered, scored = len(present) == 0, len(order) > 0, len(scores) > 0
    scale, first, few, padded = _table(cuts, low, high)
    bins = np.zeros(_CHUNK, dtype=np.uint64)
    values, squared, pieces = np.zeros(_CHUNK), np.zeros(_CHUNK), np.zeros((3, _CHUNK))
    cells, places = np.zeros(_CHUNK, dtype=np.uint32), np.zeros(_CHUNK, dtype=np.uint32)
    for s in range(len(borders) - 1):
        smallest, largest = np.inf, -np.inf
        for base in range(borders[s], borders[s + 1], _CHUNK):
            n = min(_CHUNK, borders[s + 1] - base)
            clean = every
            if every:
                for i in range(n):
                    values[i] = x[order[base + i]] if ordered else x[base + i]
                clean = _finite(values, n)
            if not clean:
                m = n
                n = 0
                for i in range(m):
                    row = order[base + i] if ordered else base + i
                    if not every and not present[row]:
                        continue
                    v = x[row]
                    if np.isfinite(v):
                        values[n] = v
                        places[n] = i
                        n += 1
                    else:
                        tallies[s, 0 if np.isnan(v) else 1 if v > 0 else 2] += 1
                if scored and n < m:
                    scores[base : base + m] = np.nan
            if not n:
                continue
            least, most, zero, negative = _stretch(values, n)
            smallest, largest = min(smallest, least), max(largest, most)
            tallies[s, 3] += zero
            tallies[s, 4] += negative
            for i in range(n):
                squared[i] = (values[i] - shift) * (values[i] - shift)
            _add(total[s], values, n, max(abs(least), abs(most)), pieces)
            _add(squares[s], squared, n, max((least - shift) ** 2, (most - shift) ** 2), pieces)
            _place(values, n, low, high, scale, first, few, padded, cells, bins)
            for i in range(n):
                counts[s, bins[i]] += 1
            if scored and clean:
                for i in range(n):
                    scores[base + i] = ranks[bins[i]]
            elif scored:
                for i in range(n):
                    scores[base + places[i]] = ranks[bins[i]]
        if largest >= smallest:
            extremes[s, 0], extremes[s, 1] = smallest, largest


@_compiled(_array(types.int64), *_READ, _INTS)
def crossed(codes, present, order, borders, found):
    """Count codes by slice; see `Kernel.crossed`."""
    every, ordered = len(present) == 0, len(order) > 0
    for s in range(len(borders) - 1):
        for j in range(borders[s], borders[s + 1]):
            row = order[j] if ordered else j
            if every or present[row]:
                found[s, codes[row]] += 1


@_compiled(
    _READ[0], _NUMBERS, _READ[0], _READ[1], _NUMBERS, types.float64, types.float64, _NUMBERS, _NUMBERS, types.boolean,
    _array(types.int64, 3, readonly=False), _array(types.int64, 3, readonly=False),
    _array(types.float64, 3, readonly=False),
)  # fmt: skip
def scored(y, s, usable, borders, cuts, low, high, origin, steps, probabilities, counts, places, losses):
    """Count labels and scores; see `Kernel.scored`."""
    scale, first, few, padded = _table(cuts, low, high)
    tiny = 2.0**-52
    bins, cells = np.zeros(_CHUNK, dtype=np.uint64), np.zeros(_CHUNK, dtype=np.uint32)
    values, labels = np.zeros(_CHUNK), np.zeros(_CHUNK, dtype=np.uint8)
    loss, pieces = np.zeros((4, _CHUNK)), np.zeros((3, _CHUNK))
    for at in range(len(borders) - 1):
        for base in range(borders[at], borders[at + 1], _CHUNK):
            n = 0
            for row in range(base, min(base + _CHUNK, borders[at + 1])):
                if usable[row]:
                    values[n], labels[n] = s[row], y[row]
                    n += 1
            _place(values, n, low, high, scale, first, few, padded, cells, bins)
            for i in range(n):
                b = bins[i]
                counts[at, labels[i], b] += 1
                places[at, labels[i], b] += int(min(max((values[i] - origin[b]) * steps[b], 0.0), _LAST))
            if not probabilities:
                continue
            most = 0.0
            for i in range(n):
                p = min(max(values[i], 0.0), 1.0)
                own, far = (p, 1.0 - p) if labels[i] else (1.0 - p, p)
                loss[0, i] = -math.log(min(max(own, tiny), 1.0 - tiny))
                loss[1, i] = loss[0, i] * loss[0, i]
                loss[2, i] = far * far
                loss[3, i] = loss[2, i] * loss[2, i]
                most = max(most, loss[0, i])
            for k in range(4):
                _add(losses[at, k], loss[k], n, max(most, most * most, 1.0), pieces)


@_compiled(_NUMBERS, _NUMBERS, types.float64, types.float64, _array(types.uint64, readonly=False))
def placed(x, cuts, low, high, bins):
    """Find bins; see `Kernel.placed`. Most of `cuts` lie between `low` and `high`."""
    scale, first, few, padded = _table(cuts, low, high)
    cells = np.zeros(_CHUNK, dtype=np.uint32)
    for base in range(0, len(x), _CHUNK):
        n = min(_CHUNK, len(x) - base)
        _place(x[base : base + n], n, low, high, scale, first, few, padded, cells, bins[base : base + n])
