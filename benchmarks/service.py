"""False alarms of service figures: simulated services in which nothing changes, a quarter of hourly windows each.

python benchmarks/service.py
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from watchkeeper.budget import Budget
from watchkeeper.watch import service
from watchkeeper.watch.figure import METRICS, QUANTILES, Figures

HOUR = 3_600_000_000
DAYS = 91
BUDGET = Budget(1 / 30.4 / 24, 1 / 7 / 24)
LATENCY = {"latency_p50": (20.0, 0.03), "latency_p95": (60.0, 0.05), "latency_p99": (110.0, 0.1)}
"""Milliseconds at the usual load, and how much they vary from hour to hour."""


def hours(daily: float, weekend: float, random: np.random.Generator) -> list[Figures]:
    """Windows whose load follows the day (`daily`: logarithm of noon to usual) and falls to `weekend` of itself."""
    found = []
    for hour in range(24 * DAYS):
        rhythm = np.exp(daily * np.sin(2 * np.pi * hour / 24)) * (weekend if hour // 24 % 7 >= 5 else 1.0)
        load = float(rhythm * np.exp(random.normal(0, 0.1)))
        rows = int(random.poisson(1000 * load))
        values, chance = {"throughput": rows / 3600}, {}
        if rows:
            values["error_share"] = random.binomial(rows, 0.004 * np.exp(random.normal(0, 0.3))) / rows
        for metric, (usual, sd) in LATENCY.items():
            if rows * (1 - QUANTILES[metric]) >= 5:
                values[metric], chance[metric] = usual * np.exp(0.15 * np.log(load) + random.normal(0, sd)), sd**2
        values["memory"] = 1.5e9 * np.exp(random.normal(0, 0.02))
        values["cpu"] = 0.1 + 0.4 * load
        found.append(Figures((hour * HOUR, (hour + 1) * HOUR), values, dict.fromkeys(METRICS, rows), chance))
    return found


def told(windows: list[Figures]) -> tuple[int, int]:
    """How many windows have an alarm, and how many more a warning."""
    past: list[Figures] = []
    alarms = warnings = 0
    for at in windows:
        found = service.judged(at, past[-service.LOOK_BACK :], BUDGET)
        loud = frozenset(finding.metric for finding in found if finding.severity == "alarm")
        alarms += bool(loud)
        warnings += bool(found) and not loud
        past.append(replace(at, loud=loud))
    return alarms, warnings


if __name__ == "__main__":
    print(f"a quarter of hours; the budget is {DAYS / 30.4:.0f} alarms and {DAYS / 7:.0f} warnings")
    for daily, weekend in ((0.0, 1.0), (1.2, 1.0), (1.2, 0.4), (2.0, 0.1)):
        counts = [told(hours(daily, weekend, np.random.default_rng(seed))) for seed in range(4)]
        alarms, warnings = (float(np.mean(side)) for side in zip(*counts, strict=True))
        load = f"noon {np.exp(2 * daily):4.0f} x night, weekend {weekend:4.0%}"
        print(f"{load}: {alarms:4.1f} alarms {warnings:4.1f} warnings")
