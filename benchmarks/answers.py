#!/usr/bin/env python3
"""The same statistics of the same real rows: Watchkeeper's beside those of SciPy, Evidently and NannyML.

    python benchmarks/answers.py [--folder DIR] [--columns T AH 'CO(GT)' 'PT08.S4(NO2)']

The rows are those of `watchkeeper demo`: six weeks, checked against the eleven days before, as one window each. SciPy
works on raw rows, by the definitions of Watchkeeper's docs (ten bins of equal baseline mass); the others work as they
do by default. Prints a table in Markdown, for docs/benchmarks.md.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import tempfile
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from peers import PEERS, environment
from scipy import stats
from scipy.spatial.distance import jensenshannon

import watchkeeper as wk
from watchkeeper.delivery import deliver
from watchkeeper.demo import files
from watchkeeper.model import Column, Type, load

NAMES = ("psi", "js_distance", "hellinger", "ks", "wasserstein")
EVIDENTLY = """
import json, sys
import pandas as pd
from evidently import DataDefinition, Dataset, Report
from evidently.metrics import ValueDrift
before, now = (pd.read_parquet(path) for path in sys.argv[1:3])
kinds = DataDefinition(numerical_columns=list(before))
sides = [Dataset.from_pandas(table, data_definition=kinds) for table in (now, before)]
names = {"js_distance": "jensenshannon"} | {name: name for name in ("psi", "hellinger", "ks", "wasserstein")}
found = {}
for ours, theirs in names.items():
    report = Report([ValueDrift(column=name, method=theirs) for name in before]).run(*sides)
    told = json.loads(report.json())["metrics"]
    found[ours] = {name: one["value"] for name, one in zip(before, told)}
print(json.dumps(found))
"""
NANNYML = """
import json, os, sys
os.environ["NML_DISABLE_USAGE_LOGGING"] = "1"
import nannyml, pandas as pd
before, now = (pd.read_parquet(path) for path in sys.argv[1:3])
names = {"js_distance": "jensen_shannon", "ks": "kolmogorov_smirnov", "hellinger": "hellinger"}
names["wasserstein"] = "wasserstein"
drift = nannyml.UnivariateDriftCalculator(
    column_names=list(before), continuous_methods=list(names.values()), chunk_size=len(now)
)
drift.fit(before)
told = drift.calculate(now).filter(period="analysis").to_df()
print(json.dumps({o: {n: float(told[(n, t, "value")].iloc[0]) for n in before} for o, t in names.items()}))
"""
Found = dict[str, dict[str, float]]


def numbers() -> tuple[pa.Table, pa.Table]:
    """The demo's numeric columns, before and now, sentinel values missing."""
    story = files()
    model = load(story.model)
    kept = [name for name, column in model.columns.items() if column.type is Type.NUMBER or column.type is Type.INTEGER]
    sides = []
    for source in (story.baseline, story.current):
        tables = [block.table for block in deliver(source, model, strict=False).blocks()]
        sides.append(pa.concat_tables(tables).select(kept).cast(pa.schema([(name, pa.float64()) for name in kept])))
    return sides[0], sides[1]


def ours(before: pa.Table, now: pa.Table) -> Found:
    """What `--measurements` says."""
    model = wk.Model(name="answers", columns={name: Column(type=Type.NUMBER) for name in before.column_names})
    told = wk.check(now, before, model=model).measurements
    return {
        name: {one.columns[0]: float(one.value[0]) for one in told if one.metric == name and len(one.columns) == 1}
        for name in NAMES
    }


def by_scipy(before: pa.Table, now: pa.Table) -> Found:
    """The same from raw rows."""
    found: Found = {name: {} for name in NAMES}
    for column in before.column_names:
        old, new = (np.asarray(side[column].drop_null()) for side in (before, now))
        cuts = np.unique(np.quantile(old, np.arange(1, 10) / 10, method="inverted_cdf"))
        p, q = (np.bincount(np.searchsorted(cuts, x), minlength=len(cuts) + 1) / len(x) for x in (old, new))
        clipped = [np.maximum(share, 1e-4) for share in (p, q)]
        found["psi"][column] = float(((clipped[1] - clipped[0]) * np.log(clipped[1] / clipped[0])).sum())
        found["js_distance"][column] = float(jensenshannon(p, q, base=2))
        found["hellinger"][column] = float(np.sqrt(((np.sqrt(p) - np.sqrt(q)) ** 2).sum() / 2))
        found["ks"][column] = float(stats.ks_2samp(old, new).statistic)
        found["wasserstein"][column] = float(stats.wasserstein_distance(old, new))
    return found


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--columns", nargs="*", default=["T", "AH", "CO(GT)", "PT08.S4(NO2)"])
    parser.add_argument("--folder", type=Path, default=Path(tempfile.gettempdir()) / "watchkeeper-benchmark")
    given = parser.parse_args()
    given.folder.mkdir(parents=True, exist_ok=True)
    before, now = numbers()
    paths = [given.folder / name for name in ("answers-before.parquet", "answers-now.parquet")]
    for path, table in zip(paths, (before, now), strict=True):
        pq.write_table(table, path)
    found = {"Watchkeeper": ours(before, now), "SciPy, raw rows": by_scipy(before, now)}
    for name, program in (("Evidently", EVIDENTLY), ("NannyML univariate", NANNYML)):
        python = environment(given.folder / f"env-{name.split()[0].lower()}", PEERS[name])
        ran = subprocess.run([str(python), "-c", program, *map(str, paths)], capture_output=True, text=True, check=True)
        found[name.split()[0]] = json.loads(ran.stdout.splitlines()[-1])
    print("| column | statistic | " + " | ".join(found) + " |")
    print("|---|---|" + "---:|" * len(found))
    for column in given.columns:
        for name in NAMES:
            told = (one.get(name, {}).get(column) for one in found.values())
            print(f"| `{column}` | `{name}` | " + " | ".join("–" if x is None else f"{x:.4g}" for x in told) + " |")


if __name__ == "__main__":
    main()
