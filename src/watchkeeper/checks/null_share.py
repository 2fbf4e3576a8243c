"""Null share: does a column begin to lose its values?"""

from __future__ import annotations

from collections.abc import Iterator

from watchkeeper.checks import column
from watchkeeper.checks.measurement import Check, Measurement
from watchkeeper.checks.sentence import between, figure, named, percent
from watchkeeper.checks.share import compared
from watchkeeper.profiles import Baseline, Profiles


def measure(now: Profiles, baseline: Baseline) -> Iterator[Measurement]:
    """Compare each column's share of missing values with the baseline's, in both directions.

    Sentinels, bad cells and NaN count as missing. Evidence: `stats.evidence.share`.
    """
    for here, before, rows in column.every(now, baseline):
        yield compared("null_share", here.name, column.missing(here), now.rows, column.missing(before), rows)


def _say(m: Measurement, i: int, usual: tuple[float | None, float | None]) -> str:
    return (
        f"{named(m.columns[0])} is missing in {percent(float(m.value[i]))} of {figure(int(m.rows[i]))} rows; "
        f"{between(*usual, shares=True)} is usual."
    )


CHECK = Check(
    name="null_share",
    measure=measure,
    sees="a feed that drops out, a join that no longer matches, a column that is suddenly filled",
    blind="missing values written as an ordinary value that the model does not name among its sentinels",
    remedy="Compare with the source's own count of missing values; look at the join that brings the column.",
    say=_say,
    by_slice=True,
)
