"""Judges files (or tables) against a baseline: the one path from data to findings."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import Any

from watchkeeper.budget import Finding, Severity
from watchkeeper.checks import Check
from watchkeeper.delivery import TABLES, Delivery, Violation, deliver, writable
from watchkeeper.engines import scan
from watchkeeper.model import Model, WatchkeeperError, replacing
from watchkeeper.profiles import (
    OneWindow,
    Profiles,
    Slice,
    Windows,
    parse,
)
from watchkeeper.report import Result, Verdict, to_json, write_html, write_measurements
from watchkeeper.watch import argument, remark
from watchkeeper.watch import period as periods
from watchkeeper.watch.judged import Judged, judge_files
from watchkeeper.watch.profiled import data_only, expanded, on_disk
from watchkeeper.watch.reference import Reference, Told, refer, segments_of
from watchkeeper.watch.span import span_of
from watchkeeper.watch.verdict import finding_of, verdict

SHOWN = 10_000
"""Bad rows listed in the result; all of them go into the quarantine file."""
_DAY = 86_400_000_000


class SeveralFiles(WatchkeeperError):
    """Several files can't be written into one."""


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
    measurements: str | Path | None = None,
    html: str | Path | None = None,
    json: str | Path | None = None,
    checks: Sequence[Check] | None = None,
    told: Told | None = None,
) -> Result:
    """Check data against a baseline.

    `current`, `baseline`: a path, a glob, a file-system URL, or a list of these; or a pandas, Polars or Arrow table, a
    DuckDB relation, anything with `__arrow_c_stream__`. A baseline may also be a profile file. `model`: a Model, or the
    path of a `watchkeeper.yaml`; without it, it is inferred from the baseline. `by`: cut into windows by hour, day,
    week, month or `N-rows`; without it each file is one window. `period`: the event times that the data may hold.
    `quarantine`, `accepted`, `measurements`, `html`, `json`: files to write, each whole or not at all; no input is ever
    overwritten.

    Raises `WatchkeeperError` where the check can't be made; what is wrong with the data is in the result, never raised.

    Example:
        >>> import watchkeeper as wk
        >>> wk.check("new.csv", "train/*.csv").verdict
        <Verdict.ACCEPT: 'accept'>
    """
    began = time.perf_counter()
    by, segment, period = (argument.text(*given) for given in (("by", by), ("segment", segment), ("period", period)))
    windows = None if by is None else parse(by)
    span = None if period is None else periods.parse(period)
    known = argument.model(model)
    sources, before = data_only(current), expanded(baseline)
    listing, key = argument.signature(manifest, hmac_key_file, sources)
    if len(sources) > 1 and (quarantine or accepted):
        raise SeveralFiles("good and bad rows are written of one file at a time: check each delivery by itself.")
    tables = [(output, TABLES) for output in (accepted, quarantine, measurements)]
    also_read = [None if model is known else model, manifest, hmac_key_file]
    outputs = writable([*tables, (html, ()), (json, ())], [*sources, *on_disk(before), *also_read])
    good, bad, *reports = outputs
    reference = refer(before, known, told)
    segments = segments_of(reference.model, segment)
    files: list[tuple[Delivery, Profiles | None]] = []
    for i, source in enumerate(sources):
        delivery = deliver(
            source,
            reference.model,
            period=span,
            manifest=listing,
            hmac_key=key,
            earlier={**reference.digests_like(source), **_same_size(source, [delivery for delivery, _ in files])},
        )
        label = delivery.name if not files else f"{delivery.name} ({i + 1})"
        files.append((delivery, _profiled(delivery, label, reference, windows, segments, span, told)))
    judged = judge_files([p for _, p in files if p is not None], reference, windows, span, segments, checks, told)
    deliveries = [delivery for delivery, _ in files]
    result = _result(deliveries, judged, reference, by_window=windows is not None)
    for stale in (good, bad):
        if stale is not None and stale.is_file():
            stale.unlink()
    for delivery in deliveries:
        delivery.write(good, bad)
    written = [path for path in (good, bad) if path is not None and path.exists()]
    result = replace(result, seconds=time.perf_counter() - began)
    return replace(result, written=[*written, *_reports(result, *reports)])


