#!/usr/bin/env python3
"""What one more window costs when a model has been watched for a month, half a year, a year.

    python benchmarks/windows.py [--columns 200] [--rows 40] [--baseline-days 28] [--folder DIR]

Hourly windows of a wide table: the lake is filled with a year of events and kept profiles, in bulk, without judging
them; after 1, 6 and 12 months one more hour is ingested and run as `watchkeeper run` does, in a process of its own.
Prints a table in Markdown, and the ratio of the last to the first.
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from watchkeeper.engines import Kernels
from watchkeeper.profiles import parse
from watchkeeper.state import window
from watchkeeper.watch.add import add, baseline_of
from watchkeeper.watch.home import Home, opened
from watchkeeper.watch.ingest import ingest
from watchkeeper.watch.labelled import Labelled
from watchkeeper.watch.windowed import Watched

HOUR = 3_600_000_000
FIRST = 473_352
"""2024-01-01, in hours since 1970."""
MONTH = 730
CODE = """
import resource, sys, time
from watchkeeper.watch.home import opened
from watchkeeper.watch.run import run
began = time.perf_counter()
with opened(sys.argv[1]) as home:
    (ran,) = run(home, now=int(sys.argv[2]))
used = resource.getrusage(resource.RUSAGE_SELF)
print(time.perf_counter() - began, used.ru_utime + used.ru_stime, used.ru_maxrss / 1024, ran.windows)
"""


def table(first: int, hours: int, columns: int, rows: int, rng: np.random.Generator) -> pa.Table:
    """Hours of events in which nothing happens."""
    size = hours * rows
    times = ((np.repeat(np.arange(first, first + hours), rows) + rng.random(size)) * HOUR).astype(np.int64)
    made = {
        "id": pa.array([f"r{first}-{i}" for i in range(size)]),
        "ts": pa.array(times).cast(pa.timestamp("us", "UTC")),
    }
    words = columns // 10
    made |= {f"x{j}": pa.array(rng.normal(size=size)) for j in range(columns - words)}
    return pa.table(made | {f"k{j}": pa.array(rng.choice(list("abcdef"), size)) for j in range(words)})


def yaml(columns: int) -> str:
    """The model."""
    words = columns // 10
    lines = ["name: year", "window: hour", "columns:", "  id: {type: string, role: id, drift: false}"]
    lines += ["  ts: {type: timestamp, role: timestamp}"]
    lines += [f"  x{j}: {{type: number}}" for j in range(columns - words)]
    return "\n".join([*lines, *(f"  k{j}: {{type: string}}" for j in range(words))]) + "\n"


def fill(home: Home, folder: Path, first: int, hours: int, given: argparse.Namespace, rng: np.random.Generator) -> None:
    """Events and kept profiles of some hours, as runs would have left them."""
    model = home.model("year")
    lake = home.lake(model)
    windows = parse("hour")
    base = baseline_of(home, model, lake)
    for start in range(first, first + hours, 240):
        many = min(240, first + hours - start)
        path = folder / "part.parquet"
        pq.write_table(table(start, many, given.columns, given.rows, rng), path)
        ingest(home, model, [str(path)], now=(start + many) * HOUR)
        watched = Watched(model, lake, base, windows, Kernels(), Labelled(model, windows))
        due = window.due(home.store, model.name, (start + many) * HOUR)
        profiles = watched.profiled([one.span for one in due])
        kept = [watched.packed(one.span, one.seen, profiles) for one in due]
        lake.put_profiles(kept, watched.edges, (start + many) * HOUR)
        for one in due:
            window.done(home.store, model.name, one.span, one.seen, (start + many) * HOUR)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--columns", type=int, default=200)
    parser.add_argument("--rows", type=int, default=40, help="events an hour")
    parser.add_argument("--baseline-days", type=int, default=28)
    parser.add_argument("--months", type=int, nargs="*", default=[1, 6, 12])
    parser.add_argument("--folder", type=Path)
    given = parser.parse_args()
    folder = given.folder or Path(tempfile.mkdtemp(prefix="watchkeeper-windows-"))
    rng = np.random.default_rng(0)
    hours = 24 * given.baseline_days
    pq.write_table(table(FIRST, hours, given.columns, given.rows, rng), folder / "base.parquet")
    (folder / "m.yaml").write_text(yaml(given.columns))
    at, costs = FIRST + hours, []
    print(f"{given.columns} columns, {given.rows} events an hour, {hours} baseline windows\n")
    print("| windows before | wall s | CPU s | peak MB |\n|---:|---:|---:|---:|")
    for month in given.months:
        end = FIRST + hours + month * MONTH
        with opened(folder / "home", make=True) as home:
            if not costs:
                add(home, folder / "m.yaml", [str(folder / "base.parquet")], now=at * HOUR, who="benchmark")
            fill(home, folder, at, end - at, given, rng)
        for number in range(2):  # the first one also fills the cache
            part = folder / "one.parquet"
            pq.write_table(table(end + number, 1, given.columns, given.rows, rng), part)
            with opened(folder / "home") as home:
                ingest(home, home.model("year"), [str(part)], now=(end + number + 1) * HOUR)
            command = [sys.executable, "-c", CODE, str(folder / "home"), str((end + number + 1) * HOUR)]
            said = subprocess.run(command, check=True, capture_output=True, text=True).stdout.split()
        at = end + 2
        wall, cpu, peak, many = (float(part) for part in said)
        assert many == 1, said
        costs.append(cpu)
        print(f"| {at - 1 - FIRST - hours:,} | {wall:.1f} | {cpu:.1f} | {peak:,.0f} |", flush=True)
    print(f"\nThe last costs {costs[-1] / costs[0]:.2f} times the first.")
    if given.folder is None:
        shutil.rmtree(folder)


if __name__ == "__main__":
    main()
