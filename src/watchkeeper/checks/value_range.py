"""Range: do values lie farther out than the baseline's tail lets expect?"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from watchkeeper.checks import column
from watchkeeper.checks.measurement import Check, Measurement
from watchkeeper.checks.sentence import figure, named
from watchkeeper.profiles import Baseline, ColumnProfile, NumericProfile, Past, Profiles
from watchkeeper.stats import prediction
from watchkeeper.stats.law import ScaledLaw

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


def measure(now: Profiles, baseline: Baseline) -> Iterator[Measurement]:
    """Compare each window's smallest and largest value with the baseline's, on the scale of the baseline's tail.

    How far a maximum may go beyond the baseline's follows from how the windows' maxima differ. Infinite values count as
    the farthest, unless the baseline has them too. Evidence: `stats.prediction.tail`.
    """
    for here, before, past in column.numeric(now, baseline):
        whole = baseline.whole.columns[here.name]
        if np.isnan(here.edges.low) or not isinstance(whole, NumericProfile):
            continue
        median = float(column.quantile(whole, 0.5)[0])
        for metric, sign in (("range_low", -1.0), ("range_high", 1.0)):
            yield _side(metric, sign, median, here, before, past)


def _side(
    metric: str, sign: float, median: float, here: NumericProfile, before: NumericProfile, past: Past
) -> Measurement:
    infinite = _infinite(here, sign)
    infinite = np.where(_infinite(before, sign) > 0, 0, infinite)  # nothing new: the baseline has them too
    value = np.where(infinite > 0, sign * np.inf, _end(here, sign))
    reference = np.broadcast_to(_end(before, sign), value.shape)
    farthest = np.where(past.kept, sign * _end(past.profile, sign), np.nan)
    width = np.broadcast_to(before.maximum - before.minimum, value.shape)
    middle, r = sign * median, sign * reference
    index = prediction.tail_index(farthest, middle, past.total)
    n, rows = here.finite + infinite, before.finite
    x = np.minimum(sign * value, 1e300)

    def limits(nats: Floats) -> tuple[Floats, Floats]:
        scale = np.where(r > middle, r - middle, width)
        with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
            reach = (np.expm1(nats + np.log(2.0)) * n / np.maximum(rows, 1)) ** (1 / index)
        far = sign * np.maximum(r, middle + scale * np.where(index > 0, reach, np.inf))
        open_end = np.full(len(n), -sign * np.inf)
        return (far, open_end) if sign < 0 else (open_end, far)

    return Measurement(
        metric=metric,
        columns=(here.name,),
        value=value,
        rows=n,
        effect=value - reference,
        law=ScaledLaw(prediction.tail(x, r, middle, n, rows, index, width), limits),
        reference=reference,
        scale=_scale(before),
        needs_variance=True,
    )


def _end(profile: ColumnProfile, sign: float) -> Floats:
    if not isinstance(profile, NumericProfile):
        return np.full(len(profile.null), np.nan)
    return profile.minimum if sign < 0 else profile.maximum


def _infinite(profile: NumericProfile, sign: float) -> Ints:
    return profile.negative_infinity if sign < 0 else profile.positive_infinity


def _scale(before: NumericProfile) -> float:
    """The baseline's range, or what stands for it where there is none."""
    low, high = (
        float(end(values)) if np.isfinite(values).any() else np.nan
        for end, values in ((np.nanmin, before.minimum), (np.nanmax, before.maximum))
    )
    return high - low if high > low else abs(high) or 1.0


def _say(m: Measurement, i: int, usual: tuple[float | None, float | None]) -> str:
    high = m.metric == "range_high"
    return (
        f"{named(m.columns[0])} {'goes up to' if high else 'goes down to'} {figure(float(m.value[i]))} "
        f"in {figure(int(m.rows[i]))} rows; "
        f"the baseline's {'largest' if high else 'smallest'} is {figure(m.was(i))}, and "
        f"{'up to' if high else 'down to'} {figure(usual[1 if high else 0])} is usual."
    )


CHECK = Check(
    name="range",
    measure=measure,
    sees="outliers, a unit that changed, sentinels such as -999, infinite values",
    blind="wrong values within the usual range; needs three or more baseline windows",
    remedy="Look at the extreme rows at the source. Declare `minimum` and `maximum` to set such rows aside.",
    say=_say,
    by_slice=True,
)
