"""Gauges of each model for Prometheus: what `status` tells, and what is loud in the newest window that was judged."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from prometheus_client.metrics_core import CounterMetricFamily, GaugeMetricFamily, Metric

from watchkeeper.report.status import Status
from watchkeeper.watch.maturity import Span, State

MOST_FINDINGS = 200
"""Series of a model's findings: each new series costs Prometheus memory, and nobody reads more."""
LONGEST = 200
"""Characters of a label's value; columns may be many, and their names long."""
LOUD = ("alarm", "warning")
COUNTED = ("duplicates", "conflicts", "rejected", "corrupt", "future", "ancient")
"""Counts that are there from the beginning, so that their first rise is seen as one."""
FINDING = ("check", "metric", "columns", "segment", "version", "severity")


@dataclass(frozen=True)
class Seen:
    """What is known of a model."""

    status: Status
    judged: Span | None
    """The newest window that was judged."""
    findings: Sequence[Mapping[str, Any]]
    """What was found in it, without values of personal columns."""


def _seconds(micro: int | None) -> float | None:
    return None if micro is None else micro / 1e6


ONE_EACH: tuple[tuple[str, str, Callable[[Seen], float | None]], ...] = (
    (
        "last_event_timestamp_seconds",
        "Time of the newest event in the lake, by its own clock.",
        lambda seen: _seconds(seen.status.flow.newest),
    ),
    (
        "last_received_timestamp_seconds",
        "When the newest event came that is in the lake or waits in the inbox.",
        lambda seen: _seconds(seen.status.flow.received),
    ),
    (
        "lag_seconds",
        "How long ago the newest event came, at the last look.",
        lambda seen: _seconds(seen.status.lag),
    ),
    ("lake_events", "Events in the lake.", lambda seen: seen.status.flow.total),
    ("inbox_waiting_bytes", "Bytes in the inbox not moved yet.", lambda seen: seen.status.flow.waiting),
    (
        "inbox_waiting_since_timestamp_seconds",
        "When the oldest record came that waits in the inbox.",
        lambda seen: _seconds(seen.status.flow.waiting_since),
    ),
    ("windows_due", "Windows that have to be profiled, first or anew.", lambda seen: seen.status.due),
    (
        "windows_provisional",
        "Windows, of the newest ones that status tells of, whose labels are still to come.",
        lambda seen: sum(one["state"] == State.PROVISIONAL for one in seen.status.windows),
    ),
    ("run_active", "Whether somebody runs the model just now.", lambda seen: seen.status.runner is not None),
    ("alarms_firing", "Alarms that fire.", lambda seen: len(seen.status.alarms)),
    ("alarms_without_data", "Alarms that can not be judged, as no data come.", lambda seen: seen.status.silent),
    (
        "label_coverage_ratio",
        "Share of the events that have a label, in the newest window whose labels are all there.",
        lambda seen: None if seen.status.mature is None else seen.status.mature["coverage"],
    ),
    (
        "judged_window_end_timestamp_seconds",
        "End of the newest window that was judged.",
        lambda seen: None if seen.judged is None else _seconds(seen.judged[1]),
    ),
)
"""Gauges that a model has one of: name, help, and the value, or None where it is not known."""


def families(models: Sequence[Seen]) -> Iterator[Metric]:
    """All series of these models, and of no others."""
    for name, told, value in ONE_EACH:
        gauge = _gauge(name, told)
        for seen in models:
            found = value(seen)
            if found is not None:
                gauge.add_metric([seen.status.model], float(found))
        yield gauge
    yield _by("recent_events", "Events of a span of time up to the last look.", "span", models, _recent)
    yield _by("disk_bytes", "Bytes of the inbox and the lake.", "part", models, _disk)
    yield _by(
        "recent_irregular_records",
        "Records not kept, or not as they came, since yesterday began (UTC), also those that services could not send.",
        "kind",
        models,
        lambda seen: seen.status.today,
    )
    yield _by("label_delay_seconds", "How long it takes until such a share of labels is there.", "share", models, _late)
    yield _by("findings", "Findings of the newest judged window.", "severity", models, _severities)
    yield _irregular(models)
    yield _state(models)
    yield _findings(models)


def _gauge(name: str, told: str, *labels: str) -> GaugeMetricFamily:
    return GaugeMetricFamily(f"watchkeeper_{name}", told, labels=["model", *labels])


def _by(
    name: str, told: str, label: str, models: Sequence[Seen], values: Callable[[Seen], Mapping[str, float]]
) -> Metric:
    gauge = _gauge(name, told, label)
    for seen in models:
        for key, value in values(seen).items():
            gauge.add_metric([seen.status.model, key], float(value))
    return gauge


def _recent(seen: Seen) -> dict[str, float]:
    return {"1h": seen.status.flow.hour, "24h": seen.status.flow.day}


def _disk(seen: Seen) -> dict[str, float]:
    return {part: size for part, size in seen.status.disk.items() if part != "state"}


def _late(seen: Seen) -> Mapping[str, float]:
    """Of all labels together, once windows were followed long enough to tell."""
    return next((delay.quantiles for delay in seen.status.delays if not delay.name and delay.is_known), {})


def _severities(seen: Seen) -> Mapping[str, float]:
    counted = Counter(one["severity"] for one in seen.findings)
    return {} if seen.judged is None else {severity: counted[severity] for severity in LOUD}


def _irregular(models: Sequence[Seen]) -> Metric:
    counter = CounterMetricFamily(
        "watchkeeper_irregular_records",
        "Records not kept, or not as they came, since the model was added.",
        labels=["model", "kind"],
    )
    for seen in models:
        for kind, amount in (dict.fromkeys(COUNTED, 0) | dict(seen.status.counts)).items():
            counter.add_metric([seen.status.model, kind], amount)
    return counter


def _state(models: Sequence[Seen]) -> Metric:
    gauge = GaugeMetricFamily("watchkeeper_state_bytes", "Bytes of the state, which all models share.")
    for seen in models[:1]:
        gauge.add_metric([], seen.status.disk["state"])
    return gauge


def _findings(models: Sequence[Seen]) -> Metric:
    gauge = _gauge(
        "finding_value",
        "Measurement of each warning or alarm of the newest judged window; NaN where it has none that may be told. "
        f"At most {MOST_FINDINGS} a model, the worst: watchkeeper_findings counts them all.",
        *FINDING,
    )
    for seen in models:
        for labels, value in _loudest(seen.findings).items():
            gauge.add_metric([seen.status.model, *labels], math.nan if value is None else value)
    return gauge


def _loudest(findings: Sequence[Mapping[str, Any]]) -> dict[tuple[str, ...], float | None]:
    """The worst findings by what their series is labelled with; of those with the same labels the worse one."""
    loud = [one for one in findings if one["severity"] in LOUD]
    loud.sort(key=lambda one: (LOUD.index(one["severity"]), -(one["evidence"] or 0.0)))
    found: dict[tuple[str, ...], float | None] = {}
    for one in loud:
        if len(found) == MOST_FINDINGS:
            break
        told = {**one, "columns": ",".join(one["columns"])}
        found.setdefault(tuple(_label(told[name]) for name in FINDING), one["value"])
    return found


def _label(text: str | None) -> str:
    given = text or ""
    return given if len(given) <= LONGEST else f"{given[: LONGEST - 1]}…"
