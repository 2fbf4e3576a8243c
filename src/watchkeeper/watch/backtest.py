"""Replays history window by window: what the alarms would have cost, and which planted faults would have been found."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from watchkeeper.budget import Budget
from watchkeeper.delivery import deliver, writable
from watchkeeper.model import Model, WatchkeeperError, replacing
from watchkeeper.profiles import parse
from watchkeeper.profiles.window import days
from watchkeeper.report import Result
from watchkeeper.report.backtest import Backtest
from watchkeeper.watch import argument, tally
from watchkeeper.watch.campaign import Campaign, whole_of
from watchkeeper.watch.check import check
from watchkeeper.watch.inject import faults
from watchkeeper.watch.profiled import data_only, expanded, holds_profiles, on_disk
from watchkeeper.watch.reference import Told
from watchkeeper.watch.summarize import profile

MONTH, WEEK = 30.4, 7.0
"""In days, as budgets count them."""


class NothingToReplay(WatchkeeperError):
    """The history has no windows, or was rejected: the text says why."""


def backtest(
    history: Any,
    baseline: Any,
    *,
    model: Model | str | Path | None = None,
    by: str = "day",
    segment: str | None = None,
    inject: str | Sequence[str] = (),
    inject_days: int = 1,
    seed: int = 0,
    json: str | Path | None = None,
    told: Told | None = None,
) -> Backtest:
    """Replay history against a baseline: how many alarms and warnings there would have been, and what spent the budget.

    `history`, `baseline`, `model`, `segment`: as for `check`, by which all windows are judged. `by`: hour, day, week,
    month or `N-rows`. `inject`: faults to plant into copies of the history, in memory: `default` for all, or
    `NAME`, `NAME=SIZE`, `NAME=SIZE@SHARE`; each lasts `inject_days` windows, in columns that it changes enough to be
    worth an alarm. The same `seed` plants the same. `json`: a file to write. Raises `WatchkeeperError`.

    Example:
        >>> import watchkeeper as wk
        >>> wk.backtest("history.parquet", "train.parquet", inject="default").planted
    """
    began = time.perf_counter()
    parse(argument.text("by", by) or "")
    asked = [inject] if isinstance(inject, str) else inject
    wanted = faults([argument.text("inject", one) or "" for one in asked])
    if inject_days < 1:
        raise argument.WrongArgument(f"a fault lasts one window or more, not {inject_days}.")
    sources, before = data_only(history), expanded(baseline)
    (output,) = writable([(json, ())], [*sources, *on_disk(before), None if isinstance(model, Model) else model])
    result = check(sources, before, model=model, by=by, segment=segment, told=told)
    made = _counted(result, by)
    if wanted:
        known = result.model
        kept = before if any(map(holds_profiles, before)) else profile(before, model=known, by=by, segment=segment)
        whole = whole_of(deliver(source, known, strict=False) for source in sources)
        campaign = Campaign(whole, kept, known, by, segment, inject_days, seed, told)
        planted, copies = campaign.run(wanted)
        made = replace(made, lasting=inject_days, copies=copies, planted=planted)
    made = replace(made, seconds=time.perf_counter() - began)
    if output is None:
        return made
    with replacing(output) as temporary:
        temporary.write_text(made.to_json(), encoding="utf-8")
    return replace(made, written=(output,))


def _counted(result: Result, by: str) -> Backtest:
    """What the findings of the history as it came cost. Raises `NothingToReplay`."""
    if result.profiles is None or not result.profiles.slices:
        wrong = next((f for f in result.findings if f.kind == "violation"), None)
        if wrong is not None:
            raise NothingToReplay(f"the history can't be replayed. {wrong.message} {wrong.remedy}")
        raise NothingToReplay(
            f"{result.current_name}: no row has an event time, so there are no windows to replay. Name its column with "
            "`role: timestamp`, or cut by rows, such as --by 1000-rows."
        )
    found = tally.placed(result)
    labels = tally.labels(result)
    length = days(parse(by))
    budget, span = Budget.of(result.model, length), len(labels) * length
    return Backtest(
        model=result.model.name,
        history=result.current_name,
        baseline=result.baseline_name,
        by=by,
        windows=len(labels),
        first=labels[0],
        last=labels[-1],
        baseline_windows=result.baseline_windows,
        alarms=tally.rate(
            len(tally.alarmed(found)), span / MONTH, result.model.alarm_budget, budget.alarm * MONTH / length
        ),
        warnings=tally.rate(
            len(tally.warned(found)), span / WEEK, result.model.warning_budget, budget.warning * WEEK / length
        ),
        onsets=tally.onsets(found, result.model.checks),
        incidents=tally.incidents(found, result.model.checks, labels),
        spent=tally.spending(found, result.model.checks),
        violations=sum(finding.kind == "violation" for finding in result.findings),
    )
