"""How a model is doing: from the state, the logs of tables and the newest rows that runs kept; events are not read."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from typing import Any

import pyarrow.compute as pc

from watchkeeper.lake import Lake
from watchkeeper.lake.extent import Extent, extent
from watchkeeper.lake.waiting import Waiting, waiting
from watchkeeper.model import Model, Role
from watchkeeper.profiles.slice import iso
from watchkeeper.report import mask
from watchkeeper.report.status import Delay, Firing, Flow, Status, Worst
from watchkeeper.sdk import inbox_of
from watchkeeper.state import Store, alarm, count, window
from watchkeeper.state import baseline as baselines
from watchkeeper.state.size import size
from watchkeeper.state.transition import State as Alarmed
from watchkeeper.watch.history import findings_of
from watchkeeper.watch.home import Home
from watchkeeper.watch.labelled import kept
from watchkeeper.watch.maturity import PROVISIONAL, QUANTILES, Counted, Curve, Outlook, Span, State, outlook, window_of
from watchkeeper.watch.run import day_of
from watchkeeper.watch.todo import Found, todo
from watchkeeper.watch.traces import spools
from watchkeeper.watch.turn import holder

HOUR, DAY = 3_600_000_000, 86_400_000_000
SHOWN = 48
"""Newest windows that are told of one by one."""
KEPT_AWAY = ("events", "labels")
"""What is counted and is no loss."""
LOSSES = {"service_dropped": "dropped", "service_invalid": "invalid", "service_set_aside": "set aside by a service"}
"""What a service says that its logger lost, and what that is called."""
_RANK = {"alarm": 2, "warning": 1}


def statuses(home: Home, only: str | None = None, *, now: int) -> list[Status]:
    """How all models are doing, or the one, in order of their names. Raises `NoSuchModel`."""
    return [status(home, model, now=now) for model in home.models(only)]


def status(home: Home, model: Model, *, now: int, lake: Lake | None = None) -> Status:
    """How a model is doing at a moment, in microseconds since 1970. `lake`: its tables, where they are open already."""
    lake, store = lake or home.lake(model), home.store
    events, wait = extent(lake, "events"), waiting(home.folder, lake)
    newest = window.newest(store, model.name, now)
    counted = kept(lake, newest) if newest else []
    view = outlook(counted, now)
    flow, due = _flow(events, wait, now), len(window.due(store, model.name, now))
    alarms, silent = _alarms(store, model)
    counts = _losses(count.totals(store, model.name))
    today = _losses(count.totals(store, model.name, day_of(now) - timedelta(days=1))) | _lost_before(lake, now)
    worst = _worst(lake, store, model.name, {one.span: one for one in counted}, view)
    final = [one for one in counted if view.state(one) is State.FINAL]
    has_baseline = baselines.current(store, model.name) is not None
    text, command = todo(
        Found(model.name, flow, due, alarms, silent, today, has_baseline, _overdue(counted, view)), now
    )
    return Status(
        model=model.name,
        now=now,
        window=model.window,
        flow=flow,
        due=due,
        runner=holder(home, f"run {model.name}", now),
        disk={
            "inbox": _bytes(inbox_of(home.folder, model.name)),
            "lake": _lake_bytes(lake),
            "state": size(store),
            **_spooled(home.folder, model.name),
        },
        counts=counts,
        today=today,
        alarms=alarms,
        silent=silent,
        worst=worst,
        mature=window_of(final[-1], view) if final else None,
        windows=[window_of(one, view) for one in counted[-SHOWN:]],
        delays=_delays(view, model),
        todo=text,
        command=command,
    )


def _flow(events: Extent, wait: Waiting, now: int) -> Flow:
    hour, day = events.within(now - HOUR, now + 1), events.within(now - DAY, now + 1)
    received = [at for at in (events.received, wait.since) if at is not None]
    return Flow(
        newest=events.newest,
        received=max(received, default=None),
        hour=hour[0],
        day=day[0],
        is_exact=hour[1] and day[1],
        total=int(events.rows.sum()),
        waiting=wait.bytes,
        waiting_since=wait.since,
    )


def _alarms(store: Store, model: Model) -> tuple[list[Firing], int]:
    """The alarms that fire, and the number of those that have nothing to judge."""
    standing = alarm.current(store, model.name)
    firing = [one for one in standing if one.standing.state is Alarmed.FIRING]
    shown = mask.masked_segments(model, [one.key.segment for one in firing if one.key.segment])
    found = []
    for one in firing:
        key = one.key
        onset = next(iter(alarm.history(store, model.name, key, 1)), None)
        told: Mapping[str, Any] = {} if onset is None else onset.finding
        segment = shown.get(key.segment, key.segment) if key.segment else None
        since = one.standing.since if onset is None else onset.window[0]
        words = str(told.get("message", "")), str(told.get("remedy", ""))
        found.append(Firing(key.check, key.metric, key.columns, segment, key.version, since, *words))
    found.sort(key=lambda one: (one.since, not one.columns, one.check, one.columns))  # a column says more
    return found, sum(one.standing.state is Alarmed.NODATA for one in standing)


def _worst(lake: Lake, store: Store, model: str, counted: Mapping[Span, Counted], view: Outlook) -> Worst | None:
    """The worst finding of the newest window that was judged."""
    span = window.newest_done(store, model)
    if span is None:
        return None
    findings = findings_of(lake, span)
    label = f"{iso(span[0])}/{iso(span[1])}"
    if not findings:
        return Worst(label, None, "Nothing to report.")
    worst = max(findings, key=lambda one: (_RANK.get(one["severity"], 0), one["evidence"] or 0.0))
    message = worst["message"]
    if span in counted and view.state(counted[span]) is State.FINAL:  # said while labels were to come; they have come
        message = message.partition(f" {PROVISIONAL}")[0]
    return Worst(label, worst["severity"], message)


def _overdue(counted: Sequence[Counted], view: Outlook) -> int:
    """Windows without any label, though they are so old that their labels should be there, as far as that is known."""
    return sum(bool(one.events) and not one.labels and view.is_over(one) for one in counted)


def _delays(view: Outlook, model: Model) -> list[Delay]:
    label = model.only(Role.LABEL)
    hidden = label is not None and model.columns[label].pii
    curves = (view.whole, *view.classes) if view.dated else ()
    names = [f"({mask.MASKED} {i})" if hidden and i else curve.name for i, curve in enumerate(curves)]
    return [_delay(name, curve) for name, curve in zip(names, curves, strict=True)]


def _delay(name: str, curve: Curve) -> Delay:
    quantiles = {f"{share:g}": curve.quantile(share) / 1e6 for share in QUANTILES}
    return Delay(name, curve.labels, quantiles, curve.is_known)


def _losses(totals: Mapping[str, int]) -> dict[str, int]:
    return {kind: amount for kind, amount in totals.items() if kind not in KEPT_AWAY and amount}


def _lost_before(lake: Lake, now: int) -> dict[str, int]:
    """What services said of the last day that they could not send."""
    lost: dict[str, int] = {}
    for batch in lake.read("points", now - DAY, now + 1, ["name", "time", "value", "source"]):
        mine = batch.filter(pc.equal(batch["source"], "service"))
        for name, kind in LOSSES.items():
            amount = pc.sum(mine.filter(pc.equal(mine["name"], name))["value"]).as_py()
            if amount:
                lost[kind] = lost.get(kind, 0) + int(amount)
    return lost


def _lake_bytes(lake: Lake) -> int:
    """All files of the lake; in an object store those that belong to a table now."""
    if lake.place.local is not None:
        return _bytes(lake.place.local)
    return sum(int(extent(lake, name).sizes.sum()) for name in lake.tables)


def _spooled(home: Path, model: str) -> dict[str, int]:
    """What loggers on this machine still keep for a server, or were refused by one, where there is any."""
    folders = spools(home, model)
    told = {
        "spool": sum(_segments(folder) for folder in folders),
        "spool refused": sum(_segments(folder / "aside") for folder in folders),
    }
    return {name: amount for name, amount in told.items() if amount}


def _segments(folder: Path) -> int:
    total = 0
    for path in folder.glob("*.wks"):
        with suppress(FileNotFoundError):  # it was sent meanwhile
            total += path.stat().st_size
    return total


def _bytes(folder: Path) -> int:
    total, folders = 0, [str(folder)]
    while folders:
        try:
            with os.scandir(folders.pop()) as entries:
                for entry in entries:
                    if entry.is_dir(follow_symlinks=False):
                        folders.append(entry.path)
                    else:
                        total += entry.stat(follow_symlinks=False).st_size
        except FileNotFoundError:  # a run tidies up meanwhile
            continue
    return total
