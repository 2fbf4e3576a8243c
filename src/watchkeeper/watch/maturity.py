"""Maturity: how late labels come, and whether enough of a window's labels are there for its quality to be final.

Young windows have seen short delays alone, so delays are looked at backwards: of the labels that came within a span of
time, which share came in the last part of it, in the windows that are old enough to have seen all of it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any

import numpy as np
from numpy.typing import NDArray

from watchkeeper.profiles.slice import iso
from watchkeeper.report import words

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Span = tuple[int, int]

FINAL = 0.95
"""The share of the labels that will come which must have come."""
ENOUGH = 20
"""Labels from which on a class is looked at by itself, and from which on they tell how late 95 % of them come."""
FOLLOWED = 2
"""Windows must have been followed for so many times as long as most labels take: what takes longer is not seen yet."""
EDGES: Ints = np.ceil(60_000_000 * 2 ** (np.arange(93) / 4)).astype(np.int64)
"""Delays are counted up to each of these: from a minute to 16 years in steps of 19 %. A label that has the time of its
event, or an earlier one, is counted apart: it does not say how late it came."""
QUANTILES = (0.5, 0.9, 0.95)
_AGES = np.concatenate([[0], EDGES, [np.iinfo(np.int64).max]])


class State(StrEnum):
    """What a window's quality metrics are worth."""

    PROVISIONAL = "provisional"
    """More labels are to come."""
    FINAL = "final"
    """At least 95 % of the labels that will come have come; should more come, a new revision is made."""


@dataclass(frozen=True)
class Counted:
    """How many events of a window have a label, and how late these came."""

    span: Span
    revision: int
    events: int
    labels: int
    delays: Mapping[str, Mapping[int, int]] = field(default_factory=dict)
    """Class -> place in `EDGES`, from 1; 0 for a label with the time of its event -> labels. One class, without a name,
    where labels are not classes."""
    withheld: int = 0
    """Findings about the labels themselves that were not told, because more labels were to come."""
    made: int = 0
    """When all this was counted."""

    @property
    def coverage(self) -> float | None:
        """The share of events that have a label; None of no events."""
        return self.labels / self.events if self.events else None


@dataclass(frozen=True)
class Curve:
    """Which share of the labels that will come have come after a time."""

    name: str
    """The class, as JSON; empty for all labels."""
    labels: int
    shares: Floats
    """By the age in `EDGES` (one more at the front for 0), shape (edges + 1,)."""
    is_known: bool
    """Whether windows were followed long enough to tell."""

    def after(self, age: int) -> float:
        """The share after so many microseconds, rounded down to the last edge."""
        return float(self.shares[np.searchsorted(EDGES, age, side="right")])

    def quantile(self, share: float) -> int:
        """After how many microseconds such a share has come."""
        reached = np.flatnonzero(self.shares >= share - 1e-12)
        return int(_AGES[reached[0] if len(reached) else len(EDGES)])


@dataclass(frozen=True)
class Outlook:
    """How late a model's labels come, as its windows tell at a moment."""

    now: int
    whole: Curve
    classes: tuple[Curve, ...]
    """Those with enough labels."""
    dated: bool
    """Whether any label came later than its event, so that there is something to wait for."""

    def come(self, span: Span) -> float | None:
        """The share of a window's labels that have come, that of the slowest class; None where that is not known."""
        curves = (self.whole, *self.classes)
        if not self.dated or not all(curve.is_known for curve in curves):
            return None
        return min(curve.after(self.now - span[1]) for curve in curves)

    def state(self, counted: Counted) -> State:
        """Whether more labels of a window are to be waited for. One without any label is never final."""
        return State.FINAL if counted.labels and self.is_over(counted) else State.PROVISIONAL

    def is_over(self, counted: Counted) -> bool:
        """Whether the labels of a window that will come have come, by its age.

        Where none ever came later than its event, labels are taken to come with the events or never.
        """
        come = self.come(counted.span) if self.dated else float(counted.labels > 0)
        return come is not None and come >= FINAL

    def note(self, counted: Counted) -> str:
        """What has to be said beside a figure about the quality of a window; nothing once it is final."""
        if self.state(counted) is State.FINAL:
            return ""
        come = self.come(counted.span)
        if come is not None and come < FINAL:
            return f" {PROVISIONAL} {words.percent(come)} of its labels are there."
        return f" {PROVISIONAL} {words.percent(counted.coverage)} of its events have a label so far."


PROVISIONAL = "Provisional:"


def outlook(windows: Sequence[Counted], now: int) -> Outlook:
    """How late labels come, by windows that were counted at most a little before `now`."""
    names = sorted({name for one in windows for name in one.delays})
    whole = _curve("", windows, [_bins(one, None) for one in windows], now)
    classes = []
    if names not in ([], [""]):
        classes = [_curve(name, windows, [_bins(one, name) for one in windows], now) for name in names]
    enough = tuple(curve for curve in classes if curve.labels >= ENOUGH)
    return Outlook(now, whole, enough, whole.labels > 0)


def window_of(counted: Counted, view: Outlook) -> dict[str, Any]:
    """A window and its labels, as JSON shows it."""
    start, end = counted.span
    return {
        "window": f"{iso(start)}/{iso(end)}",
        "events": counted.events,
        "labels": counted.labels,
        "coverage": counted.coverage,
        "state": view.state(counted).value,
        "revision": counted.revision,
    }


def _curve(name: str, windows: Sequence[Counted], counts: Sequence[Ints], now: int) -> Curve:
    """The share of labels by their delay, from windows of different ages, of which young ones saw short delays alone.

    With n(j) labels of delay j and N(j) of delay j or less, both of windows older than j, from the longest delay
    downwards, where F = 1: F(j−1) = F(j) (1 − n(j)/N(j)).

    Source: Kalbfleisch, Lawless (1989), Inference based on retrospective ascertainment, JASA 84, 360–372: the product
    limit in reversed time for data truncated on the right (also Lagakos, Barraj, De Gruttola 1988, Biometrika 75).
    """
    table = np.array(counts, dtype=np.int64).reshape(len(windows), len(_AGES))
    table[:, 0] = 0  # no delay is known of these
    ages = np.array([now - one.span[1] for one in windows], dtype=np.int64)
    old = ages[:, None] >= _AGES[None, :]
    here = (table * old).sum(axis=0)
    within = (np.cumsum(table, axis=1) * old).sum(axis=0)
    left = np.where(within > 0, 1 - here / np.maximum(within, 1), 1.0)
    shares = np.append(np.cumprod(left[::-1])[::-1][1:], 1.0)[: len(EDGES) + 1]
    made = Curve(name, int(table.sum()), shares, False)
    seen = int(here.sum())
    followed = int(ages.max(initial=0))
    return replace(made, is_known=seen >= ENOUGH and followed >= FOLLOWED * made.quantile(FINAL))


def _bins(counted: Counted, name: str | None) -> Ints:
    """The labels of a window by delay: of a class, or of all."""
    bins = np.zeros(len(_AGES), dtype=np.int64)
    for each, held in counted.delays.items():
        if name is None or each == name:
            for place, labels in held.items():
                bins[place] += labels
    return bins
