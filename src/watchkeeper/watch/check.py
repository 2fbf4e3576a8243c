"""Judges files (or tables) against a baseline: the one path from data to findings."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from watchkeeper.budget import FEW, FULL, Budget, Finding, History, Severity, judge, thresholds
from watchkeeper.checks import BUILT_IN, Check, Measurement, available, run
from watchkeeper.delivery import Delivery, Violation, deliver, digest_of, expand
from watchkeeper.delivery.violation import BadRow
from watchkeeper.engines import scan
from watchkeeper.model import Model, Role, WatchkeeperError
from watchkeeper.profiles import Baseline, NumericProfile, OneWindow, Profiles, Slice, TimeWindows, Windows, merge, parse
from watchkeeper.profiles.slice import iso
from watchkeeper.profiles.window import days, filled
from watchkeeper.report import Result, Verdict
from watchkeeper.watch import period as periods
from watchkeeper.watch.reference import Reference, Told, refer
from watchkeeper.watch.verdict import findings_of, verdict

SHOWN = 10_000
"""Bad rows listed in the result; all of them go into the quarantine file."""
_DAY = 86_400_000_000


class CannotWrite(WatchkeeperError):
    """Several files can't be written into one."""


@dataclass
class _Read:
    """A file under test once it was read."""

    delivery: Delivery
    name: str
    profiles: Profiles | None


def check(
    current: Any,
    baseline: Any,
    *,
    model: Model | str | Path | None = None,
    by: str | None = None,
    segment: str | None = None,
    period: str | None = None,
    manifest: str | Path | None = None,
    hmac_key_file: str | Path | None = None,
    quarantine: str | Path | None = None,
    accepted: str | Path | None = None,
    checks: Sequence[Check] | None = None,
    told: Told | None = None,
) -> Result:
    """Check data against a baseline.

    `current`, `baseline`: a path, a glob, a file-system URL, or a list of these; or a pandas, Polars or Arrow table, a DuckDB
    relation, anything with `__arrow_c_stream__`. A baseline may also be a profile file. `model`: a Model, or the path of a
    `watchkeeper.yaml`; without it, it is inferred from the baseline. `by`: cut into windows by hour, day, week, month or
    `N-rows`; without it each file is one window. `period`: the event times that the data may hold.

    Raises `WatchkeeperError` where the check can't be made; what is wrong with the data is in the result, never raised.

    Example:
        >>> import watchkeeper as wk
        >>> wk.check("new.csv", "train/*.csv").verdict
        <Verdict.ACCEPT: 'accept'>
    """
    began = time.perf_counter()
    asked = None if by is None else parse(by)
    limits = None if period is None else periods.parse(period)
    sources = expand(current)
    if len(sources) > 1 and (quarantine or accepted):
        raise CannotWrite("--quarantine and --accepted take one file at a time: check each delivery by itself.")
    reference = refer(baseline, model, told)
    known = reference.model
    key = None if hmac_key_file is None else Path(hmac_key_file).read_bytes()
    read = [_read(source, reference, asked, segment, limits, manifest, key, told, i, len(sources)) for i, source in enumerate(sources)]
    whole = [r.profiles for r in read if r.profiles is not None]
    rows, bad = sum(r.delivery.rows_read for r in read), sum(r.delivery.rows_bad for r in read)
    measurements: list[Measurement] = []
    found: list[Finding] = []
    enough: dict[str, float] = {}
    profiles, before = None, None
    source = reference.file.source if reference.file else "one"
    if whole:
        profiles = filled(merge(whole), asked)
        before = reference.baseline(asked, max(int(p.rows.sum()) for p in whole), _span(whole, known), segment, told)
        before = replace(before, profiles=filled(before.profiles, asked))
        used = available(BUILT_IN) if checks is None else tuple(checks)
        measurements = run(profiles, before, used)
        windows = len({at.whole for at in before.profiles.slices})
        history = History(windows, {c.name: c for c in used})
        budget = Budget.of(known, 1.0 if asked is None else days(asked))
        found = judge(measurements, history, budget) + _about(history)
        enough = {at.window_label: warning for at, (warning, _) in thresholds(measurements, history, budget).items()}
        source = before.source
    violations = [v for r in read for v in _new(r.delivery.violations, reference)]
    certain = [f for r in read for f in findings_of(_new(r.delivery.violations, reference), r.delivery.rows_read, None)]
    outcome = verdict(violations, found, bad, by_window=asked is not None)
    for r in read:
        r.delivery.write(_path(accepted), _path(quarantine))
    rejected = outcome is Verdict.REJECT_FILE
    shown = [replace(row, file=r.name if len(read) > 1 else None) for r in read for row in r.delivery.bad_rows(SHOWN)][:SHOWN]
    return Result(
        verdict=outcome,
        rows_read=rows,
        rows_good=0 if rejected else rows - bad,
        rows_quarantined=bad,
        quarantined=shown,
        quarantined_truncated=bad > len(shown),
        baseline_windows=0 if before is None else len({at.whole for at in before.profiles.slices}),
        baseline_source=source,
        findings=sorted([*certain, *found], key=_loudest),
        current_name=", ".join(r.name for r in read[:3]) + (f" and {len(read) - 3} more" if len(read) > 3 else ""),
        baseline_name=reference.name,
        model=known,
        measurements=measurements,
        profiles=profiles,
        baseline=before,
        thresholds=enough,
        written=[p for p in (_path(accepted), _path(quarantine)) if p is not None and p.exists()],
        seconds=time.perf_counter() - began,
    )


