"""The gate: may a candidate go live? One pass over held-out rows, and all that speaks against it."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from watchkeeper.lake import Lake
from watchkeeper.model import Model, Role, WatchkeeperError
from watchkeeper.release import leak, registry, replay, retrain, speed
from watchkeeper.release.answering import BATCH, SECONDS, columns_of, figures, joined, length
from watchkeeper.release.evaluate import evaluate
from watchkeeper.release.held import Evaluation, Held
from watchkeeper.release.holdout import CannotGate, Holdout, Told, held_out, typed_labels
from watchkeeper.release.outcome import Checked, Outcome, together
from watchkeeper.release.training import Training, data_end, known_files, trained_on
from watchkeeper.release.verdict import Gate, as_dict
from watchkeeper.report import words
from watchkeeper.runtime import Allowed, Answers, Format, Servable, Worker
from watchkeeper.state import gate as gates
from watchkeeper.state.version import Version
from watchkeeper.watch.home import Home

BROKEN = "Mend what the error names, and gate again; until then nothing is known of this."


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
    case = _case(home, model, version, model_fn)
    held = held_out(home, case.model, holdout, now=now, told=told)
    with _Attempts() as attempts:
        _judge(case, held, train, attempts, told)
        found = _verdict(case, held, attempts, now)
    done = replace(found, seconds=time.monotonic() - began)
    return _kept(home, done, now, who)


def retrained(
    home: Home,
    passed: Gate,
    holdout: str,
    function: str,
    *,
    train: Sequence[str],
    model_fn: str | None = None,
    now: int,
    who: str,
    told: Told | None = None,
) -> Gate:
    """Train anew on everything, register what comes of it, and hold it against the version that passed.

    `function`: `pipeline.py:train`, given the training files (the last one holds the held-out rows) and a folder; it
    writes the artefact there and gives its path. Raises `CannotGate`, `CannotTrain`.
    """
    if passed.outcome is not Outcome.PASS or passed.number is None:
        raise CannotGate(f"{passed.version} did not pass, so it is not trained anew on everything.")
    if not train:
        raise CannotGate("--retrain needs the files that the candidate was trained on: --train FILES.")
    began = time.monotonic()
    case = _case(home, passed.model, passed.version, model_fn)
    held = held_out(home, case.model, holdout, now=now)
    files, _ = known_files({}, train)
    new = retrain.retrained(home, case.model, case.candidate, passed.number, function, files, held, now=now, who=who)
    anew = _case(home, passed.model, new.version, model_fn)
    with _Attempts() as attempts:
        before = attempts.started("loads_gated", case.servable, case.allowed)
        after = attempts.started("loads", anew.servable, anew.allowed)
        if before is not None and after is not None:
            said = attempts.answers("answers", before, None, held, told)
            requests = held.inputs.slice(0, replay.REQUESTS)
            inputs = list(anew.servable.inputs)
            attempts.make("requests", lambda: replay.answers_well(after, inputs, requests, case.model, "held-out row"))
            if said is not None:
                need = case.model.gate
                attempts.make("like_the_gated", lambda: retrain.alike(after, said[0], held, inputs, case.model, need))
        note = (
            f"{new.version} has seen the held-out rows, so its quality can't be judged by them: its verdict rests on "
            f"that of {passed.version}."
        )
        found = Gate(
            model=passed.model,
            version=new.version,
            live=passed.live,
            outcome=together(attempts.checks),
            checks=tuple(attempts.checks),
            holdout=passed.holdout,
            notes=(note,),
            of={"version": passed.version, "gate": passed.number},
            at=now,
            seconds=time.monotonic() - began,
        )
    return _kept(home, found, now, who)


@dataclass(frozen=True)
class _Case:
    """Who is judged, and against whom."""

    home: Home
    model: Model
    lake: Lake
    candidate: Version
    live: Version | None
    servable: Servable
    allowed: Allowed
    notes: tuple[str, ...]


def _case(home: Home, model: str, version: str, model_fn: str | None) -> _Case:
    declared = home.model(model)
    candidate = registry.one(home, model, version)
    live = registry.live(home, model)
    notes: list[str] = []
    if live is not None and live.version == version:
        live = registry.previous(home, model)
        against = f"what was live before, {live.version}" if live else "the naive baseline alone"
        notes.append(f"{version} is live itself, so it is held against {against}.")
    elif live is None:
        notes.append("No version is live, so the candidate is held against the naive baseline alone.")
    servable = registry.servable(home, candidate)
    allowed = home.config.serving
    if model_fn is not None:
        servable = Servable(Format.FUNCTION, servable.inputs, servable.path, model_fn)
        allowed = allowed.model_copy(update={"functions": True})
    return _Case(home, declared, home.lake(declared), candidate, live, servable, allowed, tuple(notes))


@dataclass
class _Attempts(ExitStack):
    """The checks as they are made: one that can't be is a FAIL that tells the error, never left out."""

    checks: list[Checked] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    evaluation: Evaluation | None = None

    def __post_init__(self) -> None:
        super().__init__()

    def make(self, name: str, check: Callable[[], Checked | None]) -> Checked | None:
        """Make a check, and take what it says, if it says anything."""
        try:
            made = check()
        except Exception as error:  # noqa: BLE001 - whatever goes wrong in a check speaks against the candidate
            made = Checked(name, Outcome.FAIL, f"This could not be checked: {_told(error)}", BROKEN, _facts(error))
        if made is not None:
            self.checks.append(made)
        return made

    def started(self, name: str, servable: Servable, allowed: Allowed) -> Worker | None:
        """A fresh process that holds a model; None where it can't be loaded, which is told."""
        held: list[Worker] = []

        def load() -> Checked | None:
            held.append(self.enter_context(Worker(servable, allowed, memory_bytes=allowed.memory_bytes)))
            if name != "loads":
                return None
            seconds, size = held[0].load_seconds, held[0].memory_bytes
            sentence = f"It loads in a fresh process in {words.duration(seconds)}, which holds {words.size(size)} then."
            return Checked(name, Outcome.PASS, sentence, facts={"seconds": seconds, "bytes": size})

        self.make(name, load)
        return held[0] if held else None

    def answers(
        self, name: str, candidate: Worker, live: Worker | None, held: Holdout, told: Told | None
    ) -> tuple[Answers, Answers | None] | None:
        """What both models answer to all held-out rows, in one pass; None where one fails, which is told."""
        given: list[tuple[Answers, Answers | None]] = []

        def ask() -> None:
            given.append(_one_pass(candidate, live, held, told))

        self.make(name, ask)
        return given[0] if given else None


