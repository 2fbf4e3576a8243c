"""The gate: may a candidate go live? One pass over held-out rows, and all that speaks against it."""

from __future__ import annotations

import time
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from watchkeeper.model import Role, Task
from watchkeeper.release import registry
from watchkeeper.release.contract.consumer import contract_checks
from watchkeeper.release.gate import leak, overlap, replay, speed
from watchkeeper.release.gate.answering import Asked, figures
from watchkeeper.release.gate.attempt import Attempts, alive, loaded, memory_of
from watchkeeper.release.gate.case import Case, case_of, kept
from watchkeeper.release.gate.curve import curve
from watchkeeper.release.gate.evaluate import evaluate
from watchkeeper.release.gate.formula import features_together
from watchkeeper.release.gate.held import Held
from watchkeeper.release.gate.held_events import newest_labelled
from watchkeeper.release.gate.holdout import Holdout, Told, typed_labels
from watchkeeper.release.gate.missing import Usual, in_baseline, in_training, missing_feature
from watchkeeper.release.gate.popularity import trained_items
from watchkeeper.release.gate.source import held_out
from watchkeeper.release.gate.training import Training, data_end, known_files, trained_on
from watchkeeper.release.gate.verdict import Gate
from watchkeeper.release.outcome import Checked, Outcome, together
from watchkeeper.runtime import Answers
from watchkeeper.watch.add import baseline_of
from watchkeeper.watch.home import Home

Labels = NDArray[np.generic]


def gate(
    home: Home,
    model: str,
    version: str,
    holdout: str,
    *,
    model_fn: str | None = None,
    train: Sequence[str] = (),
    now: int,
    who: str,
    told: Told | None = None,
) -> Gate:
    """Judge a version on held-out rows, and keep the verdict.

    `holdout`: a file, or `last:7d`. `model_fn`: `pipeline.py:predict`, a function of the user's that answers for the
    candidate; naming it is the permission to run it. `train`: the files that it was trained on. Raises
    `NoSuchVersion`, `CannotGate`, `NoSuchFile`; whatever goes wrong with the candidate itself is in the verdict.
    """
    began = time.monotonic()
    case = case_of(home, model, version, model_fn)
    held = held_out(home, case.model, holdout, now=now, told=told)
    with ExitStack() as stack:
        attempts = Attempts(stack, checks=list(held.checks), notes=list(case.notes))
        _judge(case, held, train, attempts, told)
    found = _verdict(case, held, attempts, now)
    return kept(home, replace(found, seconds=time.monotonic() - began), now, who)


def _judge(case: Case, held: Holdout, train: Sequence[str], attempts: Attempts, told: Told | None) -> None:
    """Make all checks of a candidate."""
    model = case.model
    attempts.checks += contract_checks(case.home, case.candidate)
    label = typed_labels(held, model)
    attempts.make("labels", lambda: leak.labels(held, model, label, newest_labelled(case.lake)))
    training = _data(case, held, train, attempts, told)
    candidate = attempts.started("loads", case.servable, case.allowed)
    if candidate is None:
        return
    attempts.make("loads", lambda: loaded(candidate))
    live: Asked | None = None
    if case.live is not None:
        known, serving = case.live, case.home.config.serving
        live = attempts.started("loads_live", lambda: registry.servable(case.home, known), serving)
    _replays(case, candidate, live, held, attempts)
    if held.table.num_rows:
        _quality(case, held, label, training, (candidate, live), attempts, told)
    if held.table.num_rows and alive(candidate) and alive(live):
        inputs = [list(candidate.inputs), list(live.inputs) if live else []]
        attempts.make("latency", lambda: speed.latency(speed.timed(candidate, live, held.inputs, inputs), model.gate))
        attempts.make("memory", lambda: speed.memory(memory_of(candidate), memory_of(live), model.gate))


def _data(case: Case, held: Holdout, train: Sequence[str], attempts: Attempts, told: Told | None) -> Training | None:
    """Whether the held-out rows are fit to judge by; and the training rows, as far as they are known."""
    model, features, lineage = case.model, case.features, case.candidate.detail["lineage"]
    end, source = data_end(lineage), "as it was registered"
    files, gone = known_files(lineage, train)
    read: list[Training] = []

    def look() -> None:
        read.extend([trained_on(files, model, features, told)] if files else [])

    attempts.make("training_data", look)
    training = read[0] if read else None
    if training is not None and training.newest is not None:
        end, source = training.newest, "by its training files"
    attempts.notes += leak.notes(end, training, gone, features)
    later = attempts.make("time_leak", lambda: leak.time_leak(held, model, end, source))
    attempts.make("latest_period", lambda: leak.newest_period(held, model, newest_labelled(case.lake)))
    if not held.table.num_rows:
        return training
    attempts.make("future_feature", lambda: leak.future_feature(held, model, features, model.gate.known_before))
    attempts.make(
        "missing_feature", lambda: missing_feature(held, features, _usual(case, training), model.gate.min_rows)
    )
    if training is not None and features:
        in_order = later is not None and later.outcome is Outcome.PASS
        both = (held, features, training)
        attempts.make("rows_seen", lambda: overlap.rows_seen(*both))
        attempts.make("entity_overlap", lambda: overlap.entity_overlap(*both, model, in_order=in_order))
    return training


