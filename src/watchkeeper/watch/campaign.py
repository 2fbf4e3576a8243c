"""Plants faults into copies of history, has each copy checked, and counts what was found."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pyarrow as pa

from watchkeeper.budget import Finding, Severity
from watchkeeper.checks import Measurement
from watchkeeper.checks.run import ENOUGH_ROWS
from watchkeeper.delivery import Delivery
from watchkeeper.delivery.convert import is_read
from watchkeeper.model import Model, Role, WatchkeeperError
from watchkeeper.profiles import RowWindows, Slice, event_times, parse
from watchkeeper.report import Result
from watchkeeper.report.backtest import Planted
from watchkeeper.stats import interval
from watchkeeper.watch import tally
from watchkeeper.watch.check import check
from watchkeeper.watch.inject import Fault, On, Setting, is_numeric
from watchkeeper.watch.reference import Told
from watchkeeper.watch.worth import worth

TIMES = 20
"""How often each fault is planted."""
BETWEEN = 2
"""Windows as they came between two faults."""
ALONE = 28
"""Windows as they came before a column is spoiled again: so many are what `check` compares a window with, beside the
baseline (`budget.observe`), and in life they hold no other fault."""
MOST_COPIES = 24
"""A short history has room for few faults at a time; after so many copies, fewer are planted."""


class HistoryRejected(WatchkeeperError):
    """The history can't be read, so nothing can be planted in it."""


@dataclass(frozen=True)
class Trial:
    """One fault, to be planted once."""

    fault: Fault
    columns: tuple[str, ...]
    seed: int

    @property
    def moves_rows(self) -> bool:
        """Whether rows come or go."""
        return self.fault.on is On.ROWS or self.fault.name == "lost_segment"

    @property
    def touched(self) -> tuple[str, ...]:
        """The columns that are spoiled; an empty name stands for the number of rows."""
        return (*self.columns, *(("",) if self.moves_rows else ()))

    def told_by(self, finding: Finding) -> bool:
        """Whether the finding names what was spoiled: a column, or the number of rows where rows came or went."""
        return (self.moves_rows and finding.check == "rows") or bool(set(self.columns) & set(finding.columns))


@dataclass(frozen=True)
class Outcome:
    """What became of a trial."""

    trial: Trial
    delay: int | None
    """Windows until the first finding; None where the fault ended before one."""
    alarm: bool
    """Whether its first window had an alarm."""


@dataclass(frozen=True)
class Target:
    """Where a fault can be planted."""

    columns: list[tuple[str, ...]]
    left_out: int
    """Columns that it would not change enough."""
    why_not: str


def whole_of(deliveries: Iterable[Delivery]) -> pa.Table:
    """All rows that parse, as values of the model's types; texts as such. Raises `HistoryRejected`."""
    tables = []
    for delivery in deliveries:
        tables += [block.table for block in delivery.blocks()]
        if delivery.rejected:
            wrong = delivery.violations[0]
            raise HistoryRejected(f"faults can't be planted in this history. {wrong.message} {wrong.remedy}")
    plain = [pa.table({name: _plain(table[name]) for name in table.column_names}) for table in tables]
    if not plain:
        raise HistoryRejected("faults can't be planted in this history: it has no row that could be read.")
    return pa.concat_tables(plain, promote_options="default").combine_chunks()


def _plain(column: pa.ChunkedArray) -> pa.ChunkedArray:
    return column.cast(pa.string()) if pa.types.is_dictionary(column.type) else column


