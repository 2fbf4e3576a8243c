"""All ranked columns together, as waves: sums of whole numbers that tell any two distributions apart, and add up."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from watchkeeper.delivery.fingerprint import Hashes
from watchkeeper.profiles.addition import Addition
from watchkeeper.profiles.edges import EVERY, FULL_RANK

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Scores = NDArray[np.float32]

WAVES = 64
"""Random frequencies, of each the cosine and the sine: a kernel value of two rows is known to about 1/sqrt(64)."""
ONE = 2**14
"""What a cosine of 1 is written as."""
ROWS = 65_536
"""About so many rows of the baseline are looked at: enough to see what `budget.floor` calls worth a look."""
_SEED = 20_080_101
_STEPS = 4_096
_TURN = 2**36
"""A full turn of a phase. Phases stay below 2^45 up to ten thousand columns, so their sums are exact in a double."""
_FIRST = 1.5 * 2**52 * (_TURN // _STEPS)
"""Added to a phase it leaves the nearest of `_STEPS` steps of a turn as the lowest bits of a double."""
_PRODUCTS = 2**20
"""Products formed at once: so few that they stay in the cache, and that no matrix library starts threads for them."""


@dataclass(frozen=True)
class FourierProfile:
    """Sums of random Fourier features (Rahimi, Recht 2007) of the rank scores of all ranked columns.

    `sums` has shape (slices, 1 + 2 WAVES): rows looked at, sums of cosines, sums of sines, in units of 1/`ONE`. The
    squared distance of two slices' mean features estimates the squared maximum mean discrepancy of their rows under a
    Gaussian kernel. Its bandwidth is half of the median distance of two rows whose ranks are uniform and independent,
    so it depends on the number of columns alone: sqrt(columns/6), where scores lie between -1 and 1. (With the whole of
    it a changed dependence of three columns is hardly seen, and shifts no better.) A missing value has the middle
    score, 0.
    """

    sums: Ints

    @staticmethod
    def summed(parts: Sequence[FourierProfile], adding: Addition) -> FourierProfile:
        """The sum of profiles of the same columns."""
        return replace(parts[0], sums=adding.counts([part.sums for part in parts]))

    @property
    def rows(self) -> Ints:
        """Rows looked at, shape (slices,)."""
        return self.sums[:, 0]

    @property
    def mean(self) -> Floats:
        """The mean features, shape (slices, 2 WAVES), scaled so that each row's have the length 1; NaN without rows."""
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.asarray(self.sums[:, 1:] / self.sums[:, :1] / (ONE * np.sqrt(WAVES)))


def measured(share: int, scores: Scores, at: Ints, slices: int, hashes: Hashes | None) -> FourierProfile | None:
    """Sums of one block; None where there are fewer than two columns.

    `share`: of `EVERY` rows so many are looked at: those with the smallest `hashes`, so that the choice is the same
    whatever block a row came in; `scores`: shape (columns, rows), rows sorted by slice, NaN where there is no value;
    `at`: the slice of each row; `hashes`: of each row (only needed for less than all).
    """
    columns = len(scores)
    if columns < 2 or (share < EVERY and hashes is None):
        return None
    sums = np.zeros((slices, 1 + 2 * WAVES), dtype=np.int64)
    chosen = None
    if share < EVERY and hashes is not None:
        chosen = np.flatnonzero(hashes >> np.uint64(32) < np.uint64(share))
        at = at[chosen]
    frequencies, waves = _frequencies(columns), _waves()
    step = max(16, min(512, _PRODUCTS // (WAVES * columns)))
    for begin in range(0, len(at), step):
        here = slice(begin, begin + step)
        part = scores[:, here] if chosen is None else scores.take(chosen[here], axis=1)
        absent = np.isnan(part)
        if absent.any():
            part = np.where(absent, 0.0, part)
        phase = frequencies @ part
        phase += _FIRST
        place = phase.view(np.int64)
        place &= _STEPS - 1
        starts = np.flatnonzero(np.diff(at[here], prepend=-1))
        both = np.add.reduceat(waves.take(place, mode="wrap"), starts, axis=1).T
        sine = ((both + 2**31) & (2**32 - 1)) - 2**31
        sums[at[here][starts], 1:] += np.concatenate([(both - sine) >> 32, sine], axis=1)
    sums[:, 0] = np.bincount(at, minlength=slices)
    return FourierProfile(sums)


def _frequencies(columns: int) -> Floats:
    """Whole numbers, shape (WAVES, columns): how far one unit of score turns the phase. `RandomState` never changes."""
    score, bandwidth = FULL_RANK, np.sqrt(columns / 6)
    normal = np.random.RandomState(_SEED).standard_normal((WAVES, columns))
    return np.asarray(np.rint(normal * (_TURN / (2 * np.pi * bandwidth * score))))


def _waves() -> Ints:
    """Cosine and sine of each step of a turn in one number: cosine · 2^32 + sine."""
    turn = 2 * np.pi * np.arange(_STEPS) / _STEPS
    cosine, sine = (np.rint(ONE * wave(turn)).astype(np.int64) for wave in (np.cos, np.sin))
    return np.asarray(cosine * 2**32 + sine)
