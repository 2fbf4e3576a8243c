"""How models are doing, on a terminal: the answer first, what to do next, then the figures."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from watchkeeper.report import words
from watchkeeper.report.status import Delay, Status
from watchkeeper.report.terminal import COLOURS, MARKS, line

if TYPE_CHECKING:
    from rich.console import Console

MOST_ALARMS = 5
_LABEL = 10
_DAY = 86_400


def print_status(found: Sequence[Status], console: Console) -> None:
    """Print how each model is doing: coloured on a terminal, plain text elsewhere."""
    if not found:
        line(console, "", "No model was added yet: `watchkeeper add M.yaml --baseline FILES` adds one.")
    for i, status in enumerate(found):
        if i:
            line(console, "", "")
        level, headline = _headline(status)
        line(console, f"{MARKS[level]} {status.model}:", headline, "", f"bold {COLOURS[level]}", indent=2)
        for label, text in _lines(status):
            line(console, f"  {label}", text, indent=_LABEL + 2, broken=label != "next")


def ago(micro: int | None, now: int) -> str:
    """How long ago a moment was, or how far ahead it is."""
    if micro is None:
        return "never"
    seconds = (now - micro) / 1e6
    return f"{lasting(seconds)} ago" if seconds >= 0 else f"{lasting(-seconds)} ahead"


def lasting(seconds: float) -> str:
    """A span of time; of days in days."""
    if seconds >= 2 * _DAY:
        return words.plural(round(seconds / _DAY), "day")
    return words.duration(seconds) if seconds >= 1 else "less than 1 s"


def _headline(status: Status) -> tuple[str, str]:
    if status.alarms:
        since = words.moment(status.alarms[0].since)
        many = words.plural(len(status.alarms), "alarm")
        return "alarm", f"{many} firing, the first since {since} UTC ({ago(status.alarms[0].since, status.now)})."
    if status.silent:
        return "warning", f"{words.plural(status.silent, 'alarm')} without data to judge."
    if not status.flow.total:
        return "info", "no events yet." if not status.flow.waiting else "the first events wait in the inbox."
    if status.worst is None:
        return "info", "no window was judged yet."
    if status.worst.severity == "warning":
        return "warning", "a warning, no alarm."
    return "fine", "fine."


def _lines(status: Status) -> Iterator[tuple[str, str]]:
    yield "next", status.todo
    for i, alarm in enumerate(status.alarms[:MOST_ALARMS]):
        about = f" ({words.inert(alarm.segment)})" if alarm.segment else ""
        about += f" (version {words.inert(alarm.version)})" if alarm.version else ""
        told = words.inert(alarm.message, 400) or words.inert(alarm.check)
        yield "alarms" if not i else "", f"since {words.moment(alarm.since)}{about}: {told}"
    if len(status.alarms) > MOST_ALARMS:
        yield "", f"and {words.plural(len(status.alarms) - MOST_ALARMS, 'more', 'more')} (--json lists all)"
    if status.worst is not None:
        what = f"{status.worst.severity}: " if status.worst.severity else ""
        yield "newest", f"{words.window(status.worst.window)}: {what}{words.inert(status.worst.message, 400)}"
    yield "events", _events(status)
    if status.flow.waiting:
        since = f", the oldest for {lasting(max(0, status.now - (status.flow.waiting_since or status.now)) / 1e6)}"
        yield "inbox", f"{words.size(status.flow.waiting)} wait to be moved{since if status.flow.waiting_since else ''}"
    due = f"{words.plural(status.due, 'window')} due" if status.due else "none due"
    runs = f"; {words.inert(status.runner)} runs it now" if status.runner else ""
    yield "windows", f"{due}{runs}"
    if status.windows or status.delays:
        yield "labels", _labels(status)
    lost = _counted(dict(status.counts) | dict(status.today))
    if lost:
        new = _counted(status.today)
        yield "lost", f"{', '.join(lost)}" + (f" (since yesterday: {', '.join(new)})" if new else "")
    yield "disk", ", ".join(f"{name} {words.size(size)}" for name, size in status.disk.items())


def _counted(losses: Mapping[str, int]) -> list[str]:
    """`1 duplicate`, `2 conflicts`, `3 rejected`."""
    return [f"{amount:,} {kind.removesuffix('s') if amount == 1 else kind}" for kind, amount in losses.items()]


def _events(status: Status) -> str:
    flow = status.flow
    if not flow.total:
        return "none in the lake"
    about = "" if flow.is_exact else "about "
    newest = f"newest {ago(flow.newest, status.now)}"
    came = "" if status.lag is None else f", came {ago(flow.received, status.now)}"
    return f"{flow.total:,} in all, {about}{flow.hour:,} in the last hour, {flow.day:,} in 24 h; {newest}{came}"


def _labels(status: Status) -> str:
    parts = []
    if status.mature is None:
        newest = status.windows[-1] if status.windows else None
        so_far = (
            ""
            if newest is None or newest["coverage"] is None
            else f" ({_share(newest)} of the newest one's events have a label)"
        )
        parts.append(f"no window is final yet{so_far}")
    else:
        parts.append(
            f"{_share(status.mature)} of the events of {words.window(status.mature['window'])}, the newest final one"
        )
    young = sum(one["state"] == "provisional" for one in status.windows)
    if young and status.mature is not None:
        parts.append(f"{words.plural(young, 'window')} provisional")
    known = [delay for delay in status.delays if delay.is_known]
    if known:
        classes = [f"{words.inert(delay.name)}: {_late(delay)}" for delay in known[1:]]
        parts.append(f"95 % come within {_late(known[0])}" + (f" ({', '.join(classes)})" if classes else ""))
    return "; ".join(parts)


def _share(window: Mapping[str, Any]) -> str:
    return words.percent(window["coverage"])


def _late(delay: Delay) -> str:
    return lasting(delay.quantiles["0.95"])
