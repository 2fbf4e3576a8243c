"""Invalid share: do cells stop being values of their column's type?"""

from __future__ import annotations

from collections.abc import Iterator

from watchkeeper.checks import column
from watchkeeper.checks.measurement import Check, Measurement
from watchkeeper.checks.sentence import between, figure, named, percent
from watchkeeper.checks.share import compared
from watchkeeper.profiles import Baseline, Profiles


def measure(now: Profiles, baseline: Baseline) -> Iterator[Measurement]:
    """Compare each column's share of cells that do not parse, or are infinite, with the baseline's, upwards.

    Evidence: `stats.evidence.share`, one-sided.
    """
    for here, before, rows in column.every(now, baseline):
        bad, was = column.senseless(here), column.senseless(before)
        yield compared("invalid_share", here.name, bad, now.rows, was, rows, "up")


def _say(m: Measurement, i: int, usual: tuple[float | None, float | None]) -> str:
    return (
        f"{named(m.columns[0])} holds something that is no value of its type in {percent(float(m.value[i]))} of "
        f"{figure(int(m.rows[i]))} rows; {between(*usual, shares=True)} is usual."
    )


CHECK = Check(
    name="invalid_share",
    measure=measure,
    sees="a format that changed: texts among numbers, another decimal mark, another date format",
    blind="values that parse but mean something else",
    remedy="Look at the rows set aside, and ask the sender which format the column now has.",
    say=_say,
    by_slice=True,
)
