"""Spike: do many rows suddenly share one value?"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
from numpy.typing import NDArray

from watchkeeper.checks import column
from watchkeeper.checks.measurement import Check, Measurement
from watchkeeper.checks.sentence import figure, named, percent
from watchkeeper.profiles import Baseline, NumericProfile, Past, Profiles
from watchkeeper.stats import prediction
from watchkeeper.stats.evidence import Limits
from watchkeeper.stats.law import OwnLaw

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


def measure(now: Profiles, baseline: Baseline) -> Iterator[Measurement]:
    """Compare the largest share that one interior bin holds with that of the baseline's windows, upwards.

    Each of the baseline's frequent values has a bin of its own. The end bins, beyond the baseline's range, are left
    out: seasonal drift piles up there. Evidence: `stats.prediction.spike`.
    """
    for here, before, past in column.numeric(now, baseline):
        windows = past.profile
        if np.isnan(here.edges.low) or not isinstance(windows, NumericProfile):
            continue
        inner = _inner(here)
        most, n = _largest(here, inner), here.finite
        held, of = _largest(windows, inner), windows.finite
        reference = np.broadcast_to(_largest(before, inner) / np.maximum(1, before.finite), n.shape)
        value = np.where(n > 0, most / np.maximum(n, 1), np.nan)
        nats = prediction.spike(most, n, np.where(past.kept, held, 0), np.where(past.kept, of, 0), past.total)
        yield Measurement(
            metric="spike",
            columns=(here.name,),
            value=value,
            rows=n,
            effect=value - reference,
            law=OwnLaw(np.where(n > 0, nats, np.nan), _limits(n, held, of, past)),
            reference=reference,
            needs_variance=True,
            tell=_where(here, inner),
        )


def _inner(here: NumericProfile) -> NDArray[np.intp]:
    first, last = np.searchsorted(here.edges.cuts, [here.edges.low, here.edges.high], side="right")
    return np.arange(first, last + 1)


def _largest(profile: NumericProfile, inner: NDArray[np.intp]) -> Ints:
    return np.asarray(profile.counts[:, inner].max(axis=1))


def _limits(n: Ints, held: Ints, of: Ints, past: Past) -> Limits:
    def limits(nats: Floats) -> tuple[Floats, Floats]:
        return np.zeros(len(n)), prediction.spike_band(n, held, of, nats, past.total)

    return limits


def _where(here: NumericProfile, inner: NDArray[np.intp]) -> Callable[[int], str]:
    alone = column.atoms(here)

    def tell(i: int) -> str:
        place = int(inner[here.counts[i][inner].argmax()])
        if alone[place]:
            return f"at {figure(float(here.edges.cuts[place - 1]))}"
        if here.minimum[i] == here.maximum[i]:
            return f"at {figure(float(here.minimum[i]))}"
        low = max(here.edges.cuts[place - 1] if place else here.edges.low, here.edges.low)
        high = min(here.edges.cuts[place], here.edges.high) if place < len(here.edges.cuts) else here.edges.high
        return f"at {figure(low)}" if figure(low) == figure(high) else f"between {figure(low)} and {figure(high)}"

    return tell


def _say(m: Measurement, i: int, usual: tuple[float | None, float | None]) -> str:
    place = m.tell(i) if m.tell else ""
    stretch = "one value" if place.startswith("at") else "a stretch that held few"
    return (
        f"{named(m.columns[0])}: {percent(float(m.value[i]))} of {figure(int(m.rows[i]))} rows lie {place}; "
        f"up to {percent(usual[1])} on {stretch} is usual."
    )


CHECK = Check(
    name="spike",
    measure=measure,
    sees="a frozen or dead sensor, a default or sentinel value that fills in for missing ones",
    blind="values outside the baseline's range (see `range`); needs three or more baseline windows",
    remedy="Ask whether the value is real. If it stands for a missing one, name it under `sentinels` in the model.",
    say=_say,
    by_slice=True,
)
