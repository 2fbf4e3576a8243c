"""The gateway's figures in Prometheus' text form."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.metrics_core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    Metric,
)
from prometheus_client.registry import Collector

from watchkeeper.gateway.entry import Entry
from watchkeeper.gateway.version import Version
from watchkeeper.release.figures import cumulated

if TYPE_CHECKING:
    from watchkeeper.gateway.switch import Switch

_OF_VERSION: tuple[tuple[str, str, Callable[[Version], float]], ...] = (
    ("requests", "Requests that a version was given, answered or not.", lambda one: one.figures.requests),
    ("errors", "Requests that a version failed: it ended, was late, or raised.", lambda one: one.figures.errors),
    ("invalid", "Requests that a version answered with what can't be true.", lambda one: one.figures.invalid),
    ("restarts", "Times that the process of a version was started again.", lambda one: one.restarts),
)
_LOST = ("durable", "dropped", "invalid")


class Metrics(Collector):
    """Reads all figures when it is scraped, so that a request pays for nothing but adding them up."""

    def __init__(self, switch: Switch, entry: Entry) -> None:
        self._switch, self._entry = switch, entry
        self.answers: Counter[tuple[str, int]] = Counter()
        """Answers by route and status."""
        self.refused: Counter[str] = Counter()
        """Requests without a prediction, by the reason's word."""
        self._registry = CollectorRegistry()
        self._registry.register(self)

    def text(self) -> bytes:
        """All figures."""
        return generate_latest(self._registry)

    def collect(self) -> Iterator[Metric]:
        """Called by a scrape."""
        yield from self._of_versions()
        yield from self._of_models()
        answers = _counter("http_requests", "Requests answered.", "route", "status")
        for (route, status), number in list(self.answers.items()):
            answers.add_metric([route, str(status)], number)
        yield answers
        refused = _counter("refused", "Requests without a prediction, by the reason.", "reason")
        for reason, number in list(self.refused.items()):
            refused.add_metric([reason], number)
        yield refused
        yield _one("waiting_bytes", "Bytes of the requests under way.", self._entry.held)
        yield _one("state_reachable", "Whether the database of the state answers.", self._switch.is_state_there)

    def _of_versions(self) -> Iterator[Metric]:
        versions = [
            (served.model.name, version)
            for served in list(self._switch.models.values())
            for version in (served.live, served.previous)
            if version is not None
        ]
        for name, told, value in _OF_VERSION:
            counter = _counter(name, told, "model", "version")
            for model, version in versions:
                counter.add_metric([model, version.name], value(version))
            yield counter
        seconds = HistogramMetricFamily(
            "watchkeeper_gateway_seconds", "Time from a request to its version's answer.", labels=["model", "version"]
        )
        memory = _gauge("worker_memory_bytes", "Memory of a version's process.", "model", "version")
        pending = _gauge("pending", "Requests that a version has not answered yet.", "model", "version")
        up = _gauge("up", "Whether a version can be asked.", "model", "version")
        for model, version in versions:
            labels = [model, version.name]
            seconds.add_metric(labels, cumulated(version.figures.buckets), version.figures.seconds)
            memory.add_metric(labels, version.memory_bytes or 0)
            pending.add_metric(labels, version.pending)
            up.add_metric(labels, version.is_up)
        yield from (seconds, memory, pending, up)

    def _of_models(self) -> Iterator[Metric]:
        live = _gauge("live", "1 for the version that is live.", "model", "version")
        since = _gauge("live_since_timestamp_seconds", "When the live version went live here.", "model")
        switches = _counter("switches", "Times that another version went live.", "model")
        rollbacks = _counter("rollbacks", "Times that a version was rolled back.", "model", "from_version")
        failures = _counter("load_failures", "Times that a version could not be loaded.", "model")
        stuck = _gauge("stuck", "1 while a version that should be live can't be loaded.", "model")
        fallbacks = _counter(
            "fallbacks", "Requests that another version answered.", "model", "from_version", "to_version", "reason"
        )
        for name, served in list(self._switch.models.items()):
            if served.live is not None:
                live.add_metric([name, served.live.name], 1)
                since.add_metric([name], served.since)
            switches.add_metric([name], served.switches)
            failures.add_metric([name], served.failures)
            for old, number in list(served.rollbacks.items()):
                rollbacks.add_metric([name, old], number)
            stuck.add_metric([name], served.problem is not None)
            for (old, new, reason), number in list(served.fallbacks.items()):
                fallbacks.add_metric([name, old, new, reason], number)
        yield from (live, since, switches, rollbacks, failures, stuck, fallbacks)
        logged = _counter("log_records", "Log records by what became of them.", "model", "outcome")
        for name, journal in list(self._switch.journals.items()):
            counts = journal.counts
            for outcome in _LOST:
                logged.add_metric([name, outcome], getattr(counts, outcome))
        yield logged


def _counter(name: str, told: str, *labels: str) -> CounterMetricFamily:
    return CounterMetricFamily(f"watchkeeper_gateway_{name}", told, labels=labels)


def _gauge(name: str, told: str, *labels: str) -> GaugeMetricFamily:
    return GaugeMetricFamily(f"watchkeeper_gateway_{name}", told, labels=labels)


def _one(name: str, told: str, value: float) -> Metric:
    gauge = _gauge(name, told)
    gauge.add_metric([], value)
    return gauge