@dataclass(frozen=True)
class Campaign:
    """A history to plant faults in, and how it is checked."""

    whole: pa.Table
    baseline: Any
    model: Model
    by: str
    segment: str | None
    lasting: int
    """Windows that a fault lasts."""
    seed: int
    told: Told | None = None

    def run(self, faults: Sequence[Fault]) -> tuple[tuple[Planted, ...], int]:
        """What was planted and found, a line a fault, and in how many copies of the history."""
        targets = [self._target(fault, np.random.default_rng([self.seed, i])) for i, fault in enumerate(faults)]
        queue = self._queue(list(zip(faults, targets, strict=True)))
        outcomes: list[Outcome] = []
        copies = 0
        while queue and copies < MOST_COPIES:
            places = self._places(copies)
            if not places:
                break
            now, queue = self._shared(places, queue)
            outcomes += self._copy(now)
            copies += 1
        return tuple(
            _line(fault, target, [o for o in outcomes if o.trial.fault is fault])
            for fault, target in zip(faults, targets, strict=True)
        ), copies

    @cached_property
    def _bare(self) -> Model:
        """The model of the copies: without keys, since rows that come twice are a fault to be found by their number."""
        columns = {name: column for name, column in self.model.columns.items() if is_read(column)}
        segments = [name for name in self.model.segments if name in columns]
        known = {"columns": columns, "primary_key": [], "segments": segments, "max_quarantine_share": 1.0}
        return self.model.model_copy(update=known)

    def _checked(self, rows: pa.Table) -> Result:
        """The copy as `check` judges it. Raises `HistoryRejected`."""
        result = check(rows, self.baseline, model=self._bare, by=self.by, segment=self.segment, told=self.told)
        if result.profiles is None:
            raise HistoryRejected(f"faults can't be planted in this history. {result.findings[0].message}")
        return result

    @cached_property
    def _unspoiled(self) -> Result:
        return self._checked(self.whole)

    @cached_property
    def _cut(self) -> tuple[list[Slice], list[pa.Table], pa.Table]:
        """The windows, the rows of each, and the rows that lie in none."""
        times, present = event_times(self.whole, self.model.only(Role.TIMESTAMP))
        at, slices = parse(self.by).cut(times, present, np.arange(1, len(self.whole) + 1))
        order = np.argsort(at, kind="stable")
        rows = self.whole if (np.diff(at) >= 0).all() else self.whole.take(pa.array(order))
        ends = np.searchsorted(at[order], np.arange(-1, len(slices)), "right")
        parts = [rows.slice(a, b - a) for a, b in zip(ends[:-1].tolist(), ends[1:].tolist(), strict=True)]
        return slices, parts, rows.slice(0, int(ends[0]))

    @cached_property
    def _quiet(self) -> list[int]:
        """Windows in which a fault may begin: it and those it lasts are quiet, of enough rows, and one comes after."""
        slices, parts, _ = self._cut
        labels = tally.labels(self._unspoiled)
        loud = {labels[window] for window, _ in tally.placed(self._unspoiled)}
        fit = [len(p) >= ENOUGH_ROWS and s.window_label not in loud for s, p in zip(slices, parts, strict=True)]
        return [i for i in range(len(slices) - self.lasting) if all(fit[i : i + self.lasting])]

    def _places(self, copy: int) -> list[int]:
        """Where faults begin in one copy; each copy begins elsewhere, so that all windows have their turn."""
        quiet = self._quiet
        step, places = self.lasting + BETWEEN, list[int]()
        for i in quiet[copy % max(1, min(step, len(quiet))) :]:
            if not places or i >= places[-1] + step:
                places.append(i)
        return places

    def _shared(self, places: Sequence[int], queue: Sequence[Trial]) -> tuple[list[tuple[int, Trial]], list[Trial]]:
        """The trials that one copy has room for, each with its place, and those left for the next."""
        free: dict[str, int] = {}
        now, left = [], list(queue)
        for place in places:
            fit = (i for i, trial in enumerate(left) if all(free.get(name, 0) <= place for name in trial.touched))
            if (first := next(fit, None)) is not None:
                trial = left.pop(first)
                free |= dict.fromkeys(trial.touched, place + self.lasting + ALONE)
                now.append((place, trial))
        return now, left

    def _queue(self, targets: Sequence[tuple[Fault, Target]]) -> list[Trial]:
        """All trials, in an order drawn by lot; each fault takes its columns in turn."""
        trials = [
            Trial(fault, target.columns[turn % len(target.columns)], number * TIMES + turn)
            for number, (fault, target) in enumerate(targets)
            if target.columns
            for turn in range(TIMES)
        ]
        order = np.random.default_rng(self.seed).permutation(len(trials))
        # Fault by fault within each turn, so that a queue that is cut short holds each fault as often.
        return sorted((trials[i] for i in order.tolist()), key=lambda trial: trial.seed % TIMES)

    def _copy(self, trials: Sequence[tuple[int, Trial]]) -> Iterator[Outcome]:
        """Plant each trial at its place in one copy, have it checked, and say what was found."""
        slices, parts, outside = self._cut
        spoiled = list(parts)
        for place, trial in trials:
            generator = np.random.default_rng([self.seed, trial.seed])
            for i in range(place, place + self.lasting):
                setting = self._setting(slices[i].end)
                spoiled[i] = trial.fault.plant(parts[i], trial.columns, setting, generator)
        result = self._checked(pa.concat_tables([outside, *spoiled]))
        found: dict[str, list[Finding]] = {}
        labels = tally.labels(result)
        for window, finding in tally.placed(result):
            found.setdefault(labels[window], []).append(finding)
        for place, trial in trials:
            lasted = [found.get(at.window_label, []) for at in slices[place : place + self.lasting]]
            telling = [[f for f in findings if trial.told_by(f)] for findings in lasted]
            delay = next((i for i, findings in enumerate(telling) if findings), None)
            yield Outcome(trial, delay, any(f.severity is Severity.ALARM for f in telling[0]))

    def _setting(self, end: int | None = None) -> Setting:
        return Setting(self.whole, self.model.only(Role.TIMESTAMP), self._label, end)

    @property
    def _label(self) -> str | None:
        label = self.model.only(Role.LABEL)
        return label if label in self.whole.column_names else None

    def _target(self, fault: Fault, generator: np.random.Generator) -> Target:
        """The columns that the fault may be planted in, and why there are none."""
        if isinstance(parse(self.by), RowWindows) and (fault.on is On.ROWS or fault.name == "lost_segment"):
            return Target([], 0, "it would move the rows of all later windows, which are counted by rows")
        if fault.name == "delayed" and self.model.only(Role.TIMESTAMP) is None:
            return Target([], 0, "the model has no column of event times")
        if fault.on is On.FEATURES and self._label is None:
            return Target([], 0, "the model has no label")
        if not self._quiet:
            return Target(
                [], 0, f"no {_run(self.lasting)} without a finding and with {ENOUGH_ROWS} rows to plant it in"
            )
        every = self._columns(fault.on)
        worthy = [columns for columns in every if worth(fault, columns, self._setting(), generator)]
        why = (
            "" if worthy else "no column of the kind that it befalls" if not every else "too small to be worth an alarm"
        )
        return Target(worthy, len(every) - len(worthy), why)

    def _columns(self, on: On) -> list[tuple[str, ...]]:
        """The columns (or pairs, or none for rows) of a kind: those that the checks judge."""
        numeric = [name for name in self._watched if self._is_numeric(name)]
        match on:
            case On.ROWS:
                return [()]
            case On.CELLS:
                return [(name,) for name in self._with_nulls]
            case On.NUMBERS:
                return [(name,) for name in numeric]
            case On.FEATURES:
                return [(name,) for name in numeric if self.model.columns[name].role is Role.FEATURE]
            case On.PAIRS:
                return self._pairs(numeric)
        values = [name for name in self._watched if name not in numeric]
        flags = {name for name in values if pa.types.is_boolean(self.whole.schema.field(name).type)}
        return [(name,) for name in values if on is On.VALUES or name not in flags]

    def _pairs(self, numeric: Sequence[str]) -> list[tuple[str, ...]]:
        """Each numeric column with the next one of its type."""
        pairs: list[tuple[str, ...]] = []
        last: dict[pa.DataType, str] = {}
        for name in numeric:
            kind = self.whole.schema.field(name).type
            if kind in last:
                pairs.append((last[kind], name))
            last[kind] = name
        return pairs

    def _is_numeric(self, name: str) -> bool:
        return is_numeric(self.whole.schema.field(name).type) and not self.model.columns[name].categorical

    @cached_property
    def _watched(self) -> list[str]:
        """Columns that are judged by their values, not by missing and bad ones alone; no event times among them."""
        missing = ("null_share", "invalid_share")
        judged = {m.columns[0] for m in self._unspoiled.measurements if _is_judged(m) and m.metric not in missing}
        times = [f.name for f in self.whole.schema if pa.types.is_timestamp(f.type)]
        return [name for name in self.whole.column_names if name in judged and name not in times]

    @cached_property
    def _with_nulls(self) -> list[str]:
        judged = {m.columns[0] for m in self._unspoiled.measurements if _is_judged(m) and m.metric == "null_share"}
        time = self.model.only(Role.TIMESTAMP)
        return [name for name in self.whole.column_names if name in judged and name != time]


def _is_judged(measured: Measurement) -> bool:
    """Whether a measurement of one column says anything in any window."""
    return len(measured.columns) == 1 and measured.evidence is not None and bool(np.isfinite(measured.evidence).any())


def _run(windows: int) -> str:
    return "window" if windows == 1 else f"{windows} windows in a row"


def _line(fault: Fault, target: Target, outcomes: Sequence[Outcome]) -> Planted:
    """What a report tells of one fault."""
    planted, found = len(outcomes), sum(one.delay == 0 for one in outcomes)
    low, high = interval.wilson(found, planted)
    delays = [one.delay for one in outcomes if one.delay is not None]
    return Planted(
        fault=fault.wanted,
        says=fault.told,
        planted=planted,
        found=found,
        low=float(low) if planted else None,
        high=float(high) if planted else None,
        alarms=sum(one.alarm for one in outcomes),
        found_later=len(delays) - found,
        delay=float(np.median(delays)) if delays else None,
        columns=len({one.trial.columns for one in outcomes}),
        left_out=target.left_out,
        why_not=target.why_not,
    )