def _reports(result: Result, table: Path | None, page: Path | None, text: Path | None) -> Iterator[Path]:
    """Write the measurements, the page and the JSON where they are asked for; what was written."""
    if page is not None:
        write_html(result, page)
        yield page
    if table is not None:
        write_measurements(result, table)
        yield table
    if text is not None:
        with replacing(text) as temporary:
            temporary.write_text(to_json(result), encoding="utf-8")
        yield text


def _same_size(source: Any, before: Sequence[Delivery]) -> dict[str, str]:
    """Digests of the files before this one that could have the same bytes: those of its size."""
    if not isinstance(source, str | Path) or not Path(source).is_file():
        return {}
    size = Path(source).stat().st_size
    return {delivery.digest: delivery.name for delivery in before if delivery.size == size and delivery.digest}


def _profiled(
    delivery: Delivery,
    label: str,
    reference: Reference,
    windows: Windows | None,
    segments: Sequence[str],
    span: tuple[int, int] | None,
    told: Told | None,
) -> Profiles | None:
    """Profiles of a file under test; None where it is rejected or holds nothing to profile."""
    cut = OneWindow(Slice(label=label)) if windows is None else windows
    reference.kernels.expect(delivery.cells)
    profiles = scan(reference.edges, reference.model, delivery.blocks(), cut, segments, told, kernels=reference.kernels)
    if delivery.rejected or not profiles.slices:
        return None
    return _dated(profiles, reference.model, span) if windows is None else profiles


def _result(deliveries: Sequence[Delivery], judged: Judged, reference: Reference, *, by_window: bool) -> Result:
    several = len(deliveries) > 1
    violations = [(v, d.rows_read) for d in deliveries for v in _new(d.violations, reference)]
    findings = [*(finding_of(v, rows) for v, rows in violations), *judged.findings]
    findings += remark.on_left_out(reference.left_out)
    read, bad = sum(d.rows_read for d in deliveries), sum(d.rows_bad for d in deliveries)
    outcome = verdict([v for v, _ in violations], findings, bad, by_window=by_window)
    rows = (replace(row, file=d.name if several else None) for d in deliveries for row in d.bad_rows(SHOWN))
    shown = list(islice(rows, SHOWN))
    names = [Path(d.name).name if Path(d.name).is_absolute() else d.name for d in deliveries]
    return Result(
        verdict=outcome,
        rows_read=read,
        rows_good=0 if outcome is Verdict.REJECT_FILE else read - bad,
        rows_quarantined=bad,
        quarantined=shown,
        quarantined_truncated=bad > len(shown),
        baseline_windows=0 if judged.baseline is None else judged.baseline.profiles.windows,
        baseline_source="one" if judged.baseline is None else judged.baseline.source,
        findings=sorted(findings, key=_loudest),
        current_name=", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else ""),
        baseline_name=reference.name,
        model=reference.model,
        measurements=judged.measurements,
        profiles=judged.profiles,
        baseline=judged.baseline,
        thresholds=judged.enough,
    )


def _dated(profiles: Profiles, model: Model, limits: tuple[int, int] | None) -> Profiles:
    """Give a file's window its span: the period it is for, else the days that its event times cover."""
    span = limits
    ends = span_of([profiles], model)
    if span is None and ends is not None:
        span = ends[0] // _DAY * _DAY, ends[1] // _DAY * _DAY + _DAY
    if span is None:
        return profiles

    def move(at: Slice) -> Slice:
        return replace(at, start=span[0], end=span[1])

    return profiles.regrouped(move)


def _new(violations: Iterable[Violation], reference: Reference) -> list[Violation]:
    """Violations, less active content in columns whose baseline holds the same."""
    return [
        v for v in violations if v.check != "active_content" or not any(map(reference.has_active_content, v.columns))
    ]


def _loudest(finding: Finding) -> tuple[int, bool, float]:
    loudness = list(Severity).index(finding.severity)
    return (-loudness, finding.kind != "violation", -(finding.evidence or 0.0))
