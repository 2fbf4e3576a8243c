"""Leaks: whether held-out rows tell the truth about the future, or were seen in training, or tell the outcome."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from watchkeeper.model import Model, Task, Type
from watchkeeper.profiles.slice import iso
from watchkeeper.release.holdout import Holdout
from watchkeeper.release.lone import area, lone
from watchkeeper.release.outcome import Checked, Outcome
from watchkeeper.release.training import Training, hashed, id_columns, seen_by
from watchkeeper.report import words
from watchkeeper.stats.interval import wilson

BY_CHANCE = 0.01
"""Rows or entities beyond what chance brings are a leak from this share on."""
NEARLY_ONE = {"roc_auc": 0.99, "r2": 0.98}
"""A feature whose interval lies above this alone predicts too well."""
STRONG = {"roc_auc": 0.9, "r2": 0.8}
"""One that lies above this may not be as good as the whole model."""
AS_GOOD = 0.005
"""So near to the model's own figure a feature is as good as the model."""
UNIQUE = 0.99
"""Ids of which so many stand once only name rows; others name entities, such as customers."""
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
    facts = {"rows": early, "of": len(times), "trained_until": iso(end), "held_out_from": iso(span[0])}
    if not early:
        sentence = (
            f"All held-out rows are of {iso(span[0])} or later, after the training data end ({iso(end)}, {source})."
        )
        return Checked("time_leak", Outcome.PASS, sentence, facts=facts)
    sentence = (
        f"{early:,} of {words.plural(len(times), 'held-out row')} are from before {iso(end)}, where the candidate's "
        f"training data end ({source}): it may know what came of them."
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


def rows_seen(holdout: Holdout, features: Sequence[str], training: Training) -> Checked:
    """Held-out rows with exactly the features of a training row, beyond what rows have in common by chance.

    By chance as many held-out rows have a twin as training rows have one among the others.
    """
    rows = hashed(holdout.table, features)
    seen = int(seen_by(training.features, rows).sum())
    chance = _twins(training.features)
    low, high = wilson(seen, max(len(rows), 1))
    share = f"{seen:,} of {words.plural(len(rows), 'held-out row')} ({words.percent(seen / max(len(rows), 1))})"
    twins = f"{words.percent(chance)} of the {training.rows:,} training rows have a twin among themselves"
    facts = {"rows": seen, "of": len(rows), "low": low, "high": high, "by_chance": chance, "trained": training.rows}
    if low > chance + BY_CHANCE:
        sentence = f"{share} have exactly the features of a training row; {twins}. The candidate was trained on them."
        return Checked("rows_seen", Outcome.FAIL, sentence, "Hold out rows that were not trained on.", facts)
    sentence = f"{share} have exactly the features of a training row, no more than chance brings ({twins})."
    return Checked("rows_seen", Outcome.PASS, sentence, facts=facts)


def entity_overlap(
    holdout: Holdout, model: Model, features: Sequence[str], training: Training, *, ordered: bool
) -> Checked | None:
    """Ids of held-out rows that stand in the training data; None where the model has no id.

    `ordered`: whether all held-out rows are known to be later than the training data.
    """
    key = id_columns(model)
    if not key or not len(training.ids) or not set(key) <= set(holdout.table.column_names):
        return None
    named = words.join([words.name(column) for column in key])
    known, counts = np.unique(training.ids, return_counts=True)
    ids = hashed(holdout.table, key)
    own = np.unique(ids)
    both = seen_by(known, own)
    shared, share = int(both.sum()), float(both.mean()) if len(own) else 0.0
    facts = {"columns": key, "shared": shared, "of": len(own), "trained": len(known)}
    if not shared:
        sentence = f"No {named} of the held-out rows stands in the training data."
        return Checked("entity_overlap", Outcome.PASS, sentence, facts=facts)
    told = f"{shared:,} of {len(own):,} values of {named} in the held-out rows ({words.percent(share)}) stand in the training data"
    if (counts == 1).mean() >= UNIQUE:
        return _same_rows(holdout, features, training, ids, told, facts)
    if ordered or share < BY_CHANCE:
        sentence = f"{told}, as they will in production: all held-out rows are later." if ordered else f"{told}."
        return Checked("entity_overlap", Outcome.PASS, sentence, facts=facts)
    sentence = f"{told}, and nothing says that the held-out rows are later: the candidate may know them by heart."
    remedy = (
        f"Hold out other values of {named} than those that were trained on, or rows that are later than all of them."
    )
    return Checked("entity_overlap", Outcome.FAIL, sentence, remedy, facts)


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
    if best.low > NEARLY_ONE[best.metric] or (as_good and best.value >= (achieved or 0) - AS_GOOD):
        sentence = f"{words.name(best.column)} alone predicts the label too well ({figure}{model_too})."
        remedy = (
            f"Look when {words.name(best.column)} is written: probably once the outcome is known. Take it out of the "
            "features; or, if it is known beforehand, list it under `gate: known_before:`."
        )
        return Checked("lone_feature", Outcome.FAIL, sentence, remedy, facts)
    sentence = f"No feature alone predicts too well; {words.name(best.column)} does best ({figure}{model_too})."
    return Checked("lone_feature", Outcome.PASS, sentence, facts=facts)


def reached(label: NDArray[np.generic], score: NDArray[np.float64] | None, value: object, model: Model) -> float | None:
    """What a candidate reaches, in the metric of `lone`: for two classes by its scores, for values by its predictions."""
    if model.task is Task.BINARY and score is not None:
        classes = np.unique(label)
        return area(score, label == classes[-1])[0] if len(classes) == 2 else None
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
    facts = {"until": iso(span[1]), "latest": iso(latest)}
    if latest - span[1] <= max(span[1] - span[0], DAY):
        return Checked("latest_period", Outcome.PASS, f"The held-out rows reach up to {iso(span[1])}.", facts=facts)
    sentence = (
        f"The held-out rows end at {iso(span[1])}, and the lake has labelled events up to {iso(latest)}: what changed "
        "since is not in them."
    )
    remedy = f"Hold out the newest rows: --holdout last:{max(1, round((span[1] - span[0]) / DAY))}d."
    return Checked("latest_period", Outcome.INCONCLUSIVE, sentence, remedy, facts)


def labels(holdout: Holdout, model: Model, label: NDArray[np.generic]) -> Checked:
    """Whether there are labels at all, and more than one of them."""
    left = holdout.unlabelled
    told = f"{words.plural(len(label), 'held-out row')} have a label"
    without = f"; {left:,} without one were left out" if left else ""
    more = f"; {holdout.left_over:,} more were not needed" if holdout.left_over else ""
    facts = {"rows": len(label), "unlabelled": left, "left_over": holdout.left_over}
    if not len(label):
        remedy = "Wait for labels, or hold out rows that have them."
        return Checked("labels", Outcome.INCONCLUSIVE, f"No held-out row has a label{without}.", remedy, facts)
    if model.task in (Task.BINARY, Task.MULTICLASS, Task.REGRESSION) and len(np.unique(label)) < 2:
        sentence = (
            f"All {len(label):,} held-out rows have one and the same label{without}, so nothing can be told apart."
        )
        return Checked("labels", Outcome.INCONCLUSIVE, sentence, "Hold out more rows, with other outcomes too.", facts)
    return Checked("labels", Outcome.PASS, f"{told}{without}{more}.", facts=facts)


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
        yield f"The training rows were not at hand{lost}, so rows seen in training were not looked for. Name --train files."


def _same_rows(
    holdout: Holdout,
    features: Sequence[str],
    training: Training,
    ids: NDArray[np.uint64],
    told: str,
    facts: dict[str, object],
) -> Checked:
    """Ids that name rows: where features are the same too, these are the same rows; else ids begin anew in each file."""
    rows = hashed(holdout.table, features)
    pairs = np.sort(rows_and_ids(training.features, training.ids))
    shared = seen_by(np.sort(training.ids), ids)
    same = int(seen_by(pairs, rows_and_ids(rows, ids)).sum())
    if same <= BY_CHANCE * int(shared.sum()):
        sentence = f"{told}, with other features: ids seem to begin anew in each file, so they say nothing."
        return Checked("entity_overlap", Outcome.PASS, sentence, facts=facts)
    sentence = f"{told}, {same:,} of them with the same features: the candidate was trained on these rows."
    remedy = "Hold out rows that were not trained on."
    return Checked("entity_overlap", Outcome.FAIL, sentence, remedy, {**facts, "rows": same})


def rows_and_ids(rows: NDArray[np.uint64], ids: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """One hash for both."""
    mixed: NDArray[np.uint64] = rows * np.uint64(0x9E3779B97F4A7C15) + ids
    return mixed


def _twins(rows: NDArray[np.uint64]) -> float:
    """The share of rows, sorted, that have an equal among the others."""
    if len(rows) < 2:
        return 0.0
    next_to = rows[1:] == rows[:-1]
    return float((np.append(next_to, False) | np.append(False, next_to)).mean())