def _usual(case: Case, training: Training | None) -> Usual:
    """How often features are missing where the candidate was trained; in the baseline, where that is not known."""
    if training is not None:
        return in_training(training)
    return in_baseline(baseline_of(case.home, case.model, case.lake, case.candidate.version))


def _replays(case: Case, candidate: Asked, live: Asked | None, held: Holdout, attempts: Attempts) -> None:
    """Recorded requests asked again; held-out rows where none were recorded."""
    model, past = case.model, list[replay.Recorded]()

    def look() -> None:
        found = replay.recorded(case.lake, model, case.live.version) if case.live else None
        past.extend([found] if found else [])

    attempts.make("replay", look)
    if case.live is not None and live is not None:
        version, worker = case.live.version, live
        if past:
            attempts.make("replay", lambda: replay.same_as_logged(worker, past[0], model, version))
        else:
            attempts.notes.append(f"The lake has no prediction of {version}, so none could be asked again.")
    requests = past[0].table if past else held.inputs.slice(0, replay.REQUESTS)
    what = "recorded request" if past else "held-out row"
    if requests.num_rows:
        attempts.make("requests", lambda: replay.answers_well(candidate, requests, model, what))


def _quality(
    case: Case,
    held: Holdout,
    label: Labels,
    training: Training | None,
    workers: tuple[Asked, Asked | None],
    attempts: Attempts,
    told: Told | None,
) -> None:
    """The one pass over the held-out rows, and what the statistics say of it."""
    model = case.model
    said = attempts.answers("held_out_answers", *workers, held, told)
    if said is None:
        return
    attempts.make("quality", lambda: _evaluated(case, held, label, training, said, attempts))
    achieved = leak.reached(label, figures(said[0], model.positive), said[0].prediction, model)
    known = model.gate.known_before
    attempts.make("lone_feature", lambda: leak.lone_feature(held, model, case.features, label, achieved, known))
    attempts.make("features_together", lambda: features_together(held, model, case.features, label, known))


def _evaluated(
    case: Case,
    held: Holdout,
    label: Labels,
    training: Training | None,
    said: tuple[Answers, Answers | None],
    attempts: Attempts,
) -> Checked | None:
    """Each check of the statistics is one of the gate's; a gate without any FAILS."""
    model, columns = case.model, held.table.column_names
    segments = model.segments if model.gate.segments is None else model.gate.segments
    cells = {name: _values(held, name) for name in segments if name in columns}
    groups = {name: _values(held, name) for name in model.with_role(Role.PROTECTED) if name in columns}
    key = model.only(Role.ID)
    ids = _values(held, key) if key is not None and key in columns else None
    whole = Held(held.table, label, cells, groups, held.times(model), ids)
    ranked = training if model.task is Task.RANKING else None
    past = None if ranked is None else trained_items(ranked.files, model)
    attempts.evaluation = evaluate(model, whole, said[0], said[1], model.gate, past)
    attempts.checks += attempts.evaluation.checks
    if attempts.evaluation.thresholds:
        told = {**attempts.evaluation.thresholds, "curve": curve(model, whole, said[0])}
        attempts.evaluation = replace(attempts.evaluation, thresholds=told)
    if attempts.evaluation.checks:
        return None
    sentence = f"A model of task {model.task} has no quality that could be judged."
    return Checked("quality", Outcome.FAIL, sentence, "Give the model a task and a label in its YAML.")


def _verdict(case: Case, held: Holdout, attempts: Attempts, now: int) -> Gate:
    evaluation, span = attempts.evaluation, held.span(case.model)
    if evaluation is None and together(attempts.checks) is Outcome.PASS:
        sentence = "Nothing of its quality was judged."
        attempts.checks.append(Checked("quality", Outcome.FAIL, sentence, "Give held-out rows with labels."))
    return Gate(
        model=case.model.name,
        version=case.candidate.version,
        live=case.live.version if case.live else None,
        outcome=together(attempts.checks),
        checks=tuple(attempts.checks),
        metrics={} if evaluation is None else evaluation.metrics,
        thresholds={} if evaluation is None else evaluation.thresholds,
        holdout={
            "name": held.name,
            "rows": held.rows,
            "used": held.table.num_rows,
            "bad": held.bad,
            "unlabelled": held.unlabelled,
            "left_over": held.left_over,
            "sha256": held.sha256,
            "from": None if span is None else span[0],
            "to": None if span is None else span[1],
        },
        notes=tuple(attempts.notes),
        at=now,
    )


def _values(held: Holdout, name: str) -> NDArray[Any]:
    """A column's values as Python's, shape (n,)."""
    values = np.empty(held.table.num_rows, dtype=object)
    values[:] = held.table[name].to_pylist()
    return values
