"""Retrain: once a candidate passed, the same training on all rows, held against the one that passed."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
from numpy.typing import NDArray

from watchkeeper.model import Model, WatchkeeperError
from watchkeeper.model.clock import instant
from watchkeeper.release import registry
from watchkeeper.release.gate import replay
from watchkeeper.release.gate.answering import Asked, answers_to, differing, figures
from watchkeeper.release.gate.attempt import Attempts, loaded
from watchkeeper.release.gate.case import Case, case_of, kept
from watchkeeper.release.gate.holdout import CannotGate, Holdout, Told
from watchkeeper.release.gate.source import held_out
from watchkeeper.release.gate.trainer import ANSWER
from watchkeeper.release.gate.training import known_files
from watchkeeper.release.gate.verdict import Gate
from watchkeeper.release.outcome import Checked, Outcome, together
from watchkeeper.report import words
from watchkeeper.runtime import Answers
from watchkeeper.state.version import Version
from watchkeeper.stats.agreement import spearman
from watchkeeper.watch.home import Home

TOLD = 2_000
"""Characters of what a failed training printed last."""


class CannotTrain(WatchkeeperError):
    """The user's training function did not bring an artefact: the text says what it printed last."""

    exit_code = 4


def retrain(
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
    """Train on everything, register what comes of it, hold it against the version that passed, and keep the verdict.

    `function`: `pipeline.py:train`, given the paths of the training files (the last one holds the held-out rows) and a
    folder; it writes the artefact there and gives its path. Raises `CannotGate`, `CannotTrain`.
    """
    if passed.outcome is not Outcome.PASS or passed.number is None:
        raise CannotGate(f"{passed.version} did not pass, so it is not trained anew on everything.")
    if not train:
        raise CannotGate("--retrain needs the files that the candidate was trained on: --train FILES.")
    began = time.monotonic()
    before = case_of(home, passed.model, passed.version, model_fn)
    held = held_out(home, before.model, holdout, now=now)
    new = _registered(before, passed.number, function, known_files({}, train)[0], held, now, who)
    after = case_of(home, passed.model, new.version, model_fn)
    with ExitStack() as stack:
        attempts = Attempts(stack)
        _compared(before, after, held, attempts, told)
    note = f"{new.version} has seen the held-out rows, so its quality can't be judged by them: {passed.version} passed."
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
    return kept(home, found, now, who)


def alike(worker: Asked, passed: Answers, held: Holdout, model: Model) -> Checked:
    """Whether a retrained model says about what the one that passed says, of rows that it has seen meanwhile."""
    now, bounds = answers_to(worker, held.inputs), model.gate
    rows = held.table.num_rows
    facts: dict[str, Any] = {"rows": rows, "bound_flips": bounds.retrain_flips, "bound_rank": bounds.retrain_rank}
    said, wrong = [], []
    if passed.prediction is not None and now.prediction is not None and passed.prediction.dtype.kind != "f":
        flips = float((passed.prediction != now.prediction).mean()) if len(now.prediction) == rows else 1.0
        facts["flips"] = flips
        said.append(f"{words.percent(flips)} of the decisions differ")
        if flips > bounds.retrain_flips:
            wrong.append(f"{words.percent(bounds.retrain_flips)} of them may")
    one, two = figures(passed, model.positive), figures(now, model.positive)
    if one is not None and two is not None and len(one) == len(two):
        rank = _rank_correlation(one, two)
        facts["rank"] = rank
        said.append(f"the ranks of its answers have a correlation of {words.number(rank)}")
        if rank < bounds.retrain_rank:
            wrong.append(f"{words.number(bounds.retrain_rank)} is the least that they may")
    if not said:
        differ = float(differing(passed, now).mean())
        said, wrong = [f"{words.percent(differ)} of the answers differ"], ["none may"] if differ else []
    sentence = f"Against the model that passed, on {words.plural(rows, 'held-out row')}: {words.join(said)}"
    if wrong:
        remedy = (
            "Look at what the training does otherwise with more rows (random seeds, early stopping), then gate anew."
        )
        return Checked("like_the_gated", Outcome.FAIL, f"{sentence}; {words.join(wrong)}.", remedy, facts)
    return Checked("like_the_gated", Outcome.PASS, f"{sentence}.", facts=facts)


def _registered(
    case: Case, gate: int, function: str, files: Sequence[str], held: Holdout, now: int, who: str
) -> Version:
    """Train on the training files and on the held-out rows; what comes of it is a version of its own."""
    with tempfile.TemporaryDirectory(prefix="watchkeeper-") as folder:
        rows = Path(folder) / "held-out.parquet"
        pq.write_table(held.inputs, rows)
        artefact = _trained(function, folder, [*files, str(rows)])
        detail, lineage = case.candidate.detail, _lineage(case, gate, function, files, held)
        more = {"inputs": detail["inputs"], "function": detail["function"]}
        return registry.register(case.home, case.model.name, artefact, lineage=lineage, **more, now=now, who=who)


def _compared(before: Case, after: Case, held: Holdout, attempts: Attempts, told: Told | None) -> None:
    """Both models' answers to the held-out rows."""
    passed = attempts.started("loads_gated", before.servable, before.allowed)
    worker = attempts.started("loads", after.servable, after.allowed)
    if passed is None or worker is None:
        return
    requests = held.inputs.slice(0, replay.REQUESTS)
    attempts.make("loads", lambda: loaded(worker))
    attempts.make("requests", lambda: replay.answers_well(worker, requests, after.model, "held-out row"))
    said = attempts.answers("held_out_answers", passed, None, held, told)
    if said is not None:
        attempts.make("like_the_gated", lambda: alike(worker, said[0], held, after.model))


def _trained(function: str, folder: str, files: Sequence[str]) -> Path:
    """Run the function in a process of its own. Raises `CannotTrain`."""
    command = [sys.executable, "-m", "watchkeeper.release.gate.trainer", function, folder, *files]
    done = subprocess.run(command, capture_output=True, text=True, errors="replace", check=False)  # noqa: S603
    answer = Path(folder) / ANSWER
    if done.returncode or not answer.is_file():
        printed = words.inert((done.stderr or done.stdout).strip()[-TOLD:], TOLD).replace("\\n", "\n")
        raise CannotTrain(
            f"{function} did not bring a model (exit code {done.returncode}). It printed last:\n{printed}"
        )
    return Path(json.loads(answer.read_text(encoding="utf-8"))["path"])


def _lineage(case: Case, gate: int, function: str, files: Sequence[str], held: Holdout) -> dict[str, Any]:
    """The candidate's own lineage, with what is different."""
    before: Mapping[str, Any] = case.candidate.detail["lineage"]
    span, data = held.span(case.model), dict(before.get("data") or {})
    data["files"] = [Path(file).name for file in files] + [held.name]
    data["to"] = instant(span[1]) if span else data.get("to")
    data |= {"rows": None, "sha256": None}
    same = {name: value for name, value in before.items() if name not in ("metrics", "thresholds")}
    return same | {"data": data, "retrained": {"from": case.candidate.version, "gate": gate, "function": function}}


def _rank_correlation(one: NDArray[np.float64], two: NDArray[np.float64]) -> float:
    """Spearman's; of a constant, whether the other one is the same."""
    if not np.ptp(one) or not np.ptp(two):
        return 1.0 if np.allclose(one, two) else 0.0
    return spearman(one, two)
