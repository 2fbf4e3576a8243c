"""Rise: has a rare value become frequent?"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from watchkeeper.checks import column
from watchkeeper.checks.measurement import Check, Measurement
from watchkeeper.checks.sentence import between, figure, named, percent, quoted
from watchkeeper.checks.share import ratio
from watchkeeper.profiles import Baseline, Profiles
from watchkeeper.stats import evidence
from watchkeeper.stats.cells import cells_categorical
from watchkeeper.stats.law import RiseLaw

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

ENOUGH = 10
"""Rows due in a window from which a value is looked at by `shape`, even where it fills up its pool."""


def measure(now: Profiles, baseline: Baseline) -> Iterator[Measurement]:
    """Find, among the values too rare for `shape` to look at alone, the one that rose most against chance.

    Evidence: `stats.evidence.rise`. The value is that one's share of the rows.
    """
    for values in column.valued(now, baseline):
        n, rows = values.rows, np.broadcast_to(values.rows_before, values.rows.shape)
        if not values.known or not rows.any():
            continue
        codes = _pool(values)
        counts, mass = values.counts[:, codes], np.broadcast_to(values.reference[:, codes], (len(n), len(codes)))
        nats, best = evidence.rise(counts, n, mass, rows)
        some, each = np.isfinite(nats), np.arange(len(n))
        risen, was = (np.where(some, table[each, best], 0) if len(codes) else 0 * n for table in (counts, mass))
        value = np.where(some, ratio(risen, n), np.nan)
        yield Measurement(
            metric="rise",
            columns=(values.name,),
            value=value,
            rows=n,
            effect=value - np.nan_to_num(ratio(was, rows)),
            law=RiseLaw(counts, n, mass, rows, was),
            reference=np.zeros(len(n)),
            tell=_which(values.names, codes, best, ratio(was, rows), value),
        )


def _pool(values: column.Values) -> Ints:
    """The values that stand in `shape`'s pool in the largest window, and those that the baseline's edges lack.

    The pool is the same for all windows, so that a value's number means the same in each.
    """
    usual = values.reference[:, : values.known].sum(axis=0)
    largest = max(int(values.rows.max(initial=0)), 1)
    cells = cells_categorical(np.append(usual, 0), np.array([largest]))[0]
    rare = (cells[:-1] == 0) & (usual * largest < ENOUGH * max(1, usual.sum()))
    return np.concatenate([np.flatnonzero(rare), np.arange(values.known, len(values.names))])


def _which(names: Sequence[str], codes: Ints, best: Ints, was: Floats, value: Floats) -> Callable[[int], str]:
    def tell(i: int) -> str:
        return f"{quoted(names[codes[best[i]]])} rose from {percent(float(was[i]))} to {percent(float(value[i]))}"

    return tell


def _say(m: Measurement, i: int, usual: tuple[float | None, float | None]) -> str:
    which = m.tell(i) if m.tell else "a value rose"
    return f"{named(m.columns[0])}: {which} of {figure(int(m.rows[i]))} rows; {between(*usual, shares=True)} is usual."


CHECK = Check(
    name="rise",
    measure=measure,
    sees="a rare or new value that becomes frequent, where there are too many values to look at each alone",
    blind="values that become rarer; values with ten or more expected rows (see `shape`)",
    remedy="Look at the rows with that value: a default that a system fills in, or a real event?",
    say=_say,
    by_slice=True,
)
