"""Rows: did as many rows come as usual?"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from watchkeeper.checks.measurement import Check, Measurement
from watchkeeper.checks.sentence import between, figure
from watchkeeper.model import Role
from watchkeeper.profiles import Baseline, NumericProfile, Profiles
from watchkeeper.stats import evidence, prediction
from watchkeeper.stats.law import OwnLaw

Floats = NDArray[np.float64]

BLANK = 0.05
"""The part of a first or last window that may lie before the first or after the last row; beyond it, it is not
judged."""


def measure(now: Profiles, baseline: Baseline) -> Iterator[Measurement]:
    """Compare each window's number of rows with those of the baseline's windows, both ways.

    Evidence: `stats.prediction.rows`, a predictive t on the logarithm. Windows that are blocks of rows, and
    single versions of the model, are left out.
    """
    if any(at.version is not None for at in now.slices):
        return  # how traffic is shared out among versions is no fault of a delivery
    if baseline.source in ("blocks", "one") or (now.slices[0].start is None and baseline.source != "files"):
        return
    past = np.where(partly_covered(baseline.profiles), np.nan, baseline.profiles.rows)
    if np.isnan(past).all():
        return
    total = evidence.everything if baseline.chosen is None else baseline.chosen.total
    reference = float(np.nanmedian(past))
    yield Measurement(
        metric="rows",
        columns=(),
        value=now.rows.astype(np.float64),
        rows=now.rows,
        effect=now.rows.astype(np.float64) - reference,
        law=OwnLaw(
            np.where(partly_covered(now), np.nan, prediction.rows(now.rows, past, total)),
            lambda nats: prediction.rows_band(past, nats, total),
        ),
        reference=np.full(len(now.rows), reference),
        scale=max(reference, 1.0),
        needs_variance=True,
    )


def partly_covered(profiles: Profiles) -> NDArray[np.bool_]:
    """Whether the first and last window are covered by the data only in part: their count says nothing."""
    cut = np.zeros(len(profiles.slices), dtype=bool)
    name = next((n for n, role in profiles.edges.roles.items() if role is Role.TIMESTAMP), None)
    times = profiles.columns.get(name or "")
    first, last = profiles.slices[0], profiles.slices[-1]
    if not isinstance(times, NumericProfile) or first.label is not None:
        return cut
    if first.start is not None and first.end is not None:
        cut[0] = times.minimum[0] - first.start > BLANK * (first.end - first.start)
    if last.start is not None and last.end is not None:
        cut[-1] |= last.end - times.maximum[-1] > BLANK * (last.end - last.start)
    return cut


def _say(m: Measurement, i: int, usual: tuple[float | None, float | None]) -> str:
    many = float(m.value[i])
    return f"{figure(many)} {'row' if many == 1 else 'rows'} came; {between(*usual)} is usual."


CHECK = Check(
    name="rows",
    measure=measure,
    sees="lost or doubled data, a delivery cut short",
    blind="rows replaced by others; a first or last window that the data cover only in part",
    remedy="Compare with the source's own count for the same span.",
    say=_say,
    by_slice=True,
)
