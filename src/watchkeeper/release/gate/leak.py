"""Leaks: whether held-out rows are really later, of the latest period, and do not tell the outcome themselves."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from watchkeeper.model import Model, Task, Type
from watchkeeper.model.clock import instant
from watchkeeper.release.gate.holdout import Holdout
from watchkeeper.release.gate.lone import lone
from watchkeeper.release.gate.training import Training
from watchkeeper.release.outcome import Checked, Outcome
from watchkeeper.report import words
from watchkeeper.stats.influence_binary import BinaryRows, roc_auc

NEARLY_ONE = {"roc_auc": 0.99, "r2": 0.98}
"""A feature whose interval lies above this alone predicts too well."""
STRONG = {"roc_auc": 0.9, "r2": 0.8}
"""One that lies above this may not be as good as the whole model."""
AS_GOOD = 0.005
"""So near to the model's own figure a feature is all of the model; far above it, the model is poor, and no leak."""
CLOCK = 1_000_000
"""Microseconds by which clocks may differ."""
DAY = 86_400_000_000


def time_leak(holdout: Holdout, model: Model, end: int | None, source: str) -> Checked | None:
    """Held-out rows from before the end of the training data; None where one of the two is not known.

    `end`: microseconds since 1970; `source`: where that is known from.
    """
    times, span = holdout.times(model), holdout.span(model)
    if times is None or span is None or end is None:
        return None
    early = int(((times < end) & (times > np.iinfo(np.int64).min)).sum())
    known = f"{words.moment(end)}, {source}"
    facts = {"rows": early, "of": len(times), "trained_until": instant(end), "held_out_from": instant(span[0])}
    if not early:
        sentence = f"All held-out rows are later than the training data, which end on {known}."
        return Checked("time_leak", Outcome.PASS, sentence, facts=facts)
    sentence = (
        f"{early:,} of {words.plural(len(times), 'held-out row')} are from before the end of the candidate's training "
        f"data ({known}): it may know what came of them."
    )
    return Checked("time_leak", Outcome.FAIL, sentence, "Hold out rows that are later than all training data.", facts)


def future_feature(holdout: Holdout, model: Model, features: Sequence[str], known: Sequence[str]) -> Checked | None:
    """Features that hold a time after their event; None where no feature is a time. `known`: those that may."""
    moments = [name for name in features if model.columns[name].type is Type.TIMESTAMP and name not in known]
    times = holdout.times(model)
    if times is None or not moments:
        return None
    late = {}
    for name in moments:
        cells = holdout.table[name].combine_chunks().cast(pa.int64()).fill_null(np.iinfo(np.int64).min)
        late[name] = int((np.asarray(cells) > times + CLOCK).sum())
    worst = max(late, key=lambda name: late[name])
    if not late[worst]:
        sentence = f"No feature holds a time after its event ({words.join([words.name(n) for n in moments], 5)})."
        return Checked("future_feature", Outcome.PASS, sentence, facts={"columns": moments})
    sentence = (
        f"{words.name(worst)} holds a time after its event in {late[worst]:,} of "
        f"{words.plural(len(times), 'held-out row')}: when the model is asked, it can't be known."
    )
    remedy = (
        f"Take {words.name(worst)} out of the features. If it is known beforehand (a date that was agreed on), list it "
        "under `gate: known_before:`."
    )
    facts = {"columns": [name for name in late if late[name]], "rows": late[worst], "of": len(times)}
    return Checked("future_feature", Outcome.FAIL, sentence, remedy, facts)


def lone_feature(
    holdout: Holdout,
    model: Model,
    features: Sequence[str],
    label: NDArray[np.generic],
    achieved: float | None,
    known: Sequence[str],
) -> Checked | None:
    """A feature that alone predicts too well; None for tasks where that can't be told.

    `achieved`: what the candidate itself reaches, in the same metric. `known`: features that may be so strong.
    """
    asked = [name for name in features if name not in known and name in holdout.table.column_names]
    found = lone(holdout.table, asked, label, model)
    if not found:
        return None
    best = found[0]
    figure = f"{best.metric} {words.number(best.value)}, at least {words.number(best.low)}"
    facts = {"column": best.column, "metric": best.metric, "value": best.value, "low": best.low, "candidate": achieved}
    model_too = "" if achieved is None else f"; the whole candidate reaches {words.number(achieved)}"
    as_good = achieved is not None and len(features) > 1 and best.low > STRONG[best.metric]
    if best.low > NEARLY_ONE[best.metric] or (as_good and abs(best.value - (achieved or 0)) <= AS_GOOD):
        sentence = f"{words.name(best.column)} alone predicts the label too well ({figure}{model_too})."
        remedy = (
            f"Look when {words.name(best.column)} is written: probably once the outcome is known. Take it out of the "
            "features; or, if it is known beforehand, list it under `gate: known_before:`."
        )
        return Checked("lone_feature", Outcome.FAIL, sentence, remedy, facts)
    sentence = f"No feature alone predicts too well; {words.name(best.column)} does best ({figure}{model_too})."
    return Checked("lone_feature", Outcome.PASS, sentence, facts=facts)


