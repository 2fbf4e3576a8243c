"""Range: do values lie farther out than the baseline's tail lets expect?"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from watchkeeper.checks import column
from watchkeeper.checks.measurement import Check, Measurement
from watchkeeper.checks.sentence import figure, named
from watchkeeper.profiles import Baseline, NumericProfile, Profiles
from watchkeeper.stats import evidence

Floats = NDArray[np.float64]


def measure(now: Profiles, baseline: Baseline) -> Iterator[Measurement]:
    """Compare each window's smallest and largest value with the baseline's, on the scale of the baseline's tail.

    How far a maximum may go beyond the baseline's follows from how the windows' maxima differ. Infinite values count as
    the farthest, unless the baseline has them too. Evidence: `stats.evidence.tail`.
    """
    for here, before, windows in column.numeric(now, baseline):
        if np.isnan(here.edges.low):
            continue
        median = float(column.quantile(before, 0.5)[0])
        for metric, sign in (("range_low", -1.0), ("range_high", 1.0)):
            yield _side(metric, sign, median, here, before, windows)


def _side(
    metric: str, sign: float, median: float, here: NumericProfile, before: NumericProfile, windows: NumericProfile
) -> Measurement:
    infinite = here.negative_infinity if sign < 0 else here.positive_infinity
    if int((before.negative_infinity if sign < 0 else before.positive_infinity)[0]):
        infinite = np.zeros_like(infinite)  # nothing new: the baseline has them too
    ends = here.minimum if sign < 0 else here.maximum
    value = np.where(infinite > 0, sign * np.inf, ends)
    reference = float((before.minimum if sign < 0 else before.maximum)[0])
    farthest = sign * (windows.minimum if sign < 0 else windows.maximum)
    width = float(before.maximum[0]) - float(before.minimum[0])
    middle, r = sign * median, sign * reference
    index = evidence.tail_index(farthest, middle)
    n, rows = here.finite + infinite, int(before.finite[0])
    x = np.minimum(sign * value, 1e300)

    def band(threshold: Floats) -> tuple[Floats, Floats]:
        scale = r - middle if r > middle else width
        reach = (
            (np.expm1(threshold + np.log(2.0)) * n / max(rows, 1)) ** (1 / index)
            if index > 0
            else np.full(len(n), np.inf)
        )
        far = sign * np.maximum(r, middle + scale * reach)
        open_end = np.full(len(n), -sign * np.inf)
        return (far, open_end) if sign < 0 else (open_end, far)

    return Measurement(
        metric=metric,
        columns=(here.name,),
        value=value,
        rows=n,
        effect=value - reference,
        evidence=evidence.tail(x, r, middle, n, rows, index, width),
        reference=reference,
        scale=width if width > 0 else abs(reference) or 1.0,
        band=band,
        needs_variance=True,
    )


def _say(m: Measurement, i: int, usual: tuple[float | None, float | None]) -> str:
    high = m.metric == "range_high"
    return (
        f"{named(m.columns[0])} {'goes up to' if high else 'goes down to'} {figure(float(m.value[i]))} "
        f"in {figure(int(m.rows[i]))} rows; "
        f"the baseline's {'largest' if high else 'smallest'} is {figure(m.reference)}, and "
        f"{'up to' if high else 'down to'} {figure(usual[1 if high else 0])} is usual."
    )


CHECK = Check(
    name="range",
    measure=measure,
    sees="outliers, a unit that changed, sentinels such as -999, infinite values",
    blind="wrong values within the usual range; needs three or more baseline windows",
    remedy="Look at the extreme rows at the source. Declare `minimum` and `maximum` to set such rows aside.",
    say=_say,
)
