"""Puts the checks to profiles, window by window and segment by segment."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from importlib.metadata import entry_points

import numpy as np

from watchkeeper.checks.measurement import Check, Measurement
from watchkeeper.model import WatchkeeperError
from watchkeeper.profiles import Baseline, Profiles, Slice
from watchkeeper.stats.law import CHANCE, Variation

ENOUGH_ROWS = 20
"""Rows from which a window is judged; below it there are too few rows to say anything."""


class CheckFailed(WatchkeeperError):
    """A check broke off: the text names it and what it raised, which is the cause."""

    exit_code = 4


class NotACheck(WatchkeeperError):
    """An entry point in the group `watchkeeper.checks` names something that is no Check."""


def available(built_in: Sequence[Check]) -> tuple[Check, ...]:
    """The built-in checks and those that installed packages add. Raises `NotACheck`."""
    found = list(built_in)
    for point in entry_points(group="watchkeeper.checks"):
        check = point.load()
        if not isinstance(check, Check):
            raise NotACheck(
                f"entry point {point.name} = {point.value}: "
                f"this is no watchkeeper.checks.Check but a {type(check).__name__}."
            )
        found.append(check)
    return tuple(found)


def run(now: Profiles, baseline: Baseline, checks: Iterable[Check]) -> list[Measurement]:
    """All measurements of all slices. Each segment's windows are compared with the same segment of the baseline.

    Without segments or versions there is one group; with them, the whole, each segment and each version are looked at.
    """
    listed = list(checks)
    return [m for part, before in groups(now, baseline) for m in measured(part, before, listed)]


def measured(now: Profiles, baseline: Baseline, checks: Iterable[Check]) -> Iterator[Measurement]:
    """The measurements of one group."""
    few = now.rows < ENOUGH_ROWS
    for check in checks:
        for m in _called(check, now, baseline):
            yield weighed(replace(m, check=check.name, slices=now.slices, few=few), CHANCE)


def weighed(m: Measurement, natural: Variation) -> Measurement:
    """The measurement with the evidence and the band that its law gives; slices with few rows give no evidence."""
    law, nats = m.law, m.evidence if m.law is None else m.law.nats(natural)
    if nats is not None and m.few is not None and m.metric != "rows":
        nats = np.where(m.few, np.nan, nats)
    return replace(m, evidence=nats, band=m.band if law is None else lambda threshold: law.band(threshold, natural))


def _called(check: Check, now: Profiles, baseline: Baseline) -> Iterator[Measurement]:
    """What the check yields. Raises `CheckFailed` with whatever it raised as the cause: it may be anybody's code."""
    try:
        yield from check.measure(now, baseline)
    except WatchkeeperError:
        raise
    except Exception as wrong:
        raise CheckFailed(
            f"the check {check.name!r} broke off ({type(wrong).__name__}: {wrong}). Leave it out, or mend it: the "
            "traceback (--debug) shows where."
        ) from wrong


def groups(now: Profiles, baseline: Baseline) -> Iterator[tuple[Profiles, Baseline]]:
    """What is compared with what: everything, each segment, each version, unless there is but one."""
    segments = sorted({at.segment for at in now.slices if at.segment is not None})
    versions = sorted({at.version for at in now.slices if at.version is not None})
    yield now.by_window, _only(baseline, None)
    for segment in segments:
        before = _only(baseline, segment)
        if before.windows:
            yield now.regrouped(partial(_of_segment, segment)), before
    several = len({at.version for at, rows in zip(now.slices, now.rows.tolist(), strict=True) if rows}) > 1
    for version in versions if several else ():
        yield now.regrouped(partial(_of_version, version)), _only(baseline, None)


def _of_segment(segment: str, at: Slice) -> Slice | None:
    return replace(at, version=None) if at.segment == segment else None


def _of_version(version: str, at: Slice) -> Slice | None:
    return replace(at, segment=None) if at.version == version else None


def _only(baseline: Baseline, segment: str | None) -> Baseline:
    """The baseline of one segment over all versions (or of everything), its slices named by window alone."""
    if segment is None:
        return replace(baseline, profiles=baseline.profiles.by_window)
    return replace(
        baseline, profiles=baseline.profiles.regrouped(lambda at: at.whole if at.segment == segment else None)
    )