def reached(label: NDArray[np.generic], score: NDArray[np.float64] | None, value: object, model: Model) -> float | None:
    """What a candidate reaches, in the metric of `lone`: of two classes by its scores, of values by its predictions."""
    if model.task is Task.BINARY and score is not None:
        classes = np.unique(label)
        positive = label == classes[-1]
        return roc_auc(BinaryRows(positive, score, positive)).value if len(classes) == 2 else None
    if model.task is Task.REGRESSION and value is not None:
        one, two = np.asarray(value, dtype=np.float64), label.astype(np.float64)
        return float(np.corrcoef(one, two)[0, 1] ** 2) if np.ptp(one) and np.ptp(two) else 0.0
    return None


def newest_period(holdout: Holdout, model: Model, latest: int | None) -> Checked | None:
    """Whether the held-out rows are of the latest period there is. `latest`: the newest labelled event's time.

    Older by more than their own span (at least a day) is too old: what has changed since is not in them.
    """
    span = holdout.span(model)
    if span is None or latest is None:
        return None
    facts = {"until": instant(span[1]), "latest": instant(latest)}
    if latest - span[1] <= max(span[1] - span[0], DAY):
        return Checked(
            "latest_period", Outcome.PASS, f"The held-out rows reach up to {words.moment(span[1])}.", facts=facts
        )
    sentence = (
        f"The held-out rows end on {words.moment(span[1])}, and the lake has labelled events up to "
        f"{words.moment(latest)}: what changed since is not in them."
    )
    remedy = f"Hold out the newest rows: --holdout last:{max(1, round((span[1] - span[0]) / DAY))}d."
    return Checked("latest_period", Outcome.INCONCLUSIVE, sentence, remedy, facts)


def labels(holdout: Holdout, model: Model, label: NDArray[np.generic], latest: int | None = None) -> Checked:
    """Whether there are labels, and of numbers more than one. `latest`: the newest labelled event's time."""
    left = holdout.unlabelled
    told = f"{words.plural(len(label), 'held-out row')} have a label"
    without = f"; {left:,} without one were left out" if left else ""
    more = f"; {holdout.left_over:,} more were not needed" if holdout.left_over else ""
    facts = {"rows": len(label), "unlabelled": left, "left_over": holdout.left_over}
    if not len(label):
        return Checked("labels", Outcome.INCONCLUSIVE, *_none(holdout, latest), facts)
    if model.task is Task.REGRESSION and not np.ptp(label.astype(np.float64)):
        sentence = f"All {len(label):,} held-out rows have one and the same label{without}, so no skill can be told."
        return Checked("labels", Outcome.INCONCLUSIVE, sentence, "Hold out more rows, with other outcomes too.", facts)
    return Checked("labels", Outcome.PASS, f"{told}{without}{more}.", facts=facts)


def _none(holdout: Holdout, latest: int | None) -> tuple[str, str]:
    """That no held-out row has a label, and what to do."""
    left = holdout.unlabelled
    if holdout.asked is None:
        if not left:
            return "No held-out row is left to judge by.", "Give a file whose rows are good and have labels."
        return f"None of {words.plural(left, 'held-out row')} has a label.", "Hold out rows that have them."
    start, newest = holdout.asked
    sentence = (
        f"{holdout.name} counts back from {words.moment(newest)}, the newest event whose label can be there: "
        f"{words.plural(left, 'event')} since {words.moment(start)}, none with a label"
    )
    if latest is None or latest >= newest:
        return f"{sentence}.", "Wait for labels, or give a file whose rows have them."
    days = -(-(newest - latest + DAY) // DAY)
    sentence += f"; the newest event with a label is of {words.moment(latest)}."
    return sentence, f"Take a longer time: --holdout last:{days}d. Or wait for labels, or give a file."


def notes(end: int | None, training: Training | None, gone: Sequence[str], features: Sequence[str]) -> Iterator[str]:
    """What could not be looked at, for people."""
    if not features:
        yield "Which columns the candidate takes is not known, so its features were not looked at."
    if end is None and training is None:
        yield (
            "What the candidate was trained on is not known, so rows from its training time would not be found: "
            "register it with --data-from and --data-to, or name its --train files."
        )
    elif training is None:
        lost = f" ({words.inert(gone[0], 60)} is gone)" if gone else ""
        yield f"The training rows were not at hand{lost}, so they were not looked for: name --train files."
