#!/usr/bin/env python3
"""How close profiles come to the raw rows: worst errors over all numeric columns of Parquet files.

    python benchmarks/accuracy.py DATA.parquet [MORE.parquet ...]

The oracle is NumPy and SciPy on the rows themselves. Two cases: the window is the second half and the baseline is
everything (nothing lies beyond its range), and the baseline is the first half (the data may have drifted away from it).
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from scipy import stats

from watchkeeper.model import Column, Model, Type
from watchkeeper.profiles import NumericProfile, Slice, fit, profile
from watchkeeper.stats import distance

QUANTILES = np.arange(0.01, 1.0, 0.01)


def profiled(name: str, kind: Type, baseline: pa.Table, rows: pa.Table) -> NumericProfile:
    """The profile of one column on edges fitted to the baseline."""
    edges = fit(Model(name="accuracy", columns={name: Column(type=kind)}), [baseline])
    found = profile(edges, rows, np.zeros(len(rows), dtype=np.int64), [Slice()]).columns[name]
    assert isinstance(found, NumericProfile)
    return found


def errors(name: str, kind: Type, baseline: pa.Table, window: pa.Table) -> dict[str, float]:
    """Rank error of quantiles, error of KS, and of Wasserstein in standard deviations, against the raw rows."""
    before, now = (profiled(name, kind, baseline, rows) for rows in (baseline, window))
    a, b = (np.sort(rows[name].drop_null().to_numpy().astype(np.float64)) for rows in (baseline, window))
    rank = 0.0
    for q in QUANTILES:
        value = float(distance.quantile(before.counts[0], before.edges.cuts, a[0], a[-1], q))
        low, high = (np.searchsorted(a, value, side) / len(a) for side in ("left", "right"))
        rank = max(rank, low - q, q - high)
    means = now.mean, float(before.mean[0])
    now_ends, ends = (now.minimum, now.maximum), (float(a[0]), float(a[-1]))
    moved = distance.wasserstein(now.counts, before.counts[0], now.edges.cuts, *now_ends, *ends, *means)
    return {
        "rank": rank,
        "KS": abs(float(distance.ks(now.counts, before.counts[0])[0]) - stats.ks_2samp(a, b).statistic),
        "Wasserstein": abs(float(moved[0]) - stats.wasserstein_distance(a, b)) / (a.std() or 1.0),
    }


def main(paths: list[str]) -> None:
    """Print one line a file and case."""
    print(f"{'data':24} {'case':8} {'rank':>18} {'KS':>18} {'Wasserstein / sd':>26}")
    for path in paths:
        table = pq.read_table(path)
        half = len(table) // 2
        for case, baseline in (("within", table), ("drifted", table.slice(0, half))):
            worst: dict[str, tuple[float, str]] = {}
            for field in table.schema:
                whole = pa.types.is_integer(field.type)
                if not whole and not pa.types.is_floating(field.type):
                    continue
                parts = [rows.select([field.name]) for rows in (baseline, table.slice(half))]
                if min(len(part[field.name].drop_null()) for part in parts) < 50:
                    continue
                found = errors(field.name, Type.INTEGER if whole else Type.NUMBER, *parts)
                for metric, value in found.items():
                    worst[metric] = max(worst.get(metric, (0.0, "")), (value, field.name))
            cells = "".join(f" {value:.5f} {name[:16]:>17}" for value, name in worst.values())
            print(f"{Path(path).parent.name[:24]:24} {case:8}{cells}", flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