def _read(
    source: Any,
    reference: Reference,
    asked: Windows | None,
    segment: str | None,
    limits: tuple[int, int] | None,
    manifest: str | Path | None,
    key: bytes | None,
    told: Told | None,
    number: int,
    of: int,
) -> _Read:
    delivery = deliver(
        source, reference.model, period=limits, manifest=_path(manifest), hmac_key=key, earlier=reference.digests_like(source)
    )
    label = delivery.name if of == 1 else f"{number:06d} {delivery.name}"
    windows = OneWindow(Slice(label=label)) if asked is None else asked
    profiles = scan(reference.edges, reference.model, delivery.blocks(), windows, segment, told)
    if delivery.rejected or not profiles.slices:
        return _Read(delivery, delivery.name, None)
    if asked is None:
        profiles = _dated(profiles, reference.model, limits)
    return _Read(delivery, delivery.name, profiles)


def _dated(profiles: Profiles, model: Model, limits: tuple[int, int] | None) -> Profiles:
    """Give a file's window its span: the period it is for, else the days that its event times cover."""
    span = limits
    ends = _span([profiles], model)
    if span is None and ends is not None:
        span = ends[0] // _DAY * _DAY, ends[1] // _DAY * _DAY + _DAY
    if span is None:
        return profiles

    def move(at: Slice) -> Slice:
        return replace(at, start=span[0], end=span[1])

    return profiles.regrouped(move)


def _span(profiles: Iterable[Profiles], model: Model) -> tuple[int, int] | None:
    """First and last event time."""
    name = model.only(Role.TIMESTAMP)
    times = [p.columns[name] for p in profiles if name in p.columns]
    ends = [(float(np.nanmin(t.minimum)), float(np.nanmax(t.maximum))) for t in times if isinstance(t, NumericProfile) and t.counts.any()]
    return (int(min(a for a, _ in ends)), int(max(b for _, b in ends))) if ends else None


def _about(history: History) -> list[Finding]:
    """What a short baseline leaves unjudged, said once."""
    if history.windows >= FULL:
        return []
    if history.windows >= FEW:
        words = f"The baseline has {history.windows} windows: limits are provisional, and only changes three times the usual size are told."
    else:
        words = (
            f"The baseline has {history.windows} window{'s' if history.windows != 1 else ''}: how windows differ when nothing is wrong is not known, so the "
            "number of rows, spikes and ranges are not judged, and only changes three times the usual size are told."
        )
    remedy = f"Give a baseline of at least {FULL} windows: more files, a longer span, or --by with a time column."
    return [Finding("change", "history", "history", (), Severity.INFO, words, remedy, value=float(history.windows))]


def _new(violations: Iterable[Violation], reference: Reference) -> list[Violation]:
    """Violations, less active content in columns whose baseline holds the same."""
    return [v for v in violations if v.check != "active_content" or not any(map(reference.has_active_content, v.columns))]


def _path(path: str | Path | None) -> Path | None:
    return None if path is None else Path(path)


def _loudest(finding: Finding) -> tuple[int, bool, float]:
    loudness = list(Severity).index(finding.severity)
    return (-loudness, finding.kind != "violation", -(finding.evidence or 0.0))
