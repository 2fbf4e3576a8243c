"""Overlap: held-out rows and entities that a candidate has seen in training."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from watchkeeper.model import Model
from watchkeeper.release.gate.holdout import Holdout
from watchkeeper.release.gate.training import Training, hashed, id_columns, seen_by
from watchkeeper.release.outcome import Checked, Outcome
from watchkeeper.report import words
from watchkeeper.stats.interval import wilson

Hashes = NDArray[np.uint64]

BY_CHANCE = 0.01
"""Rows or entities beyond what chance brings are a leak from this share on."""
UNIQUE = 0.99
"""Ids of which so many stand once only name rows; others name entities, such as customers."""


def rows_seen(holdout: Holdout, features: Sequence[str], training: Training) -> Checked:
    """Held-out rows with exactly the features of a training row, beyond what rows have in common by chance.

    What stands once in the training data counts, and once: rows that are common may be more so by now, as where a
    sensor is silent. By chance as many held-out rows meet such a row as training rows have exactly one twin among the
    others (leave-one-out, Good 1953).
    """
    rows = hashed(holdout.table, features)
    alike = int(seen_by(training.features, rows).sum())
    known, times = np.unique(training.features, return_counts=True)
    seen = int(seen_by(known[times == 1], np.unique(rows)).sum())
    chance = 2 * int((times == 2).sum()) / max(training.rows, 1)
    low, high = (float(end) for end in wilson(seen, max(len(rows), 1)))
    share = f"{alike:,} of {words.plural(len(rows), 'held-out row')} ({words.percent(alike / max(len(rows), 1))})"
    share += (
        f" have exactly the features of a training row, {seen:,} ({words.percent(seen / max(len(rows), 1))}) of one"
    )
    share += f" that stands once among the {training.rows:,}"
    facts = {"rows": alike, "of": len(rows), "once": seen, "low": low, "high": high}
    facts |= {"by_chance": chance, "trained": training.rows}
    if low > chance + BY_CHANCE:
        sentence = f"{share}; by chance it would be {words.percent(chance)}. The candidate was trained on them."
        return Checked("rows_seen", Outcome.FAIL, sentence, "Hold out rows that were not trained on.", facts)
    sentence = f"{share}, no more than chance brings ({words.percent(chance)})."
    return Checked("rows_seen", Outcome.PASS, sentence, facts=facts)


def entity_overlap(
    holdout: Holdout, features: Sequence[str], training: Training, model: Model, *, in_order: bool
) -> Checked | None:
    """Ids of held-out rows that stand in the training data; None where the model has no id.

    `in_order`: whether all held-out rows are known to be later than the training data.
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
    told = f"{shared:,} of {len(own):,} values of {named} in the held-out rows ({words.percent(share)})"
    told += " stand in the training data"
    if (counts == 1).mean() >= UNIQUE:
        return _same_rows(holdout, features, training, ids, told, facts)
    if in_order or share < BY_CHANCE:
        sentence = f"{told}, as they will in production: all held-out rows are later." if in_order else f"{told}."
        return Checked("entity_overlap", Outcome.PASS, sentence, facts=facts)
    sentence = f"{told}, and nothing says that the held-out rows are later: the candidate may know them by heart."
    remedy = (
        f"Hold out other values of {named} than those that were trained on, or rows that are later than all of them."
    )
    return Checked("entity_overlap", Outcome.FAIL, sentence, remedy, facts)


def _same_rows(
    holdout: Holdout,
    features: Sequence[str],
    training: Training,
    ids: Hashes,
    told: str,
    facts: dict[str, object],
) -> Checked:
    """Ids that name rows: where features are the same too, so are the rows; else ids begin anew in each file."""
    rows = hashed(holdout.table, features)
    pairs = np.sort(_both(training.features, training.ids))
    shared = seen_by(np.sort(training.ids), ids)
    same = int(seen_by(pairs, _both(rows, ids)).sum())
    if same <= BY_CHANCE * int(shared.sum()):
        sentence = f"{told}, with other features: ids seem to begin anew in each file, so they say nothing."
        return Checked("entity_overlap", Outcome.PASS, sentence, facts=facts)
    sentence = f"{told}, {same:,} of them with the same features: the candidate was trained on these rows."
    remedy = "Hold out rows that were not trained on."
    return Checked("entity_overlap", Outcome.FAIL, sentence, remedy, {**facts, "rows": same})


def _both(rows: Hashes, ids: Hashes) -> Hashes:
    """One hash for both."""
    mixed: Hashes = rows * np.uint64(0x9E3779B97F4A7C15) + ids
    return mixed
