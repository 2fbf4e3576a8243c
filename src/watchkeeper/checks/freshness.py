"""Freshness: did the data stop coming before the window was over?"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from watchkeeper.checks.measurement import Check, Measurement
from watchkeeper.checks.row_count import partly_covered
from watchkeeper.checks.sentence import lapse, named
from watchkeeper.model import Role
from watchkeeper.profiles import Baseline, NumericProfile, Profiles
from watchkeeper.stats import evidence
from watchkeeper.stats.freshness import freshness, freshness_band
from watchkeeper.stats.law import OwnLaw

Floats = NDArray[np.float64]

_SECOND = 1e6


def measure(now: Profiles, baseline: Baseline) -> Iterator[Measurement]:
    """Compare how old the newest event of each window was at its end with the baseline's windows, upwards.

    Another column of times is as old as its newest value is older than the newest event. Evidence:
    `stats.freshness`. Single versions of the model are left out.
    """
    if any(at.version is not None or at.start is None or at.end is None for at in now.slices):
        return
    spans = np.array([(at.end or 0) - (at.start or 0) for at in now.slices]) / _SECOND
    spacing = spans / max(1.0, float(np.median(baseline.profiles.rows)))
    total = evidence.everything if baseline.chosen is None else baseline.chosen.total
    for name, column in now.columns.items():
        if not isinstance(column, NumericProfile) or not column.edges.temporal:
            continue
        past, age = _age(baseline.profiles, name), _age(now, name)
        past[list(baseline.spoiled.get(name, ()))] = np.nan
        if np.isnan(past).all():
            continue
        reference = np.full(len(age), np.nanmedian(past))
        yield Measurement(
            metric="freshness",
            columns=(name,),
            value=age,
            rows=now.rows,
            effect=age - reference,
            law=OwnLaw(
                freshness(age, past, spacing, total),
                lambda nats, past=past: freshness_band(past, spacing, nats, total),  # type: ignore[misc]
            ),
            reference=reference,
            scale=float(np.median(spans)),
            needs_variance=True,
        )


def _age(profiles: Profiles, name: str) -> Floats:
    """In seconds, shape (slices,); NaN where the window's data may go on elsewhere."""
    age = profiles.freshness(name) / _SECOND
    return np.where(partly_covered(profiles), np.nan, age) if profiles.edges.roles[name] is Role.TIMESTAMP else age


def _say(m: Measurement, i: int, usual: tuple[float | None, float | None]) -> str:
    high = usual[1]
    return (
        f"{named(m.columns[0])}: the newest value was {lapse(float(m.value[i]))} old when the window ended; "
        f"{'less' if high is None else f'up to {lapse(high)}'} is usual."
    )


CHECK = Check(
    name="freshness",
    measure=measure,
    sees="a feed that stops during a window, a table that is no longer refreshed",
    blind="single late rows; the last window, as long as its data may go on; needs three or more baseline windows",
    remedy="Look at the job that delivers the data: when did it last finish?",
    say=_say,
    by_slice=True,
)
