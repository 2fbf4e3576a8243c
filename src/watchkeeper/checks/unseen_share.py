"""Unseen share: do values appear that the baseline does not have?"""

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

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


def measure(now: Profiles, baseline: Baseline) -> Iterator[Measurement]:
    """Compare the share of rows with values unknown to the baseline with the share that chance lets expect.

    A further row brings a new value about as often as the baseline holds values seen exactly once.
    Evidence: `stats.evidence.unseen`. Columns with more values than are told apart are left out.

    Source: Good (1953), The population frequencies of species.
    """
    for here, before in column.valued(now, baseline):
        if not before.edges.complete:
            continue
        n, rows = here.valid, int(before.valid[0])
        once, twice = int((before.count == 1).sum()), int((before.count == 2).sum())
        value = ratio(here.unseen, n)
        yield Measurement(
            metric="unseen_share",
            columns=(here.name,),
            value=value,
            rows=n,
            effect=value,
            evidence=evidence.unseen(here.unseen, n, once, rows, twice=twice),
            reference=0.0,
            band=_band(n, once, rows, twice),
            tell=_examples(here),
        )


def _band(n: Ints, once: int, rows: int, twice: int) -> Callable[[Floats], tuple[Floats, Floats]]:
    return lambda threshold: evidence.unseen_band(n, once, rows, threshold, twice=twice)


def _examples(here: CategoryProfile) -> Callable[[int], str]:
    def tell(i: int) -> str:
        known = len(here.edges.values)
        mine = np.flatnonzero((here.at == i) & (here.code >= known))
        most = mine[np.argsort(-here.count[mine], kind="stable")][:3]
        return ", ".join(f"{quoted(here.others[here.code[j] - known])} ({figure(int(here.count[j]))})" for j in most)

    return tell


def _say(m: Measurement, i: int, usual: tuple[float | None, float | None]) -> str:
    examples = f": {m.tell(i)}" if m.tell else ""
    return (
        f"{named(m.columns[0])} has values that the baseline does not have in {percent(float(m.value[i]))} of "
        f"{figure(int(m.rows[i]))} rows{examples}; {between(*usual, shares=True)} is usual."
    )


CHECK = Check(
    name="unseen_share",
    measure=measure,
    sees="new categories, other spellings (`male` for `Male`), trailing spaces, wrongly decoded letters",
    blind="columns with more than 10,000 values",
    remedy="Ask whether the values are right: mend the spelling at the source, or take a new baseline and retrain.",
    say=_say,
)
