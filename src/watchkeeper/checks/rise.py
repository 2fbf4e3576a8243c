"""Rise: has a rare value become frequent?"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
from numpy.typing import NDArray

from watchkeeper.checks import column
from watchkeeper.checks.measurement import Check, Measurement
from watchkeeper.checks.sentence import between, figure, named, percent, quoted
from watchkeeper.checks.share import ratio
from watchkeeper.profiles import Baseline, CategoryProfile, Profiles
from watchkeeper.stats import evidence
from watchkeeper.stats.cells import cells_categorical

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


def measure(now: Profiles, baseline: Baseline) -> Iterator[Measurement]:
    """Find, among the values too rare for `shape` to look at alone, the one that rose most against chance.

    Evidence: `stats.evidence.rise`. The value is that one's share of the rows.
    """
    for here, before in column.valued(now, baseline):
        n, rows = here.valid, int(before.valid[0])
        if not before.edges.values or rows == 0:
            continue
        reference = before.dense(len(before.edges.values))[0]
        codes = _pool(here, reference, n)
        counts = here.dense(len(reference) + len(here.others))[:, codes]
        mass = np.append(reference, np.zeros(len(here.others), dtype=np.int64))[codes]
        nats, best = evidence.rise(counts, n, mass, rows)
        some = np.isfinite(nats)
        each = np.arange(len(n))
        risen = np.where(some, counts[each, best], 0)
        was = np.where(some, mass[best], 0)
        value = np.where(some, ratio(risen, n), np.nan)
        yield Measurement(
            metric="rise",
            columns=(here.name,),
            value=value,
            rows=n,
            effect=value - was / rows,
            evidence=np.where(some, nats, np.nan),
            reference=0.0,
            band=_band(n, was, rows, len(codes)),
            tell=_which(here, codes, best, was / rows, value),
        )


def _pool(here: CategoryProfile, reference: Ints, n: Ints) -> Ints:
    """Codes of the values that stand in `shape`'s pool in the largest window, and of those unseen.

    The pool is the same for all windows, so that a value's number means the same in each.
    """
    cells = cells_categorical(np.append(reference, 0), np.array([max(int(n.max(initial=0)), 1)]))[0]
    known = len(reference)
    return np.concatenate([np.flatnonzero(cells[:-1] == 0), np.arange(known, known + len(here.others))])


def _band(n: Ints, was: Ints, rows: int, pool: int) -> Callable[[Floats], tuple[Floats, Floats]]:
    def band(threshold: Floats) -> tuple[Floats, Floats]:
        return evidence.share_band(n, was + 1, rows, threshold + np.log(max(1, pool)), side="up")

    return band


def _which(here: CategoryProfile, codes: Ints, best: Ints, was: Floats, value: Floats) -> Callable[[int], str]:
    def tell(i: int) -> str:
        name = [*here.edges.values, *here.others][codes[best[i]]]
        return f"{quoted(name)} rose from {percent(float(was[i]))} to {percent(float(value[i]))}"

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
)