def _judge(case: _Case, held: Holdout, train: Sequence[str], attempts: _Attempts, told: Told | None) -> None:
    """Make all checks of a candidate."""
    model, need = case.model, case.model.gate
    attempts.checks += held.checks
    label = typed_labels(held, model)
    attempts.make("labels", lambda: leak.labels(held, model, label))
    attempts.notes += case.notes
    features = [name for name in case.servable.inputs if name in model.columns]
    _data_checks(case, held, train, features, attempts, told)
    candidate = attempts.started("loads", case.servable, case.allowed)
    live = case.live and attempts.started(
        "loads_live", registry.servable(case.home, case.live), case.home.config.serving
    )
    if candidate is None:
        return
    _replays(case, candidate, live, held, attempts)
    if not held.table.num_rows:
        return
    said = attempts.answers("held_out_answers", candidate, live, held, told)
    if said is not None:
        attempts.make("quality", lambda: _quality(case, held, label, said, attempts))
        achieved = leak.reached(label, figures(said[0], model.positive), said[0].prediction, model)
        attempts.make(
            "lone_feature", lambda: leak.lone_feature(held, model, features, label, achieved, need.known_before)
        )
    if candidate.alive and (live is None or live.alive):
        inputs = [list(case.servable.inputs), list(live.inputs) if live else []]
        attempts.make("latency", lambda: speed.latency(speed.timed(candidate, live, held.inputs, inputs), need))
        size = live.memory_bytes if live else None
        attempts.make("memory", lambda: speed.memory(candidate.memory_bytes, size, need))


def _data_checks(
    case: _Case, held: Holdout, train: Sequence[str], features: list[str], attempts: _Attempts, told: Told | None
) -> None:
    """Whether the held-out rows are fit to judge by."""
    model, lineage = case.model, case.candidate.detail["lineage"]
    end = data_end(lineage)
    files, gone = known_files(lineage, train)
    read: list[Training] = []

    def seen() -> Checked | None:
        if files:
            read.append(trained_on(files, model, features, told))
        return None

    attempts.make("training_data", seen)
    training = read[0] if read else None
    source = "as it was registered"
    if training is not None and training.newest is not None:
        end, source = training.newest, "by its training files"
    attempts.notes += leak.notes(end, training, gone, features)
    ordered = attempts.make("time_leak", lambda: leak.time_leak(held, model, end, source))
    if held.table.num_rows:
        known = model.gate.known_before
        attempts.make("future_feature", lambda: leak.future_feature(held, model, features, known))
    if held.table.num_rows and training is not None:
        attempts.make("rows_seen", lambda: leak.rows_seen(held, features, training))
        later = ordered is not None and ordered.outcome is Outcome.PASS
        attempts.make("entity_overlap", lambda: leak.entity_overlap(held, model, features, training, ordered=later))
    attempts.make("latest_period", lambda: leak.newest_period(held, model, _newest_labelled(case.lake)))


