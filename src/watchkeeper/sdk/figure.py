"""Figures of the service itself: memory, processor time, requests and what the logger lost, as metric points."""

from __future__ import annotations

import math
import os
import threading
import time
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path

from watchkeeper.sdk.counts import Counts
from watchkeeper.sdk.record import MetricPoint

STEP = 1.05
"""Latencies are counted in buckets of 5 %, which is the error of their quantiles."""
QUANTILES = {"p50": 0.5, "p95": 0.95, "p99": 0.99}
LOSSES = ("dropped", "invalid", "rejected", "set_aside")
NAMES = frozenset(
    f"service_{name}"
    for name in (
        *("memory_bytes", "memory_peak_bytes", "cpu_share", "period_s", "queue", "requests", "errors"),
        *(f"latency_ms_{name}" for name in QUANTILES),
        *LOSSES,
    )
)
"""What the figures of a service are called: by these names alone a server tells them from other metric points."""


class Traffic:
    """Requests of a web service since the last look: their number, errors and latencies, in bounded memory."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._buckets: Counter[int] = Counter()
        self._errors = 0

    def add(self, seconds: float, failed: bool) -> None:
        """Count one request."""
        bucket = round(math.log(max(seconds * 1000, 1e-3), STEP))
        with self._lock:
            self._buckets[bucket] += 1
            self._errors += failed

    def take(self) -> dict[str, float]:
        """The figures so far, after which counting begins anew; nothing where there was no request."""
        with self._lock:
            buckets, errors = self._buckets, self._errors
            self._buckets, self._errors = Counter(), 0
        if not buckets:
            return {}
        found = {"requests": float(buckets.total()), "errors": float(errors)}
        for name, share in QUANTILES.items():
            found[f"latency_ms_{name}"] = STEP ** _quantile(buckets, share)
        return found


class Figures:
    """Reads the process's figures once a period."""

    def __init__(self) -> None:
        self.traffic = Traffic()
        self._wall, self._processor = time.monotonic(), time.process_time()
        self._before = Counts()

    def take(self, counts: Counts) -> list[MetricPoint]:
        """Metric points of the time since the last call; losses are numbers since then, so that they add up."""
        values = {**memory(), **self._processor_share(), "queue": float(counts.waiting), **self.traffic.take()}
        for name in LOSSES:
            values[name] = float(getattr(counts, name) - getattr(self._before, name))
        self._before = counts
        now = datetime.now(UTC)
        tags = {"host": os.uname().nodename, "pid": str(os.getpid())}
        return [MetricPoint(name=f"service_{name}", time=now, value=value, tags=tags) for name, value in values.items()]

    def _processor_share(self) -> dict[str, float]:
        wall, processor = time.monotonic(), time.process_time()
        passed, used = wall - self._wall, processor - self._processor
        self._wall, self._processor = wall, processor
        return {"cpu_share": used / passed, "period_s": passed} if passed > 0 else {}


def memory() -> dict[str, float]:
    """Resident memory; where there is no /proc its peak, under a name that says so; else nothing."""
    try:
        pages = int(Path("/proc/self/statm").read_text().split()[1])
    except (OSError, IndexError, ValueError):
        return _peak_memory()
    return {"memory_bytes": float(pages * os.sysconf("SC_PAGE_SIZE"))}


def _peak_memory() -> dict[str, float]:
    import sys

    try:
        import resource
    except ImportError:
        return {}
    unit = 1 if sys.platform == "darwin" else 1024
    return {"memory_peak_bytes": float(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit)}


def _quantile(buckets: Counter[int], share: float) -> int:
    rank = math.ceil(share * buckets.total())
    for bucket in sorted(buckets):
        rank -= buckets[bucket]
        if rank <= 0:
            return bucket
    return max(buckets)
