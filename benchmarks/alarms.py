#!/usr/bin/env python3
"""False alarms and planted faults: Watchkeeper beside the drift verdicts that Evidently and NannyML give by default.

    python benchmarks/alarms.py [--more] [--parts unchanged faults lasting] [--days 300] [--repeats 6] [--seed 0]
                                [--data FOLDER] [--peers Evidently NannyML] [--folder DIR]

Four tables in Markdown, for docs/benchmarks.md. *unchanged*: days drawn by one law; how often each tool speaks up.
*faults*: single days with one fault in one column, every other day. *lasting*: a column that moves for good. And
with `--data`, each `*/data.parquet` of a folder: what was told, when. Peers live in environments that peers.py makes.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
from days import FAULTS, Fault, Floats, Rows, Setting, draw, plant
from history import replay
from scipy import stats
from verdicts import PROGRAMS, Said, ours, theirs

MONTH, WEEK = 30.4, 7.0
SMALL_COLUMNS = 34
"""Peers look at no more columns."""

UNCHANGED = [
    *(Setting(rows=rows) for rows in (30, 100, 500, 5_000)),
    Setting(rows=100_000, numbers=5, days=30),
    *(Setting(numbers=numbers) for numbers in (5, 100)),
    *(Setting(numbers=0, words=10, values=values) for values in (2, 100, 10_000)),
    Setting(numbers=0, words=10, values=10_000, even=True),
    Setting(rows=5_000, numbers=0, words=10, values=1_000, days=120),
    *(Setting(correlation=0.8, numbers=numbers) for numbers in (20, 100)),
    *(Setting(rows=rows, weekend=1.0) for rows in (100, 500, 5_000)),
    *(Setting(rows=500, differ=differ) for differ in (0.05, 0.1, 0.3)),
    *(Setting(rows=5_000, differ=differ, days=120) for differ in (0.05, 0.1, 0.3)),
    Setting(rows=100_000, numbers=5, differ=0.05, days=30),
    *(Setting(rows=rows, tail=tail) for tail in ("cauchy", "pareto", "atom") for rows in (100, 500)),
]
MORE = [
    Setting(rows=1_000_000, numbers=5, before=20, days=15),
    Setting(rows=1_000_000, numbers=5, before=20, days=15, differ=0.05),
    Setting(numbers=500, days=120),
    Setting(rows=100, numbers=500, days=120),
    *(Setting(rows=rows, numbers=0, words=10, values=values) for values in (2, 10, 1_000) for rows in (30, 500)),
    *(Setting(rows=rows, numbers=10, words=10, correlation=0.8, differ=0.1, weekend=1.0) for rows in (100, 500, 5_000)),
    *(Setting(rows=100, differ=differ) for differ in (0.05, 0.1, 0.3)),
    *(Setting(rows=rows, numbers=0, words=10, differ=differ) for differ in (0.1, 0.3) for rows in (500, 5_000)),
    *(Setting(rows=500, tail=tail, differ=0.1) for tail in ("cauchy", "pareto", "atom")),
    *(Setting(rows=5_000, tail=tail, days=120) for tail in ("cauchy", "pareto", "atom")),
    *(Setting(rows=30, numbers=5, words=5, values=100, differ=differ) for differ in (0.0, 0.3)),
]
FAULTY = Setting(numbers=16, words=4, tail="mixed")
KINDS = {"alike": (0.0, 0.0), "differ 0.1 sd": (0.1, 0.0), "weekend +1 sd": (0.0, 1.0)}
"""How much days differ, and how much higher weekends lie."""
LASTING = {"+0.02 sd a day": 0.02, "+0.5 sd for good": 0.5}
QUIET, LASTS = 10, 50
"""Days before a lasting change begins, and the days from then on."""


def unchanged(settings: Iterable[Setting], given: argparse.Namespace) -> None:
    """Print how often each tool speaks up although nothing changed."""
    print("\n### Nothing changes\n")
    peers = "".join(f" {peer} |" for peer in given.peers)
    print(f"| a day | days | alarms a month | warnings a week | within budget |{peers} loudest |")
    print("|---|---:|---:|---:|:---:|" + "---:|" * len(given.peers) + "---|")
    for listed in settings:
        setting = replace(listed, days=min(listed.days, given.days))
        rng = np.random.default_rng(given.seed)
        before = draw(setting, rng, 0, setting.before)
        now = draw(setting, rng, setting.before, setting.days)
        began = time.perf_counter()
        said = ours(before, now)
        seconds = time.perf_counter() - began
        alarms, warnings = int(said.alarm.sum()), int(said.warning.sum())
        within = all(interval(k)[0] <= setting.days / span for k, span in ((alarms, MONTH), (warnings, WEEK)))
        cells = [setting.name, f"{setting.days}", rate(alarms, setting.days, MONTH)]
        cells += [rate(warnings, setting.days, WEEK), "yes" if within else "**no**"]
        cells += [beside(peer, setting, before, now, given) for peer in given.peers]
        most = ", ".join(f"{what} {n}" for what, n in Counter(said.what).most_common(3))
        print("| " + " | ".join([*cells, most]) + " |", flush=True)
        if given.verbose:
            print(f"<!-- {seconds:.1f} s -->", flush=True)


def beside(peer: str, setting: Setting, before: Rows, now: Rows, given: argparse.Namespace) -> str:
    """The share of days on which a peer speaks up, over the first days."""
    if setting.rows > given.peer_rows or setting.numbers + setting.words > SMALL_COLUMNS:
        return "–"
    said = theirs(peer, before, now, now.day < setting.before + given.peer_days, given.folder)
    alarm, any_column = (f"{100 * float(np.mean(told)):.0f} %" for told in (said.alarm, said.warning))
    return f"{alarm} / {any_column}" if peer == "Evidently" else alarm


def rate(k: int, days: int, span: float) -> str:
    """Events per span of days, with the exact 95 % interval."""
    low, high = (bound * span / days for bound in interval(k))
    return f"{k * span / days:.2f} ({low:.2f}–{high:.2f})"


def interval(k: int) -> tuple[float, float]:
    """The exact 95 % interval of a Poisson mean after k events. Source: Garwood (1936), Biometrika 28."""
    return (float(stats.chi2.ppf(0.025, 2 * k) / 2) if k else 0.0), float(stats.chi2.ppf(0.975, 2 * k + 2) / 2)


def faults(given: argparse.Namespace) -> None:
    """Print the share of planted faults that are found on their day: the column is named."""
    print(f"\n### Faults of a single day\n\n{' | '.join(FAULTS)}: share found, {given.repeats} columns each\n")
    print("| days | rows | tool | " + " | ".join(FAULTS) + " | all | other columns, days between |")
    print("|---|---:|---|" + "---:|" * (len(FAULTS) + 2))
    sizes = [(kind, rows, FAULTY) for kind in KINDS for rows in (100, 500, 5_000)]
    if given.more:
        sizes += [("alike", rows, replace(FAULTY, numbers=400, words=100)) for rows in (100, 500, 5_000)]
    for kind, rows, columns in sizes:
        setting = replace(columns, rows=rows, differ=KINDS[kind][0], weekend=KINDS[kind][1])
        plan, before, now = planted(setting, given.repeats, np.random.default_rng(given.seed))
        faulty = (now.day - setting.before) % 2 == 1
        said = ours(before, now)
        odd = [i for i in range(len(said.columns)) if i % 2]
        named = [said.columns[i] for i in odd]
        wrong = sum(bool(said.columns[i]) for i in range(0, len(said.columns), 2))
        label = kind if columns is FAULTY else f"{kind}, 500 columns"
        print(found_line(label, rows, "Watchkeeper", plan, named, f"{wrong} of {len(plan) + 1} days"), flush=True)
        for peer in given.peers if columns is FAULTY and rows <= given.peer_rows else ():
            said = theirs(peer, before, now, faulty, given.folder)
            others = [len(names - {column}) for names, (_, column) in zip(said.columns, plan, strict=True)]
            told = f"{np.mean(others):.1f} columns a day"
            print(found_line(label, rows, peer, plan, said.columns, told), flush=True)


def planted(setting: Setting, repeats: int, rng: np.random.Generator) -> tuple[list[tuple[str, str]], Rows, Rows]:
    """What is planted on every second day (fault, column), the baseline, and the days."""
    before = draw(setting, rng, 0, setting.before)
    plan: list[tuple[str, str]] = []
    for name, fault in FAULTS.items():
        able = [column for column in before.columns if befalls(fault, column)]
        spread = np.linspace(0, len(able) - 1, repeats).round().astype(int) if len(able) >= repeats else range(repeats)
        plan += [(name, able[i % len(able)]) for i in spread]
    rng.shuffle(plan)
    plan = [(str(fault), str(column)) for fault, column in plan]
    now = draw(setting, rng, setting.before, 2 * len(plan) + 1)
    columns = dict(now.columns)
    for i, (name, column) in enumerate(plan):
        on = now.day == setting.before + 2 * i + 1
        columns[column] = plant(columns[column], before.columns[column], FAULTS[name], on, rng)
    return plan, before, replace(now, columns=columns)


def befalls(fault: Fault, column: str) -> bool:
    """Whether the fault can be planted in that column."""
    return fault.words in (None, column.startswith("w"))


def found_line(kind: str, rows: int, tool: str, plan: list[tuple[str, str]], named: list[set[str]], wrong: str) -> str:
    """One row of the table of faults."""
    hits = [column in names for names, (_, column) in zip(named, plan, strict=True)]
    shares = [np.mean([hit for hit, (name, _) in zip(hits, plan, strict=True) if name == fault]) for fault in FAULTS]
    cells = [kind, f"{rows:,}", tool, *(f"{100 * share:.0f} %" for share in [*shares, np.mean(hits)]), wrong]
    return "| " + " | ".join(cells) + " |"


def lasting(given: argparse.Namespace) -> None:
    """Print after how many days a change that stays is found."""
    print(f"\n### Changes that stay\n\n{given.repeats} columns of 20 move; {LASTS} days from then on\n")
    print("| change | days | rows | tool | found | median days until then | longest | named before it began |")
    print("|---|---|---:|---|---:|---:|---:|---:|")
    for change, size in LASTING.items():
        for kind, (differ, weekend) in KINDS.items():
            for rows in (100, 500, 5_000):
                setting = Setting(rows=rows, numbers=20, differ=differ, weekend=weekend)
                rng = np.random.default_rng(given.seed)
                before = draw(setting, rng, 0, setting.before)
                now = draw(setting, rng, setting.before, QUIET + LASTS)
                since = now.day - setting.before - QUIET
                moved = dict(now.columns)
                names = list(moved)[:: max(1, 20 // given.repeats)][: given.repeats]
                for name in names:
                    moved[name] = moved[name] + path(since, size)
                now = replace(now, columns=moved)
                tools = {"Watchkeeper": ours(before, now)}
                for peer in given.peers if rows <= given.peer_rows else ():
                    tools[peer] = theirs(peer, before, now, np.ones(len(now.day), bool), given.folder)
                for tool, said in tools.items():
                    print(f"| {change} | {kind} | {rows:,} | {tool} | " + delays(said, names), flush=True)


def path(since: np.ndarray, size: float) -> Floats:
    """How far a column has moved: by `size` at once, or on each day where that is small."""
    return np.where(since >= 0, size * (np.maximum(0, since) + 1 if size < 0.1 else 1), 0.0)


def delays(said: Said, names: list[str]) -> str:
    """Share found, median and longest delay in days, and columns named too early."""
    first = [next((i for i, told in enumerate(said.columns[QUIET:]) if name in told), None) for name in names]
    early = sum(any(name in told for told in said.columns[:QUIET]) for name in names)
    known = [at for at in first if at is not None]
    median, longest = (f"{of(known):.0f}" if known else "–" for of in (np.median, np.max))
    return f"{100 * len(known) / len(names):.0f} % | {median} | {longest} | {early} of {len(names)} |"


def data(folder: Path) -> None:
    """Print what is told of each data set of a folder, over the part of its history after the first 40 %."""
    print("\n### Data sets\n")
    for file in sorted(folder.glob("*/data.parquet")):
        for line in replay(file):
            print(line, flush=True)


def arguments() -> argparse.Namespace:
    """What is asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parts = ["unchanged", "faults", "lasting"]
    parser.add_argument("--parts", nargs="*", choices=parts, default=parts)
    parser.add_argument("--more", action="store_true", help="the large settings too")
    parser.add_argument("--only", nargs="*", default=[], help="names of settings of unchanged data, as in the table")
    parser.add_argument("--days", type=int, default=300, help="the most days judged of unchanged data")
    parser.add_argument("--repeats", type=int, default=6, help="columns that each fault befalls")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--peers", nargs="*", choices=list(PROGRAMS), default=list(PROGRAMS))
    parser.add_argument("--peer-days", type=int, default=10, help="days of unchanged data that peers look at")
    parser.add_argument(
        "--peer-rows", type=int, default=500, help="the most rows a day where peers see lasting changes"
    )
    parser.add_argument("--data", type=Path, help="a folder of folders that hold a data.parquet each")
    parser.add_argument("--folder", type=Path, default=Path(tempfile.gettempdir()) / "watchkeeper-benchmark")
    parser.add_argument("--verbose", action="store_true", help="say how long each setting took")
    return parser.parse_args()


def chosen(given: argparse.Namespace) -> Iterator[Setting]:
    """The settings of unchanged data."""
    for setting in UNCHANGED + (MORE if given.more else []):
        if not given.only or setting.name in given.only:
            yield setting


def main() -> None:
    """Print the tables."""
    given = arguments()
    given.folder.mkdir(parents=True, exist_ok=True)
    if "unchanged" in given.parts:
        unchanged(chosen(given), given)
    if "faults" in given.parts:
        faults(given)
    if "lasting" in given.parts:
        lasting(given)
    if given.data:
        data(given.data)


if __name__ == "__main__":
    main()
