"""What is said of the comparison itself: a short baseline, too few rows to compare, columns that were left out."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

import numpy as np

from watchkeeper.budget import FEW, FULL, Finding, History, Severity, phase, unseen_season
from watchkeeper.checks import Measurement
from watchkeeper.checks.run import ENOUGH_ROWS
from watchkeeper.delivery.wording import columns as named
from watchkeeper.delivery.wording import count, listed
from watchkeeper.profiles import Baseline, Profiles

_LEAST = f"{ENOUGH_ROWS} are the least"


def enough(measurements: Iterable[Measurement], baseline: Baseline) -> list[Measurement]:
    """Measurements without evidence where the baseline (of a segment) has too few rows to be compared with.

    Edges that are made of a handful of rows fit these rows and no others, so that everything else looks changed. The
    number of rows is judged all the same: it is compared window by window.
    """
    rows: dict[str | None, int] = {None: baseline.whole.total}
    for at, many in zip(baseline.profiles.slices, baseline.profiles.rows.tolist(), strict=True):
        if at.segment is not None:
            rows[at.segment] = rows.get(at.segment, 0) + many
    few = {segment for segment, many in rows.items() if many < ENOUGH_ROWS}
    return [_without_evidence(m, few) for m in measurements] if few else list(measurements)


def _without_evidence(m: Measurement, few: set[str | None]) -> Measurement:
    if m.evidence is None or m.metric == "rows":
        return m
    return replace(m, evidence=np.where([at.segment in few for at in m.slices], np.nan, m.evidence))


def on_size(baseline: Baseline, windows: int, now: Profiles, profiled: int = 0) -> list[Finding]:
    """What few rows or few baseline `windows` leave unjudged, said once.

    `profiled`: how many windows the baseline's profile file has, if it is one.
    """
    rows, most = baseline.whole.total, int(now.by_window.rows.max())
    more = f"Give a baseline of at least {FULL} windows: more files, a longer span, or windows cut by a time column."
    if rows < ENOUGH_ROWS:
        words = f"The baseline has {count(rows, 'row')}, too few to compare with ({_LEAST})."
        return [_told("history", f"{words} Only what is certainly wrong was looked for.", more, (), float(windows))]
    found = []
    if most < ENOUGH_ROWS:
        one = len(now.by_window.slices) == 1
        have = f"The data have {count(most, 'row')}" if one else f"No window has more than {count(most, 'row')}"
        words = f"{have}, too few to compare ({_LEAST}). Only what is certainly wrong was looked for."
        found.append(_told("history", words, "Check more rows together: a longer file, or longer windows.", (), most))
    if windows < FEW:
        have = f"The baseline has {count(windows, 'window')}."
        if windows == 1 < profiled:
            have = (
                f"The {profiled:,} windows that were profiled do not add up to windows like the data's: they are one."
            )
            more = f"Check with --by as the baseline was profiled, or give its data. {more}"
        words = (
            f"{have} How windows differ when nothing is wrong is not known, so "
            "the number of rows, spikes and ranges are not judged, and only changes three times as large as usual are "
            "told."
        )
        found.append(_told("history", words, more, (), windows))
    elif windows < FULL:
        words = (
            f"The baseline has {windows} windows, so limits are provisional: only changes three times as large as "
            "usual are told."
        )
        found.append(_told("history", words, more, (), windows))
    return found


def on_windows(history: History, baseline: Baseline) -> list[Finding]:
    """What a person should know of the baseline's windows: which stand out, and which season they are too few for."""
    found = []
    if history.spoiled:
        windows = sorted({at for places in history.spoiled.values() for at in places}, key=lambda at: at.key)
        names = listed([at.window_label.split("T")[0] for at in windows], 3)
        words = (
            f"In {named(history.spoiled)} {count(len(windows), 'baseline window')} that stand out from the others are "
            f"not compared with: {names}."
        )
        remedy = "Look at these windows; if they are as things should be, a longer baseline shows it."
        found.append(_told("history", words, remedy, tuple(history.spoiled), float(len(windows))))
    if history.seasonal:
        alike, kind = tuple(sorted(history.seasonal)), phase(baseline)
        words = f"In {named(alike)}, windows of the same {kind} are compared with each other: those of others differ."
        found.append(_told("history", words, "There is nothing to do.", alike, float(len(alike))))
    phases = unseen_season(baseline)
    if phases is not None and history.windows >= FEW:
        differ = {"weeks": "days of the week", "days": "hours of the day"}[phases]
        words = f"It is shorter than two {phases}, so it does not show how {differ} differ."
        remedy = f"Give a baseline of at least two {phases}."
        found.append(_told("history", words, remedy, (), float(history.windows)))
    return found


def on_left_out(reasons: Mapping[str, str]) -> list[Finding]:
    """Columns that can't be watched, said once. `reasons`: how the first of them is stored, by column."""
    if not reasons:
        return []
    first, why = next(iter(reasons.items()))
    are = f"{named(reasons)} {'is' if len(reasons) == 1 else 'are'} left out:"
    words = f"{are} {'it' if len(reasons) == 1 else named([first])} is {why}."
    remedy = "To have what is in it watched, deliver it as numbers, text or times in columns of their own."
    return [_told("left_out", words, remedy, tuple(reasons), float(len(reasons)), kind="violation")]


def _told(check: str, words: str, remedy: str, columns: tuple[str, ...], value: float, kind: str = "change") -> Finding:
    return Finding(kind, check, check, columns, Severity.INFO, words, remedy, value=float(value))
