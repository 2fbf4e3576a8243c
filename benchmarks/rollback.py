"""Automatic rollback, simulated: how often a version that does no harm is rolled back, and how soon one that does.

    python benchmarks/rollback.py [--runs 1000] [--requests 20000] [--before 5000]

Each run draws what the version before did, then requests of the live one, and asks after each of the first hundred
requests and from then on whenever they grew by 2 %. Prints a Markdown table. Without harm the share of runs that are
rolled back must stay within what is declared (1 %).
"""

from __future__ import annotations

import argparse

import numpy as np
from scipy import stats

from watchkeeper.model import Rollback
from watchkeeper.release.condition import harm
from watchkeeper.release.figures import EDGES, Figures

DECLARED = Rollback()
FAST, SLOW = 10, len(EDGES) - 5
SETTINGS = (
    ("no harm, nothing ever fails", (0.0, 0.0, 0.05), (0.0, 0.0, 0.05)),
    ("no harm, 1 % fail as before", (0.01, 0.001, 0.05), (0.01, 0.001, 0.05)),
    ("no harm, 10 % fail as before", (0.1, 0.01, 0.05), (0.1, 0.01, 0.05)),
    ("just what is declared: 1 %, 1 %, 10 % more", (0.01, 0.001, 0.05), (0.02, 0.011, 0.15)),
    ("every request fails", (0.001, 0.0, 0.05), (1.0, 0.0, 0.05)),
    ("one in ten fails", (0.001, 0.0, 0.05), (0.1, 0.0, 0.05)),
    ("three in a hundred fail", (0.001, 0.0, 0.05), (0.03, 0.0, 0.05)),
    ("half of the answers are invalid", (0.001, 0.0, 0.05), (0.001, 0.5, 0.05)),
    ("half of the answers are slow", (0.001, 0.0, 0.05), (0.001, 0.0, 0.5)),
    ("all answers are slow", (0.001, 0.0, 0.05), (0.001, 0.0, 1.0)),
)
"""Shares that fail, are invalid and are slow: of the version before, and of the live one."""


def drawn(requests: int, shares: tuple[float, float, float], random: np.random.Generator) -> np.ndarray:
    """Running counts of failed, invalid and slow, shape (3, requests)."""
    failed = random.random(requests) < shares[0]
    return np.cumsum(
        [failed, ~failed & (random.random(requests) < shares[1]), ~failed & (random.random(requests) < shares[2])],
        axis=1,
    )


def counts(requests: int, errors: int, invalid: int, slow: int) -> Figures:
    """The same as the gateway counts it."""
    made = Figures(int(requests), int(errors), int(invalid))
    made.buckets[FAST], made.buckets[SLOW] = int(requests - slow), int(slow)
    return made


def rolled_back(at: np.ndarray, before: tuple, live: tuple, rows: int, random: np.random.Generator) -> int | None:
    """The request at which a run is rolled back, if it is."""
    known = counts(rows, *drawn(rows, before, random)[:, -1])
    running = drawn(int(at[-1]), live, random)
    return next((int(n) for n in at if harm(DECLARED, known, counts(n, *running[:, n - 1]))), None)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=1_000)
    parser.add_argument("--requests", type=int, default=20_000)
    parser.add_argument("--before", type=int, default=5_000)
    given = parser.parse_args()
    at = np.unique(np.r_[1:101, (100 * 1.02 ** np.arange(1_000)).astype(int)])
    at = at[at <= given.requests]
    random = np.random.default_rng(1)
    print(f"{given.runs:,} runs each, {given.before:,} requests before, up to {given.requests:,} after\n")
    print("| the live version | rolled back | 95 % interval | at request: median | 95 % |\n|---|---:|---|---:|---:|")
    for name, before, live in SETTINGS:
        found = [rolled_back(at, before, live, given.before, random) for _ in range(given.runs)]
        told = [one for one in found if one is not None]
        low, high = stats.binomtest(len(told), given.runs).proportion_ci()
        when = f"{np.median(told):,.0f} | {np.quantile(told, 0.95):,.0f}" if len(told) > given.runs / 2 else "– | –"
        print(f"| {name} | {len(told) / given.runs:.1%} | {low:.1%} – {high:.1%} | {when} |", flush=True)


if __name__ == "__main__":
    main()
