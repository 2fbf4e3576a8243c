#!/usr/bin/env python3
"""How time and memory grow with rows and with columns, what CSV costs beside Parquet, and what the least command costs.

    python benchmarks/size.py [--millions 1 10 100] [--columns 34 1000 5000] [--folder DIR]

Rows are those of scan.py, profiled by day on edges that are given. Wide files hold 20,000 rows of numbers and texts of
few values and are checked against as many. Each figure is of a process of its own, from its start to its end, the best
of three (of one from 10 million rows on); memory at its highest in MB.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq
import scan
from process import timed

WIDE_ROWS = 20_000
OURS = [sys.executable, "-m", "watchkeeper"]


def wide(columns: int, seed: int) -> pa.Table:
    """Rows of so many columns, every third a text."""
    rng = np.random.default_rng(seed)
    names = pa.array(["red", "green", "blue"])
    return pa.table(
        {
            f"c{i}": names.take(pa.array(rng.integers(0, 3, WIDE_ROWS))) if i % 3 == 0 else rng.normal(i, 1, WIDE_ROWS)
            for i in range(columns)
        }
    )


def show(name: str, command: list[str], runs: int = 3, per: float = 0.0) -> None:
    """Print a line; `per`: the cells behind it, for nanoseconds a cell."""
    best = min((timed(command) for _ in range(runs)), key=lambda run: run["wall"])
    cell = f"{best['cpu'] / per * 1e9:10.1f}" if per else " " * 10
    print(f"{name:44}{best['wall']:9.2f}{best['cpu']:9.2f}{best['mb']:9.0f}{cell}", flush=True)


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--millions", type=int, nargs="*", default=[1, 10, 100], help="rows, in millions")
    parser.add_argument("--columns", type=int, nargs="*", default=[34, 1_000, 5_000])
    parser.add_argument("--folder", type=Path, default=Path(tempfile.gettempdir()) / "watchkeeper-benchmark")
    given = parser.parse_args()
    given.folder.mkdir(parents=True, exist_ok=True)
    print(f"{'':44}{'wall s':>9}{'CPU s':>9}{'peak MB':>9}{'ns/cell':>10}")
    out, small, before = (str(given.folder / f"{name}.parquet") for name in ("out", "thousand", "thousand-before"))
    for seed, file in enumerate((small, before)):
        pq.write_table(scan.rows(1_000 * seed, 1_000, 2_000, seed), file)
    show("--help", [*OURS, "--help"])
    show("import watchkeeper", [sys.executable, "-c", "import watchkeeper"])
    show("check of 1,000 rows against as many", [*OURS, "check", small, "--baseline", before, "--fail-on", "never"])
    sample, profiles = given.folder / "sample.parquet", str(given.folder / "size-baseline.parquet")
    scan.make(sample, 1)
    timed([*OURS, "profile", str(sample), "--by", "day", "-o", profiles])
    counted = ["--baseline", profiles, "--by", "day", "-o", out]
    for millions in given.millions:
        path = given.folder / f"{millions}m.parquet"
        scan.make(path, millions)
        cells = 34e6 * millions
        show(f"{millions} million rows", [*OURS, "profile", str(path), *counted], 3 if millions < 10 else 1, cells)
        if millions == 1:
            text = given.folder / "1m.csv"
            if not text.exists():
                pyarrow.csv.write_csv(pq.read_table(path), text)
            show("1 million rows as CSV", [*OURS, "profile", str(text), *counted], 3, cells)
    for columns in given.columns:
        files = [str(given.folder / f"wide-{columns}-{seed}.parquet") for seed in range(2)]
        for seed, file in enumerate(files):
            if not Path(file).exists():
                pq.write_table(wide(columns, seed), file, row_group_size=WIDE_ROWS)
        check = [*OURS, "check", files[0], "--baseline", files[1], "--fail-on", "never"]
        show(f"check of {WIDE_ROWS:,} rows × {columns:,} columns", check, 1, 2.0 * WIDE_ROWS * columns)


if __name__ == "__main__":
    main()
