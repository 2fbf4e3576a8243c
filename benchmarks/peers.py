#!/usr/bin/env python3
"""One file against another, end to end: Watchkeeper beside Evidently, NannyML and whylogs on the same rows.

    python benchmarks/peers.py [--rows 1000000] [--folder DIR] [--runs 3]

Each reads two Parquet files of 34 columns (see scan.py), compares the distribution of every column but the id and the
time, and writes what it found as JSON. Peers live in environments that this script makes in the folder, each with the
releases that work together. Every figure is of a process of its own, from its start to its end: wall and CPU seconds,
and its memory at the highest. The best of the runs counts, for all alike.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

import pyarrow.parquet as pq
import scan
from process import timed


@dataclass(frozen=True)
class Peer:
    """A program that compares two files."""

    needs: tuple[str, ...]
    """What is installed in its environment."""
    program: str
    """Called with the reference, the file under test and where JSON goes."""


PEERS = {
    "Evidently": Peer(
        ("evidently", "pandas<3", "pyarrow"),
        """
import sys
import pandas as pd
from evidently import DataDefinition, Dataset, Report
from evidently.presets import DataDriftPreset
before, now = (pd.read_parquet(path) for path in sys.argv[1:3])
watched = [name for name in before if name not in ("row_id", "ts")]
numbers = [name for name in watched if before[name].dtype.kind in "if"]
others = [name for name in watched if name not in numbers]
kinds = DataDefinition(numerical_columns=numbers, categorical_columns=others)
before, now = (Dataset.from_pandas(table[watched], data_definition=kinds) for table in (before, now))
with open(sys.argv[3], "w") as out:
    out.write(Report([DataDriftPreset()]).run(now, before).json())
""",
    ),
    "NannyML univariate": Peer(
        ("nannyml", "statsmodels", "pyarrow"),
        """
import os, sys
os.environ["NML_DISABLE_USAGE_LOGGING"] = "1"
import nannyml, pandas as pd
before, now = (pd.read_parquet(path) for path in sys.argv[1:3])
watched = [name for name in before if name not in ("row_id", "ts")]
drift = nannyml.UnivariateDriftCalculator(column_names=watched, timestamp_column_name="ts", chunk_period="D")
drift.fit(before)
drift.calculate(now).to_df().to_json(sys.argv[3], date_format="iso")
""",
    ),
    "whylogs": Peer(
        ("whylogs[viz]", "numpy<2", "pandas<3", "pyarrow<21", "setuptools<81"),
        """
import json, sys
import pandas as pd, whylogs
from whylogs.viz.drift.column_drift_algorithms import calculate_drift_scores
before, now = (whylogs.log(pandas=pd.read_parquet(path)).view() for path in sys.argv[1:3])
found = calculate_drift_scores(target_view=now, reference_view=before, with_thresholds=True)
json.dump(found, open(sys.argv[3], "w"), default=str)
""",
    ),
}


def environment(folder: Path, peer: Peer) -> Path:
    """Its Python, in an environment that is made once."""
    python = folder / "bin" / "python"
    if not (folder / "ready").exists():
        subprocess.run([sys.executable, "-m", "venv", "--clear", str(folder)], check=True)
        subprocess.run([str(python), "-m", "pip", "install", "-q", *peer.needs], check=True)
        (folder / "ready").touch()
    return python


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=1_000_000, help="of each file")
    parser.add_argument("--runs", type=int, default=3, help="of each program")
    parser.add_argument("--folder", type=Path, default=Path(tempfile.gettempdir()) / "watchkeeper-benchmark")
    given = parser.parse_args()
    given.folder.mkdir(parents=True, exist_ok=True)
    before, now = (given.folder / f"{name}-{given.rows}.parquet" for name in ("before", "now"))
    for seed, path in enumerate((before, now)):
        if not path.exists():
            pq.write_table(scan.rows(seed * given.rows, given.rows, 2 * given.rows, seed), path)
    model, profiles = given.folder / "peers.yaml", given.folder / f"before-{given.rows}-profiles.parquet"
    ours = [sys.executable, "-m", "watchkeeper"]
    for made in (["init", before, "-o", model, "--force"], ["profile", before, "--model", model, "-o", profiles]):
        subprocess.run([*ours, *map(str, made)], check=True, capture_output=True)
    out = str(given.folder / "out.json")
    check = [*ours, "check", str(now), "--fail-on", "never", "--json", out, "--baseline"]
    commands = {"Watchkeeper, baseline profiled before": [*check, str(profiles)]}
    commands["Watchkeeper, baseline as raw rows"] = [*check, str(before)]
    for name, peer in PEERS.items():
        short = name.split()[0].lower()
        program = given.folder / f"run-{short}.py"
        program.write_text(peer.program)
        python = environment(given.folder / f"env-{short}", peer)
        commands[name] = [str(python), str(program), str(before), str(now), out]
    print(f"{given.rows:,} rows × 34 columns against as many, best of {given.runs} runs\n")
    print(f"{'':40}{'wall s':>8}{'CPU s':>8}{'peak MB':>9}{'wall ×':>8}{'CPU ×':>8}")
    first: dict[str, float] = {}
    for name, command in commands.items():
        best = min((timed(command) for _ in range(given.runs)), key=lambda run: run["wall"])
        first = first or best
        ratios = "".join(f"{best[what] / first[what]:8.1f}" for what in ("wall", "cpu"))
        print(f"{name:40}{best['wall']:8.1f}{best['cpu']:8.1f}{best['mb']:9.0f}{ratios}", flush=True)


if __name__ == "__main__":
    main()
