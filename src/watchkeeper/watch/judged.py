"""From profiles to findings: measured against a baseline, and judged within the budget."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from watchkeeper.budget import Budget, Finding, judge, observe, thresholds
from watchkeeper.checks import BUILT_IN, Check, Measurement, available
from watchkeeper.profiles import Baseline, Profiles, Windows, merge
from watchkeeper.profiles.window import days, filled
from watchkeeper.watch import remark
from watchkeeper.watch.reference import Reference, Told
from watchkeeper.watch.span import span_of


@dataclass(frozen=True)
class Judged:
    """What the statistics say of all files, or windows, together."""

    findings: list[Finding]
    measurements: list[Measurement]
    profiles: Profiles | None
    baseline: Baseline | None
    enough: dict[str, float]
    """The evidence that a warning takes, by window."""


NOTHING = Judged([], [], None, None, {})


def judge_files(
    files: Sequence[Profiles],
    reference: Reference,
    windows: Windows | None,
    span: tuple[int, int] | None,
    segments: Sequence[str],
    checks: Sequence[Check] | None,
    told: Told | None,
    parts: int = 1,
) -> Judged:
    """Judge the profiles of files against a baseline in windows like theirs.

    `span`: that of a file without windows. `parts`: among how many comparisons like this one the budget is shared out.
    """
    if not files:
        return NOTHING
    profiles = filled(merge(files), windows)
    largest = max(p.total for p in files)
    ends = (span[0], span[1] - 1) if span else span_of(files, reference.model)
    baseline = reference.baseline(windows, largest, ends, segments, told)
    baseline = replace(baseline, profiles=filled(baseline.profiles, windows))
    used = available(BUILT_IN) if checks is None else tuple(checks)
    budget = Budget.of(reference.model, 1.0 if windows is None else days(windows)).shared(parts)
    found, history = observe(profiles, baseline, used, budget)
    measurements = remark.enough(found, baseline)
    limits = thresholds(measurements, history, budget)
    return Judged(
        findings=judge(measurements, history, budget)
        + remark.on_size(baseline, history.windows, profiles, reference.profiled)
        + remark.on_windows(history, baseline),
        measurements=measurements,
        profiles=profiles,
        baseline=baseline,
        enough={at.window_label: warning for at, (warning, _) in limits.items()},
    )
