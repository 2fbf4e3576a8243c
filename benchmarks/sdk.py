#!/usr/bin/env python3
"""What one logged prediction costs the service that calls, and how long the SDK takes to import.

    python benchmarks/sdk.py [--calls 50000] [--columns 20] [--pause 0.0001]

The floor, in the same run and by turns, is an empty context manager with two clock readings and a copy of the features:
what any logger with `with` must pay. Pauses between the calls leave the writing thread its time, as requests do.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from time import perf_counter, perf_counter_ns
from types import TracebackType
from typing import Any

from watchkeeper.sdk import Logger

IMPORT = "import time; t = time.perf_counter(); import watchkeeper.sdk; print(time.perf_counter() - t)"


class Floor:
    """A context manager that keeps a copy of the features and the time that passed, and does nothing with them."""

    __slots__ = ("began", "features", "latency")

    def __init__(self, features: Mapping[str, Any]) -> None:
        self.features = dict(features)
        self.began = perf_counter()

    def __enter__(self) -> Floor:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.latency = perf_counter() - self.began


def floor(features: Mapping[str, Any], number: str) -> None:
    """One call of the floor."""
    with Floor(features):
        pass


def nanoseconds(call: Callable[[Mapping[str, Any], str], None], features: Mapping[str, Any], number: str) -> int:
    """How long one call takes."""
    began = perf_counter_ns()
    call(features, number)
    return perf_counter_ns() - began


def processor_seconds(log: Logger, features: Mapping[str, Any], calls: int) -> float:
    """What one prediction costs in all, writing included, in processor time of the whole process."""
    log.flush(60)
    began = time.process_time()
    for number in range(calls):
        with log.predict(features, version="v7", id=f"again-{number}") as prediction:
            prediction.prediction, prediction.score = 1, 0.5
    log.flush(60)
    return (time.process_time() - began) / calls


def import_seconds() -> float:
    """How long a fresh process takes to import the SDK, once its bytecode is written; the fastest of some runs."""
    with tempfile.TemporaryDirectory() as folder:
        kept = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
        environment = {**kept, "PYTHONPYCACHEPREFIX": folder}
        command = [sys.executable, "-c", IMPORT]
        runs = [subprocess.run(command, capture_output=True, check=True, env=environment).stdout for _ in range(12)]
    return min(map(float, runs[1:]))


def main() -> None:
    """Print median and 99th percentile of both, and the time of a fresh import."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--calls", type=int, default=50_000)
    options.add_argument("--columns", type=int, default=20)
    options.add_argument("--pause", type=float, default=0.0001)
    given = options.parse_args()
    features = {f"feature_{number}": number * 1.5 for number in range(given.columns)}
    taken: dict[str, list[int]] = {"floor": [], "log.predict": []}
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "inbox" / "model").mkdir(parents=True)
        with Logger("model", home=folder, queue=1_000_000) as log:

            def predict(features: Mapping[str, Any], number: str) -> None:
                with log.predict(features, version="v7", id=number) as prediction:
                    prediction.prediction, prediction.score = 1, 0.5

            for number in range(given.calls):
                for name, call in (("floor", floor), ("log.predict", predict)):
                    taken[name].append(nanoseconds(call, features, f"request-{number}"))
                time.sleep(given.pause)
            log.flush(60)
            counts = log.counts
            whole = processor_seconds(log, features, given.calls)
    print(
        f"{given.calls:,} calls with {given.columns} features; {counts.durable:,} durable, {counts.dropped:,} dropped"
    )
    print(f"{'':12} {'median µs':>10} {'99 % µs':>10}")
    for name, values in taken.items():
        print(
            f"{name:12} {statistics.median(values) / 1e3:10.2f} {statistics.quantiles(values, n=100)[98] / 1e3:10.2f}"
        )
    ratio = statistics.median(taken["log.predict"]) / statistics.median(taken["floor"])
    print(f"log.predict costs {ratio:.1f} times the floor")
    print(f"writing included, a prediction takes {whole * 1e6:.1f} µs of processor time")
    print(f"import watchkeeper.sdk: {import_seconds() * 1e3:.0f} ms")


if __name__ == "__main__":
    main()
