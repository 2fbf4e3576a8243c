"""Settling: what can be said of a window before all of its labels are there, and when the rest can be said."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from watchkeeper.budget import Finding
from watchkeeper.lake import Lake
from watchkeeper.model import Role
from watchkeeper.profiles.slice import iso
from watchkeeper.state.window import Due
from watchkeeper.watch.labelled import Labelled, kept, put, withheld
from watchkeeper.watch.maturity import Counted, Outlook, Span, State, outlook


@dataclass(frozen=True)
class Settled:
    """What can be told of windows by now."""

    findings: Mapping[Span, list[Finding]]
    young: frozenset[Span]
    """Windows of which labels are still to come."""
    labels: frozenset[str]
    """The columns of the label and of its time."""

    def waits(self, span: Span, check: str, columns: Sequence[str]) -> bool:
        """Whether a window can't say anything about these columns yet, neither good nor bad."""
        return check != "quality" and span in self.young and not self.labels.isdisjoint(columns)


def settle(lake: Lake, labelled: Labelled, due: Sequence[Due], findings: Sequence[Finding], now: int) -> Settled:
    """The findings of each window that can be told by now; keeps how far its labels have come.

    As long as labels are to come, a figure about quality says so, and nothing is said of the labels themselves: that
    most are missing, or that the class that is known first prevails, is how it always begins.
    """
    counted = {one.span: labelled.taken(one.span, one.seen) for one in due}
    before = [one for one in kept(lake, due[-1].span) if one.span not in counted]
    view = outlook([*before, *counted.values()], now)
    young = frozenset(span for span, one in counted.items() if not view.is_over(one))
    roles = (Role.LABEL, Role.LABEL_TIME)
    settled = Settled({}, young, frozenset(n for n, c in lake.model.columns.items() if c.role in roles))
    told: dict[Span, list[Finding]] = {}
    for span, one in counted.items():
        mine = [finding for finding in findings if finding.window == f"{iso(span[0])}/{iso(span[1])}"]
        told[span] = [_noted(f, one, view) for f in mine if not settled.waits(span, f.check, f.columns)]
        counted[span] = replace(one, withheld=len(mine) - len(told[span]))
    put(lake, list(counted.values()), now)
    return replace(settled, findings=told)


def ripe(lake: Lake, newest: Span | None, now: int) -> list[Span]:
    """Windows of which something was withheld because labels were to come, and by now no more are: judge them again."""
    waiting = [] if newest is None else withheld(lake, newest)
    if newest is None or not waiting:
        return []
    view = outlook(kept(lake, newest), now)
    then = {made: replace(view, now=made) for made in {one.made for one in waiting}}
    return [one.span for one in waiting if view.is_over(one) and not then[one.made].is_over(one)]


def _noted(finding: Finding, counted: Counted, view: Outlook) -> Finding:
    """A finding that says so where it is about the quality of a window that is not final."""
    if finding.check != "quality" or view.state(counted) is State.FINAL:
        return finding
    return replace(finding, message=finding.message + view.note(counted))
