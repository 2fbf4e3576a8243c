"""Retrain: once a candidate passed, the same training on all rows, held against the one that passed."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq

from watchkeeper.model import Model, WatchkeeperError
from watchkeeper.model.bounds import Bounds
from watchkeeper.release import registry
from watchkeeper.release.answering import answers_to, differing, figures
from watchkeeper.release.holdout import Holdout
from watchkeeper.release.lone import mid_ranks
from watchkeeper.release.outcome import Checked, Outcome
from watchkeeper.release.trainer import ANSWER
from watchkeeper.release.verdict import instant
from watchkeeper.report import words
from watchkeeper.runtime import Answers, Worker
from watchkeeper.state.version import Version
from watchkeeper.watch.home import Home

TOLD = 2_000
"""Characters of what a failed training printed last."""


class CannotTrain(WatchkeeperError):
    """The user's training function did not bring an artefact: the text says what it printed last."""

    exit_code = 4


def retrained(
    home: Home,
    model: Model,
    candidate: Version,
    gate: int,
    function: str,
    files: Sequence[str],
    held: Holdout,
    *,
    now: int,
    who: str,
) -> Version:
    """Train on the training files and on the held-out rows, and register what comes of it as a version of its own.

    `gate`: the number of the verdict that let the candidate through. Raises `CannotTrain`.
    """
    with tempfile.TemporaryDirectory(prefix="watchkeeper-") as folder:
        rows = Path(folder) / "held-out.parquet"
        pq.write_table(held.inputs, rows)
        artefact = _trained(function, folder, [*files, str(rows)])
        lineage = _lineage(candidate, gate, function, files, held, model)
        inputs, answers = candidate.detail["inputs"], candidate.detail["function"]
        return registry.register(
            home, model.name, artefact, lineage=lineage, inputs=inputs, function=answers, now=now, who=who
        )


def alike(
    worker: Worker, passed: Answers, held: Holdout, inputs: Sequence[str], model: Model, bounds: Bounds
) -> Checked:
    """Whether a retrained model says about what the one that passed says, of rows that it has seen meanwhile."""
    now = answers_to(worker, held.inputs, inputs)
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


def _trained(function: str, folder: str, files: Sequence[str]) -> Path:
    """Run the function in a process of its own. Raises `CannotTrain`."""
    command = [sys.executable, "-m", "watchkeeper.release.trainer", function, folder, *files]
    done = subprocess.run(command, capture_output=True, text=True, errors="replace", check=False)  # noqa: S603
    answer = Path(folder) / ANSWER
    if done.returncode or not answer.is_file():
        printed = words.inert((done.stderr or done.stdout).strip()[-TOLD:], TOLD).replace("\\n", "\n")
        raise CannotTrain(
            f"{function} did not bring a model (exit code {done.returncode}). It printed last:\n{printed}"
        )
    return Path(json.loads(answer.read_text(encoding="utf-8"))["path"])


def _lineage(
    candidate: Version, gate: int, function: str, files: Sequence[str], held: Holdout, model: Model
) -> dict[str, Any]:
    """The candidate's own lineage, with what is different."""
    before: Mapping[str, Any] = candidate.detail["lineage"]
    data = dict(before.get("data") or {})
    span = held.span(model)
    data["files"] = [Path(file).name for file in files] + [held.name]
    data["to"] = instant(span[1]) if span else data.get("to")
    data |= {"rows": None, "sha256": None}
    kept = {name: value for name, value in before.items() if name not in ("metrics", "thresholds")}
    return kept | {"data": data, "retrained": {"from": candidate.version, "gate": gate, "function": function}}


def _rank_correlation(one: np.ndarray[Any, np.dtype[np.float64]], two: np.ndarray[Any, np.dtype[np.float64]]) -> float:
    """Spearman's, ties by mid-ranks."""
    if not np.ptp(one) or not np.ptp(two):
        return 1.0 if np.allclose(one, two) else 0.0
    return float(np.corrcoef(mid_ranks(one), mid_ranks(two))[0, 1])