def _replays(case: _Case, candidate: Worker, live: Worker | None, held: Holdout, attempts: _Attempts) -> None:
    """Recorded requests asked again; held-out rows where none were recorded."""
    inputs = list(case.servable.inputs)
    past: list[replay.Recorded] = []

    def look() -> Checked | None:
        found = replay.recorded(case.lake, case.model, case.live.version) if case.live else None
        past.extend([found] if found else [])
        return None

    attempts.make("replay", look)
    if past and live is not None and case.live is not None:
        version = case.live.version
        attempts.make("replay", lambda: replay.same_as_logged(live, list(live.inputs), past[0], case.model, version))
    elif case.live is not None and live is not None:
        attempts.notes.append(f"The lake has no prediction of {case.live.version}, so none could be asked again.")
    requests = past[0].table if past else held.inputs.slice(0, replay.REQUESTS)
    what = "recorded request" if past else "held-out row"
    if requests.num_rows:
        attempts.make("requests", lambda: replay.answers_well(candidate, inputs, requests, case.model, what))


def _quality(
    case: _Case, held: Holdout, label: NDArray[np.generic], said: tuple[Answers, Answers | None], attempts: _Attempts
) -> Checked | None:
    """The statistics of quality; each of its checks is one of the gate's."""
    model = case.model
    columns = held.table.column_names
    segments = [name for name in (model.gate.segments if model.gate.segments is not None else model.segments)]
    cells = {name: _values(held, name) for name in segments if name in columns}
    groups = {name: _values(held, name) for name in model.with_role(Role.PROTECTED) if name in columns}
    times = held.times(model)
    key = model.only(Role.ID)
    ids = _values(held, key) if key in columns and key is not None else None
    whole = Held(held.table, label, cells, groups, times, ids)
    attempts.evaluation = evaluate(model, whole, said[0], said[1], model.gate)
    attempts.checks += attempts.evaluation.checks
    if not attempts.evaluation.checks:
        sentence = f"A model of task {model.task} has no quality that could be judged."
        return Checked("quality", Outcome.FAIL, sentence, "Give the model a task and a label in its YAML.")
    return None


def _one_pass(
    candidate: Worker, live: Worker | None, held: Holdout, told: Told | None
) -> tuple[Answers, Answers | None]:
    """Both models' answers to all held-out rows, batch by batch."""
    mine, theirs = [], []
    for first in range(0, held.inputs.num_rows, BATCH):
        batch = held.inputs.slice(first, BATCH)
        mine.append(candidate.predict(columns_of(batch, candidate.inputs), SECONDS))
        if live is not None:
            theirs.append(live.predict(columns_of(batch, live.inputs), SECONDS))
        if told:
            told(batch.num_rows)
    said, against = joined(mine), joined(theirs) if live is not None else None
    for name, answers in (("candidate", said), ("live model", against)):
        if answers is not None and length(answers) != held.table.num_rows:
            raise CannotGate(f"the {name} gave {length(answers):,} answers to {held.table.num_rows:,} rows.")
    return said, against


def _verdict(case: _Case, held: Holdout, attempts: _Attempts, now: int) -> Gate:
    evaluation = attempts.evaluation
    span = held.span(case.model)
    if evaluation is None and not any(check.outcome is not Outcome.PASS for check in attempts.checks):
        remedy = "Give held-out rows with labels."
        attempts.checks.append(Checked("quality", Outcome.FAIL, "Nothing of its quality was judged.", remedy))
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


def _kept(home: Home, found: Gate, now: int, who: str) -> Gate:
    number = gates.add(home.store, found.model, found.version, found.outcome.value, as_dict(found), now, who)
    return replace(found, number=number)


def _newest_labelled(lake: Lake) -> int | None:
    """The latest event that has a label; None where the lake has none."""
    newest = None
    for batch in lake.read("labels", columns=["event_time"]):
        times = batch.column("event_time").drop_null()
        if len(times):
            last = int(np.asarray(times.cast("int64")).max())
            newest = last if newest is None else max(newest, last)
    return newest


def _values(held: Holdout, name: str) -> NDArray[Any]:
    """A column's values as Python's, shape (n,)."""
    values = np.empty(held.table.num_rows, dtype=object)
    values[:] = held.table[name].to_pylist()
    return values


def _told(error: Exception) -> str:
    text = str(error).strip() or type(error).__name__
    return text if isinstance(error, WatchkeeperError) else f"{type(error).__name__}: {text}"


def _facts(error: Exception) -> Mapping[str, Any]:
    return {"error": type(error).__name__}
