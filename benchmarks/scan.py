#!/usr/bin/env python3
"""What profiling costs, as a multiple of merely decoding the same Parquet file in the same run.

    python benchmarks/scan.py [--millions 20] [--folder DIR]

Makes a file of so many million rows × 34 columns (an id, a time, 26 numbers, 4 texts, a score, a label, 2 flags) that
spans 30 days, in row groups of a million, and profiles it on edges made from a sample. Every figure comes from a
process of its own; wall and CPU in seconds, memory at its highest in MB. CPU counts all threads.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

TEXTS = {"c0": 3, "c1": 20, "c2": 200, "c3": 2_000}
GROUP = 1_000_000
MONTH = 30 * 86_400_000_000


def rows(first: int, count: int, total: int, seed: int) -> pa.Table:
    """Some consecutive rows of the file."""
    rng = np.random.default_rng(seed)
    number = np.arange(first, first + count)
    columns: dict[str, object] = {
        "row_id": number,
        "ts": np.datetime64("2024-01-01", "us") + (number * (MONTH // total)).astype("timedelta64[us]"),
    }
    columns |= {f"f{i}": rng.normal(i, 1 + i, count) for i in range(18)}
    columns |= {f"k{i}": rng.poisson(3 + 5 * i, count) for i in range(4)}
    columns |= {f"e{i}": np.where(rng.random(count) < 0.3, 0, rng.exponential(10, count)) for i in range(4)}
    for name, many in TEXTS.items():
        names = pa.array([f"v{i}" for i in range(many)])
        codes = pa.array(rng.integers(0, many, count, dtype=np.int32))
        columns[name] = pa.DictionaryArray.from_arrays(codes, names).cast(pa.string())
    score = 1 / (1 + np.exp(-np.asarray(columns["f0"])))
    columns["score"], columns["label"] = score, (rng.random(count) < score).astype(np.int64)
    columns |= {f"flag{i}": rng.random(count) < 0.2 for i in range(2)}
    return pa.table(columns)


def make(path: Path, millions: int) -> None:
    """Write the file, unless it is there."""
    if path.exists():
        return
    total = millions * GROUP
    with pq.ParquetWriter(path, rows(0, 1, total, 0).schema) as writer:
        for i in range(millions):
            writer.write_table(rows(i * GROUP, GROUP, total, i))


def decode(path: Path) -> None:
    """The floor: decode all columns, texts as dictionaries, and drop them."""
    with pq.ParquetFile(path, read_dictionary=list(TEXTS), pre_buffer=False) as file:
        for group in range(file.num_row_groups):
            for _ in file.iter_batches(131_072, row_groups=[group]):
                pass


def measure(task: str, path: Path, baseline: Path) -> dict[str, float]:
    """Run one task in this process."""
    if task.endswith("numpy"):
        sys.modules["numba"] = None  # type: ignore[assignment]
    import watchkeeper.watch as watch

    by, segment = ("hour", "c0") if "segments" in task else ("hour", None) if "hour" in task else ("day", None)
    began, used = time.perf_counter(), resource.getrusage(resource.RUSAGE_SELF)
    if task == "decode":
        decode(path)
    elif task == "make baseline":
        watch.profile(str(path), by="day")
    else:
        watch.profile(str(path), by=by, segment=segment, baseline=str(baseline))
    now = resource.getrusage(resource.RUSAGE_SELF)
    cpu = now.ru_utime + now.ru_stime - used.ru_utime - used.ru_stime
    return {"wall": time.perf_counter() - began, "cpu": cpu, "mb": now.ru_maxrss / 1000}


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--millions", type=int, default=20, help="rows, in millions")
    parser.add_argument("--folder", type=Path, default=Path(tempfile.gettempdir()) / "watchkeeper-benchmark")
    parser.add_argument("--task", help=argparse.SUPPRESS)
    given = parser.parse_args()
    given.folder.mkdir(parents=True, exist_ok=True)
    path, sample = given.folder / f"{given.millions}m.parquet", given.folder / "sample.parquet"
    baseline = given.folder / "baseline.parquet"
    if given.task:
        print(json.dumps(measure(given.task, path, baseline)))
        return
    make(path, given.millions)
    make(sample, 1)
    if not baseline.exists():
        command = [sys.executable, "-m", "watchkeeper", "profile", str(sample), "--by", "hour", "--segment", "c0"]
        subprocess.run([*command, "-o", str(baseline)], check=True, capture_output=True)
    print(f"{given.millions} million rows × 34 columns, {path.stat().st_size / 1e9:.2f} GB of Parquet\n")
    print(f"{'':32}{'wall s':>8}{'CPU s':>8}{'× decode, CPU':>15}{'peak MB':>9}")
    floor = 0.0
    tasks = ["decode", "by day", "by hour", "by hour, 3 segments", "by day, numpy", "make baseline"]
    for task in tasks:
        command = [sys.executable, __file__, "--millions", str(given.millions), "--folder", str(given.folder)]
        runs = [
            json.loads(subprocess.run([*command, "--task", task], check=True, capture_output=True, text=True).stdout)
            for _ in range(3 if given.millions <= 20 else 1)
        ]
        best = min(runs, key=lambda run: run["cpu"])
        floor = floor or best["cpu"]
        print(f"{task:32}{best['wall']:8.1f}{best['cpu']:8.1f}{best['cpu'] / floor:15.2f}{best['mb']:9.0f}", flush=True)


if __name__ == "__main__":
    main()
