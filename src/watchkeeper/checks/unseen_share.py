"""Unseen share: do values appear that the baseline does not have?"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np

from watchkeeper.checks import column
from watchkeeper.checks.measurement import Check, Measurement
from watchkeeper.checks.sentence import between, figure, named, percent, quoted
from watchkeeper.checks.share import ratio
from watchkeeper.profiles import Baseline, Profiles
from watchkeeper.stats.law import UnseenLaw

_ELSEWHERE = ", known from other windows"


def measure(now: Profiles, baseline: Baseline) -> Iterator[Measurement]:
    """Compare the share of rows with values unknown to the baseline with the share that chance lets expect.

    A further row brings a new value about as often as the baseline holds values seen exactly once.
    Evidence: `stats.evidence.unseen`. Columns with more values than are told apart are left out.

    Source: Good (1953), The population frequencies of species.
    """
    for values in column.valued(now, baseline):
        if not values.complete:
            continue
        n, unseen = values.rows, values.unseen
        value = ratio(unseen, n)
        once, twice = ((values.reference == times).sum(axis=1) for times in (1, 2))
        yield Measurement(
            metric="unseen_share",
            columns=(values.name,),
            value=value,
            rows=n,
            effect=value,
            law=UnseenLaw(unseen, n, once, values.rows_before, twice),
            reference=np.zeros(len(n)),
            tell=_examples(values),
        )


def _examples(values: column.Values) -> Callable[[int], str]:
    def tell(i: int) -> str:
        new = np.where(values.reference[i % len(values.reference)] > 0, 0, values.counts[i])
        most = [j for j in np.argsort(-new, kind="stable")[:3].tolist() if new[j]]
        examples = ", ".join(f"{quoted(values.names[j])} ({figure(int(new[j]))})" for j in most)
        elsewhere = bool(most) and not values.rest[i] and not new[values.known :].any()
        return f"{examples}{_ELSEWHERE}" if elsewhere else examples

    return tell


def _say(m: Measurement, i: int, usual: tuple[float | None, float | None]) -> str:
    examples = f": {m.tell(i)}" if m.tell else ""
    whose = "windows of the baseline like this one do" if examples.endswith(_ELSEWHERE) else "the baseline does"
    return (
        f"{named(m.columns[0])} has values that {whose} not have in {percent(float(m.value[i]))} of "
        f"{figure(int(m.rows[i]))} rows{examples}; {between(*usual, shares=True)} is usual."
    )


CHECK = Check(
    name="unseen_share",
    measure=measure,
    sees="new categories, other spellings (`male` for `Male`), trailing spaces, wrongly decoded letters",
    blind="columns with more than 10,000 values",
    remedy="Ask whether the values are right: mend the spelling at the source, or take a new baseline and retrain.",
    say=_say,
    by_slice=True,
)
