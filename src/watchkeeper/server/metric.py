"""The server's own figures, as Prometheus reads them."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    disable_created_metrics,
    generate_latest,
)
from prometheus_client.registry import Collector

FAST = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
"""Seconds at which the histograms of times are cut: disks sync within these."""


class Metrics:
    """Counters and histograms in a registry of their own; `collectors` add what later rooms know of each model."""

    def __init__(self, waiting: Callable[[], float], collectors: Iterable[Collector] = ()) -> None:
        disable_created_metrics()  # type: ignore[no-untyped-call]  # else a gauge says of each counter when it began
        self.registry = CollectorRegistry()
        self.requests = Counter(
            "watchkeeper_http_requests", "Requests answered.", ("route", "method", "status"), registry=self.registry
        )
        self.seconds = Histogram(
            "watchkeeper_http_seconds", "Time to an answer.", ("route",), buckets=FAST, registry=self.registry
        )
        self.refused = Counter(
            "watchkeeper_http_refused",
            "Requests refused, by the rule that they broke.",
            ("reason",),
            registry=self.registry,
        )
        self.records = Counter(
            "watchkeeper_ingest_records",
            "Records received: accepted, duplicate or rejected.",
            ("model", "kind", "outcome"),
            registry=self.registry,
        )
        self.future = Counter(
            "watchkeeper_ingest_future",
            "Records accepted although they are dated more than a day ahead.",
            ("model", "kind"),
            registry=self.registry,
        )
        self.syncs = Histogram(
            "watchkeeper_inbox_sync_seconds", "Time to bring one commit to disk.", buckets=FAST, registry=self.registry
        )
        held = Gauge("watchkeeper_ingest_waiting_bytes", "Bytes held that are not on disk yet.", registry=self.registry)
        held.set_function(waiting)
        for collector in collectors:
            self.registry.register(collector)

    def text(self) -> bytes:
        """All figures in Prometheus' text form."""
        return generate_latest(self.registry)
