"""What to do next about a model, in one line."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from watchkeeper.report import words
from watchkeeper.report.status import Firing, Flow

HELD_UP = 600_000_000
"""For so long records may wait in the inbox before it is said: ten minutes."""


@dataclass(frozen=True)
class Found:
    """What was found of a model."""

    model: str
    flow: Flow
    due: int
    alarms: Sequence[Firing]
    silent: int
    today: Mapping[str, int]
    has_baseline: bool
    overdue: int
    """Windows whose labels should have come, of which there is none."""


def todo(found: Found, now: int) -> tuple[str, str | None]:
    """The most urgent thing to do, and the command that does it, where one does."""
    run = f"watchkeeper run --model {found.model}"
    if not found.has_baseline:
        command = f"watchkeeper baseline {found.model} FILES --reason WHY"
        return f"It has no baseline. Give it one: `{command}`.", command
    if not found.flow.total and not found.flow.waiting:
        command = f"watchkeeper ingest {found.model} FILES"
        return f"No events yet. Log its predictions (docs/guides/logging.md), or take files: `{command}`.", command
    since = found.flow.waiting_since
    late = since is not None and (now - since > HELD_UP or not found.flow.total)
    behind = _behind(found, late)
    if found.alarms:
        rest = f" Then {behind[0].lower()}{behind[1:]}, so run `{run}`." if behind else ""
        return _of_alarms(found.alarms) + rest, run if behind else None
    if behind:
        return f"Run `{run}`: {behind}.", run
    if found.silent:
        return f"{words.plural(found.silent, 'alarm')} can't be judged: see why no events come.", None
    lost = [kind for kind in ("dropped", "invalid", "corrupt", "rejected", "conflicts") if found.today.get(kind)]
    if lost:
        kind = lost[0]
        return f"See why: {found.today[kind]:,} records {_LOST[kind]} since yesterday.", None
    if found.overdue:
        return f"See why no label came for {words.plural(found.overdue, 'window')} whose labels are overdue.", None
    return "Nothing: all is well.", None


_LOST = {
    "dropped": "were dropped by a service's logger, because its queue, spool or disk was full",
    "invalid": "were not logged, because a value was of a type that can't be kept",
    "corrupt": "in the inbox were damaged and lie in its folder `aside`",
    "rejected": "were refused, because they are not as an event or a label has to be",
    "conflicts": "have the id of an earlier event and say something else; the first one was kept",
}


def _behind(found: Found, late: bool) -> str:
    """What a run would catch up with."""
    if found.due:
        return f"{words.plural(found.due, 'window')} {'is' if found.due == 1 else 'are'} due"
    return f"{words.size(found.flow.waiting)} wait in the inbox" if late else ""


def _of_alarms(alarms: Sequence[Firing]) -> str:
    first = alarms[0]
    names = words.join([words.name(column) for column in first.columns], most=2)
    named = f"on {names}" if names else f"by {first.check}"
    more = f" (and {words.plural(len(alarms) - 1, 'more', 'more')})" if len(alarms) > 1 else ""
    advice = words.inert(first.remedy, 300) or "Look at its findings."
    return f"Alarm {named}{more}: {advice}"
