"""The newest events of the lake as held-out rows, as far as their labels have come."""

from __future__ import annotations

import numpy as np

from watchkeeper.lake import Lake, block_of, rows_of
from watchkeeper.lake.extent import extent
from watchkeeper.model import Model
from watchkeeper.model.clock import instant
from watchkeeper.release.gate.holdout import CannotGate, Drawn, Holdout, Span, Told
from watchkeeper.release.outcome import Checked, Outcome
from watchkeeper.report import words
from watchkeeper.state import window
from watchkeeper.watch.home import Home
from watchkeeper.watch.labelled import kept
from watchkeeper.watch.maturity import State, outlook

RECENT = 30 * 86_400_000_000
"""Labels of the last 30 days tell which event is the newest that has one."""
_BACK = (86_400_000_000, 30 * 86_400_000_000, None)
"""So far back, in turn, the newest event before a time is looked for; None is as far as there are any."""


def labelled_events(
    home: Home, model: Model, asked: str, length: int, *, now: int, told: Told | None = None
) -> Holdout:
    """The events of the last days whose labels have come, as they were served.

    The days are counted back from the newest event, labelled or not, of the time whose labels have come.
    """
    lake = home.lake(model)
    end, matured = _matured(home, model, lake, now)
    newest = _newest_event(lake, end)
    if newest is None:
        before = "" if end is None else f" before {words.moment(end)}, up to when labels have come"
        raise CannotGate(
            f"--holdout {asked}: the lake has no event of {model.name}{before}. Log its predictions and labels, move "
            "them there by `watchkeeper run`, or give a file."
        )
    drawn, span = Drawn(model), (newest + 1 - length, newest)
    rows = _read(lake, model, span, drawn, told)
    table, inputs, unlabelled = drawn.taken([])
    return Holdout(
        name=asked,
        table=table,
        inputs=inputs,
        rows=rows,
        unlabelled=unlabelled,
        left_over=drawn.left_over,
        checks=(matured,),
        asked=span,
    )


def newest_events(lake: Lake, model: Model, asked: str, length: int, told: Told | None) -> Holdout:
    """The events of the last days, labelled or not, counted back from the newest one."""
    newest, drawn = extent(lake, "events").newest, Drawn(model, labelled=False)
    if newest is None:
        raise CannotGate(f"--on {asked}: the lake has no event of {model.name}. Log its events, or give a file.")
    rows = _read(lake, model, (newest + 1 - length, newest), drawn, told)
    table, inputs, _ = drawn.taken([])
    return Holdout(asked, table, inputs, rows, left_over=drawn.left_over)


def newest_labelled(lake: Lake) -> int | None:
    """The latest event that has a label, of those whose label came last; None where the lake has none."""
    newest = extent(lake, "labels").newest
    for start in (None if newest is None else newest - RECENT, None):
        times = [batch.column("event_time").drop_null() for batch in lake.read("labels", start, columns=["event_time"])]
        latest = [int(np.asarray(some.cast("int64")).max()) for some in times if len(some)]
        if latest:
            return max(latest)
    return None


def _newest_event(lake: Lake, end: int | None) -> int | None:
    """The latest event before a time, labelled or not; None where there is none."""
    newest = extent(lake, "events").newest
    if newest is None or end is None or newest < end:
        return newest
    for back in _BACK:
        batches = lake.events(None if back is None else end - back, end, ["time"])
        latest = [int(np.asarray(batch.column("time").cast("int64")).max()) for batch in batches if batch.num_rows]
        if latest:
            return max(latest)
    return None


def _read(lake: Lake, model: Model, span: Span, drawn: Drawn, told: Told | None) -> int:
    """Draw from the events of a span, both ends among them; gives how many there are."""
    outcomes, rows = lake.outcomes(), 0
    for batch in lake.events(span[0], span[1] + 1):
        labels = outcomes.labels_for(batch.column("id"))
        block = block_of(batch, labels, model, rows + 1)
        drawn.add(block.rows, block.table, rows_of(batch, labels, model))
        rows += batch.num_rows
        if told:
            told(batch.num_rows)
    return rows


def _matured(home: Home, model: Model, lake: Lake, now: int) -> tuple[int | None, Checked]:
    """Up to when the labels have come; None where that is not known, or of no window; and a sentence about it."""
    judged = window.newest(home.store, model.name, now)
    counted = kept(lake, judged) if judged else []
    view = outlook(counted, now)
    if not counted or not view.dated:
        sentence = "How late labels come is not known here; all labels that are there count."
        return None, Checked("label_maturity", Outcome.PASS, sentence)
    final = [one for one in counted if view.state(one) is State.FINAL]
    if not final:
        sentence = "No window has 95 % of the labels that will come, so those that are there may be the quick ones."
        remedy = "Wait for labels, or give a file of an earlier time whose labels are complete."
        return None, Checked("label_maturity", Outcome.INCONCLUSIVE, sentence, remedy)
    end = final[-1].span[1]
    young = sum(one.span[1] > end for one in counted)
    waits = f"; {words.plural(young, 'later window')} wait for labels" if young else ""
    sentence = f"At least 95 % of the labels that will come have come for events before {words.moment(end)}{waits}."
    return end, Checked("label_maturity", Outcome.PASS, sentence, facts={"until": instant(end), "waiting": young})
